"""Passwords typed and passwords kept: weighed before the transaction in which the answer counts.

A digest takes a tenth of a second on purpose, and on SQLite who may write lets nobody else write meanwhile. So it is
made before, and the transaction, which holds the account's row, takes it for what is still kept there.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from archive_app.accounts import credentials
from archive_app.core.model import PasswordHistory, User
from archive_app.core.unit import Sessions
from archive_app.core.vocabulary import UserId

_REMEMBERED = 5


@dataclass(frozen=True, slots=True)
class Weighed:
    """What was typed, against what was kept of the account's password at that moment."""

    kept: str | None
    right: bool

    def proves(self, user: User) -> bool:
        """Whether it is the account's password: not if another was set meanwhile."""
        return self.right and user.password_hash == self.kept


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password as it would be kept, and whether it is one of the account's last five."""

    kept: str
    used_before: bool


class Passwords:
    """Weighs passwords, each time in a short look of its own at what is kept."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def weigh(self, account: sa.ColumnElement[bool], typed: str) -> Weighed:
        """Takes as long where there is no such account, or one without a password."""
        with self._sessions.reading() as session:
            kept = session.scalars(sa.select(User.password_hash).where(account)).one_or_none()
        return Weighed(kept, credentials.matches(kept, typed))

    def replacing(self, user_id: UserId, password: str) -> NewPassword:
        """The password that the account is to have instead of its own."""
        former = (
            sa.select(PasswordHistory.password_hash)
            .where(PasswordHistory.user_id == user_id)
            .order_by(PasswordHistory.created_at.desc())
            .limit(_REMEMBERED)
        )
        with self._sessions.reading() as session:
            digests = session.scalars(former).all()
        used_before = any(credentials.matches(one, password) for one in digests)
        return NewPassword(credentials.hashed(password), used_before)
