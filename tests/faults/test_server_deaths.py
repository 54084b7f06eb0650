"""Documents go in on the servers of production while each server is killed again and again, and no one helps.

PostgreSQL, the S3 store, Elasticsearch, RabbitMQ, Celery workers, the relay and the intake die by `kill -9` at random
moments; once the store's disk is full. What the batch became must equal what it becomes on one quiet machine.
"""

import io
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex
from uuid import UUID, uuid4

import databases
import pytest
import sqlalchemy as sa
from houses import (
    FONDS,
    Holdings,
    RecordFacts,
    a_batch,
    a_house,
    archivist,
    assert_balance_adds_up,
    assert_index_and_log_are_whole,
    assert_nothing_is_stuck,
    furnish,
    holdings,
    receive,
    work,
)
from many_papers import many_papers
from own_servers import OwnServers
from processes import Victim, forkserver, run_celery, run_filer, run_intake, run_the_relay

from archive_app import store_check
from archive_app.core.errors import Unavailable
from archive_app.core.model import NumberSeries, Record
from archive_app.core.vocabulary import JobState, RecordState
from archive_app.wiring import Archive

pytestmark = pytest.mark.services

_SERVERS = ("postgres", "minio", "elasticsearch", "rabbitmq")
_FULL_SECONDS = 15
_QUIET_SECONDS = 900  # after the last kill all work must be done by then


@pytest.fixture(scope="module")
def servers() -> Iterator[OwnServers]:
    own = OwnServers(*_SERVERS, disk="minio")
    yield own
    own.end()


