"""The whole error tree.

::

    ArchiveError (code, parameters)
      NotFound               absent, or not visible              404
      NotSignedIn                                                401 (page: sign-in)
      Forbidden              action not granted                  404, as if absent
      InvalidInput           field -> reason                     422
      Refused                a file that is not taken in         415 / 422 / 413
      Conflict               StaleVersion IllegalTransition      409
        DuplicateCode UnderHold UnderWay SecondPersonNeeded
      Busy                   too many attempts                   429
      Unavailable            store, index, engine, child         503
        OcrFailed ChildDied
      IntegrityFailure       FixityMismatch ContentMissing       500 and an alarm
        AuditBroken
    ProgrammingFault         UnscopedQuery UncheckedWrite UndeclaredRoute: never shown to people, fails CI

A failure is never `""`, `0` or `None`. `code` names the message; people read the text in their language at the edge.
"""


class ArchiveError(Exception):
    """Something a user or operator can be told. `parameters` fill the message and must hold no personal data."""

    code = "error"

    def __init__(self, code: str | None = None, /, **parameters: object) -> None:
        self.code = code or type(self).code
        self.parameters = parameters
        super().__init__(self.code, parameters)

    def __str__(self) -> str:
        facts = ", ".join(f"{k}={v}" for k, v in self.parameters.items())
        return f"{self.code} ({facts})" if facts else self.code


class NotFound(ArchiveError):
    """It does not exist, or not for this viewer: the two are not told apart."""

    code = "not-found"


class NotSignedIn(ArchiveError):
    """No valid session or token."""

    code = "not-signed-in"


class Forbidden(ArchiveError):
    """The thing may be seen, the action is not granted."""

    code = "forbidden"


class InvalidInput(ArchiveError):
    """What was typed cannot be used. `fields` maps each field to a reason code."""

    code = "invalid-input"

    def __init__(self, code: str | None = None, /, **fields: object) -> None:
        super().__init__(code, **fields)


class Refused(ArchiveError):
    """A file that is not taken in. `code` is the reason, one of `ingest.reasons`."""

    code = "refused"


class Conflict(ArchiveError):
    """The thing is not in the state the act needs."""

    code = "conflict"


class StaleVersion(Conflict):
    """Somebody else changed it since it was read."""

    code = "stale-version"


class IllegalTransition(Conflict):
    """That move is not legal from the present state."""

    code = "illegal-transition"


class DuplicateCode(Conflict):
    """The code or login is taken."""

    code = "duplicate-code"


class UnderHold(Conflict):
    """A hold (冻结) forbids it."""

    code = "under-hold"


class UnderWay(Conflict):
    """Another of the kind is under way, and this one has its turn when that has ended."""

    code = "under-way"


class SecondPersonNeeded(Conflict):
    """The rule asks for another person than the one who acts."""

    code = "second-person-needed"


class Busy(ArchiveError):
    """Too many attempts; try again after `seconds`."""

    code = "busy"


class Unavailable(ArchiveError):
    """A part does not answer."""

    code = "unavailable"


class OcrFailed(Unavailable):
    """The engine could not read the page. Never an empty text."""

    code = "ocr-failed"


class ChildDied(Unavailable):
    """The decoding child ended without an answer."""

    code = "child-died"


class IntegrityFailure(ArchiveError):
    """What is kept is not what was put."""

    code = "integrity-failure"


class FixityMismatch(IntegrityFailure):
    """The bytes' digest differs from the recorded one."""

    code = "fixity-mismatch"


class ContentMissing(IntegrityFailure):
    """A row names bytes that are not there."""

    code = "content-missing"


class AuditBroken(IntegrityFailure):
    """The audit log does not verify."""

    code = "audit-broken"


class ProgrammingFault(Exception):
    """A defect of ours, never shown to people."""


class UnscopedQuery(ProgrammingFault):
    """A statement that cannot be scoped to the viewer."""


class UncheckedWrite(ProgrammingFault):
    """A write nobody asked for by name."""


class UndeclaredRoute(ProgrammingFault):
    """A route without a declared permission."""
