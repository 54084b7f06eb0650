"""A whole archive in a folder, with an archivist who really signed in, for tests that let things go wrong.

Nothing here starts a process of its own: `work` does the jobs in the calling one, with a clock that can be moved.
"""

import datetime as dt
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import databases
import sqlalchemy as sa
from recorded_ocr import SAMPLES, recorded_engine

from archive_app import installation, store_check
from archive_app.clock import SystemClock
from archive_app.core import audit
from archive_app.core.model import Batch, Component, IntakeFile, Page, Record
from archive_app.core.ports import OcrEngine
from archive_app.core.settings import Settings
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import JobState, Level, RecordState, Viewer
from archive_app.wiring import Archive
from archive_app.worker import Worker
from ingest import intake
from search import sync

FONDS = "J019"
_PASSWORD = "Qwert-98765x"
_PATIENCE_STEPS = 2000


class MovableClock(SystemClock):
    """The system's time, moved by hand."""

    def __init__(self) -> None:
        super().__init__("Asia/Shanghai")
        self._ahead = dt.timedelta()

    def now(self) -> dt.datetime:
        return super().now() + self._ahead

    def forward(self, **duration: float) -> None:
        self._ahead += dt.timedelta(**duration)

    def set_ahead(self, **duration: float) -> None:
        """Of the system's time from now on."""
        self._ahead = dt.timedelta(**duration)


@cache
def _template() -> Path:
    home = Path(tempfile.mkdtemp(prefix="archive-house-"))
    furnish(databases.new_home(home))
    return home


def furnish(settings: Settings) -> None:
    """Install an archive with one fonds and one archivist, whose token is in the file `token` of the home."""
    home = settings.home
    installation.install(settings, fonds=FONDS, name="江州市医疗保障服务中心")
    archive = Archive(settings)
    accounts = archive.accounts
    for login in ("system", "security"):
        code = (home / "activation" / f"{login}.code").read_text(encoding="utf-8")
        accounts.activate(login, code=code, password=_PASSWORD)
    system, security = (accounts.viewer(accounts.sign_in(login, _PASSWORD)) for login in ("system", "security"))
    _, code = accounts.add(system, "archivist", name="档案员甲")
    accounts.activate("archivist", code=code, password=_PASSWORD)
    accounts.grant(security, "archivist", roles=["archivist"], fonds=[FONDS], level=Level.HIGHLY_SENSITIVE)
    token = accounts.tokens.add(accounts.sign_in("archivist", _PASSWORD))
    (home / "token").write_text(token, encoding="utf-8")
    archive.close()


def a_home(folder: Path) -> Path:
    """A furnished home: a copy, for installing takes longer."""
    home = folder / "home"
    shutil.copytree(_template(), home)
    databases.copied_home(_template(), home)
    return home


@contextmanager
def a_house(
    folder: Path, *, engines: Callable[[str], OcrEngine] = recorded_engine, home: Path | None = None
) -> Iterator[Archive]:
    """That archive, opened with a clock that can be moved."""
    archive = Archive(databases.settings(home or a_home(folder)), engines=engines)
    archive.clock = MovableClock()
    try:
        yield archive
    finally:
        archive.close()


def archivist(archive: Archive) -> Viewer:
    return archive.accounts.viewer_of_token((archive.settings.home / "token").read_text(encoding="utf-8"))


def a_batch(archive: Archive) -> UUID:
    viewer = archivist(archive)
    with archive.unit(viewer) as unit:
        return intake.open_batch(unit, fonds_id=next(iter(viewer.fonds)), source="窗口").id


def receive(archive: Archive, batch: UUID, *files: Path) -> list[UUID]:
    viewer = archivist(archive)
    idents = []
    for path in files:
        with path.open("rb") as stream:
            idents.append(intake.receive(archive.workshop, viewer, batch, stream, path=path.name))
    return idents


