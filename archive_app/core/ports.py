"""What the archive asks of the outside: store, index, OCR engine, job queue, clock, signer.

A port speaks our words; no driver's exception or type crosses it. Each promise stands in its docstring and is held by
one contract test class that runs on every adapter. What crosses is frozen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeAlias
from uuid import UUID

from archive_app.core.vocabulary import Box, Lane, RecordId, UserId, Viewer

if TYPE_CHECKING:  # most of what asks for a port opens no picture
    import numpy as np
    from numpy.typing import NDArray

Bitmap: TypeAlias = "NDArray[np.uint8]"  # height x width x 3, RGB


# ---------------------------------------------------------------- store


@dataclass(frozen=True, slots=True)
class StoreKey:
    """Where bytes are kept: `fonds/owner/sha256`. Owners (records, intake files) share no bytes (decision 11)."""

    fonds: str  # code of the fonds, [A-Z0-9]{1,16}
    owner: UUID
    sha256: str  # 64 lower-case hex digits

    def __str__(self) -> str:
        return f"{self.fonds}/{self.owner}/{self.sha256}"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Bytes that were stored and read back."""

    key: StoreKey
    size: int
    sm3: str | None  # GB/T 32905, 64 hex digits; None from `stat` where the store does not keep it
    stored_at: datetime
    version_id: str | None = None  # of the object, where the store has versions; reads pin it
    retain_until: date | None = None


@dataclass(frozen=True, slots=True)
class Digests:
    """Both digests and the size, from one pass over the bytes."""

    sha256: str
    sm3: str
    size: int


@dataclass(frozen=True, slots=True)
class Warrant:
    """Leave to destroy one object: made only by disposal, release of an intake file, and the sweep of strays."""

    key: StoreKey
    reason: str
    approval: UUID
    version_id: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something a write-once store refuses, tried with the archive's own credentials; `answer` is what it said."""

    name: str  # shorten-lock | lower-mode | suspend-versioning | overwrite | delete-version
    held: bool
    answer: str


@dataclass(frozen=True, slots=True)
class WriteOnce:
    """Whether what is kept can be changed by who holds the archive's own credentials."""

    kind: str  # folder | s3
    versions: bool
    locks: bool
    attempts: tuple[Attempt, ...] = ()

    @property
    def holds(self) -> bool:
        """Proven write-once: it locks, and everything that was tried was refused."""
        return self.locks and bool(self.attempts) and all(attempt.held for attempt in self.attempts)


class StorageBackend(Protocol):
    """Write-once bytes, named by their owner and their own digest."""

    def put(self, source: BinaryIO, *, fonds: str, owner: UUID, limit: int) -> StoredObject:
        """Hold, digest (SHA-256 and SM3, of the same held bytes), store, read back and compare; only then return.

        Constant memory for any size. Putting the same bytes for the same owner twice is once.
        Raises `Refused("too-large")` past `limit` bytes, `Unavailable` if the store fails, `FixityMismatch` if the
        read-back differs. A crash at any moment leaves either nothing or a whole object under its key.
        """

    def adopt(self, key: StoreKey, *, owner: UUID, version_id: str | None = None) -> StoredObject:
        """Keep the same bytes for another owner of the same fonds too, without passing them through us."""

    def open(self, key: StoreKey, *, version_id: str | None = None) -> BinaryIO:
        """A seekable reader of the bytes. Raises `ContentMissing`."""

    def as_file(self, key: StoreKey, *, version_id: str | None = None) -> AbstractContextManager[Path]:
        """A path that holds the bytes for the length of the block, to be read only. Raises `ContentMissing`."""

    def stat(self, key: StoreKey, *, version_id: str | None = None) -> StoredObject | None:
        """What is stored under the key, without reading its bytes."""

    def digest(self, key: StoreKey, *, version_id: str | None = None) -> Digests:
        """Read every byte again and return what the digests are now. Raises `ContentMissing`."""

    def protect(self, key: StoreKey, *, until: date, version_id: str | None = None) -> date | None:
        """Lock the object until that day where the store can; never shortens a lock. Raises `ContentMissing`.

        Returns the first day on which it may go now; None if nothing locks it.
        """

    def destroy(self, warrant: Warrant) -> None:
        """Remove the bytes for good; absent bytes are no error. Raises `Conflict` while a lock runs."""

    def keys(self) -> Iterator[StoreKey]:
        """Every key that is stored, in no order, a little at a time."""

    def sweep(self, *, older_than: timedelta) -> int:
        """Let go of what puts left that were broken off, and tell how much; what is still under way is left alone."""

    def self_test(self) -> WriteOnce:
        """Try on a scratch object whether what is locked can be changed. Raises `Unavailable` if it cannot be tried."""


