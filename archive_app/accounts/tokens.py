"""Bearer tokens (令牌): shown once, kept as hashes, each with its last day, ended at once by who may."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from archive_app.accounts import credentials
from archive_app.accounts.log import AccountLog
from archive_app.core.errors import InvalidInput, NotFound, NotSignedIn
from archive_app.core.model import Token, User
from archive_app.core.ports import Clock
from archive_app.core.unit import Sessions
from archive_app.core.vocabulary import Action, UserId, Viewer

_DAYS = 365
_MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A bearer token as its owner sees it: never the token itself."""

    id: UUID
    login: str
    created: dt.datetime
    expires: dt.date
    revoked: dt.datetime | None


class Tokens:
    """The tokens of all accounts. What is given no session is one transaction with its audit leaf."""

    def __init__(self, sessions: Sessions, clock: Clock, log: AccountLog) -> None:
        self._sessions, self._clock, self._log = sessions, clock, log

    def add(self, user_id: UserId, *, expires: dt.date | None = None) -> str:
        """A new token, shown once, kept as a hash. Raises `InvalidInput` if its last day is past or too far."""
        today = self._clock.today()
        until = expires or today + dt.timedelta(days=_DAYS)
        if until <= today:
            raise InvalidInput(expires="in-the-past")
        if until > today + dt.timedelta(days=_MOST_DAYS):
            raise InvalidInput(expires="too-far")
        token = credentials.new_token()
        row = Token(
            user_id=user_id, hash=credentials.digest(token), created_at=self._clock.now(), expires_on=until
        )  # fmt: skip
        with self._sessions.writing(expire_on_commit=False) as session:
            user = session.get_one(User, user_id)
            session.add(row)
            self._log.write(session, user.login, "token:added", user.id, expires=until.isoformat())
            session.commit()
        return token

    def owner(self, session: Session, token: str) -> UserId:
        """Whose it is, in the caller's session. Raises `NotSignedIn` if it is unknown, revoked or past its last day."""
        row = session.scalars(sa.select(Token).where(Token.hash == credentials.digest(token.strip()))).one_or_none()
        if row is None or row.revoked_at is not None or row.expires_on < self._clock.today():
            raise NotSignedIn("token-invalid")
        return row.user_id

    def of(self, by: Viewer, login: str | None = None) -> tuple[IssuedToken, ...]:
        """One's own tokens, or (security administrator) those of a login; newest last. Raises `NotFound`."""
        with self._sessions.reading() as session:
            owner = session.scalars(sa.select(User).where(User.login == (login or by.login))).one_or_none()
            if owner is not None and (owner.id == by.user_id or by.may(Action.USER_GRANT)):
                rows = session.scalars(sa.select(Token).where(Token.user_id == owner.id).order_by(Token.created_at))
                return tuple(
                    IssuedToken(row.id, owner.login, row.created_at, row.expires_on, row.revoked_at) for row in rows
                )
        self._log.need(by, Action.USER_GRANT)
        raise NotFound(kind="user")

    def revoke(self, by: Viewer, ident: UUID) -> str:
        """End one at once: one's own, or (security administrator) anybody's. Gives its login. Raises `NotFound`."""
        with self._sessions.writing(expire_on_commit=False) as session:
            row = session.get(Token, ident)
            if row is not None and (row.user_id == by.user_id or by.may(Action.USER_GRANT)):
                owner = session.get_one(User, row.user_id)
                if row.revoked_at is None:
                    self._end(session, row, owner, by.login)
                    session.commit()
                return owner.login
        self._log.need(by, Action.USER_GRANT)
        raise NotFound(kind="token")

    def end_all(self, session: Session, user: User) -> int:
        """End every live token of the account, in the caller's transaction. Gives how many."""
        live = sa.select(Token).where(
            Token.user_id == user.id, Token.revoked_at.is_(None), Token.expires_on >= self._clock.today()
        )
        ended = session.scalars(live).all()
        for row in ended:
            self._end(session, row, user, user.login)
        return len(ended)

    def _end(self, session: Session, row: Token, owner: User, actor: str) -> None:
        row.revoked_at = self._clock.now()
        self._log.write(session, actor, "token:revoked", owner.id, token=str(row.id))
