"""`archive move`: a whole archive into another home, database, store and index; and back by the same command.

The source is read and never written, and must stand still: no worker may live, and the head of its log must be the same
at the end as at the beginning. The target is kept shut until everything was compared.
"""

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from archive_app import database
from archive_app.backup import rows
from archive_app.backup.landing import Landed, land
from archive_app.backup.manifest import ObjectEntry
from archive_app.backup.pieces import pieces_of
from archive_app.backup.rows import Shape
from archive_app.backup.run import Progress, the_only_one
from archive_app.backup.source import count_objects, named_objects, one_look, reading_engine, tree_head
from archive_app.core.audit import TreeHead
from archive_app.core.errors import Conflict
from archive_app.core.settings import Settings
from archive_app.register import register_of
from archive_app.wiring import Archive, opened


class ArchiveOrigin:
    """`Origin` that is another archive, as one look sees it."""

    def __init__(self, archive: Archive, engine: sa.Engine, look: sa.Connection) -> None:
        self._archive, self._engine, self._look = archive, engine, look
        self._head = tree_head(archive, look)
        self._objects = count_objects(look)

    @property
    def name(self) -> str:
        """The same in every try, as long as nothing happens in the source."""
        return f"move-{self._head.size}-{self._head.root[:16]}"

    @property
    def revision(self) -> str:
        return str(database.current(self._engine))

    @property
    def head(self) -> TreeHead:
        return self._head

    @property
    def shapes(self) -> Sequence[Shape]:
        return rows.shapes()

    @property
    def object_count(self) -> int:
        return self._objects

    @property
    def missing(self) -> frozenset[str]:
        return frozenset()  # an archive with losses is not moved: the first one ends it, named

    def lines(self, shape: Shape) -> Iterator[bytes]:
        return rows.lines(self._look, shape)

    def digest(self, shape: Shape) -> str | None:
        del shape
        return None  # of what was sent

    def objects(self) -> Iterator[ObjectEntry]:
        return named_objects(self._look)

    def content(self, entry: ObjectEntry) -> Iterator[bytes]:
        return pieces_of(self._archive.store.open(entry.key, version_id=entry.version_id))

    def key_files(self) -> Mapping[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self._archive.settings.keys.glob("[!.]*"))}

    def unchanged(self) -> None:
        with one_look(self._engine) as connection:
            now = tree_head(self._archive, connection)
        if (now.size, now.root) != (self._head.size, self._head.root):
            raise Conflict("source-changed", leaves=self._head.size, now=now.size)


def move(source: Settings, target: Settings, *, progress: Progress) -> Landed:
    """Move the source into the target. Run again, it goes on; the source stays as it is.

    Raises `Conflict("same-home")`, `("workers-live")`, `("source-changed")`, and as `land` does.
    """
    if source.home == target.home:
        raise Conflict("same-home", home=str(target.home))
    with opened(source) as archive, the_only_one(archive):
        _stands_still(archive)
        _copy_register(source, target)
        engine = reading_engine(source)
        try:
            with one_look(engine) as look:
                return land(ArchiveOrigin(archive, engine, look), target, progress=progress)
        finally:
            engine.dispose()


def _stands_still(archive: Archive) -> None:
    live = archive.queue.live_workers()
    if live:
        raise Conflict("workers-live", processes=live)


def _copy_register(source: Settings, target: Settings) -> None:
    """What was destroyed stays on record, where the register moves too."""
    register = register_of(target)
    if next(register.entries(), None) is None:
        register.note(*register_of(source).entries())
