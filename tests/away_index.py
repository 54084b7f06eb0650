"""An archive with a few read papers whose index does not answer."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NoReturn

import databases
import sqlalchemy as sa
from houses import a_batch, a_house, archivist, receive, samples, work

from archive_app.core.errors import Unavailable
from archive_app.core.model import PartyLink, Record
from archive_app.core.ports import SearchIndex
from archive_app.core.vocabulary import Action, PartyKind, PartyRole
from archive_app.wiring import Archive
from search import sync


@contextmanager
def come_back(archive: Archive) -> Iterator[None]:
    """The index answers for the length of the block."""
    away = archive.index
    assert isinstance(away, AwayIndex)
    archive.index = away.index  # type: ignore[method-assign]
    try:
        yield
    finally:
        archive.index = away  # type: ignore[assignment,method-assign]


class AwayIndex:
    """The index while its server does not answer."""

    def __init__(self, index: SearchIndex) -> None:
        self.index = index

    def put(self, *_: object) -> NoReturn:
        raise Unavailable("index-unreachable")

    remove = put

    def search(self, *_: object, **__: object) -> NoReturn:
        raise Unavailable("index-unreachable")


@cache
def a_read_home() -> Path:
    """A home with a few papers that were read, made once a run and copied for each test."""
    folder = Path(tempfile.mkdtemp(prefix="archive-read-"))
    with a_house(folder) as archive:
        receive(archive, a_batch(archive), *samples("0001", "0004", "0027", "0035"))
        work(archive)
    return folder / "home"


def a_copy(folder: Path) -> Path:
    home = folder / "home"
    shutil.copytree(a_read_home(), home)
    databases.copied_home(a_read_home(), home)
    return home


@contextmanager
def an_away_house(folder: Path) -> Iterator[Archive]:
    """A copy of that home, opened while its index is away."""
    with a_house(folder, home=a_copy(folder)) as archive:
        archive.index = AwayIndex(archive.index)  # type: ignore[assignment,method-assign]
        yield archive


def named(archive: Archive) -> list[PartyLink]:
    with archive.reading(archivist(archive)) as unit:
        return list(unit.all(sa.select(PartyLink).where(PartyLink.person_id.is_not(None), PartyLink.name.is_not(None))))


def a_name_on_all(archive: Archive) -> str:
    """A name that stands on every paper now, for the index too: its list has further pages."""
    name = str(named(archive)[0].name)
    with archive.unit(archivist(archive)) as unit:
        for record in unit.all(sa.select(Record)):
            link = PartyLink(record_id=record.id, fonds_id=record.fonds_id, level=record.level,
                             kind=PartyKind.PERSON, role=PartyRole.SUBJECT, name=name)  # fmt: skip
            unit.add(Action.RECORD_REVIEW, link)
    with come_back(archive), archive.reading(archivist(archive)) as unit:
        idents = [row[0] for row in unit.rows(sa.select(Record.id))]
        sync.refresh(archive.reading(archive.own_work("index")), archive.index, idents, hasher=archive.hasher)
    return name
