"""The composition root: from settings to an archive whose parts know each other only by their ports."""

import logging
import os
import shutil
import stat
import threading
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import sqlalchemy as sa

from archive_app import database, rules
from archive_app.accounts import Accounts
from archive_app.clock import SystemClock
from archive_app.core.errors import InvalidInput, Unavailable
from archive_app.core.model import BackupRun
from archive_app.core.ports import (
    Clock,
    DestructionRegister,
    NumberHasher,
    OcrEngine,
    OwnerLocks,
    SearchIndex,
    Signer,
    StorageBackend,
)
from archive_app.core.reference import ReferenceTables
from archive_app.core.settings import Settings
from archive_app.core.unit import Sessions, Unit
from archive_app.core.vocabulary import Action, Viewer
from archive_app.jobs import TableQueue
from archive_app.locks import AdvisoryLocks, FileLocks
from ingest.ocr.engines import build_engine

if typing.TYPE_CHECKING:  # each part is imported when it is made: no command waits for what it does not use
    from archive_app.broker import Broker
    from archive_app.keys import KeyFiles
    from archive_app.objects.s3 import S3Store
    from archive_app.objects.s3_bucket import Prepared
    from archive_app.objects.s3_client import S3Address, S3Client
    from ingest.opening.opener import Opener
    from ingest.workshop import Workshop

_LOG = logging.getLogger("archive")
#: What the archive's own work may do: it takes in, describes and indexes; it files, approves and destroys nothing.
_OWN_WORK = (Action.INTAKE_READ, Action.INTAKE_WRITE, Action.RECORD_READ, Action.RECORD_REVIEW)
#: A file in the home: a restore or move into it has begun and not ended.
RESTORING = "restoring"


