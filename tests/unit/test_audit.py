"""The audit log against an independent RFC 9162 tree, and against every way to tamper with it."""

import datetime as dt
import hashlib
import hmac
import json
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import without_guards
from factories import NOON, a_database
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from archive_app import database
from archive_app.core import audit
from archive_app.core.model import AuditHead, AuditLeaf, AuditNode, AuditValue
from archive_app.core.ports import Signature


class PlainSigner:
    """Signs with HMAC: what is tested here is what gets signed."""

    key_id = "test"

    def sign(self, message: bytes) -> Signature:
        return Signature("hmac", self.key_id, hmac.digest(b"k", message, "sha256"))

    def verify(self, message: bytes, signature: Signature) -> bool:
        return hmac.compare_digest(self.sign(message).value, signature.value)


def tree(leaves: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + tree(leaves[:k]) + tree(leaves[k:])).digest()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    made = a_database(request.param, tmp_path)
    yield made
    made.dispose()


@pytest.fixture
def session(engine: sa.Engine) -> Iterator[Session]:
    with database.make_sessions(engine).writing() as made:
        yield made


def write(session: Session, count: int, *, subjects: int = 3, first: int = 0) -> None:
    audit.append(session, [entry(number, subjects) for number in range(first, first + count)], now=NOON)
    session.commit()


def entry(number: int, subjects: int = 3) -> audit.Entry:
    return audit.Entry(
        "wang.min", "record:corrected", "record", f"r{number % subjects}", values={"before": "张伟", "after": number}
    )


def leaves(session: Session) -> list[str]:
    return list(session.scalars(sa.select(AuditLeaf.leaf).order_by(AuditLeaf.sequence)))


def faults(session: Session, against: audit.TreeHead | None = None) -> list[tuple[int | None, str]]:
    session.commit()
    session.expire_all()
    return [(fault.index, fault.what) for fault in audit.verify(session, against=against).faults]


# -- the tree


def test_roots_equal_an_independent_tree_at_every_size(session: Session) -> None:
    write(session, 33)
    texts = [text.encode() for text in leaves(session)]
    for count in range(34):
        assert audit.root(session, count) == tree(texts[:count]).hex(), count


def test_an_empty_log_verifies(session: Session) -> None:
    assert audit.verify(session) == audit.Verification(0, hashlib.sha256(b"").hexdigest(), ())


def test_an_honest_log_verifies(session: Session) -> None:
    write(session, 21)
    found = audit.verify(session)
    assert (found.size, found.faults) == (21, ())
    assert found.root == audit.root(session, 21)


def test_nodes_are_those_of_complete_subtrees_only(session: Session) -> None:
    write(session, 11)
    nodes = set(session.execute(sa.select(AuditNode.height, AuditNode.position)).tuples())
    assert nodes == {(h, p) for h in range(4) for p in range(11 >> h)}


# -- the leaf


