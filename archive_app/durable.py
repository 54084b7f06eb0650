"""What outlives a power cut: names in folders, and small files written whole."""

import os
from pathlib import Path


def settle(folder: Path) -> None:
    """Make the folder's names durable. Raises `OSError`."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def write_private(path: Path, content: bytes) -> None:
    """A small file for its owner only, whole or not at all; what was there is replaced. Raises `OSError`."""
    draft = path.with_name(f".{path.name}.draft")
    draft.touch(mode=0o600)
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    settle(path.parent)