@dataclass(frozen=True, slots=True)
class Destruction:
    """An object that was destroyed for good, by somebody's decision; `record` where it was a record's."""

    key: StoreKey
    at: datetime
    reason: str
    approval: UUID  # of what was decided: a disposal batch, or who discarded a refused file
    record: RecordId | None = None


class DestructionRegister(Protocol):
    """Append-only, kept apart from the backups: a restored older backup must not bring back what was destroyed.

    Bytes that were let go because others stand for them (the intake file of its records, a view made anew, a stray) are
    no destructions: the rows of an older backup name them, and have nothing else.
    """

    def note(self, *destructions: Destruction) -> None:
        """Durable on return: noted before the bytes go. Raises `Unavailable`."""

    def entries(self) -> Iterator[Destruction]:
        """Every destruction, oldest first. Raises `IntegrityFailure("register-damaged")`."""


class OwnerLocks(Protocol):
    """One lock an owner of bytes, held from before they are stored until their row is committed, and while they go."""

    def holding(self, *owners: UUID) -> AbstractContextManager[None]:
        """Hold the locks of all these owners for the block. Not to be nested by one thread."""


# ---------------------------------------------------------------- search


@dataclass(frozen=True, slots=True)
class IndexDocument:
    """One record as the index knows it. `fonds` and `level` are the access block."""

    record: RecordId
    version: int
    fonds: str
    level: int
    state: str
    code: str  # archival number 档号, or the provisional one
    title: str
    type: str | None
    class_code: str | None
    year: int | None
    date: int | None  # yyyymmdd of formation, for order
    names: tuple[str, ...] = ()  # persons, employers, providers as written
    numbers: tuple[str, ...] = ()  # document numbers (not personal ones)
    number_hashes: tuple[str, ...] = ()  # keyed hashes of personal numbers (decision 20)
    providers: tuple[str, ...] = ()  # ids
    persons: tuple[str, ...] = ()  # ids
    description: str = ""  # searchable words of the description
    pages: tuple[str, ...] = ()  # text of each page; no phrase crosses from one to the next


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing the query asks for; all clauses must hold.

    kind `text`: a run of text, found as an exact substring after normalising, in title, names, numbers, description or
    a page. kind `number`: a personal number, `value` being its keyed hash.
    """

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Query:
    """A question. Filter keys: class, type, year, provider, person, fonds, state; values of one are alternatives."""

    clauses: tuple[Clause, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: str = "best"  # best | newest
    size: int = 20
    after: str | None = None  # opaque, from `HitPage.after`
    facets: tuple[str, ...] = ("class", "type", "year", "fonds", "state")


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that matches, with the version that was indexed."""

    record: RecordId
    version: int
    score: float


@dataclass(frozen=True, slots=True)
class HitPage:
    """One page of hits. `total` is exact if `exact`; `facets[key][value]` holds counts of at least 1."""

    hits: tuple[Hit, ...]
    total: int
    exact: bool
    facets: Mapping[str, Mapping[str, int]]
    after: str | None


class SearchIndex(Protocol):
    """A copy that can be thrown away: the database is the truth."""

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """Durable and found by search on return. A document older than the indexed one never wins.

        Putting nothing makes an empty index where there never was one. Raises `InvalidInput` for a document that no
        index can take.
        """

    def remove(self, records: Iterable[RecordId]) -> None:
        """Durable on return; unknown ids are no error."""

    def search(self, query: Query, *, viewer: Viewer) -> HitPage:
        """Hits, total and facets within the viewer's fonds and level only. No fonds means no hits, never all of them.

        Raises `InvalidInput` for a cursor or filter it does not know, `Unavailable` if the engine does not answer.
        """

    def versions(self) -> Iterator[tuple[RecordId, int]]:
        """Every indexed record with its version, in order of record, for comparison with the database."""

    def rebuild(self) -> AbstractContextManager["SearchIndex"]:
        """Yield an empty index; swap it in without outage only if the block ends well."""

    def status(self) -> Mapping[str, object]:
        """Engine, version, number of documents, bytes."""


