"""Who may call which route: declared at each view, held at the door, checked at start.

A route without a declaration stops the application from starting. Whoever lacks the action gets 404, as for a thing
that is not there. Requests with a session need a CSRF token; requests with a bearer token have nothing to forge.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask, current_app, g, request, session
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFProtect

from archive_app.core.errors import NotFound, NotSignedIn, Unavailable, UndeclaredRoute
from archive_app.core.vocabulary import Action, UserId, Viewer
from archive_app.wiring import Archive

V = TypeVar("V", bound=Callable[..., Any])
_DECLARED = "_archive_access"
#: Served without a viewer: assets without content of the archive, and the API's own description.
_OPEN_ENDPOINTS = frozenset({"static", "openapi.spec"})
_FORM_BYTES = 1 << 16  # of a form that anybody may send
csrf = CSRFProtect()
logins = LoginManager()


@dataclass(frozen=True, slots=True)
class Access:
    """What a route asks of its caller: any one of the actions; none: being signed in; `public`: nothing.

    `machine`: the view itself asks for a credential that is no person's.
    `quiet`: asked by the page itself and not by the person before it, so that it keeps no session alive.
    """

    actions: frozenset[Action]
    public: bool = False
    machine: bool = False
    quiet: bool = False


@dataclass(slots=True)
class SignedIn:
    """The signed-in user as Flask-Login knows it."""

    id: UserId
    name: str
    language: str | None
    is_active: bool = True
    is_authenticated: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        """What the session holds."""
        return str(self.id)


def access(*actions: Action, quiet: bool = False) -> Callable[[V], V]:
    """Declare that a view needs one of these actions, or only a signed-in user."""
    return _declare(Access(frozenset(actions), quiet=quiet))


def public(view: V) -> V:
    """Declare that a view needs nobody."""
    return _declare(Access(frozenset(), public=True))(view)


def machine(view: V) -> V:
    """Declare that a view is for programs, and checks their credential itself."""
    return _declare(Access(frozenset(), public=True, machine=True))(view)


def _declare(declared: Access) -> Callable[[V], V]:
    def mark(view: V) -> V:
        setattr(view, _DECLARED, declared)
        return view

    return mark


def declared_access(app: Flask, endpoint: str) -> Access | None:
    """The declaration of an endpoint; None if there is none."""
    if endpoint in _OPEN_ENDPOINTS:
        return Access(frozenset(), public=True)
    view: Any = app.view_functions.get(endpoint)
    while view is not None:
        found = getattr(view, _DECLARED, None)
        if found is not None:
            return found if isinstance(found, Access) else None
        view = getattr(view, "__wrapped__", None)
    return None


def check_declared(app: Flask) -> None:
    """Raise `UndeclaredRoute` naming every route that declares nothing."""
    missing = sorted(name for name in app.view_functions if declared_access(app, name) is None)
    if missing:
        raise UndeclaredRoute(", ".join(missing))


def the_archive() -> Archive:
    """The archive this application serves."""
    archive: Archive = current_app.extensions["archive"]
    return archive


def viewer() -> Viewer:
    """On whose behalf this request runs. Raises `NotSignedIn`."""
    found: Viewer | None = g.get("viewer")
    if found is None:
        raise NotSignedIn
    return found


def install(app: Flask) -> None:
    """Put the door in front of every route."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # decided below, request by request
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # as long as the session
    csrf.init_app(app)
    logins.init_app(app)
    logins.user_loader(_load)
    app.before_request(_at_the_door)


def _load(text: str) -> SignedIn | None:
    if g.get("nobody_known"):  # the page that says so must not ask again
        return None
    ident = UserId(UUID(text))
    try:
        facts = the_archive().accounts.session_facts(ident)
    except Unavailable:
        g.nobody_known = True
        raise
    if facts is None or session.get("serial") != facts[0]:
        return None
    return SignedIn(ident, facts[1], facts[2])


def _at_the_door() -> None:
    g.request_id = secrets.token_hex(6)
    endpoint = request.endpoint
    if endpoint is None:
        _identify(quiet=True)  # who is signed in keeps the frame of the pages
        raise NotFound(kind="page")
    declared = declared_access(current_app, endpoint)
    if declared is None:
        raise UndeclaredRoute(endpoint)
    by_token = not declared.machine and _identify(quiet=declared.quiet)
    if declared.public:
        request.max_content_length = _FORM_BYTES
    elif g.get("viewer") is None:
        raise NotSignedIn  # before the body is read: a stranger's upload fills no disk of ours
    if not by_token and request.method not in {"GET", "HEAD", "OPTIONS"}:
        csrf.protect()
    if declared.public:
        return
    if declared.actions and not any(g.viewer.may(action) for action in declared.actions):
        _write_down(endpoint)
        raise NotFound(kind="page")


def _identify(*, quiet: bool) -> bool:
    """Find out who calls: by bearer token (True) or by session."""
    header = request.headers.get("Authorization", "")
    accounts = the_archive().accounts
    if header.startswith("Bearer "):
        g.viewer = accounts.viewer_of_token(header[len("Bearer ") :], request_id=g.request_id)
        return True
    if current_user.is_authenticated:
        g.viewer = accounts.viewer(current_user.id, purpose=session.get("purpose"), request_id=g.request_id)
        session.modified = session.modified or not quiet  # the idle time begins anew
    return False


def _write_down(endpoint: str) -> None:
    with the_archive().reading(g.viewer) as unit:
        unit.note(f"{endpoint}:denied", "user", g.viewer.user_id, "denied")
