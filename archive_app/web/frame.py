"""What surrounds every page: the rail with what one may do, language, person, and the page shown for an error."""

from dataclasses import dataclass

from flask import g, request, session, url_for
from flask_login import current_user

from archive_app.core.vocabulary import Action, Viewer


@dataclass(frozen=True, slots=True)
class RailItem:
    """One entry of the left rail."""

    title: str  # English; translated in the template
    url: str
    icon: str
    here: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of a page."""

    signed_in: bool
    name: str
    login: str
    rail: tuple[RailItem, ...]
    language: str
    other_language: str
    may_search: bool
    sees_work: bool
    path: str


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What failed, why, what next, and the number to tell."""

    status: int
    code: str
    detail: str
    incident: str


#: Title, endpoint, icon, the actions that open it (any).
_RAIL: tuple[tuple[str, str, str, frozenset[Action]], ...] = (
    ("Workbench", "home.show", "home", frozenset()),
    ("Intake", "intake.batches", "inbox", frozenset({Action.INTAKE_READ})),
    ("Review", "review.queue", "check", frozenset({Action.RECORD_REVIEW})),
    ("Corrections", "corrections.show_all", "pen", frozenset({Action.RECORD_CORRECT, Action.CORRECTION_APPROVE})),
    ("Search", "finding.show", "search", frozenset({Action.RECORD_READ})),
    ("Persons", "persons.find", "person", frozenset({Action.PERSON_READ})),
    ("Audit log", "audit.show", "shield", frozenset({Action.AUDIT_READ})),
    ("Accounts", "users.show", "users", frozenset({Action.USER_ADD, Action.USER_GRANT})),
    ("Jobs", "jobs.show", "gear", frozenset({Action.JOB_READ})),
    ("Status", "status.show", "pulse", frozenset({Action.STATUS_READ})),
)


def frame() -> Frame:
    """The frame for the caller of this request."""
    viewer: Viewer | None = g.get("viewer")
    language = str(g.get("language", "zh"))
    rail = tuple(
        RailItem(title, url_for(endpoint), icon, _is_here(endpoint))
        for title, endpoint, icon, actions in _RAIL
        if viewer is not None and (not actions or any(viewer.may(action) for action in actions))
    )
    return Frame(
        signed_in=viewer is not None,
        name=current_user.name if current_user.is_authenticated else "",
        login=viewer.login if viewer else "",
        rail=rail,
        language=language,
        other_language="en" if language == "zh" else "zh",
        may_search=viewer is not None and viewer.may(Action.RECORD_READ),
        sees_work=viewer is not None and viewer.may(Action.INTAKE_READ),
        path=request.full_path if request.method == "GET" else "/",
    )


def _is_here(endpoint: str) -> bool:
    return (request.endpoint or "").partition(".")[0] == endpoint.partition(".")[0]


def error_page(status: int, code: str, detail: str, incident: str) -> ErrorPage:
    """The page for an error."""
    return ErrorPage(status, code, detail, incident)


def choose_language(default: str) -> str:
    """By choice of this session, of the account, of the browser; otherwise the archive's."""
    chosen = session.get("language") or (current_user.language if current_user.is_authenticated else None)
    if chosen in {"zh", "en"}:
        return str(chosen)
    return request.accept_languages.best_match(["zh", "en"], default=default) or default
