"""An archive with a few read papers whose index does not answer."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import sqlalchemy as sa
from houses import a_batch, a_home, a_house, archivist, receive, samples, work

from archive_app.core.errors import Unavailable
from archive_app.core.model import PartyLink
from archive_app.core.ports import SearchIndex
from archive_app.wiring import Archive


class AwayIndex:
    """The index while its server does not answer."""

    def __init__(self, index: SearchIndex) -> None:
        self.index = index

    def put(self, *_: object) -> NoReturn:
        raise Unavailable("index-unreachable")

    remove = put

    def search(self, *_: object, **__: object) -> NoReturn:
        raise Unavailable("index-unreachable")


def a_read_home(folder: Path) -> Path:
    home = a_home(folder)
    with a_house(folder, home=home) as archive:
        receive(archive, a_batch(archive), *samples("0001", "0004", "0027", "0035"))
        work(archive)
    return home


@contextmanager
def an_away_house(folder: Path, read_home: Path) -> Iterator[Archive]:
    """A copy of that home, opened while its index is away."""
    shutil.copytree(read_home, folder / "home")
    with a_house(folder, home=folder / "home") as archive:
        archive.index = AwayIndex(archive.index)  # type: ignore[assignment,method-assign]
        yield archive


def named(archive: Archive) -> list[PartyLink]:
    with archive.reading(archivist(archive)) as unit:
        return list(unit.all(sa.select(PartyLink).where(PartyLink.person_id.is_not(None), PartyLink.name.is_not(None))))