# ---------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class OcrWord:
    """A word, or one Han character, with its box in the bitmap's pixels."""

    text: str
    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class OcrLine:
    """A line of text with its box in the pixels of the bitmap as given, before any rotation."""

    text: str
    box: Box
    confidence: float  # 0..1
    words: tuple[OcrWord, ...] = ()


@dataclass(frozen=True, slots=True)
class OcrIdentity:
    """Who read it: kept with the text for ever, and the key of the cache."""

    engine: str
    version: str
    model: str  # digest of the model files
    parameters: str  # canonical JSON of what changes the result


@dataclass(frozen=True, slots=True)
class OcrPage:
    """What stands on a page, lines in reading order. No lines means an empty page, never a failure."""

    identity: OcrIdentity
    rotation: int  # degrees clockwise that bring the bitmap upright: 0, 90, 180, 270
    lines: tuple[OcrLine, ...]


class OcrEngine(Protocol):
    """Reads one bitmap at a time in the calling process."""

    @property
    def identity(self) -> OcrIdentity:
        """Known without loading a model."""

    def read(self, image: Bitmap) -> OcrPage:
        """Raise `OcrFailed` for any failure; an empty page means an empty page."""


# ---------------------------------------------------------------- jobs


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work committed with its cause. `args` are ids and short words: never bytes, secrets, personal data."""

    name: str
    args: Mapping[str, str | int]
    key: str  # the same key twice is one job
    lane: Lane = Lane.LIGHT
    priority: int = 0  # higher first
    once: bool = False  # one that ended is not queued again


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that this worker holds until the lease ends."""

    id: UUID
    name: str
    args: Mapping[str, Any]
    viewer_id: UserId | None  # None: the archive's own work
    lane: Lane
    attempt: int  # counted at the claim, from 1
    claim: int  # which claim of this row it is; unlike the attempt it only rises
    lease_until: datetime


class JobQueue(Protocol):
    """The worker's end. The other end is `Unit.later`."""

    def claim(
        self,
        worker: str,
        *,
        lanes: Sequence[Lane],
        lease: timedelta,
        most: int = 1,
        silent_first: bool = False,
        looking_first: bool = True,
    ) -> Sequence[ClaimedJob]:
        """Lease up to `most` jobs, due or with a lease run out. At most one worker holds a job, or the index lane.

        `silent_first`: before those that a message is on its way for. Who has just found work need not look first.
        """

    def claim_one(self, worker: str, ident: UUID, *, lease: timedelta) -> ClaimedJob | None:
        """Lease this very job. None if it is done, not due yet or held by another: the message was late."""

    def extend(self, worker: str, job: ClaimedJob, *, lease: timedelta) -> bool:
        """Heartbeat. False if the lease was lost: the work must be dropped."""

    def done(self, worker: str, job: ClaimedJob, *, seconds: float | None = None) -> None:
        """The work is committed, and took so long."""

    def again(self, worker: str, job: ClaimedJob, *, delay: timedelta, reason: str, counted: bool = True) -> None:
        """Try later. What fails because a part is away for a while is not counted against the job."""

    def bury(self, worker: str, job: ClaimedJob, *, reason: str) -> None: ...


# ---------------------------------------------------------------- time and keys


class Clock(Protocol):
    """Time, replaceable in tests."""

    def now(self) -> datetime:
        """Aware, UTC."""

    def today(self) -> date:
        """The day in the archive's own zone: retention is counted in its days."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature with the name of its algorithm and the id of its key."""

    algorithm: str
    key_id: str
    value: bytes


class Signer(Protocol):
    """Signs small messages (tree heads). The algorithm's name travels with each signature (decision 15)."""

    @property
    def key_id(self) -> str: ...

    def sign(self, message: bytes) -> Signature: ...

    def verify(self, message: bytes, signature: Signature) -> bool: ...


class NumberHasher(Protocol):
    """Keyed hash of personal numbers: the same number gives the same 64 hex digits within one archive."""

    def hash(self, kind: str, number: str) -> str: ...