def work(archive: Archive, *, worker: Worker | None = None, steps: int = _PATIENCE_STEPS) -> None:
    """Do every job there is, moving the clock on over the waits between attempts, until all are done or buried."""
    worker = worker or Worker(archive)
    clock = archive.clock
    assert isinstance(clock, MovableClock)
    for _ in range(steps):
        if worker.step():
            continue
        if all(row.state == JobState.BURIED for row in archive.queue.list()):
            return
        clock.forward(seconds=60)
    raise AssertionError([(row.name, row.state, row.reason) for row in archive.queue.list()])


# ---------------------------------------------------------------- what must hold whatever happened


class PageFacts(NamedTuple):
    number: int
    state: str
    text: str
    source: str


class RecordFacts(NamedTuple):
    title: str
    state: str
    type_code: str
    class_code: str
    pages: tuple[PageFacts, ...]
    components: tuple[tuple[str, str], ...]  # kind and media type


class FileFacts(NamedTuple):
    digest: str
    outcome: str
    pages: int


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a batch became, without the ids that differ from run to run: of equal files either may be the first."""

    files: tuple[FileFacts, ...]
    records: tuple[RecordFacts, ...]


def holdings(archive: Archive, batch: UUID) -> Holdings:
    with archive.reading(archivist(archive)) as unit:
        files = unit.all(sa.select(IntakeFile).where(IntakeFile.batch_id == batch))
        records = unit.all(sa.select(Record).where(Record.batch_id == batch))
        return Holdings(
            tuple(sorted(FileFacts(one.sha256, one.outcome.value, one.pages or 0) for one in files)),
            tuple(sorted(_facts(unit, record) for record in records)),
        )


def _facts(unit: Unit, record: Record) -> RecordFacts:
    pages = unit.all(sa.select(Page).where(Page.record_id == record.id).order_by(Page.number))
    components = unit.all(sa.select(Component).where(Component.record_id == record.id))
    return RecordFacts(
        record.title,
        record.state.value,
        record.type_code or "",
        record.class_code or "",
        tuple(PageFacts(page.number, page.state.value, page.text or "", page.text_source or "") for page in pages),
        tuple(sorted((one.kind.value, one.media_type) for one in components)),
    )


def assert_nothing_is_stuck(archive: Archive) -> None:
    left = [(row.name, row.state, row.reason) for row in archive.queue.list()]
    assert left == [], left
    unit = archive.reading(archive.own_work("check"))
    with unit:
        stuck = unit.rows(
            sa.select(Record.code, Record.state).where(Record.state.in_([RecordState.CAPTURED, RecordState.READ]))
        )
    assert list(stuck) == []


def assert_bytes_and_rows_agree(archive: Archive) -> None:
    """Nothing named is missing or altered; what nobody names is swept once it is old, and nothing else is."""
    found = store_check.check(archive, read_bytes=True)
    assert (found.missing, found.altered) == ((), ())
    clock = archive.clock
    assert isinstance(clock, MovableClock)
    clock.forward(days=2)
    store_check.check(archive, sweep=True)
    after = store_check.check(archive, read_bytes=True)
    assert (after.missing, after.altered, after.strays) == ((), (), ())
    assert after.objects == after.rows


def assert_index_and_log_are_whole(archive: Archive) -> None:
    compared = sync.compare(archive.reading(archive.own_work("index")), archive.index)
    assert compared.equal, compared
    with archive.sessions.reading() as session:
        assert audit.verify(session).faults == ()


def assert_balance_adds_up(archive: Archive, batch: UUID, *, files: int) -> None:
    with archive.reading(archivist(archive)) as unit:
        found = intake.balance(unit, unit.get(Batch, batch))
    assert found.waiting == 0
    assert found.received == files == found.accepted + found.duplicate + found.refused


def samples(*names: str) -> Sequence[Path]:
    """Files of the demo's samples by their number."""
    found = {path.name.partition(".")[0].partition("-")[0]: path for path in SAMPLES.rglob("*.*")}
    return [found[name] for name in names]