class Archive:
    """One archive, opened. Parts are made at first use; tools that hold processes belong to the thread that asks.

    `engines` makes the OCR engine of a name.
    """

    def __init__(self, settings: Settings, *, engines: Callable[[str], OcrEngine] = build_engine) -> None:
        self.settings = settings
        self._build_engine = engines
        self.clock: Clock = SystemClock(settings.time_zone)
        self._tools = threading.local()
        self._openers: list[Opener] = []

    @cached_property
    def engine(self) -> sa.Engine:
        """The database."""
        return database.make_engine(self.settings.database_url, pool=self.settings.database_pool)

    @cached_property
    def owner_engine(self) -> sa.Engine:
        """The database as the tables' owner reaches it: for installation and migrations only."""
        url = self.settings.database_owner_url
        return database.make_lone_engine(url) if url else self.engine

    def upgrade_database(self) -> str | None:
        """Bring the schema to this program's version, and give the roles of application and backup what they need.

        Gives the revision it had. Raises `InvalidInput` where the tables belong to a role whose address is not given.
        """
        from archive_app import schema

        if not database.may_migrate(self.owner_engine):
            raise InvalidInput("settings-invalid", ARCHIVE_DATABASE_OWNER_URL="needed: the tables are another role's")
        role = database.role(self.engine) if self.settings.database_owner_url else None
        reading = self.settings.database_backup_url
        before = database.current(self.owner_engine)
        schema.upgrade(
            self.owner_engine,
            application=role,
            backup=database.role(database.make_lone_engine(reading)) if reading else None,
        )
        return before

    @cached_property
    def sessions(self) -> Sessions:
        """Makers of sessions; only `Unit` and the modules of accounts, jobs, rules and audit use them."""
        return database.make_sessions(self.engine)

    @cached_property
    def tables(self) -> ReferenceTables:
        """The rule tables in force when this process began."""
        return rules.in_force(self.sessions)

    @cached_property
    def accounts(self) -> Accounts:
        """Sign-in, tokens, accounts and grants."""
        return Accounts(self.sessions, self.clock, self.tables)

    @cached_property
    def queue(self) -> TableQueue:
        """The worker's end of the jobs."""
        return TableQueue(self.sessions, self.clock)

    @cached_property
    def broker(self) -> "Broker":
        """Who wakes the workers, where there is one."""
        from archive_app.broker import Broker

        return Broker(self.settings)

    @cached_property
    def store(self) -> StorageBackend:
        """Where bytes are kept."""
        scheme, _, place = self.settings.store_url.partition("://")
        if scheme == "file":
            from archive_app.objects.folder import FolderStore

            return FolderStore(Path(place), clock=self.clock)
        return self.s3_store()

    def s3_store(self) -> "S3Store":
        """The store on a server. Raises `InvalidInput` where the address is not one."""
        from archive_app.objects.s3 import S3Store
        from archive_app.objects.s3_client import S3Address

        address = S3Address.of(self.settings.store_url)
        return S3Store(self._s3_client(address), address, scratch=self.scratch, clock=self.clock)

    def prepare_store(self) -> "Prepared":
        """Make the bucket of the store, or say what somebody else has to do. Raises `Unavailable`."""
        from archive_app.objects.s3_bucket import prepare
        from archive_app.objects.s3_client import S3Address

        return prepare(self._s3_client(S3Address.of(self.settings.store_url)))

    def prepare_register(self) -> "Prepared | None":
        """The same for the register of destructions; None where that is in no bucket."""
        from archive_app.objects.s3_bucket import prepare
        from archive_app.register import address_on_s3, client_of

        address = address_on_s3(self.settings)
        if address is None:
            return None
        return prepare(client_of(self.settings, address), setting="ARCHIVE_REGISTER_URL")

    def _s3_client(self, address: "S3Address") -> "S3Client":
        from archive_app.objects.s3_client import S3Client

        settings = self.settings
        return S3Client(
            address,
            access_key=settings.store_access_key,
            secret_key=settings.store_secret_key,
            ca=settings.store_ca,
            region=settings.store_region,
        )

    @cached_property
    def index(self) -> SearchIndex:
        """Where records are found."""
        settings = self.settings
        scheme, _, place = settings.index_url.partition(":")
        if scheme == "embedded":
            from search.embedded import TantivyIndex

            return TantivyIndex(Path(place))
        if scheme in {"http", "https"}:
            from search.elastic import ElasticIndex
            from search.elastic_server import Address

            address = Address.of(settings.index_url, api_key=settings.index_api_key, ca=settings.index_ca)
            return ElasticIndex(address, prefix=settings.index_prefix)
        raise InvalidInput("settings-invalid", ARCHIVE_INDEX_URL="embedded:FOLDER or https://HOST:PORT")

    @cached_property
    def register(self) -> DestructionRegister:
        """What was destroyed for good."""
        from archive_app.register import register_of

        return register_of(self.settings)

    @cached_property
    def keys(self) -> "KeyFiles":
        """The files of the archive's keys."""
        from archive_app.keys import KeyFiles

        return KeyFiles.of(self.settings.keys)

    @cached_property
    def signer(self) -> Signer:
        """Signs tree heads."""
        from archive_app.keys import FileSigner

        return FileSigner(self.keys.signing)

    @cached_property
    def hasher(self) -> NumberHasher:
        """Keyed hashes of personal numbers."""
        from archive_app.keys import KeyedHasher

        return KeyedHasher(self.keys.hashing)

    @cached_property
    def scratch(self) -> Path:
        """For bytes on their way; emptied by whoever fills it."""
        folder = self.settings.home / "scratch"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @cached_property
    def locks(self) -> OwnerLocks:
        """Locks on owners of bytes, as far as the rows are shared."""
        if self.engine.dialect.name == "postgresql":
            return AdvisoryLocks(database.make_lone_engine(self.settings.database_url))
        return FileLocks(self.settings.home / "locks")

    @cached_property
    def workshop(self) -> "Workshop":
        """What intake works with."""
        from ingest.workshop import Workshop

        return Workshop(
            sessions=self.sessions,
            clock=self.clock,
            store=self.store,
            register=self.register,
            tables=self.tables,
            hasher=self.hasher,
            opener=self._opener,
            engine=self._ocr,
            locks=self.locks,
            scratch=self.scratch,
            limit_bytes=self.settings.limit_bytes,
        )

    def _opener(self) -> "Opener":
        """The opener of this thread, with its child processes."""
        from ingest.opening.opener import Limits, Opener

        opener: Opener | None = getattr(self._tools, "opener", None)
        if opener is None:
            settings = self.settings
            limits = Limits(
                bytes=settings.limit_bytes,
                pages=settings.limit_pages,
                page_pixels=settings.limit_page_pixels,
                page_seconds=settings.limit_page_seconds,
                memory=settings.limit_child_memory,
            )
            memory = Path("/dev/shm")  # noqa: S108 - pixels pass through memory where the system offers it
            shared = memory / f"archive-{self.scratch.stat().st_ino}"
            if not (memory.is_dir() and _is_ours_alone(shared)):
                shared = self.scratch / "pages"
            _sweep_scratch(shared)
            opener = Opener(limits, scratch=shared / str(os.getpid()))
            self._tools.opener = opener
            self._openers.append(opener)
        return opener

    def _ocr(self, name: str | None) -> OcrEngine:
        """The engine of that name for this thread, loaded once."""
        engines: dict[str, OcrEngine] = self._tools.__dict__.setdefault("engines", {})
        wanted = name or self.settings.ocr_engine
        if wanted not in engines:
            engines[wanted] = self._build_engine(wanted)
        return engines[wanted]

    def unit(self, viewer: Viewer) -> Unit:
        """A unit that may write."""
        return Unit(self.sessions, viewer, self.clock)

    def reading(self, viewer: Viewer) -> Unit:
        """A unit that only reads; what it notes is written down all the same."""
        return Unit(self.sessions, viewer, self.clock, reading=True)

    def own_work(self, name: str) -> Viewer:
        """The archive's own work, audited under this name."""
        return self.accounts.system_viewer(f"archive:{name}", actions=_OWN_WORK)

    def close(self) -> None:
        """End child processes and connections."""
        for opener in self._openers:
            opener.close()
        self._openers.clear()
        self.engine.dispose()
        self.owner_engine.dispose()


