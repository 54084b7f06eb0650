"""The unit of work: the only way to the rows, always on behalf of a viewer.

Every SELECT is narrowed to what the viewer may see, every write must have been asked for by name, what is noted is
appended to the audit log and what is to follow is queued, all in one transaction; `__exit__` holds the only `commit`.
Denials and misses are written down in a unit of their own: a rolled-back piece of work does not lose the attempt.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import TracebackType
from typing import Any, Self, TypeVar, TypeVarTuple, cast
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import InstanceState, ORMExecuteState, Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.orm.interfaces import CriteriaOption
from sqlalchemy.orm.util import LoaderCriteriaOption
from sqlalchemy.sql.cache_key import CacheKey
from sqlalchemy.sql.util import ClauseAdapter

from archive_app.core import audit, row_security
from archive_app.core.errors import (
    Conflict,
    Forbidden,
    IllegalTransition,
    NotFound,
    StaleVersion,
    UncheckedWrite,
    UnscopedQuery,
)
from archive_app.core.model import Base, Guarded, QueuedJob, Record
from archive_app.core.ports import Clock, Job
from archive_app.core.vocabulary import MOVES, Action, JobState, RecordState, Viewer

G = TypeVar("G", bound=Base)
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True)
class Sessions:
    """Makers of sessions that only read, and of those that may write (on SQLite these begin IMMEDIATE)."""

    reading: "sessionmaker[Session]"
    writing: "sessionmaker[Session]"

    def on_behalf_of(self, viewer: Viewer) -> "Sessions":
        """The same, telling PostgreSQL who looks; for open tables and what this viewer sees beside them."""
        declared = Sessions(sessionmaker(**self.reading.kw), sessionmaker(**self.writing.kw))
        for maker in (declared.reading, declared.writing):
            row_security.declare_always(maker, viewer)
        return declared


class _Audience(LoaderCriteriaOption):
    """A viewer's rule for one table, also where an alias of it is joined on a condition of one's own.

    SQLAlchemy 2.1 adapts the rule to the alias in WHERE but not in such an ON: the alias would be read unnarrowed.
    """

    __slots__ = ()
    _traverse_internals = LoaderCriteriaOption._traverse_internals  # noqa: SLF001 - what the cache of statements tells apart

    def _resolve_where_criteria(self, ext_info: Any) -> sa.ColumnElement[bool]:  # noqa: ANN401 - mapper or alias
        criterion = super()._resolve_where_criteria(ext_info)
        if not ext_info.is_aliased_class:
            return criterion
        adapted: sa.ColumnElement[bool] = ClauseAdapter(ext_info.selectable).traverse(criterion)
        return adapted


class _Scope(CriteriaOption):
    """A viewer's rules for all tables as one option. What the cache of statements tells apart is worked out once.

    SQLAlchemy would work it out anew for every rule in every statement, which costs more than the statement.
    """

    propagate_to_loaders = True

    def __init__(self, viewer: Viewer) -> None:
        self._rules = tuple(
            _Audience(mapper.class_, mapper.class_.visible_to(viewer), include_aliases=True)
            for mapper in Base.registry.mappers
            if issubclass(mapper.class_, Guarded)
        )
        keys = [cast("CacheKey", rule._generate_cache_key()) for rule in self._rules]  # noqa: SLF001 - the same cache's
        self._key = (_Scope, *(key.key for key in keys))
        self._values = [value for key in keys for value in key.bindparams]
        self._viewer = viewer
        self._counting: dict[type[Base], sa.Select[int]] = {}

    def counting(self, entity: type[Base]) -> sa.Select[int]:
        """How many rows of the table with one of `idents` the viewer sees; asked at every commit, so made once."""
        known = self._counting.get(entity)
        if known is None:
            rule = cast("type[Guarded]", entity).visible_to(self._viewer)
            wanted = _key(entity).in_(sa.bindparam("idents", expanding=True))
            known = self._counting[entity] = sa.select(sa.func.count()).select_from(entity).where(wanted, rule)
        return known

    def _gen_cache_key(self, _anon_map: object, bindparams: list[Any]) -> tuple[Any, ...]:
        bindparams.extend(self._values)
        return self._key

    def process_compile_state(self, compile_state: Any) -> None:  # noqa: ANN401 - not public
        self.get_global_criteria(compile_state.global_attributes)

    def process_compile_state_replaced_entities(self, compile_state: Any, mapper_entities: object) -> None:  # noqa: ANN401, ARG002
        self.process_compile_state(compile_state)

    def get_global_criteria(self, attributes: dict[Any, Any]) -> None:
        for rule in self._rules:
            rule.get_global_criteria(attributes)


#: The scopes of the viewers seen last: most viewers open several units one after the other.
_scope_of = lru_cache(maxsize=64)(_Scope)


class Unit:
    """One piece of work by one viewer: all of it is committed, or none of it."""

    def __init__(self, sessions: Sessions, viewer: Viewer, clock: Clock, *, reading: bool = False) -> None:
        self.viewer, self.clock = viewer, clock
        self._sessions = sessions
        self._reading = reading
        self._allowed: dict[int, Base] = {}  # keeps the objects alive, so that an id is never used again
        self._out_of_sight: set[int] = set()
        self._written: dict[type[Base], set[Any]] = {}  # ids of what must be in sight when it is committed
        self._entries: list[audit.Entry] = []
        self._missed: audit.Entry | None = None
        self._scope = _scope_of(viewer)
        self._session = self._open()

    def _open(self) -> Session:
        session = (self._sessions.reading if self._reading else self._sessions.writing)(expire_on_commit=False)
        row_security.declare_always(session, self.viewer)
        event.listen(session, "do_orm_execute", self._scope_every_select)
        event.listen(session, "before_flush", self._refuse_unchecked_writes)
        event.listen(session, "after_flush", self._remember_writes)
        return session

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit once, or roll back and write down what was denied."""
        try:
            if error is None:
                self._commit()
            else:
                self._session.rollback()
        except Forbidden as denied:  # found by the flush that precedes the commit
            self._close()
            self._write_down_denial(denied)
            raise
        finally:
            self._close()
        if isinstance(error, Forbidden | NotFound):
            self._write_down_denial(error)
        elif isinstance(error, _REFUSALS):  # a query inside the block flushed what was pending
            raise self._ours(error) from error

    def _close(self) -> None:
        self._session.close()
        self._allowed.clear()

    def _commit(self) -> None:
        try:
            self._session.flush()  # in a reading unit this refuses whatever is pending
            self._refuse_writes_out_of_sight()
            if self._reading and self._entries:
                self._session.rollback()  # ends the read; the log is written in a transaction of its own
                self._append_apart(self._entries)
                return
            if self._entries:
                audit.append(self._session, self._entries, now=self.clock.now())
            self._session.commit()
        except _REFUSALS as error:
            self._session.rollback()
            raise self._ours(error) from error

    def _ours(self, error: Exception) -> Exception:
        """Our error for what the database refused; a defect stays what it is."""
        if isinstance(error, StaleDataError):
            return StaleVersion()
        if isinstance(error, IntegrityError):
            return Conflict("constraint")
        table = _out_of_sight_in(error)
        return error if table is None else Forbidden(action=f"{table}:place-there")

    def _append_apart(self, entries: list[audit.Entry]) -> None:
        """Append in a session of its own; writing sessions begin IMMEDIATE on SQLite."""
        with Unit(self._sessions, self.viewer, self.clock) as apart:
            apart._entries.extend(entries)

    def _write_down_denial(self, error: Forbidden | NotFound) -> None:
        if isinstance(error, Forbidden):
            action = str(error.parameters.get("action", "unknown"))
            self._append_apart([self._entry(f"{action}:denied", "user", str(self.viewer.user_id), "denied", {})])
        elif self._missed is not None:
            self._append_apart([self._missed])

    # -- reading: an invisible row does not exist

    def get(self, entity: type[G], ident: UUID) -> G:
        """The row with this id. Raises `NotFound` if there is none for this viewer."""
        found: G | None = self._session.scalars(_by_key(entity), {"ident": ident}).unique().one_or_none()
        if found is None:
            self._missed = self._entry(
                f"{entity.__tablename__}:missed", "user", str(self.viewer.user_id), "denied", {"asked": str(ident)}
            )
            raise NotFound(kind=entity.__tablename__)
        return found

    def all(self, statement: sa.Select[G]) -> Sequence[G]:
        """Entities of the statement, in its order."""
        return self._session.scalars(statement).unique().all()

    def first(self, statement: sa.Select[G]) -> G | None:
        """The first entity, or None."""
        return self._session.scalars(statement.limit(1)).unique().first()

    def rows(self, statement: sa.Select[*Ts]) -> Sequence[sa.Row[*Ts]]:
        """Columns only: no objects are made."""
        return self._session.execute(statement).all()

    def stream(self, statement: sa.Select[*Ts], *, chunk: int = 500) -> Iterator[sa.Row[*Ts]]:
        """Rows of a large result, a chunk at a time."""
        yield from self._session.execute(statement.execution_options(yield_per=chunk))

    def count(self, statement: sa.Select[*Ts]) -> int:
        """How many rows the statement has for this viewer."""
        inner = statement.order_by(None).subquery()
        return self._session.execute(sa.select(sa.func.count()).select_from(inner)).scalar_one()

    def known(self, entity: type[Base], **equals: object) -> UUID | None:
        """The id of the party with these values, also out of sight: one person is one person in all fonds.

        Gives an opaque id and nothing else; linking it to a record is what brings the party into sight. Only parties
        are looked for so: on any other table the question would tell what is out of sight.
        """
        if entity not in row_security.PARTIES:
            raise UnscopedQuery(entity.__name__)
        if any(isinstance(one, entity) for one in self._session.new):
            self._session.flush()
        connection = self._session.connection()
        return connection.execute(
            row_security.known_party(connection.dialect.name, entity, equals)
        ).scalar_one_or_none()

    # -- writing: a row that was not asked for by name is not written

    def may(self, action: Action) -> bool:
        """Whether the viewer holds the action at all."""
        return self.viewer.may(action)

    def require(self, action: Action, *objects: Base) -> None:
        """Ask for leave to change these rows. Raises `Forbidden`."""
        if not self.viewer.may(action):
            raise Forbidden(action=str(action))
        for one in objects:
            self._allowed[id(one)] = one

    def add(self, action: Action, *new: Base) -> None:
        """Ask for leave to add these rows, and add them. Raises `Forbidden`."""
        self.require(action, *new)
        self._session.add_all(new)

    def remove(self, action: Action, *old: Base) -> None:
        """Ask for leave to delete these rows (described values and links, never holdings), and delete them."""
        self.require(action, *old)
        for one in old:
            self._session.delete(one)

    def bulk(self, action: Action, entity: type[Base], *where: sa.ColumnElement[bool], **values: object) -> int:
        """Set values on every visible row of the condition; one audit event with count and digest of the ids."""
        self.require(action)
        if self._reading or not issubclass(entity, Guarded):
            raise UncheckedWrite(entity.__name__)
        idents = [row[0] for row in self.rows(sa.select(_key(entity)).where(*where).order_by(_key(entity)))]
        version = sa.inspect(entity).version_id_col
        counted = {version.key: version + 1} if version is not None else {}  # who read an old row is told
        for start in range(0, len(idents), 500):
            part = idents[start : start + 500]
            statement = sa.update(entity.__table__).where(_key(entity).in_(part)).values(**values, **counted)  # type: ignore[arg-type]
            self._session.connection().execute(statement)
        for one in self._session:
            if isinstance(one, entity):
                self._session.expire(one)
        self._refuse_out_of_sight(entity, idents)
        digest = hashlib.sha256("\n".join(str(ident) for ident in idents).encode()).hexdigest()
        facts: dict[str, Any] = {"count": len(idents), **values}
        self.note(f"{entity.__tablename__}:changed-set", "set", digest, **facts)
        return len(idents)

    def raise_level(self, action: Action, record: Record) -> None:
        """Declare that the record may leave the writer's sight by this change of level or fonds."""
        self.require(action, record)
        self._out_of_sight.add(id(record))

    def move(self, record: Record, to: RecordState) -> None:
        """Move a record to another state. Raises `IllegalTransition`."""
        if to not in MOVES[record.state]:
            raise IllegalTransition(from_=str(record.state), to=str(to))
        record.state = to

    def flush(self) -> None:
        """Write what is pending inside the transaction, so that ids and constraints hold for what follows."""
        try:
            self._session.flush()
        except _REFUSALS as error:
            raise self._ours(error) from error

    # -- what goes with it, in the same transaction

    def note(self, action: str, kind: str, ident: object, /, result: str = "done", **values: object) -> None:
        """Write an audit leaf at commit. Values may be personal: only commitments to them enter the log."""
        self._entries.append(self._entry(action, kind, str(ident), result, values))

    def _entry(self, action: str, kind: str, ident: str, result: str, values: Mapping[str, object]) -> audit.Entry:
        viewer = self.viewer
        return audit.Entry(
            actor=viewer.system or viewer.login,
            action=action,
            subject_kind=kind,
            subject_id=ident,
            purpose=viewer.purpose,
            result=result,
            request=viewer.request_id,
            values=values,
        )

    def later(self, *jobs: Job) -> None:
        """Queue jobs with their cause. A key that is queued already is one job; an ended one is queued again.

        Unless it is to be done once.
        """
        if self._reading:
            raise UncheckedWrite("job")  # a queued job is a write
        now = self.clock.now()
        self._session.flush()
        for job in jobs:
            self._queue(job, now)

    def _queue(self, job: Job, now: dt.datetime) -> None:
        connection = self._session.connection()
        values = {
            "name": job.name,
            "args": dict(job.args),
            "lane": job.lane,
            "priority": job.priority,
            "viewer_id": None if self.viewer.system else self.viewer.user_id,
            "state": JobState.QUEUED,
            "attempt": 0,
            "run_after": now,
            "lease_until": None,
            "worker": None,
            "reason": None,
            "published_at": None,
            "ended_at": None,
        }
        new = {"id": uuid4(), "key": job.key, "created_at": now, "claims": 0, **values}
        # Two units that queue the same key at the same moment: the second waits for the first, and finds its row.
        added = connection.execute(_ENQUEUE[connection.dialect.name], new).first()
        if added is not None or job.once:
            return
        state = connection.execute(_STATE_OF_JOB, {"wanted": job.key}).scalar_one()
        if state in (JobState.DONE, JobState.BURIED, JobState.LEASED):
            # A leased one is queued anew: what caused this call may have come after that worker read the rows.
            connection.execute(_QUEUE_ANEW, {"wanted": job.key, **values})

    # -- the guards

    def _scope_every_select(self, state: ORMExecuteState) -> None:
        if not state.is_orm_statement or state.is_from_statement:
            raise UnscopedQuery(str(state.statement)[:200])
        if not state.is_select:
            raise UncheckedWrite(str(state.statement)[:200])
        if not state.is_column_load:
            # On relationship loads too: the parent of a freshly added row was never loaded with these options.
            state.statement = state.statement.options(self._scope)

    def _refuse_unchecked_writes(self, session: Session, _flush: object, _instances: object) -> None:
        changed = {one for one in session.dirty if session.is_modified(one)}
        touched = changed.union(session.new, session.deleted)
        for one in touched:
            if self._reading or id(one) not in self._allowed:
                raise UncheckedWrite(type(one).__name__)
        leaving = [one for one in changed if id(one) in self._out_of_sight and isinstance(one, Record)]
        if leaving:
            self._refuse_writes_out_of_sight()  # what went before was not declared to leave with them
            row_security.declare(session.connection(), self._who_sees(leaving))

    def _who_sees(self, leaving: Sequence[Record]) -> Viewer:
        """The viewer for the one flush by which declared records leave the viewer's sight."""
        return replace(
            self.viewer,
            fonds=self.viewer.fonds | {one.fonds_id for one in leaving},
            clearance=max(self.viewer.clearance, *(one.level for one in leaving)),
        )

    def _remember_writes(self, session: Session, _flush: object) -> None:
        """What was written is looked at once, before the commit; where records leave the writer's sight, at once."""
        for one in session.deleted:
            self._written.get(type(one), set()).discard(_identity(one))
        for one in session.new.union(session.dirty):
            if isinstance(one, Guarded) and id(one) not in self._out_of_sight:
                self._written.setdefault(type(one), set()).add(_identity(one))  # type: ignore[arg-type]
        if self._out_of_sight:
            row_security.declare(session.connection(), self.viewer)
            self._refuse_writes_out_of_sight()

    def _refuse_writes_out_of_sight(self) -> None:
        """What was written must be visible to its writer: nobody files into a fonds they cannot see."""
        written, self._written = self._written, {}
        for entity, idents in written.items():
            self._refuse_out_of_sight(entity, list(idents))

    def _refuse_out_of_sight(self, entity: type[Base], wanted: Sequence[Any]) -> None:
        connection, counting, seen = self._session.connection(), self._scope.counting(entity), 0
        for start in range(0, len(wanted), 500):
            seen += connection.execute(counting, {"idents": wanted[start : start + 500]}).scalar_one()
        if seen != len(wanted):
            raise Forbidden(action=f"{entity.__tablename__}:place-there")


