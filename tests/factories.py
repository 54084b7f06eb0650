"""Archives, viewers and rows for tests: plain functions with keyword defaults; an archive is really installed."""

import datetime as dt
import shutil
import tempfile
from functools import cache
from pathlib import Path
from uuid import UUID, uuid4

import databases
import postgres_cluster
import sqlalchemy as sa

from archive_app import database, schema
from archive_app.core.model import Component, Fonds, Page, Record, User
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, ComponentKind, FondsId, Level, RecordId, RecordState, UserId, Viewer
from archive_app.installation import add_fonds, install
from archive_app.wiring import Archive

NOON = dt.datetime(2026, 3, 2, 4, 0, tzinfo=dt.UTC)
EVERY_ACTION = frozenset(Action)


class StoppedClock:
    """A clock that moves only when told."""

    def __init__(self, now: dt.datetime = NOON) -> None:
        self.moment = now

    def now(self) -> dt.datetime:
        return self.moment

    def today(self) -> dt.date:
        return self.moment.date()

    def forward(self, **duration: float) -> None:
        self.moment += dt.timedelta(**duration)


@cache
def _template(kind: str) -> Path:
    """One archive with the fonds J001 and J002, installed once a run and copied for each test."""
    home = Path(tempfile.mkdtemp(prefix="archive-template-"))
    settings = databases.new_home(home, kind=kind)
    install(settings, fonds="J001", name="城东医保中心")
    archive = Archive(settings)
    with archive.unit(a_viewer(fonds=())) as unit:
        add_fonds(unit, code="J002", name="城西医保中心")
    archive.close()
    return home


def an_archive(folder: Path, *, clock: StoppedClock | None = None, kind: str | None = None) -> Archive:
    """An installed archive with two fonds under `folder`, on this kind of database or the run's; close it after use."""
    home, template = folder / "home", _template(kind or databases.Chosen.kind)
    shutil.copytree(template, home)
    archive = Archive(databases.copied_home(template, home))
    archive.clock = clock or StoppedClock()
    return archive


def the_fonds(archive: Archive, code: str = "J001") -> FondsId:
    with archive.reading(a_viewer()) as unit:
        return FondsId(unit.rows(sa.select(Fonds.id).where(Fonds.code == code))[0][0])


def a_user(archive: Archive, login: str = "system") -> UserId:
    """The id of an account that installation made."""
    with archive.sessions.reading() as session:
        return UserId(session.execute(sa.select(User.id).where(User.login == login)).scalar_one())


def a_viewer(
    *,
    login: str = "wang.min",
    actions: frozenset[Action] = EVERY_ACTION,
    fonds: tuple[FondsId, ...] = (),
    codes: tuple[str, ...] = (),
    clearance: Level = Level.SENSITIVE,
    user_id: UUID | None = None,
) -> Viewer:
    return Viewer(
        user_id=UserId(user_id or uuid4()),
        login=login,
        actions=actions,
        fonds=frozenset(fonds),
        fonds_codes=frozenset(codes),
        clearance=clearance,
    )


def everything(archive: Archive) -> Viewer:
    """A viewer who sees both fonds at every level."""
    both = (the_fonds(archive, "J001"), the_fonds(archive, "J002"))
    return a_viewer(login="sees.all", fonds=both, codes=("J001", "J002"), clearance=Level.HIGHLY_SENSITIVE)


def a_record(
    unit: Unit,
    *,
    fonds: FondsId,
    level: Level = Level.SENSITIVE,
    title: str = "住院费用结算单",
    state: RecordState = RecordState.DESCRIBED,
    code: str | None = None,
) -> Record:
    ident = RecordId(uuid4())
    record = Record(
        id=ident,
        fonds_id=fonds,
        level=level,
        code=code or f"P-{ident.hex[:12]}",
        title=title,
        state=state,
        created_at=unit.clock.now(),
    )
    unit.add(Action.RECORD_REVIEW, record)
    unit.flush()
    return record


def a_component(unit: Unit, record: Record) -> Component:
    component = Component(
        id=uuid4(),
        record_id=record.id,
        fonds_id=record.fonds_id,
        level=record.level,
        kind=ComponentKind.MASTER,
        sha256=uuid4().hex * 2,
        size=1,
        media_type="image/png",
        created_at=unit.clock.now(),
    )
    unit.add(Action.RECORD_REVIEW, component)
    unit.flush()
    return component


def a_page(unit: Unit, record: Record, *, number: int = 1, text: str | None = None) -> Page:
    page = Page(
        id=uuid4(),
        record_id=record.id,
        fonds_id=record.fonds_id,
        level=record.level,
        number=number,
        component_id=a_component(unit, record).id,
        master_page=number,
        width=100,
        height=100,
        text=text,
    )
    unit.add(Action.RECORD_REVIEW, page)
    unit.flush()
    return page


def a_database(kind: str, folder: Path) -> sa.Engine:
    """An engine on a new, migrated database: `sqlite` or `postgresql`; dispose of it after use."""
    engine = database.make_engine(f"sqlite:///{folder}/rows.db" if kind == "sqlite" else postgres_cluster.a_database())
    schema.upgrade(engine)
    return engine
