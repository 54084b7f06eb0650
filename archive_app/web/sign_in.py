"""Signing in and out, the first password, one's own account and language."""

from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user

from archive_app.core.errors import ArchiveError, Busy, InvalidInput, NotSignedIn
from archive_app.web.access import SignedIn, access, public, the_archive, viewer
from archive_app.web.words import error_text, faults_text

bp = Blueprint("sign_in", __name__)
BLUEPRINTS = (bp,)


@bp.get("/sign-in")
@public
def show() -> ResponseReturnValue:
    """The form."""
    return render_template("sign_in.html", fault=None, login="", next=_safe(request.args.get("next")))


@bp.post("/sign-in")
@public
def enter() -> ResponseReturnValue:
    """Check the credentials and begin a session."""
    login = request.form.get("login", "").strip()
    try:
        user_id = the_archive().accounts.sign_in(
            login,
            request.form.get("password", ""),
            otp=request.form.get("otp") or None,
            address=request.remote_addr,
        )
    except NotSignedIn as fault:
        text = error_text(fault.code, fault.parameters, g.language)
        page = render_template("sign_in.html", fault=text, login=login, next=_safe(request.form.get("next")))
        return page, 422
    facts = the_archive().accounts.session_facts(user_id)
    if facts is None:
        raise NotSignedIn
    language = session.get("language")
    session.clear()  # a session that was there before the sign-in is not the person's
    session.permanent = True
    session["serial"] = facts[0]
    if language:
        session["language"] = language
    login_user(SignedIn(user_id, facts[1], facts[2]))
    return redirect(_safe(request.form.get("next")) or url_for("home.show"), 303)


@bp.post("/sign-out")
@access()
def leave() -> ResponseReturnValue:
    """End the session."""
    the_archive().accounts.signed_out(viewer())
    logout_user()
    session.clear()
    return redirect(url_for("sign_in.show"), 303)


@bp.get("/activate")
@public
def activation() -> ResponseReturnValue:
    """The form for the first password."""
    return render_template("activate.html", fault=None, login="", secret=None)


@bp.post("/activate")
@public
def activate() -> ResponseReturnValue:
    """Set the first password with the activation code."""
    login = request.form.get("login", "").strip()
    try:
        secret = the_archive().accounts.activate(
            login, code=request.form.get("code", ""), password=request.form.get("password", "")
        )
    except (NotSignedIn, InvalidInput) as fault:
        return render_template("activate.html", fault=_why(fault), login=login, secret=None), 422
    if secret is not None:
        return render_template("activate.html", fault=None, login=login, secret=secret)
    return redirect(url_for("sign_in.show"), 303)


@bp.get("/account")
@access()
def account() -> ResponseReturnValue:
    """One's own account: roles, scope, password."""
    return render_template("account.html", viewer=viewer(), fault=None, done=False, tokens=_live_tokens())


def _live_tokens() -> int:
    archive = the_archive()
    today = archive.clock.today()
    return sum(one.revoked is None and one.expires >= today for one in archive.accounts.tokens.of(viewer()))


@bp.post("/account/password")
@access()
def change_password() -> ResponseReturnValue:
    """Replace one's password; every other session ends, and the tokens if that is ticked."""
    accounts, form = the_archive().accounts, request.form
    try:
        ended = accounts.change_password(
            viewer().user_id, old=form.get("old", ""), new=form.get("new", ""), revoke_tokens="revoke" in form
        )
    except (NotSignedIn, Busy, InvalidInput) as fault:
        page = render_template("account.html", viewer=viewer(), fault=_why(fault), done=False, tokens=_live_tokens())
        return page, 422
    facts = accounts.session_facts(viewer().user_id)
    session["serial"] = facts[0] if facts else None
    return render_template("account.html", viewer=viewer(), fault=None, done=True, ended=ended, tokens=_live_tokens())


@bp.post("/language")
@public
def language() -> ResponseReturnValue:
    """Choose the language of the pages."""
    chosen = request.form.get("language", "zh")
    session["language"] = "en" if chosen == "en" else "zh"
    if g.get("viewer") is not None:
        the_archive().accounts.set_language(g.viewer.user_id, session["language"])
    return redirect(_safe(request.form.get("next")) or url_for("home.show"), 303)


def _why(fault: ArchiveError) -> str:
    if not isinstance(fault, InvalidInput):
        return error_text(fault.code, fault.parameters, g.language)
    return faults_text(fault, g.language)


def _safe(target: str | None) -> str | None:
    """A path of this site, or None: nobody is sent elsewhere after signing in."""
    if not target:
        return None
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or target.startswith(("//", "/\\")):
        return None
    return target
