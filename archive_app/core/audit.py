"""The audit log: leaves in their final form, the Merkle tree over them, and its verification.

A leaf (decision 16) is canonical JSON with sequence number, time, actor, action, subject, purpose, result, request,
the subject's own running number and the hash of that subject's previous leaf; values stand in it as salted commitments.
The tree is the one of RFC 9162 §2.1; hashes of complete subtrees are stored, so a root costs O(log n).
What is proven holds up to the last tree head kept outside this archive, and no further (decision 17).
"""

import datetime as dt
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from archive_app.core.model import AuditHead, AuditLeaf, AuditNode, AuditValue
from archive_app.core.ports import Signature, Signer

EMPTY_ROOT = hashlib.sha256(b"").hexdigest()

_LEAF, _VALUE, _NODE, _HEAD = (
    cast("sa.Table", model.__table__) for model in (AuditLeaf, AuditValue, AuditNode, AuditHead)
)
# Appending is part of every piece of work: its statements are made once, and nothing is made into objects.
_SIZE = sa.select(_HEAD.c.size).where(_HEAD.c.id == 1).with_for_update()
_RESIZE = sa.update(_HEAD).where(_HEAD.c.id == 1)
_LAST = (
    sa.select(_LEAF.c.subject_number, _LEAF.c.hash)
    .where(_LEAF.c.subject_kind == sa.bindparam("kind"), _LEAF.c.subject_id == sa.bindparam("ident"))
    .order_by(_LEAF.c.subject_number.desc())
    .limit(1)
)
_NODE_HASH = sa.select(_NODE.c.hash).where(
    _NODE.c.height == sa.bindparam("height"), _NODE.c.position == sa.bindparam("position")
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written down. `values` may hold personal data: the leaf gets commitments to them only."""

    actor: str
    action: str
    subject_kind: str
    subject_id: str
    purpose: str | None = None
    result: str = "done"
    request: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TreeHead:
    """Size, root and time of the log, signed."""

    size: int
    root: str
    time: str
    key: str
    signature: str
    algorithm: str

    def message(self) -> bytes:
        """The bytes that are signed."""
        return canonical({"root": self.root, "size": self.size, "time": self.time}).encode()


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in the log: `index` is the leaf's sequence number, or None for the whole."""

    index: int | None
    what: str


def canonical(value: object) -> str:
    """JSON with sorted keys and no blanks: one text for one value. Half a surrogate pair stays escaped."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return text.encode("utf-8", "backslashreplace").decode()


def leaf_hash(leaf: str) -> str:
    """RFC 9162: SHA-256 over 0x00 and the leaf."""
    return hashlib.sha256(b"\x00" + leaf.encode()).hexdigest()


def node_hash(left: str, right: str) -> str:
    """RFC 9162: SHA-256 over 0x01 and both children."""
    return hashlib.sha256(b"\x01" + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()


def commitment(salt: str, value: str) -> str:
    """What a leaf holds instead of a value: HMAC-SHA-256 of it under its own salt."""
    return hmac.new(bytes.fromhex(salt), value.encode(), hashlib.sha256).hexdigest()


def append(session: Session, entries: Sequence[Entry], *, now: dt.datetime) -> None:
    """Append in the session's own transaction. Locks the head: order in the log is order of commit."""
    session.flush()
    connection = session.connection()
    first = connection.execute(_SIZE).scalar_one()
    leaves, values = [], []
    chains: dict[tuple[str, str], tuple[int, str]] = {}
    for sequence, entry in enumerate(entries, start=first):
        subject = (entry.subject_kind, entry.subject_id)
        previous = chains.get(subject) or _last_of(connection, subject)
        leaf, salted = _leaf_of(entry, sequence, previous, now)
        chains[subject] = (leaf["subject_number"], leaf["hash"])
        leaves.append(leaf)
        values += salted
    if not leaves:
        return
    connection.execute(sa.insert(_LEAF), leaves)
    if values:
        connection.execute(sa.insert(_VALUE), values)
    connection.execute(sa.insert(_NODE), _grown(connection, first, [leaf["hash"] for leaf in leaves]))
    connection.execute(_RESIZE, {"size": first + len(leaves)})


def _last_of(connection: sa.Connection, subject: tuple[str, str]) -> tuple[int, str] | None:
    """Number and hash of the subject's last leaf."""
    row = connection.execute(_LAST, {"kind": subject[0], "ident": subject[1]}).first()
    return None if row is None else (row[0], row[1])


def _leaf_of(
    entry: Entry, sequence: int, previous: tuple[int, str] | None, now: dt.datetime
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row of the leaf, and those of its values with their salts."""
    number = previous[0] + 1 if previous else 0
    values = {name: (secrets.token_hex(16), canonical(value)) for name, value in entry.values.items()}
    leaf = canonical(
        {
            "seq": sequence,
            "time": now.astimezone(dt.UTC).isoformat(timespec="microseconds"),
            "actor": entry.actor,
            "action": entry.action,
            "subject": {"kind": entry.subject_kind, "id": entry.subject_id},
            "subject_number": number,
            "subject_previous": previous[1] if previous else None,
            "purpose": entry.purpose,
            "result": entry.result,
            "request": entry.request,
            "values": {name: commitment(salt, value) for name, (salt, value) in values.items()},
        }
    )
    row = {
        "sequence": sequence,
        "leaf": leaf,
        "hash": leaf_hash(leaf),
        "at": now,
        "actor": entry.actor,
        "action": entry.action,
        "subject_kind": entry.subject_kind,
        "subject_id": entry.subject_id,
        "subject_number": number,
    }
    salted = [
        {"sequence": sequence, "name": name, "salt": salt, "value": value} for name, (salt, value) in values.items()
    ]
    return row, salted


def _grown(connection: sa.Connection, first: int, hashes: Sequence[str]) -> list[dict[str, Any]]:
    """The nodes of the new leaves and of every subtree they complete."""
    new: dict[tuple[int, int], str] = {}
    for sequence, digest in enumerate(hashes, start=first):
        height, position = 0, sequence
        new[height, position] = digest
        while position % 2 == 1:
            left = (
                new.get((height, position - 1))
                or connection.execute(_NODE_HASH, {"height": height, "position": position - 1}).scalar_one()
            )
            digest = node_hash(left, digest)  # noqa: PLW2901 - the subtree's, from here on
            height, position = height + 1, position // 2
            new[height, position] = digest
    return [{"height": height, "position": position, "hash": digest} for (height, position), digest in new.items()]


def actions(session: Session, *, beginning: str) -> list[str]:
    """The actions in the log that begin so. They are few: each is stepped over by index, however many leaves it has."""
    first = sa.select(sa.func.min(_LEAF.c.action).label("action")).cte(recursive=True)
    following = sa.select(sa.func.min(_LEAF.c.action)).where(_LEAF.c.action > first.c.action).scalar_subquery()
    every = first.union_all(sa.select(following).where(first.c.action.is_not(None)))
    found = session.connection().execute(sa.select(every.c.action).where(every.c.action.is_not(None))).scalars()
    return [action for action in found if action.startswith(beginning)]


def size(session: Session) -> int:
    """How many leaves the log says it has."""
    return session.execute(sa.select(AuditHead.size).where(AuditHead.id == 1)).scalar_one()


def root(session: Session, leaves: int) -> str:
    """The tree's root over the first `leaves` leaves, from stored nodes."""
    if leaves == 0:
        return EMPTY_ROOT
    peaks: list[str] = []
    start = 0
    for height in reversed(range(leaves.bit_length())):
        if leaves & (1 << height):
            peaks.append(
                session.execute(
                    sa.select(AuditNode.hash).where(AuditNode.height == height, AuditNode.position == start >> height)
                ).scalar_one()
            )
            start += 1 << height
    return _bag(peaks)


def _bag(peaks: list[str]) -> str:
    digest = peaks[-1]
    for peak in reversed(peaks[:-1]):
        digest = node_hash(peak, digest)
    return digest


def head(session: Session, signer: Signer, *, now: dt.datetime) -> TreeHead:
    """The signed head of the log as it stands. The stored leaves are not read again: `verify` does that."""
    leaves = size(session)
    unsigned = TreeHead(leaves, root(session, leaves), now.isoformat(timespec="seconds"), signer.key_id, "", "")
    signature = signer.sign(unsigned.message())
    return TreeHead(
        unsigned.size, unsigned.root, unsigned.time, signature.key_id, signature.value.hex(), signature.algorithm
    )


def signed_by(signer: Signer, tree_head: TreeHead) -> bool:
    """Whether this archive's key signed the head."""
    signature = Signature(tree_head.algorithm, tree_head.key, bytes.fromhex(tree_head.signature))
    return signer.verify(tree_head.message(), signature)


@dataclass(frozen=True, slots=True)
class Verification:
    """What reading every leaf again found. `root` is computed from the leaves, not from stored nodes."""

    size: int
    root: str
    faults: tuple[Fault, ...]


class _Peaks:
    """The growing tree, rebuilt from the leaves."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, str]] = []

    def add(self, digest: str) -> None:
        height = 0
        while self._peaks and self._peaks[-1][0] == height:
            digest = node_hash(self._peaks.pop()[1], digest)
            height += 1
        self._peaks.append((height, digest))

    def root(self) -> str:
        return _bag([digest for _, digest in self._peaks]) if self._peaks else EMPTY_ROOT


def root_of(leaves: Iterable[str]) -> tuple[int, str]:
    """How many leaves there are, and the root of the tree over them."""
    peaks, count = _Peaks(), 0
    for leaf in leaves:
        peaks.add(leaf_hash(leaf))
        count += 1
    return count, peaks.root()


def verify(session: Session, *, against: TreeHead | None = None) -> Verification:
    """Read every leaf, recompute hashes, chains, commitments and root, and compare with what is stored."""
    faults: list[Fault] = []
    peaks = _Peaks()
    chains: dict[tuple[str, str], tuple[int, str]] = {}
    expected = 0
    root_then: str | None = EMPTY_ROOT if against and against.size == 0 else None
    stored = size(session)
    for row in _leaves(session, below=stored):  # what is appended while we read is for the next time
        faults += [Fault(expected, "missing") for expected in range(expected, row.sequence)]
        expected = row.sequence + 1
        faults += _faults_of_leaf(row, chains)
        peaks.add(leaf_hash(row.leaf))
        if against and expected == against.size:
            root_then = peaks.root()
    if stored != expected:
        faults.append(Fault(expected, f"missing: head says {stored} leaves, found {expected}"))
    beyond = session.execute(sa.select(sa.func.max(AuditLeaf.sequence))).scalar_one()
    if beyond is not None and beyond >= size(session):
        faults.append(Fault(beyond, "a leaf beyond the head"))
    faults += _tree_faults(session, stored)
    faults += _value_faults(session)
    if against and against.root != root_then:
        faults.append(Fault(None, f"not an extension of the given head of {against.size} leaves"))
    return Verification(expected, peaks.root(), tuple(faults))


def _tree_faults(session: Session, leaves: int) -> list[Fault]:
    """Every stored node against its children, the lowest against their leaves; a fault is at the node's first leaf."""
    left, right = aliased(AuditNode), aliased(AuditNode)
    statement = (
        sa.select(AuditNode.height, AuditNode.position, AuditNode.hash, AuditLeaf.hash, left.hash, right.hash)
        .outerjoin(AuditLeaf, (AuditNode.height == 0) & (AuditLeaf.sequence == AuditNode.position))
        .outerjoin(left, (left.height == AuditNode.height - 1) & (left.position == AuditNode.position * 2))
        .outerjoin(right, (right.height == AuditNode.height - 1) & (right.position == AuditNode.position * 2 + 1))
        .where(AuditNode.position < leaves)
        .order_by(AuditNode.height, AuditNode.position)
        .execution_options(yield_per=1000)
    )
    faults = []
    complete = 0
    for height, position, digest, leaf, one, other in session.execute(statement):
        if (position + 1) << height > leaves:
            continue  # grown while we read
        complete += 1
        if digest != (leaf if height == 0 else _parent(one, other)):
            faults.append(Fault(position << height, f"stored tree: node {height}/{position} differs"))
    if complete != sum(leaves >> height for height in range(leaves.bit_length())):
        faults.append(Fault(None, "stored tree: nodes are missing"))
    return faults


def _parent(left: str | None, right: str | None) -> str | None:
    """The hash over two stored children; None if one is missing or no hash at all."""
    try:
        return node_hash(left, right) if left and right else None
    except ValueError:
        return None


def _leaves(session: Session, *, below: int) -> Iterator[AuditLeaf]:
    last = -1
    while True:
        rows = session.scalars(
            sa.select(AuditLeaf)
            .where(AuditLeaf.sequence > last, AuditLeaf.sequence < below)
            .order_by(AuditLeaf.sequence)
            .limit(2000)
        ).all()
        if not rows:
            return
        yield from rows
        last = rows[-1].sequence
        session.expunge_all()


def _faults_of_leaf(row: AuditLeaf, chains: dict[tuple[str, str], tuple[int, str]]) -> list[Fault]:
    try:
        leaf = json.loads(row.leaf)
        subject = (leaf["subject"]["kind"], leaf["subject"]["id"])
        chain = (leaf["subject_number"], leaf["subject_previous"])
        beside = (leaf["seq"], leaf["actor"], leaf["action"], *subject, leaf["subject_number"])
    except (ValueError, KeyError, TypeError):
        return [Fault(row.sequence, "not a leaf")]
    faults = []
    digest = leaf_hash(row.leaf)
    if digest != row.hash:
        faults.append(Fault(row.sequence, "altered: its hash differs"))
    if beside != (row.sequence, row.actor, row.action, row.subject_kind, row.subject_id, row.subject_number):
        faults.append(Fault(row.sequence, "columns differ from the leaf"))
    number, previous = chains.get(subject, (-1, None))
    if chain != (number + 1, previous):
        faults.append(Fault(row.sequence, "the subject's own chain is broken"))
    chains[subject] = (leaf["subject_number"], digest)
    return faults


def _value_faults(session: Session) -> list[Fault]:
    faults = []
    statement = (
        sa.select(AuditValue.sequence, AuditValue.name, AuditValue.salt, AuditValue.value, AuditLeaf.leaf)
        .join(AuditLeaf, AuditLeaf.sequence == AuditValue.sequence, isouter=True)
        .where(AuditValue.value.is_not(None))
        .execution_options(yield_per=1000)
    )
    for sequence, name, salt, value, leaf in session.execute(statement):
        if leaf is None:
            faults.append(Fault(sequence, f"value {name} without a leaf"))
            continue
        try:
            kept = json.loads(leaf)["values"][name] == commitment(salt, value or "")
        except (ValueError, KeyError, TypeError):  # the leaf promises no such value, or the salt is none
            kept = False
        if not kept:
            faults.append(Fault(sequence, f"value {name} differs from its commitment"))
    return faults
