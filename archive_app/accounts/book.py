"""The book of accounts: sign-in, viewers, and what administrators do.

The system administrator creates accounts, the security administrator grants; administrators exclude each other and
every business role, person by person.
"""

import datetime as dt
import hmac
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from archive_app.accounts import credentials
from archive_app.accounts.log import AccountLog
from archive_app.accounts.passwords import NewPassword, Passwords, Weighed
from archive_app.accounts.tokens import Tokens
from archive_app.core.errors import Busy, Conflict, DuplicateCode, InvalidInput, NotFound, NotSignedIn
from archive_app.core.model import Fonds, FondsScope, PasswordHistory, RoleGrant, User
from archive_app.core.ports import Clock
from archive_app.core.reference import ReferenceTables
from archive_app.core.unit import Sessions
from archive_app.core.vocabulary import Action, FondsId, Level, UserId, Viewer

LOCK_AFTER = 5
LOCK_FOR = dt.timedelta(minutes=15)
_NO_DIGEST = "-" * 64  # no code has it
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_ADMINISTRATORS = ("system", "security", "audit")
#: On whose behalf viewers are made, before there is one: sees the list of fonds, and no record.
_ALL_FONDS = sa.select(Fonds.__table__.c.id, Fonds.__table__.c.code)
_REGISTRAR = Viewer(
    user_id=UserId(UUID(int=0)),
    login="accounts",
    actions=frozenset({Action.USER_GRANT}),
    fonds=frozenset(),
    clearance=Level.PUBLIC,
    system="accounts",
)


@dataclass(frozen=True, slots=True)
class Account:
    """An account as an administrator sees it: no credential."""

    id: UserId
    login: str
    name: str
    person: str
    roles: tuple[str, ...]
    fonds: tuple[str, ...]
    level: Level
    active: bool
    disabled: bool
    second_factor: bool


