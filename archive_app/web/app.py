"""The application: one archive, its pages and its API, put together in one order."""

import logging
import time
from datetime import timedelta

from apiflask import APIFlask
from flask import Flask, Response, g, request, url_for
from flask_babel import Babel
from markupsafe import Markup

from archive_app import __version__
from archive_app.core.vocabulary import Viewer
from archive_app.keys import read_secret
from archive_app.places import templates_folder, translations_folder
from archive_app.web import (
    access,
    admin,
    api,
    api_document,
    corrections,
    errors,
    filters,
    finding,
    home,
    intake,
    operations,
    people,
    records,
    review,
    sign_in,
    words,
    work,
)
from archive_app.web.frame import choose_language, frame
from archive_app.wiring import Archive

_LOG = logging.getLogger("archive.web")
_QUIET = frozenset({"static", "status.healthz", "status.readyz", "status.metrics"})  # asked every few seconds
_CSP = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)


def create_app(archive: Archive) -> Flask:
    """The application for an opened archive. Raises `UndeclaredRoute` if a route declares no permission."""
    app = APIFlask(
        __name__,
        title="Insurance archive",
        version=__version__,
        spec_path="/api/v1/openapi.json",
        docs_path=None,
        template_folder=str(templates_folder()),
    )
    settings = archive.settings
    app.extensions["archive"] = archive
    app.config.update(
        SECRET_KEY=read_secret(archive.keys.session),
        SESSION_COOKIE_NAME="archive",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_REFRESH_EACH_REQUEST=False,  # only by what a person asks for: see `access`
        PERMANENT_SESSION_LIFETIME=timedelta(minutes=settings.session_idle_minutes),
        MAX_CONTENT_LENGTH=settings.limit_bytes + (1 << 20),
        BABEL_DEFAULT_LOCALE=settings.language,
        BABEL_TRANSLATION_DIRECTORIES=str(translations_folder()),
        BABEL_DEFAULT_TIMEZONE=settings.time_zone,
        AUTO_404_RESPONSE=False,
        LOCAL_SERVERS=None,
        SPEC_FORMAT="json",
        VALIDATION_ERROR_SCHEMA=api.ProblemOut,
        HTTP_ERROR_SCHEMA=api.ProblemOut,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # of the default provider
    app.security_schemes = {"bearer": {"type": "http", "scheme": "bearer"}}
    app.spec_processor(api_document.complete)
    Babel(app, locale_selector=lambda: str(g.get("language", settings.language)))
    operations.install(app)
    app.before_request(_language)
    access.install(app)
    errors.install(app)
    _teach_templates(app, archive)
    for part in (sign_in, home, intake, review, finding, records, corrections, people, admin, operations, work):
        for blueprint in part.BLUEPRINTS:
            blueprint.enable_openapi = False  # pages for people are no part of the API's description
            app.register_blueprint(blueprint)
    app.register_blueprint(api.bp)
    app.after_request(_harden)
    app.after_request(_log)
    access.check_declared(app)
    return app


def _language() -> None:
    g.language = choose_language(access.the_archive().settings.language)


def _teach_templates(app: Flask, archive: Archive) -> None:
    def asset(path: str) -> str:
        return url_for("static", filename=path, v=__version__)

    def label(kind: str, code: object) -> str:
        return words.label(archive.tables, kind, code, str(g.get("language", "zh")))

    def icon(name: str) -> Markup:
        return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
            asset("icons.svg"), name
        )

    def fault(reason: str) -> str:
        return words.fault_text(reason, str(g.get("language", "zh")))

    def between(what: str) -> str:
        return words.between(what, str(g.get("language", "zh")))

    app.jinja_env.globals.update(asset=asset, between=between, label=label, icon=icon, fault=fault, frame=frame)
    app.jinja_env.filters.update(filters.filters(archive.settings.time_zone))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _harden(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _CSP)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if "Cache-Control" not in response.headers or "no-cache" in response.headers["Cache-Control"]:
        # What one person saw is not left in a shared office's browser.
        response.headers["Cache-Control"] = "no-store"
    response.headers["X-Request-Id"] = str(g.get("request_id", "-"))
    return response


def _log(response: Response) -> Response:
    """One line a request: the route and never the address, the actor's opaque id and never the name."""
    if request.endpoint not in _QUIET:
        by: Viewer | None = g.get("viewer")
        _LOG.info(
            "request.done endpoint=%s method=%s status=%d seconds=%.3f request=%s actor=%s",
            request.endpoint, request.method, response.status_code, time.monotonic() - g.began,
            g.get("request_id", "-"), by.user_id if by else "-",
        )  # fmt: skip
    return response
