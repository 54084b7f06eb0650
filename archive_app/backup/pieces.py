"""Bytes on their way: pieces as a file that others read, and a file as pieces."""

import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

PIECE = 1 << 20  # bytes in hand at a time


class PieceReader(io.RawIOBase):
    """Pieces as a readable file; remembers an error of theirs, which is not the reader's."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""
        self.given = 0
        self.fault: BaseException | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Exactly `size` bytes, fewer at the end only."""
        waiting, length = [self._rest], len(self._rest)
        try:
            while size < 0 or length < size:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                waiting.append(piece)
                length += len(piece)
        except BaseException as fault:
            self.fault = fault
            raise
        whole = b"".join(waiting)
        taken, self._rest = (whole, b"") if size < 0 else (whole[:size], whole[size:])
        self.given += len(taken)
        return taken

    def as_file(self) -> BinaryIO:
        """Itself, as what the store's port asks for."""
        return cast("BinaryIO", self)


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """The rest of the file; it is closed at the end."""
    with file:
        while piece := file.read(PIECE):
            yield piece