class Accounts:
    """Sign-in, accounts and grants. Each public method is one transaction with its audit leaf."""

    def __init__(self, sessions: Sessions, clock: Clock, tables: ReferenceTables) -> None:
        self._sessions, self._clock, self._tables = sessions.on_behalf_of(_REGISTRAR), clock, tables
        self._log = AccountLog(self._sessions, clock)
        self._passwords = Passwords(self._sessions)
        self.tokens = Tokens(self._sessions, clock, self._log)

    # -- credentials

    def sign_in(self, login: str, password: str, *, otp: str | None = None, address: str | None = None) -> UserId:
        """The user with these credentials. Raises `NotSignedIn`, alike for all causes, also for a locked account.

        Whoever guesses is told neither that a login exists nor that a password was right.
        """
        account = _with_login(login)
        weighed = self._passwords.weigh(account, password)
        with self._sessions.writing(expire_on_commit=False) as session:
            user = _held(session, account)
            fault = self._fault(user, weighed, otp)
            if user is not None and fault is None:
                user.failures, user.locked_until = 0, None
                self._log.write(session, user.login, "session:opened", user.id, address=address)
                session.commit()
                return user.id
            if user is not None and fault != "locked":
                self._count_failure(user)
            self._log.write(
                session,
                user.login if user else "unknown",
                "session:refused",
                user.id if user else "unknown",
                result="denied",
                # What was typed as a login that is none may be a password: it is not kept.
                fault=fault or "unknown",
                address=address,
            )
            session.commit()
        raise NotSignedIn("sign-in-failed")

    def _locked(self, user: User) -> bool:
        return user.locked_until is not None and user.locked_until > self._clock.now()

    def _count_failure(self, user: User) -> None:
        user.failures += 1
        if user.failures >= LOCK_AFTER:
            user.locked_until, user.failures = self._clock.now() + LOCK_FOR, 0

    def _fault(self, user: User | None, password: Weighed, otp: str | None) -> str | None:
        if user is None or user.password_hash is None or user.disabled:
            return "no-account"
        if self._locked(user):
            return "locked"
        if not password.proves(user):
            return "password"
        if user.otp_secret is not None and not self._take_otp(user, otp):
            return "second-factor"
        return None

    def _take_otp(self, user: User, code: str | None) -> bool:
        """Accept a time-based code once."""
        step = credentials.otp_step(user.otp_secret or "", code, now=self._clock.now(), after=user.otp_last)
        user.otp_last = user.otp_last if step is None else step
        return step is not None

    def activate(self, login: str, *, code: str, password: str) -> str | None:
        """Set the first password with the single-use code. Gives the second factor's secret where one is required.

        Raises `NotSignedIn` alike for a wrong code, an account that is active, disabled, or none at all.
        """
        first = NewPassword(credentials.hashed(password), used_before=False)  # it is made for a wrong code as well
        with self._sessions.writing(expire_on_commit=False) as session:
            user = _held(session, _with_login(login))
            kept = (user.activation_hash if user is not None and not user.disabled else None) or _NO_DIGEST
            if user is None or not hmac.compare_digest(kept, credentials.digest(code.strip())):
                actor, subject = (user.login, user.id) if user is not None else ("unknown", "unknown")
                self._log.write(session, actor, "account:activation-refused", subject, result="denied")
                session.commit()
                raise NotSignedIn("activation-failed")
            self._set_password(session, user, password, first)
            user.activation_hash = None
            self._log.write(session, user.login, "account:activated", user.id)
            session.commit()
            return user.otp_secret

    def change_password(self, user_id: UserId, *, old: str, new: str, revoke_tokens: bool = True) -> int:
        """Replace the password and end every other session, and every token unless told otherwise.

        Gives how many tokens ended. Raises `NotSignedIn` if the old password is wrong.
        """
        account = User.id == user_id
        weighed = self._passwords.weigh(account, old)
        made = self._passwords.replacing(user_id, new) if weighed.right else None
        with self._sessions.writing(expire_on_commit=False) as session:
            user = _held(session, account)
            if user is None:
                raise NotSignedIn("token-invalid")
            if self._locked(user):
                raise Busy("account-locked", minutes=int(LOCK_FOR.total_seconds() // 60))
            if made is None or not weighed.proves(user):
                self._count_failure(user)
                self._log.write(session, user.login, "account:password-refused", user.id, result="denied")
                session.commit()
                raise NotSignedIn("sign-in-failed")
            self._set_password(session, user, new, made)
            user.session_serial += 1
            ended = self.tokens.end_all(session, user) if revoke_tokens else 0
            self._log.write(session, user.login, "account:password-changed", user.id)
            session.commit()
        return ended

    def _set_password(self, session: Session, user: User, password: str, made: NewPassword) -> None:
        credentials.check_password(password, login=user.login)
        if made.used_before:
            raise InvalidInput(password="used-before")  # noqa: S106 - a reason code
        user.password_hash, user.password_set_at = made.kept, self._clock.now()
        session.add(PasswordHistory(user_id=user.id, password_hash=made.kept, created_at=self._clock.now()))

    # -- viewers

    def viewer_of_token(self, token: str, *, purpose: str | None = None, request_id: str | None = None) -> Viewer:
        """The viewer a token stands for. Raises `NotSignedIn`."""
        with self._sessions.reading() as session:
            return self._viewer(session, self.tokens.owner(session, token), purpose, request_id)

    def viewer(self, user_id: UserId, *, purpose: str | None = None, request_id: str | None = None) -> Viewer:
        """The viewer for a signed-in user. Raises `NotSignedIn` if the account is gone or disabled."""
        with self._sessions.reading() as session:
            return self._viewer(session, user_id, purpose, request_id)

    def viewer_for_explaining(self, by: Viewer, login: str) -> tuple[Viewer, bool]:
        """What a login would be as a viewer, and whether its account is live; to answer about it, never to act by it.

        Raises `NotFound` for an unknown login, and for anybody but the security administrator.
        """
        self._log.need(by, Action.USER_GRANT)
        with self._sessions.reading() as session:
            user = session.scalars(sa.select(User).where(User.login == login)).one_or_none()
            if user is None:
                raise NotFound(kind="user")
            return self._viewer_of(session, user, None, None), not user.disabled

    def _viewer(self, session: Session, user_id: UserId, purpose: str | None, request_id: str | None) -> Viewer:
        user = session.get(User, user_id)
        if user is None or user.disabled:
            raise NotSignedIn("token-invalid")
        return self._viewer_of(session, user, purpose, request_id)

    def _viewer_of(self, session: Session, user: User, purpose: str | None, request_id: str | None) -> Viewer:
        user_id = user.id
        roles = frozenset(session.scalars(sa.select(RoleGrant.role).where(RoleGrant.user_id == user_id)))
        scope = session.execute(
            sa.select(Fonds.id, Fonds.code)
            .join(FondsScope, FondsScope.fonds_id == Fonds.id)
            .where(FondsScope.user_id == user_id)
        ).all()
        return Viewer(
            user_id=user.id,
            login=user.login,
            actions=self._tables.actions_of(roles),
            fonds=frozenset(FondsId(row[0]) for row in scope),
            fonds_codes=frozenset(row[1] for row in scope),
            clearance=user.clearance,
            roles=roles,
            purpose=purpose,
            request_id=request_id,
        )

    def system_viewer(self, name: str, *, actions: Iterable[Action]) -> Viewer:
        """The archive's own work under its own name: all fonds, the actions named by the caller, nothing more."""
        with self._sessions.reading() as session:
            scope = session.connection().execute(_ALL_FONDS).all()  # asked at every job
        return Viewer(
            user_id=_REGISTRAR.user_id,
            login=name,
            actions=frozenset(actions),
            fonds=frozenset(FondsId(row[0]) for row in scope),
            fonds_codes=frozenset(row[1] for row in scope),
            clearance=Level.HIGHLY_SENSITIVE,
            system=name,
        )

    def session_facts(self, user_id: UserId) -> tuple[int, str, str | None] | None:
        """Session serial, name and language of a live account; None if there is none."""
        with self._sessions.reading() as session:
            user = session.get(User, user_id)
            return None if user is None or user.disabled else (user.session_serial, user.name, user.language)

    def signed_out(self, by: Viewer) -> None:
        """Write down that a session was ended by its person."""
        with self._sessions.writing() as session:
            self._log.write(session, by.login, "session:closed", by.user_id)
            session.commit()

    def set_language(self, user_id: UserId, language: str) -> None:
        """Remember the language of the pages."""
        with self._sessions.writing() as session:
            session.get_one(User, user_id).language = language
            session.commit()

    # -- administration

    def add(self, by: Viewer, login: str, *, name: str, person: str | None = None) -> tuple[Account, str]:
        """Create an account (system administrator); gives its single-use activation code."""
        self._log.need(by, Action.USER_ADD)
        with self._sessions.writing(expire_on_commit=False) as session:
            code = credentials.new_code()
            user = self._new(session, login, code=code, name=name, person=person)
            self._log.write(session, by.login, "account:added", user.id, login=login, name=name)
            session.commit()
            return self._accounts(session, [user])[0], code

    def _new(self, session: Session, login: str, *, code: str, name: str, person: str | None) -> User:
        if not _LOGIN.fullmatch(login):
            raise InvalidInput(login="form")
        if not name.strip():
            raise InvalidInput(name="missing")
        if session.scalar(sa.select(sa.func.count()).select_from(User).where(User.login == login)):
            raise DuplicateCode(login=login)
        user = User(
            login=login,
            name=name.strip(),
            person=person or f"account:{login}",
            activation_hash=credentials.digest(code),
            created_at=self._clock.now(),
        )
        session.add(user)
        session.flush()
        return user

    def add_administrators(self, codes: Mapping[str, str], *, second_factor: bool) -> None:
        """Make the three administrators of a new archive with the `new_codes`. Each starts with its one role."""
        with self._sessions.writing(expire_on_commit=False) as session:
            for login in _ADMINISTRATORS:
                role = f"{login}-administrator"
                user = self._new(session, login, code=codes[login], name=self._tables.roles.of(role).zh, person=None)
                user.otp_secret = credentials.new_otp_secret() if second_factor else None
                session.add(RoleGrant(user_id=user.id, role=role, granted_at=self._clock.now()))
                self._log.write(session, "installation", "account:added", user.id, login=login)
            session.commit()

    def grant(self, by: Viewer, login: str, *, roles: Sequence[str], fonds: Sequence[str], level: Level) -> Account:
        """Set roles, fonds and level of an account (security administrator). Raises `Conflict` where roles exclude."""
        self._log.need(by, Action.USER_GRANT)
        with self._sessions.writing(expire_on_commit=False) as session:
            user = session.scalars(sa.select(User).where(User.login == login)).one_or_none()
            if user is None:
                raise NotFound(kind="user")
            try:
                self._check_grant(session, by, user, roles)
            except Conflict as refused:
                session.rollback()
                self._log.write(session, by.login, "account:grant-refused", user.id, result="denied", roles=list(roles))
                session.commit()
                raise refused from None
            known = dict(session.execute(sa.select(Fonds.code, Fonds.id).where(Fonds.code.in_(fonds))).tuples().all())
            if missing := set(fonds) - set(known):
                raise InvalidInput(fonds=f"unknown: {', '.join(sorted(missing))}")
            before = self._accounts(session, [user])[0]
            session.execute(sa.delete(RoleGrant).where(RoleGrant.user_id == user.id))
            session.execute(sa.delete(FondsScope).where(FondsScope.user_id == user.id))
            now = self._clock.now()
            for role in dict.fromkeys(roles):
                session.add(RoleGrant(user_id=user.id, role=role, granted_by=by.user_id, granted_at=now))
            for code in dict.fromkeys(fonds):
                session.add(FondsScope(user_id=user.id, fonds_id=known[code]))
            user.clearance = level
            session.flush()
            after = self._accounts(session, [user])[0]
            self._log.write(
                session,
                by.login,
                "account:granted",
                user.id,
                before=[before.roles, before.fonds, before.level.code],
                after=[after.roles, after.fonds, after.level.code],
            )
            session.commit()
            return after

    def _check_grant(self, session: Session, by: Viewer, user: User, roles: Sequence[str]) -> None:
        # Whoever grants to the same person at the same moment waits here, so that exclusion holds.
        session.execute(sa.select(User.id).where(User.person == user.person).with_for_update()).all()
        granting = session.get(User, by.user_id)
        if user.id == by.user_id or (granting is not None and granting.person == user.person):
            raise Conflict("own-grant")  # persons, not accounts (decision 18)
        self._check_roles(session, user, roles)

    def _check_roles(self, session: Session, user: User, roles: Sequence[str]) -> None:
        unknown = [role for role in roles if role not in self._tables.roles]
        if unknown or not roles:
            raise InvalidInput(role=f"unknown: {', '.join(unknown)}" if unknown else "missing")
        held = set(
            session.scalars(
                sa.select(RoleGrant.role)
                .join(User, User.id == RoleGrant.user_id)
                .where(User.person == user.person, User.id != user.id)
            )
        ) | set(roles)
        for role, other in self._tables.role_conflicts(held):
            raise Conflict("roles-exclude", role=role, other=other)

    def disable(self, by: Viewer, login: str) -> None:
        """Close an account at once and end its sessions (system administrator)."""
        self._log.need(by, Action.USER_ADD)
        with self._sessions.writing(expire_on_commit=False) as session:
            user = session.scalars(sa.select(User).where(User.login == login)).one_or_none()
            if user is None:
                raise NotFound(kind="user")
            user.disabled, user.session_serial = True, user.session_serial + 1
            self._log.write(session, by.login, "account:disabled", user.id)
            session.commit()

    def all(self, by: Viewer) -> tuple[Account, ...]:
        """Every account (system, security and audit administrators)."""
        if not any(by.may(action) for action in (Action.USER_ADD, Action.USER_GRANT, Action.AUDIT_READ)):
            self._log.need(by, Action.USER_ADD)
        with self._sessions.reading(expire_on_commit=False) as session:
            users = session.scalars(sa.select(User).order_by(User.login)).all()
            return self._accounts(session, users)

    def without_role(self, by: Viewer) -> int:
        """How many accounts that are not closed hold no role yet (security administrator)."""
        self._log.need(by, Action.USER_GRANT)
        granted = sa.select(RoleGrant.user_id).where(RoleGrant.user_id == User.id).exists()
        idle = sa.select(sa.func.count()).select_from(User).where(~User.disabled, ~granted)
        with self._sessions.reading() as session:
            return session.execute(idle).scalar_one()

    def names(self, ids: Iterable[UserId]) -> dict[UserId, str]:
        """Display names of these users."""
        with self._sessions.reading() as session:
            return dict(session.execute(sa.select(User.id, User.name).where(User.id.in_(set(ids)))).tuples().all())

    def person_of(self, user_id: UserId) -> str:
        """The natural person behind an account: two-person rules compare these."""
        with self._sessions.reading() as session:
            return session.execute(sa.select(User.person).where(User.id == user_id)).scalar_one()

    def _accounts(self, session: Session, users: Sequence[User]) -> tuple[Account, ...]:
        idents = [user.id for user in users]
        roles, fonds = defaultdict[UserId, list[str]](list), defaultdict[UserId, list[str]](list)
        granted = sa.select(RoleGrant.user_id, RoleGrant.role).where(RoleGrant.user_id.in_(idents))
        for ident, role in session.execute(granted.order_by(RoleGrant.role)).tuples():
            roles[ident].append(role)
        within = sa.select(FondsScope.user_id, Fonds.code).join(Fonds, Fonds.id == FondsScope.fonds_id)
        for ident, code in session.execute(within.where(FondsScope.user_id.in_(idents)).order_by(Fonds.code)).tuples():
            fonds[ident].append(code)
        return tuple(
            Account(
                id=user.id,
                login=user.login,
                name=user.name,
                person=user.person,
                roles=tuple(roles[user.id]),
                fonds=tuple(fonds[user.id]),
                level=user.clearance,
                active=user.password_hash is not None,
                disabled=user.disabled,
                second_factor=user.otp_secret is not None,
            )
            for user in users
        )


def _with_login(login: str) -> sa.ColumnElement[bool]:
    """What is not a login is not looked for: databases choke on some of it."""
    return User.login == login if _LOGIN.fullmatch(login) else sa.false()


def _held(session: Session, account: sa.ColumnElement[bool]) -> User | None:
    """The account, whose tries are counted one after the other; rows that refer to it are added as ever."""
    return session.scalars(sa.select(User).where(account).with_for_update(key_share=True)).one_or_none()


def has_administrators(sessions: Sessions) -> bool:
    """Whether the three administrators were made: the last step of an installation."""
    with sessions.reading() as session:
        there = sa.select(sa.func.count()).select_from(User).where(User.login.in_(_ADMINISTRATORS))
        return session.execute(there).scalar_one() == len(_ADMINISTRATORS)


def new_codes() -> dict[str, str]:
    """An activation code for each of the three administrators, by login."""
    return {login: credentials.new_code() for login in _ADMINISTRATORS}