_JOB = cast("sa.Table", QueuedJob.__table__)
_THIS_JOB = _JOB.c.key == sa.bindparam("wanted")
_ENQUEUE = {
    "postgresql": postgresql.insert(_JOB).on_conflict_do_nothing(index_elements=["key"]).returning(_JOB.c.id),
    "sqlite": sqlite.insert(_JOB).on_conflict_do_nothing(index_elements=["key"]).returning(_JOB.c.id),
}
_STATE_OF_JOB = sa.select(_JOB.c.state).where(_THIS_JOB).with_for_update()
_QUEUE_ANEW = sa.update(_JOB).where(_THIS_JOB)

#: What the database says of work that cannot be committed.
_REFUSALS = (StaleDataError, IntegrityError, ProgrammingError)


def _out_of_sight_in(error: Exception) -> str | None:
    """The table whose row security refused what was written; None if it is another error."""
    facts: Any = getattr(getattr(error, "orig", None), "diag", None)
    # No code of its own tells it from a missing privilege; its message is in the server's language, the name is not.
    if facts is None or facts.source_function != "ExecWithCheckOptions":
        return None
    return str(re.findall(r'"(\w+)"', facts.message_primary)[-1])


def _identity(one: Base) -> Any:  # noqa: ANN401 - of any type of key
    state: InstanceState[Any] = sa.inspect(one)
    return state.mapper.primary_key_from_instance(one)[0]


def _key(entity: type[Base]) -> sa.ColumnElement[Any]:
    column: sa.ColumnElement[Any] = getattr(entity, str(sa.inspect(entity).primary_key[0].key))
    return column


@lru_cache(maxsize=256)
def _by_key(entity: type[G]) -> sa.Select[G]:
    return sa.select(entity).where(_key(entity) == sa.bindparam("ident"))


def parse_id(text: str, *, kind: str) -> UUID:
    """An id as typed. Raises `NotFound` for what cannot be one: to a caller it is simply not there."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(kind=kind) from None


def storable(text: str) -> bool:
    """Whether a database can hold it: no NUL, no half of a surrogate pair. What is not, is not looked for."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