def production(servers: OwnServers, home: Path) -> None:
    """An archive on these servers alone: two roles, a bucket with versions and locks, an index, a broker."""
    given = servers.environment()
    admin = sa.create_engine(given["TEST_POSTGRES_URL"], isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    password = token_hex(16)
    with admin.connect() as connection:
        for role in ("own", "app"):
            connection.exec_driver_sql(f"CREATE ROLE archive_{role} LOGIN PASSWORD '{password}'")
        connection.exec_driver_sql("CREATE DATABASE archive OWNER archive_own ENCODING 'UTF8' TEMPLATE template0")

    def url(role: str) -> str:
        whole = admin.url.set(username=f"archive_{role}", password=password, database="archive")
        return whole.render_as_string(hide_password=False)

    databases.keep(
        home,
        {
            "ARCHIVE_DATABASE_URL": url("app"),
            "ARCHIVE_DATABASE_OWNER_URL": url("own"),
            "ARCHIVE_STORE_URL": "s3+" + given["TEST_MINIO_URL"] + "/archive",
            "ARCHIVE_STORE_ACCESS_KEY": given["TEST_S3_ACCESS_KEY"],
            "ARCHIVE_STORE_SECRET_KEY": given["TEST_S3_SECRET_KEY"],
            "ARCHIVE_INDEX_URL": given["TEST_ELASTICSEARCH_URL"],
            "ARCHIVE_BROKER_URL": given["TEST_RABBITMQ_URL"],
        },
    )
    settings = databases.settings(home)
    assert not Archive(settings).prepare_store().todo
    furnish(settings)


@pytest.mark.prove
@pytest.mark.timeout(0)
def test_servers_that_die_lose_double_and_leave_stuck_nothing(
    servers: OwnServers,
    tmp_path: Path,
    count: Callable[[int, int], int],
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    times, deaths = count(2, 50), count(1, 20)
    folder = tmp_path / "papers"
    folder.mkdir()
    papers = many_papers(folder, times)
    quiet = _on_one_quiet_machine(tmp_path / "quiet", papers[: len(papers) // times])

    home = tmp_path / "home"
    production(servers, home)
    with a_house(tmp_path, home=home) as archive:
        batch = a_batch(archive)
        killed = _while_they_die(servers, archive, batch, folder, deaths=deaths)
        record_testsuite_property("deaths", dict(killed))
        found = holdings(archive, batch)
        assert [file[1:] for file in found.files] == [file[1:] for file in quiet.files] * times
        wanted = Counter({record: times * number for record, number in Counter(quiet.records).items()})
        got = Counter(map(_before_filing, found.records))
        assert (list((wanted - got).elements()), list((got - wanted).elements())) == ([], [])  # lost, doubled
        assert_nothing_is_stuck(archive)
        assert_balance_adds_up(archive, batch, files=len(papers))
        assert_index_and_log_are_whole(archive)
        assert_numbers_have_no_gaps(archive)
        checked = store_check.check(archive, read_bytes=True)
        assert (list(checked.missing), list(checked.altered)) == ([], [])


def _on_one_quiet_machine(place: Path, papers: list[Path]) -> Holdings:
    place.mkdir()
    with a_house(place) as archive:
        batch = a_batch(archive)
        receive(archive, batch, *papers)
        work(archive)
        return holdings(archive, batch)


def _before_filing(record: RecordFacts) -> RecordFacts:
    """What is clear may have been filed meanwhile, or not yet."""
    return record._replace(state="described") if record.state == "filed" else record


def _while_they_die(servers: OwnServers, archive: Archive, batch: UUID, folder: Path, *, deaths: int) -> Counter[str]:
    """Feed, read, describe, index and file, with so many deaths of each server and twice as many of our processes."""
    context, home = forkserver(), str(archive.settings.home)
    intake = Victim(context, "intake", run_intake, home, str(batch), str(folder))
    ours = {
        "reader": Victim(context, "reader", run_celery, home, "ocr"),
        "worker": Victim(context, "worker", run_celery, home, "light,index"),
        "relay": Victim(context, "relay", run_the_relay, home),
        "intake": intake,
    }
    filer = Victim(context, "filer", run_filer, home, str(batch))
    to_die = [name for name in (*_SERVERS, *ours) for _ in range(deaths)] + ["disk"] * servers.can_fill
    random.shuffle(to_die)
    killed: Counter[str] = Counter()
    try:
        for name in to_die:
            time.sleep(random.uniform(0.2, 3.0))  # noqa: S311 - a moment, no secret
            if name in ours:
                if name == "intake" and intake.process.exitcode == 0:
                    continue  # all is received
                ours[name].kill()
            elif name == "disk":
                servers.fill()
                with pytest.raises(Unavailable):
                    archive.store.put(io.BytesIO(bytes(1 << 20)), fonds=FONDS, owner=uuid4(), limit=1 << 21)
                time.sleep(_FULL_SECONDS)
                servers.free()
            else:
                servers.kill(name)
                time.sleep(random.uniform(0.0, 2.0))  # noqa: S311 - the same
                servers.start_again(name)
            killed[name] += 1
            sys.stdout.write(f"{name} killed, {sum(killed.values())} of {len(to_die)}\n")
            if intake.process.exitcode not in (None, 0):
                intake.kill()  # it gave up and is told to feed again, as its caller is
        _until_done(archive, intake)
    finally:
        for victim in (*ours.values(), filer):
            victim.end()
    return killed


def _until_done(archive: Archive, intake: Victim) -> None:
    until = time.monotonic() + _QUIET_SECONDS
    while time.monotonic() < until:
        time.sleep(1)
        assert intake.process.exitcode in (None, 0)
        if intake.process.exitcode == 0 and all(row.state == JobState.BURIED for row in archive.queue.list()):
            return
    raise AssertionError([(row.name, row.state, row.attempt, row.reason) for row in archive.queue.list()])


def assert_numbers_have_no_gaps(archive: Archive) -> None:
    """Every series counts from 1 to its last number, each given once."""
    with archive.sessions.reading() as session:
        numbers = session.scalars(sa.select(NumberSeries.last)).all()
    with archive.reading(archivist(archive)) as unit:
        filed = [row[0] for row in unit.rows(sa.select(Record.code).where(Record.state == RecordState.FILED))]
    assert len(filed) == len(set(filed)) == sum(numbers)
