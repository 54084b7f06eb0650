"""The servers an archive stands on: database, object store, search index, broker."""

import sqlalchemy as sa

from archive_app import database as schema
from archive_app import keeping
from archive_app.core.errors import Unavailable
from archive_app.core.model import Record
from archive_app.core.vocabulary import Lane
from archive_app.extent import is_little
from archive_app.health.part import Advice, Part, State
from archive_app.jobs import LaneDepth
from archive_app.privileges import granted, row_security
from archive_app.wiring import Archive
from search.projection import SEARCHABLE

_LAG_SECONDS = 120
_SEARCHABLE = sa.select(Record.id).where(Record.state.in_(SEARCHABLE))


def database(archive: Archive) -> Part:
    """It answers, its schema is this program's, and on PostgreSQL it hides rows by itself."""
    facts: dict[str, object] = {"engine": archive.engine.dialect.name}
    if not granted(archive.engine):
        return Part("database", State.DOWN, facts, Advice.DATABASE_NOT_GRANTED)
    current, newest = schema.current(archive.engine), schema.newest()
    facts["revision"] = current
    if current is None:
        return Part("database", State.DOWN, facts, Advice.DATABASE_EMPTY)
    if current != newest:
        known = current in schema.revisions()
        return Part("database", State.DEGRADED, facts, Advice.DATABASE_BEHIND if known else Advice.DATABASE_AHEAD)
    if archive.engine.dialect.name != "postgresql":
        return Part("database", facts=facts)
    guarded = row_security(archive.engine)
    facts["row-security"] = guarded.holds
    if guarded.holds:
        return Part("database", facts=facts)
    return Part("database", State.DEGRADED, {**facts, "why": str(guarded.reason)}, Advice.ROW_SECURITY)


def store_answers(archive: Archive) -> Part:
    """It lists the first of what it keeps."""
    facts: dict[str, object] = {"kind": type(archive.store).__name__}
    try:
        next(iter(archive.store.keys()), None)
    except (Unavailable, OSError) as fault:
        return Part("store", State.DOWN, {**facts, "fault": fault_of(fault)}, Advice.STORE_DOWN)
    return Part("store", facts=facts)


def store(archive: Archive) -> Part:
    """It answers, lets nobody change what it keeps as far as it was tried, and locks in time."""
    answer = store_answers(archive)
    if answer.state == State.DOWN:
        return answer
    facts = dict(answer.facts)
    tested = keeping.last_test(archive)
    if tested is None:
        return Part("store", facts={**facts, "write-once": "not-tested"})
    found = tested.found
    if found.kind == "folder":
        return Part("store", facts={**facts, "write-once": "folder-honest"})
    facts["write-once"] = "held" if found.holds else "not-held"
    facts |= {f"got-through-{number}": one.name for number, one in enumerate(found.attempts, 1) if not one.held}
    if found.locks:
        facts["locks-ending"] = keeping.locks_ending(archive)
    if not found.holds:
        return Part("store", State.DEGRADED, facts, Advice.NOT_WRITE_ONCE)
    if facts.get("locks-ending"):
        return Part("store", State.DEGRADED, facts, Advice.LOCKS_ENDING)
    return Part("store", facts=facts)


def index_answers(archive: Archive) -> Part:
    """It answers."""
    try:
        return Part("index", facts=archive.index.status())
    except (Unavailable, OSError) as fault:
        return Part("index", State.DOWN, {"fault": fault_of(fault)}, Advice.INDEX_DOWN)


def index(archive: Archive) -> Part:
    """It answers, follows what is filed, and holds as many records as can be found, which are counted while few."""
    answer = index_answers(archive)
    if answer.state == State.DOWN:
        return answer
    lane = _index_lane(archive)
    facts = {**answer.facts, "lag-seconds": round(lane.oldest_seconds)}
    if lane.oldest_seconds > _LAG_SECONDS:
        return Part("index", State.DEGRADED, facts, Advice.INDEX_BEHIND)
    documents = facts.get("documents")
    with archive.reading(archive.own_work("health")) as unit:
        if is_little(archive.sessions):
            facts["searchable"] = searchable = unit.count(_SEARCHABLE)
            differs = documents != searchable
        else:
            differs = not documents and bool(unit.rows(_SEARCHABLE.limit(1)))
    if differs and not (lane.waiting or lane.running):
        return Part("index", State.DEGRADED, facts, Advice.INDEX_DIFFERS)
    return Part("index", facts=facts)


def index_whole(archive: Archive) -> Part:
    """It holds as many records as can be found: they are counted however many, so this is for who asks once."""
    answer = index_answers(archive)
    if answer.state == State.DOWN:
        return Part("index-whole", State.OFF)  # said of the index itself
    with archive.reading(archive.own_work("health")) as unit:
        searchable = unit.count(_SEARCHABLE)
    lane, documents = _index_lane(archive), answer.facts.get("documents")
    facts = {"documents": documents, "searchable": searchable}
    if documents != searchable and not (lane.waiting or lane.running):
        return Part("index-whole", State.DEGRADED, facts, Advice.INDEX_DIFFERS)
    return Part("index-whole", facts=facts)


def _index_lane(archive: Archive) -> LaneDepth:
    return next(depth for depth in archive.queue.depths() if depth.lane == Lane.INDEX)


def broker(archive: Archive) -> Part:
    """It lets us in and has its queues; without one, workers look for themselves."""
    settings = archive.settings
    facts: dict[str, object] = {"kind": settings.broker_url.partition(":")[0]}
    if not settings.on_broker:
        return Part("broker", facts=facts)
    try:
        standing = archive.broker.standing_queues()
    except Unavailable as fault:
        advice = Advice.BROKER_REFUSES if fault.code == "broker-refused" else Advice.BROKER_DOWN
        return Part("broker", State.DEGRADED, {**facts, "fault": fault_of(fault)}, advice)
    missing = [lane for lane in Lane if lane not in standing]
    if missing:
        return Part("broker", State.DEGRADED, {**facts, "missing": ", ".join(missing)}, Advice.QUEUES_MISSING)
    return Part("broker", facts={**facts, "messages": sum(standing.values())})


def fault_of(fault: Exception) -> str:
    """A word for operators: our code, or the kind of a foreign error (its text may be personal)."""
    return str(getattr(fault, "code", None) or type(fault).__name__)
