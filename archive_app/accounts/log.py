"""What happens to accounts is written into the audit log, refusals too."""

from sqlalchemy.orm import Session

from archive_app.core import audit
from archive_app.core.errors import NotFound
from archive_app.core.ports import Clock
from archive_app.core.unit import Sessions
from archive_app.core.vocabulary import Action, Viewer


class AccountLog:
    """Appends leaves about accounts, in the caller's transaction."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions, self._clock = sessions, clock

    def write(
        self, session: Session, actor: str, action: str, subject: object, *, result: str = "done", **values: object
    ) -> None:
        """One leaf; values that are None are left out."""
        facts = {name: value for name, value in values.items() if value is not None}
        entry = audit.Entry(
            actor=actor, action=action, subject_kind="user", subject_id=str(subject), result=result, values=facts
        )
        audit.append(session, [entry], now=self._clock.now())

    def need(self, by: Viewer, action: Action) -> None:
        """Raises `NotFound` for who lacks the action, and writes that down: not even that the thing exists is told."""
        if not by.may(action):
            with self._sessions.writing() as session:
                self.write(session, by.login, f"{action}:denied", by.user_id, result="denied")
                session.commit()
            raise NotFound(kind="user")
