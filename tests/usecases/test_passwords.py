"""Passwords are weighed while others write, and count for the account as it is when the answer is given."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import pyotp
import pytest
import sqlalchemy as sa
from factories import StoppedClock, a_user, an_archive

from archive_app.accounts import LOCK_AFTER, credentials
from archive_app.core.errors import InvalidInput, NotSignedIn
from archive_app.core.model import User
from archive_app.core.vocabulary import UserId
from archive_app.wiring import Archive

PASSWORD, ANOTHER = "Jing-Hu-2026", "Another-Word-77"


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def archive(tmp_path: Path, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    monkeypatch.setattr(credentials, "_HASHER", Interrupted(lambda: None))
    made = an_archive(tmp_path, clock=clock)
    yield made
    made.close()


@pytest.fixture
def code(archive: Archive) -> str:
    """Activates the account of `chen.jie`."""
    system = archive.accounts.viewer(a_user(archive, "system"))
    return archive.accounts.add(system, "chen.jie", name="陈洁")[1]


@pytest.fixture
def clerk(archive: Archive, code: str) -> UserId:
    archive.accounts.activate("chen.jie", code=code, password=PASSWORD)
    return a_user(archive, "chen.jie")


class Interrupted(credentials.PasswordHasher):
    """Makes and weighs cheap digests; `after` each is what else happens before its answer is used."""

    after: Callable[[], object]

    def __init__(self, after: Callable[[], object]) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.after = after

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        made = super().hash(password, salt=salt)
        self.after()
        return made

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - its name there
        try:
            return super().verify(hash, password)
        finally:
            self.after()


def meanwhile(monkeypatch: pytest.MonkeyPatch, does: Callable[[], object]) -> None:
    """Have this done while the next digest is made; it makes digests as well, and those are not interrupted."""
    left = [does]

    def once() -> None:
        if left:
            left.pop()()

    monkeypatch.setattr(credentials, "_HASHER", Interrupted(once))


def failures(archive: Archive) -> int:
    with archive.sessions.reading() as session:
        return session.execute(sa.select(User.failures).where(User.login == "chen.jie")).scalar_one()


def signs_in(archive: Archive, password: str = PASSWORD, otp: str | None = None) -> bool:
    try:
        archive.accounts.sign_in("chen.jie", password, otp=otp)
    except NotSignedIn:
        return False
    return True


@pytest.mark.parametrize("what", ["sign-in", "unknown", "activation", "change"])
def test_others_write_while_a_digest_is_made(
    archive: Archive, code: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if what != "activation":
        archive.accounts.activate("chen.jie", code=code, password=PASSWORD)
    accounts, clerk = archive.accounts, a_user(archive, "chen.jie")
    meanwhile(monkeypatch, lambda: accounts.set_language(clerk, "en"))
    if what == "activation":
        accounts.activate("chen.jie", code=code, password=PASSWORD)
    elif what == "change":
        accounts.change_password(clerk, old=PASSWORD, new=ANOTHER)
    else:
        assert signs_in(archive) if what == "sign-in" else not signs_in(archive, "wrong")
    facts = accounts.session_facts(clerk)
    assert facts is not None
    assert facts[2] == "en"


def test_a_password_that_was_changed_meanwhile_lets_nobody_in(
    archive: Archive, clerk: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: archive.accounts.change_password(clerk, old=PASSWORD, new=ANOTHER))
    assert not signs_in(archive)
    assert failures(archive) == 1
    assert signs_in(archive, ANOTHER)


def test_a_password_is_not_changed_by_one_that_was_replaced_meanwhile(
    archive: Archive, clerk: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: archive.accounts.change_password(clerk, old=PASSWORD, new=ANOTHER))
    with pytest.raises(NotSignedIn):
        archive.accounts.change_password(clerk, old=PASSWORD, new="Third-Word-78")
    assert not signs_in(archive, "Third-Word-78")
    assert signs_in(archive, ANOTHER)


def test_an_account_that_was_locked_meanwhile_lets_nobody_in(
    archive: Archive, clock: StoppedClock, clerk: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    def guess() -> None:
        for _ in range(LOCK_AFTER):
            assert not signs_in(archive, "wrong")

    meanwhile(monkeypatch, guess)
    assert not signs_in(archive)
    clock.forward(minutes=16)
    assert archive.accounts.sign_in("chen.jie", PASSWORD) == clerk


def test_an_account_that_was_disabled_meanwhile_lets_nobody_in(
    archive: Archive, clerk: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = archive.accounts.viewer(a_user(archive, "system"))
    meanwhile(monkeypatch, lambda: archive.accounts.disable(system, "chen.jie"))
    assert not signs_in(archive)
    assert archive.accounts.session_facts(clerk) is None


def at_once(monkeypatch: pytest.MonkeyPatch, tries: int, one: Callable[[], bool]) -> list[bool]:
    """The answers to so many tries, all of which are weighed before the first is answered."""
    monkeypatch.setattr(credentials, "_HASHER", Interrupted(threading.Barrier(tries, timeout=60).wait))
    with ThreadPoolExecutor(tries) as threads:
        return [each.result() for each in [threads.submit(one) for _ in range(tries)]]


def test_every_one_of_several_tries_at_once_is_counted(
    archive: Archive, clerk: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clerk
    assert at_once(monkeypatch, 4, lambda: signs_in(archive, "wrong")) == [False] * 4
    assert failures(archive) == 4


def test_a_one_time_code_lets_one_of_two_at_once_in(
    archive: Archive, clerk: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = pyotp.random_base32()
    with archive.sessions.writing() as session:
        session.get_one(User, clerk).otp_secret = secret
        session.commit()
    code = pyotp.TOTP(secret).at(archive.clock.now())
    assert sorted(at_once(monkeypatch, 2, lambda: signs_in(archive, otp=code))) == [False, True]


def test_what_is_no_text_is_a_password_like_any_other(archive: Archive, code: str) -> None:
    odd = f"{PASSWORD}\ud800"
    with pytest.raises(InvalidInput):
        archive.accounts.activate("chen.jie", code=code, password="\ud800")
    archive.accounts.activate("chen.jie", code=code, password=odd)
    assert not signs_in(archive, "\ud800")
    assert signs_in(archive, odd)