@contextmanager
def opened(settings: Settings) -> Iterator[Archive]:
    """An archive for the length of the block. Raises `Unavailable` for a home without a whole archive in it."""
    archive = Archive(settings)
    try:
        current = database.current(archive.engine) if is_there(settings) else None
        if current is None:
            raise Unavailable("no-archive-here", home=str(settings.home))
        if current != database.newest():
            raise Unavailable("database-not-current", current=current)
        if (settings.home / RESTORING).exists() or _restoring(archive.engine):
            raise Unavailable("restore-not-finished", home=str(settings.home))
        yield archive
    finally:
        archive.close()


def _is_ours_alone(folder: Path) -> bool:
    """Whether nobody else reads what is in the folder, which is made if need be: others may write beside it."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            return False
        folder.chmod(0o700)
    except OSError:
        return False
    return True


def _sweep_scratch(shared: Path) -> None:
    """Give back the memory of what processes left that were killed: each had a folder called by its number."""
    for left in shared.glob("[0-9]*"):
        if not Path("/proc", left.name).exists():
            shutil.rmtree(left, ignore_errors=True)


def _restoring(engine: sa.Engine) -> bool:
    """Whether a restore into this database, from whatever machine, has begun and not ended."""
    run = BackupRun.__table__
    begun = sa.select(run.c.id).where(run.c.kind == "restore", run.c.outcome.is_(None)).limit(1)
    with engine.connect().execution_options(archive_reading=True) as connection:
        return connection.execute(begun).first() is not None


def is_there(settings: Settings) -> bool:
    """Whether there can be an archive: a file of SQLite exists, or a server is named."""
    url = sa.make_url(settings.database_url)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").exists()
