"""Accounts: credentials, locks, grants that exclude each other by person, and what of it is written down."""

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa
from factories import StoppedClock, a_user, a_viewer, an_archive, the_fonds

from archive_app.accounts import LOCK_AFTER, Accounts, credentials
from archive_app.core.errors import Busy, Conflict, DuplicateCode, InvalidInput, NotFound, NotSignedIn
from archive_app.core.model import AuditLeaf, AuditValue, PasswordHistory, Token, User
from archive_app.core.vocabulary import Action, Level, UserId, Viewer
from archive_app.wiring import Archive

PASSWORD = "Jing-Hu-2026"
CHEAP = credentials.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def archive(tmp_path: Path, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    monkeypatch.setattr(credentials, "_HASHER", CHEAP)
    made = an_archive(tmp_path, clock=clock)
    yield made
    made.close()


@pytest.fixture
def accounts(archive: Archive) -> Accounts:
    return archive.accounts


@pytest.fixture
def system(archive: Archive) -> Viewer:
    return archive.accounts.viewer(a_user(archive, "system"))


@pytest.fixture
def security(archive: Archive) -> Viewer:
    return archive.accounts.viewer(a_user(archive, "security"))


@pytest.fixture
def clerk(accounts: Accounts, system: Viewer) -> UserId:
    account, code = accounts.add(system, "chen.jie", name="陈洁", person="chen-jie")
    accounts.activate("chen.jie", code=code, password=PASSWORD)
    return account.id


def actions(archive: Archive) -> list[tuple[str, str]]:
    with archive.sessions.reading() as session:
        return list(session.execute(sa.select(AuditLeaf.actor, AuditLeaf.action).order_by(AuditLeaf.sequence)).tuples())


def second_factor(archive: Archive, user: UserId) -> str:
    secret = pyotp.random_base32()
    with archive.sessions.writing() as session:
        session.get_one(User, user).otp_secret = secret
        session.commit()
    return secret


# -- sign-in


def test_the_right_password_signs_in(archive: Archive, clerk: UserId) -> None:
    assert archive.accounts.sign_in("chen.jie", PASSWORD) == clerk
    assert actions(archive)[-1] == ("chen.jie", "session:opened")


def test_five_failures_lock_and_time_unlocks(accounts: Accounts, clerk: UserId, clock: StoppedClock) -> None:
    for _ in range(LOCK_AFTER):
        with pytest.raises(NotSignedIn):
            accounts.sign_in("chen.jie", "wrong")
    with pytest.raises(NotSignedIn) as locked:
        accounts.sign_in("chen.jie", PASSWORD)
    with pytest.raises(NotSignedIn) as unknown:
        accounts.sign_in("nobody", PASSWORD)
    assert (locked.value.code, locked.value.parameters) == (unknown.value.code, unknown.value.parameters)
    clock.forward(minutes=16)
    assert accounts.sign_in("chen.jie", PASSWORD) == clerk


def test_a_success_forgets_earlier_failures(accounts: Accounts, clerk: UserId) -> None:
    for _ in range(2):
        for _ in range(LOCK_AFTER - 1):
            with pytest.raises(NotSignedIn):
                accounts.sign_in("chen.jie", "wrong")
        assert accounts.sign_in("chen.jie", PASSWORD) == clerk


def test_wrong_old_passwords_lock_as_failed_sign_ins_do(archive: Archive, clerk: UserId) -> None:
    for _ in range(LOCK_AFTER):
        with pytest.raises(NotSignedIn):
            archive.accounts.change_password(clerk, old="wrong", new="Another-Word-77")
    assert actions(archive)[-1] == ("chen.jie", "account:password-refused")
    with pytest.raises(Busy):
        archive.accounts.change_password(clerk, old=PASSWORD, new="Another-Word-77")


@pytest.mark.parametrize("login", ["nobody", "", "陈", "a\x00b", "x" * 500, "\ud800"])
def test_an_unknown_login_costs_a_hash_and_says_the_same(
    archive: Archive, clerk: UserId, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = []
    monkeypatch.setattr(credentials, "matches", lambda kept, typed: bool(verified.append((kept, typed))))
    said = []
    for name in (login, "chen.jie"):
        with pytest.raises(NotSignedIn) as caught:
            archive.accounts.sign_in(name, "wrong")
        said.append((caught.value.code, caught.value.parameters))
    assert clerk
    assert [typed for _, typed in verified] == ["wrong", "wrong"]
    assert said[0] == said[1]
    assert actions(archive)[-2] == ("unknown", "session:refused")


def test_a_disabled_account_neither_signs_in_nor_acts(accounts: Accounts, system: Viewer, clerk: UserId) -> None:
    token = accounts.tokens.add(clerk)
    accounts.disable(system, "chen.jie")
    with pytest.raises(NotSignedIn):
        accounts.sign_in("chen.jie", PASSWORD)
    with pytest.raises(NotSignedIn):
        accounts.viewer(clerk)
    with pytest.raises(NotSignedIn):
        accounts.viewer_of_token(token)
    assert accounts.session_facts(clerk) is None


# -- second factor


def test_a_one_time_code_is_good_once(archive: Archive, clerk: UserId, clock: StoppedClock) -> None:
    totp = pyotp.TOTP(second_factor(archive, clerk))
    code = totp.at(clock.now())
    assert archive.accounts.sign_in("chen.jie", PASSWORD, otp=code) == clerk
    with pytest.raises(NotSignedIn):
        archive.accounts.sign_in("chen.jie", PASSWORD, otp=code)
    clock.forward(seconds=30)
    with pytest.raises(NotSignedIn):
        archive.accounts.sign_in("chen.jie", PASSWORD, otp=code)
    assert archive.accounts.sign_in("chen.jie", PASSWORD, otp=totp.at(clock.now())) == clerk


@pytest.mark.parametrize("otp", [None, "", "000000x", "１２３４５６"])
def test_a_missing_or_odd_one_time_code_is_refused(archive: Archive, clerk: UserId, otp: str | None) -> None:
    second_factor(archive, clerk)
    with pytest.raises(NotSignedIn):
        archive.accounts.sign_in("chen.jie", PASSWORD, otp=otp)


# -- activation and passwords


def test_an_activation_code_is_good_once(accounts: Accounts, system: Viewer) -> None:
    _, code = accounts.add(system, "li.na", name="李娜")
    with pytest.raises(NotSignedIn):
        accounts.activate("li.na", code="guess", password=PASSWORD)
    accounts.activate("li.na", code=code, password=PASSWORD)
    with pytest.raises(NotSignedIn):
        accounts.activate("li.na", code=code, password="Another-Word-77")


def test_a_weak_password_does_not_use_up_the_code(accounts: Accounts, system: Viewer) -> None:
    _, code = accounts.add(system, "li.na", name="李娜")
    with pytest.raises(InvalidInput):
        accounts.activate("li.na", code=code, password="short")
    accounts.activate("li.na", code=code, password=PASSWORD)


def test_a_disabled_account_is_not_activated(accounts: Accounts, system: Viewer) -> None:
    _, code = accounts.add(system, "li.na", name="李娜")
    accounts.disable(system, "li.na")
    with pytest.raises(NotSignedIn):
        accounts.activate("li.na", code=code, password=PASSWORD)


@pytest.mark.parametrize("login", ["nobody", "a\x00b", "\ud800", "chen.jie", "li.na"])
def test_a_wrong_activation_says_the_same_for_every_login(
    archive: Archive, system: Viewer, clerk: UserId, login: str
) -> None:
    archive.accounts.add(system, "li.na", name="李娜")
    assert clerk  # active already
    with pytest.raises(NotSignedIn) as caught:
        archive.accounts.activate(login, code="guess", password="short")
    assert (caught.value.code, caught.value.parameters) == ("activation-failed", {})
    assert actions(archive)[-1][1] == "account:activation-refused"


@pytest.mark.parametrize("password", ["", "Ab1-", "abcdefghijkl", "abcdefgh1234", "Chen.Jie-2026", "CHEN.JIE-x2026"])
def test_weak_passwords_are_refused(accounts: Accounts, clerk: UserId, password: str) -> None:
    with pytest.raises(InvalidInput):
        accounts.change_password(clerk, old=PASSWORD, new=password)


def test_the_last_five_passwords_are_not_used_again(accounts: Accounts, clerk: UserId, clock: StoppedClock) -> None:
    words = [PASSWORD, *(f"Word-Number-{number}" for number in range(5))]
    for old, new in pairwise(words):
        clock.forward(days=1)
        accounts.change_password(clerk, old=old, new=new)
    clock.forward(days=1)
    with pytest.raises(InvalidInput):
        accounts.change_password(clerk, old=words[-1], new=words[1])
    accounts.change_password(clerk, old=words[-1], new=PASSWORD)


def test_a_new_password_ends_other_sessions(accounts: Accounts, clerk: UserId) -> None:
    before = accounts.session_facts(clerk)
    accounts.change_password(clerk, old=PASSWORD, new="Another-Word-77")
    after = accounts.session_facts(clerk)
    assert before is not None
    assert after is not None
    assert after[0] > before[0]


def test_a_new_password_ends_the_tokens_unless_told_otherwise(
    archive: Archive, clerk: UserId, clock: StoppedClock
) -> None:
    accounts = archive.accounts
    kept = accounts.tokens.add(clerk)
    assert accounts.change_password(clerk, old=PASSWORD, new="Another-Word-77", revoke_tokens=False) == 0
    assert accounts.viewer_of_token(kept).user_id == clerk
    clock.forward(days=1)
    assert accounts.change_password(clerk, old="Another-Word-77", new="Third-Word-78") == 1
    with pytest.raises(NotSignedIn):
        accounts.viewer_of_token(kept)
    assert ("chen.jie", "token:revoked") in actions(archive)


# -- tokens


def test_a_token_stands_for_its_user_until_it_ends(accounts: Accounts, clerk: UserId, clock: StoppedClock) -> None:
    token = accounts.tokens.add(clerk, expires=clock.today().replace(day=10))
    assert accounts.viewer_of_token(token).user_id == clerk
    clock.forward(days=30)
    with pytest.raises(NotSignedIn):
        accounts.viewer_of_token(token)


@pytest.mark.parametrize("who", ["clerk", "security"])
def test_a_token_is_revoked_by_its_owner_or_the_security_administrator(
    archive: Archive, clerk: UserId, security: Viewer, who: str
) -> None:
    kept, lost = (archive.accounts.tokens.add(clerk) for _ in range(2))
    by = archive.accounts.viewer(clerk) if who == "clerk" else security
    issued = archive.accounts.tokens.of(by, "chen.jie")
    with archive.sessions.reading() as session:
        hashed = credentials.digest(lost)
        ident = session.scalars(sa.select(Token.id).where(Token.hash == hashed)).one()
    assert ident in {one.id for one in issued}
    for _ in range(2):  # asked again it stays revoked
        assert archive.accounts.tokens.revoke(by, ident) == "chen.jie"
    with pytest.raises(NotSignedIn):
        archive.accounts.viewer_of_token(lost)
    assert archive.accounts.viewer_of_token(kept).user_id == clerk
    assert actions(archive)[-1] == (by.login, "token:revoked")
    assert [one.revoked is not None for one in archive.accounts.tokens.of(by, "chen.jie")].count(True) == 1


def test_the_tokens_of_others_are_not_there(archive: Archive, system: Viewer, clerk: UserId) -> None:
    token = archive.accounts.tokens.add(clerk)
    (issued,) = archive.accounts.tokens.of(archive.accounts.viewer(clerk))
    with pytest.raises(NotFound):
        archive.accounts.tokens.of(system, "chen.jie")
    with pytest.raises(NotFound):
        archive.accounts.tokens.revoke(system, issued.id)
    assert actions(archive)[-1] == ("system", "user:grant:denied")
    assert archive.accounts.viewer_of_token(token).user_id == clerk


def test_a_token_ends_within_a_year_and_a_day(accounts: Accounts, clerk: UserId, clock: StoppedClock) -> None:
    longest = clock.today() + dt.timedelta(days=366)
    assert accounts.tokens.add(clerk, expires=longest)
    with pytest.raises(InvalidInput):
        accounts.tokens.add(clerk, expires=longest + dt.timedelta(days=1))


def test_a_revoked_or_unknown_token_is_refused(archive: Archive, clerk: UserId) -> None:
    token = archive.accounts.tokens.add(clerk)
    with archive.sessions.writing() as session:
        session.execute(sa.update(Token).values(revoked_at=archive.clock.now()))
        session.commit()
    for word in (token, "", "arc_guess"):
        with pytest.raises(NotSignedIn):
            archive.accounts.viewer_of_token(word)


def test_a_token_does_not_begin_expired(accounts: Accounts, clerk: UserId, clock: StoppedClock) -> None:
    with pytest.raises(InvalidInput):
        accounts.tokens.add(clerk, expires=clock.today())


# -- administration


def test_accounts_are_added_by_the_system_administrator_only(
    archive: Archive, system: Viewer, security: Viewer
) -> None:
    with pytest.raises(NotFound):
        archive.accounts.add(security, "li.na", name="李娜")
    assert actions(archive)[-1] == ("security", "user:add:denied")
    archive.accounts.add(system, "li.na", name="李娜")
    with pytest.raises(DuplicateCode):
        archive.accounts.add(system, "li.na", name="李娜")


def test_grants_are_given_by_the_security_administrator_only(archive: Archive, system: Viewer, clerk: UserId) -> None:
    assert clerk
    with pytest.raises(NotFound):
        archive.accounts.grant(system, "chen.jie", roles=["archivist"], fonds=["J001"], level=Level.SENSITIVE)
    assert actions(archive)[-1] == ("system", "user:grant:denied")


def test_a_grant_makes_the_viewer(archive: Archive, security: Viewer, clerk: UserId) -> None:
    archive.accounts.grant(security, "chen.jie", roles=["archivist"], fonds=["J001"], level=Level.SENSITIVE)
    viewer = archive.accounts.viewer(clerk)
    assert viewer.fonds == {the_fonds(archive, "J001")}
    assert (viewer.clearance, viewer.roles, viewer.fonds_codes) == (Level.SENSITIVE, {"archivist"}, {"J001"})
    archive.accounts.grant(security, "chen.jie", roles=["archivist"], fonds=[], level=Level.PUBLIC)
    assert archive.accounts.viewer(clerk).fonds == frozenset()


def test_no_administrator_reads_records_by_office(archive: Archive) -> None:
    for login in ("system", "security", "audit"):
        viewer = archive.accounts.viewer(a_user(archive, login))
        assert viewer.fonds == frozenset()
        assert not viewer.may(Action.RECORD_READ)
        assert not viewer.may(Action.VALUE_UNMASK)


def test_one_does_not_grant_to_oneself(archive: Archive, security: Viewer) -> None:
    with pytest.raises(Conflict) as caught:
        archive.accounts.grant(security, "security", roles=["archivist"], fonds=["J001"], level=Level.SENSITIVE)
    assert caught.value.code == "own-grant"
    assert actions(archive)[-1] == ("security", "account:grant-refused")


def test_one_does_not_grant_to_ones_other_account(archive: Archive, system: Viewer, security: Viewer) -> None:
    """Two-person rules compare persons, not accounts (decision 18)."""
    person = archive.accounts.person_of(a_user(archive, "security"))
    archive.accounts.add(system, "second.login", name="同一人", person=person)
    with pytest.raises(Conflict) as caught:
        archive.accounts.grant(security, "second.login", roles=["archivist"], fonds=[], level=Level.PUBLIC)
    assert caught.value.code == "own-grant"


@pytest.mark.parametrize("other", ["security-administrator", "audit-administrator", "archivist"])
def test_administrators_exclude_each_other_and_business_roles_by_person(
    archive: Archive, system: Viewer, security: Viewer, other: str
) -> None:
    for login in ("one.login", "two.login"):
        archive.accounts.add(system, login, name="赵敏", person="zhao-min")
    archive.accounts.grant(security, "one.login", roles=["system-administrator"], fonds=[], level=Level.PUBLIC)
    for login, roles in (("one.login", ["system-administrator", other]), ("two.login", [other])):
        with pytest.raises(Conflict) as caught:
            archive.accounts.grant(security, login, roles=roles, fonds=[], level=Level.PUBLIC)
        assert caught.value.code == "roles-exclude"
    assert actions(archive)[-1] == ("security", "account:grant-refused")
    listed = {one.login: one.roles for one in archive.accounts.all(security)}
    assert listed["one.login"] == ("system-administrator",)
    assert listed["two.login"] == ()


@pytest.mark.parametrize(
    "wrong", [{"roles": ["emperor"]}, {"roles": []}, {"fonds": ["J999"]}], ids=["role", "no role", "fonds"]
)
def test_a_grant_of_what_is_not_there_is_refused(
    accounts: Accounts, security: Viewer, clerk: UserId, wrong: dict[str, list[str]]
) -> None:
    assert clerk
    given = {"roles": ["archivist"], "fonds": ["J001"]} | wrong
    with pytest.raises(InvalidInput):
        accounts.grant(security, "chen.jie", level=Level.PUBLIC, **given)


def test_the_list_of_accounts_is_for_administrators(archive: Archive) -> None:
    with pytest.raises(NotFound):
        archive.accounts.all(a_viewer(actions=frozenset({Action.RECORD_READ})))
    assert actions(archive)[-1] == ("wang.min", "user:add:denied")


def test_no_secret_enters_the_log(archive: Archive, system: Viewer, clerk: UserId) -> None:
    _, code = archive.accounts.add(system, "li.na", name="李娜")
    archive.accounts.activate("li.na", code=code, password="Fresh-Word-88")
    token = archive.accounts.tokens.add(clerk)
    for login in ("chen.jie", "mistyped-Secret-1"):  # a password in the wrong place is still one
        with pytest.raises(NotSignedIn):
            archive.accounts.sign_in(login, "mistyped-Secret-1")
    archive.accounts.change_password(clerk, old=PASSWORD, new="Another-Word-77")
    with archive.sessions.reading() as session:
        written = " ".join(session.scalars(sa.select(AuditLeaf.leaf)))
        written += " ".join(value or "" for value in session.scalars(sa.select(AuditValue.value)))
        kept = " ".join(session.scalars(sa.select(Token.hash))) + " ".join(
            session.scalars(sa.select(PasswordHistory.password_hash))
        )
    for secret in (code, token, PASSWORD, "Fresh-Word-88", "mistyped-Secret-1", "Another-Word-77"):
        assert secret not in written
        assert secret not in kept
    assert "argon2id" not in written