def test_a_leaf_is_canonical_json_with_all_its_parts_and_no_value(session: Session) -> None:
    audit.append(
        session,
        [audit.Entry("a", "b", "record", "r", purpose="核验", request="q1", values={"before": "张伟"})],
        now=NOON.astimezone(dt.timezone(dt.timedelta(hours=8))),
    )
    (text,) = leaves(session)
    leaf = json.loads(text)
    assert text == json.dumps(leaf, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert "张伟" not in text
    kept = session.scalars(sa.select(AuditValue)).one()
    promise = hmac.new(bytes.fromhex(kept.salt), b'"\xe5\xbc\xa0\xe4\xbc\x9f"', "sha256").hexdigest()
    assert leaf == {
        "seq": 0,
        "time": "2026-03-02T04:00:00.000000+00:00",
        "actor": "a",
        "action": "b",
        "subject": {"kind": "record", "id": "r"},
        "subject_number": 0,
        "subject_previous": None,
        "purpose": "核验",
        "result": "done",
        "request": "q1",
        "values": {"before": promise},
    }


def test_equal_values_have_different_commitments(session: Session) -> None:
    audit.append(session, [audit.Entry("a", "b", "r", "1", values={"x": "同", "y": "同"})], now=NOON)
    values = json.loads(leaves(session)[0])["values"]
    assert values["x"] != values["y"]


def test_each_subject_has_its_own_chain(session: Session) -> None:
    write(session, 7, subjects=2)
    chains: dict[str, list[tuple[int, str | None]]] = {}
    previous: dict[str, str] = {}
    for text in leaves(session):
        leaf = json.loads(text)
        ident = leaf["subject"]["id"]
        chains.setdefault(ident, []).append((leaf["subject_number"], leaf["subject_previous"]))
        assert leaf["subject_previous"] == previous.get(ident)
        previous[ident] = hashlib.sha256(b"\x00" + text.encode()).hexdigest()
    assert [number for number, _ in chains["r0"]] == [0, 1, 2, 3]
    assert [number for number, _ in chains["r1"]] == [0, 1, 2]


def test_subjects_of_another_kind_are_others(session: Session) -> None:
    audit.append(session, [audit.Entry("a", "b", "user", "1"), audit.Entry("a", "b", "record", "1")], now=NOON)
    assert [json.loads(text)["subject_number"] for text in leaves(session)] == [0, 0]


def test_the_actions_of_the_log_are_those_that_begin_so(session: Session) -> None:
    assert audit.actions(session, beginning="") == []
    written = ["record:viewed", "page:viewed", "record:filed", "record:viewed", "records:none", "Record:shouted"]
    audit.append(session, [audit.Entry("a", action, "user", "1") for action in written], now=NOON)
    assert set(audit.actions(session, beginning="record:")) == {"record:filed", "record:viewed"}
    assert sorted(audit.actions(session, beginning="")) == sorted(set(written))
    assert audit.actions(session, beginning="record:%") == []


@given(st.dictionaries(st.text(st.characters(codec=None), max_size=5), st.text(st.characters(codec=None), max_size=9)))
def test_any_text_can_be_written_down(value: dict[str, str]) -> None:
    """Half surrogate pairs and control characters arrive in JSON from outside."""
    text = audit.canonical(value)
    assert json.loads(text.encode().decode()) == value
    assert "\x00" not in text


def test_an_erased_value_leaves_the_log_whole(session: Session) -> None:
    write(session, 5)
    head = audit.head(session, PlainSigner(), now=NOON)
    session.execute(sa.update(AuditValue).where(AuditValue.sequence == 2).values(value=None))
    assert faults(session, head) == []


# -- tampering


def _alter_leaf(session: Session) -> None:
    text = leaves(session)[4].replace("wang.min", "li.qiang")
    session.execute(sa.update(AuditLeaf).where(AuditLeaf.sequence == 4).values(leaf=text, actor="li.qiang"))


def _alter_leaf_and_hash(session: Session) -> None:
    _alter_leaf(session)
    digest = audit.leaf_hash(leaves(session)[4])
    session.execute(sa.update(AuditLeaf).where(AuditLeaf.sequence == 4).values(hash=digest))


def _alter_column(session: Session) -> None:
    session.execute(sa.update(AuditLeaf).where(AuditLeaf.sequence == 4).values(actor="li.qiang"))


def _delete_leaf(session: Session) -> None:
    session.execute(sa.delete(AuditLeaf).where(AuditLeaf.sequence == 4))


def _swap_leaves(session: Session) -> None:
    texts = leaves(session)
    for target, source in ((4, 7), (7, 4)):
        values = {"leaf": texts[source], "hash": audit.leaf_hash(texts[source])}
        session.execute(sa.update(AuditLeaf).where(AuditLeaf.sequence == target).values(**values))


def _not_json(session: Session) -> None:
    session.execute(sa.update(AuditLeaf).where(AuditLeaf.sequence == 4).values(leaf="[]"))


def _alter_value(session: Session) -> None:
    session.execute(
        sa.update(AuditValue).where(AuditValue.sequence == 4, AuditValue.name == "before").values(value='"李强"')
    )


def _alter_salt(session: Session) -> None:
    session.execute(
        sa.update(AuditValue).where(AuditValue.sequence == 4, AuditValue.name == "before").values(salt="00" * 16)
    )


def _add_value(session: Session) -> None:
    session.add(AuditValue(sequence=4, name="extra", salt="00" * 16, value='"x"'))


def _alter_low_node(session: Session) -> None:
    session.execute(sa.update(AuditNode).where(AuditNode.height == 0, AuditNode.position == 4).values(hash="0" * 64))


def _alter_inner_node(session: Session) -> None:
    session.execute(sa.update(AuditNode).where(AuditNode.height == 1, AuditNode.position == 2).values(hash="0" * 64))


def _nonsense_node(session: Session) -> None:
    session.execute(sa.update(AuditNode).where(AuditNode.height == 0, AuditNode.position == 4).values(hash="no hash"))


def _nonsense_salt(session: Session) -> None:
    session.execute(sa.update(AuditValue).where(AuditValue.sequence == 4).values(salt="no salt"))


@pytest.mark.parametrize(
    "tamper",
    [
        _nonsense_node,
        _nonsense_salt,
        _alter_leaf,
        _alter_leaf_and_hash,
        _alter_column,
        _delete_leaf,
        _swap_leaves,
        _not_json,
        _alter_value,
        _alter_salt,
        _add_value,
        _alter_low_node,
        _alter_inner_node,
    ],
)
def test_tampering_is_found_at_its_leaf(session: Session, tamper: object) -> None:
    write(session, 11)
    without_guards(session)
    tamper(session)  # type: ignore[operator]
    assert 4 in [index for index, _ in faults(session)]


def test_a_missing_node_is_found(session: Session) -> None:
    write(session, 8)
    without_guards(session)
    session.execute(sa.delete(AuditNode).where(AuditNode.height == 1, AuditNode.position == 1))
    assert (None, "stored tree: nodes are missing") in faults(session)


def test_a_truncated_log_is_found_where_it_ends(session: Session) -> None:
    write(session, 11)
    without_guards(session)
    session.execute(sa.delete(AuditLeaf).where(AuditLeaf.sequence >= 9))
    assert 9 in [index for index, _ in faults(session)]


def test_a_leaf_beyond_the_head_is_found(session: Session) -> None:
    write(session, 11)
    session.execute(sa.update(AuditHead).values(size=10))
    assert (10, "a leaf beyond the head") in faults(session)


# -- heads


def _cut_cleanly(session: Session, size: int) -> None:
    """What a forger with the whole database would do."""
    without_guards(session)
    session.execute(sa.delete(AuditLeaf).where(AuditLeaf.sequence >= size))
    session.execute(sa.delete(AuditValue).where(AuditValue.sequence >= size))
    for height in range(8):
        session.execute(sa.delete(AuditNode).where(AuditNode.height == height, AuditNode.position >= size >> height))
    session.execute(sa.update(AuditHead).values(size=size))
    session.commit()
    session.expire_all()


def test_a_clean_cut_is_seen_only_against_a_head_kept_outside(session: Session) -> None:
    write(session, 11)
    head = audit.head(session, PlainSigner(), now=NOON)
    _cut_cleanly(session, 9)
    assert faults(session) == []  # decision 17: nothing inside can show it
    assert faults(session, head) == [(None, "not an extension of the given head of 11 leaves")]


def test_a_rewritten_tail_is_no_extension(session: Session) -> None:
    write(session, 11)
    head = audit.head(session, PlainSigner(), now=NOON)
    _cut_cleanly(session, 9)
    write(session, 6, first=100)
    assert faults(session) == []
    assert len(faults(session, head)) == 1


@pytest.mark.parametrize("size", [0, 1, 7, 8, 20])
def test_a_grown_log_extends_its_older_heads(session: Session, size: int) -> None:
    write(session, size)
    head = audit.head(session, PlainSigner(), now=NOON)
    write(session, 13, first=size)
    assert head.size == size
    assert faults(session, head) == []


def test_a_head_is_signed_over_size_root_and_time(session: Session) -> None:
    write(session, 3)
    signer = PlainSigner()
    head = audit.head(session, signer, now=NOON)
    assert audit.signed_by(signer, head)
    for change in ({"size": 2}, {"root": "0" * 64}, {"time": "2020-01-01T00:00:00+00:00"}):
        forged = audit.TreeHead(
            **{name: getattr(head, name) for name in ("size", "root", "time", "key", "signature", "algorithm")} | change
        )
        assert not audit.signed_by(signer, forged)


# -- several processes

SPAWN = multiprocessing.get_context("spawn")


def _appends(url: str, worker: int) -> None:
    engine = database.make_engine(url)
    sessions = database.make_sessions(engine)
    for number in range(15):
        with sessions.writing() as session:
            subject = f"r{number % 2}"
            audit.append(session, [audit.Entry(f"w{worker}", "did", "record", subject)], now=NOON)
            session.commit()
    engine.dispose()


def test_writers_in_several_processes_make_one_sound_log(engine: sa.Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    processes = [SPAWN.Process(target=_appends, args=(url, worker)) for worker in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    with database.make_sessions(engine).reading() as session:
        found = audit.verify(session)
    assert (found.size, found.faults) == (45, ())
