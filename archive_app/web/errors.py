"""From errors to answers: one table, one handler; a page for people, `application/problem+json` for programs."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from apiflask import HTTPError
from flask import Flask, Response, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from archive_app.core import errors
from archive_app.core.errors import ArchiveError
from archive_app.web.frame import error_page
from archive_app.web.words import error_text
from ingest.reasons import message as refusal_text

_LOG = logging.getLogger("archive.web")

#: Each kind of error with its status; a kind that is not here has its nearest ancestor's.
STATUS: Mapping[type[ArchiveError], HTTPStatus] = {
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.NotSignedIn: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.NOT_FOUND,  # what may not be acted on is not told apart from what is not there
    errors.InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Refused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.StaleVersion: HTTPStatus.CONFLICT,
    errors.IllegalTransition: HTTPStatus.CONFLICT,
    errors.DuplicateCode: HTTPStatus.CONFLICT,
    errors.UnderHold: HTTPStatus.CONFLICT,
    errors.SecondPersonNeeded: HTTPStatus.CONFLICT,
    errors.Busy: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.OcrFailed: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ChildDied: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.IntegrityFailure: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.FixityMismatch: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ContentMissing: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.AuditBroken: HTTPStatus.INTERNAL_SERVER_ERROR,
}
_RETRY_SECONDS = "30"


def status_of(error: ArchiveError) -> HTTPStatus:
    """The status for this error."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def install(app: Flask) -> None:
    """One handler for our errors, one for the framework's, one for what fits no schema, one for defects."""
    app.register_error_handler(ArchiveError, _ours)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _framework)
    app.register_error_handler(HTTPError, _unfit)
    app.register_error_handler(Exception, _defect)


def _ours(error: ArchiveError) -> ResponseReturnValue:
    status = status_of(error)
    if isinstance(error, errors.NotSignedIn) and not _wants_json():
        return redirect(url_for("sign_in.show", next=request.full_path if request.method == "GET" else None), 303)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("request.failed code=%s incident=%s", error.code, _incident(), exc_info=error)
    detail = refusal_text(error.code, _language(), error.parameters) if isinstance(error, errors.Refused) else None
    return _answer(
        status, error.code, detail or error_text(error.code, error.parameters, _language()), error.parameters
    )


def _forged(error: CSRFError) -> ResponseReturnValue:
    del error
    return _answer(HTTPStatus.BAD_REQUEST, "form-expired", error_text("form-expired", {}, _language()))


def _framework(error: HTTPException) -> ResponseReturnValue:
    status = HTTPStatus(error.code or 500)
    code = {404: "not-found", 405: "not-found", 413: "too-large"}.get(status, "bad-request")
    if error.response is not None and status < HTTPStatus.BAD_REQUEST:
        return Response(status=status, headers=error.response.headers)
    return _answer(HTTPStatus.NOT_FOUND if code == "not-found" else status, code, error_text(code, {}, _language()))


def _unfit(error: HTTPError) -> ResponseReturnValue:
    """What the API's schemas refuse: `{"json": {"size": ["Not a valid integer."]}}` becomes a problem like others."""
    places = error.detail.values() if isinstance(error.detail, Mapping) else ()
    facts = {str(name): what for place in places if isinstance(place, Mapping) for name, what in place.items()}
    said = {name: " ".join(map(str, what)) if isinstance(what, list) else str(what) for name, what in facts.items()}
    return _answer(HTTPStatus(error.status_code), "invalid-input", error_text("invalid-input", said, _language()), said)


def _defect(error: Exception) -> ResponseReturnValue:
    _LOG.error("request.crashed incident=%s", _incident(), exc_info=error)
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", error_text("internal", {}, _language()))


def _wants_json() -> bool:
    return request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json"


def _incident() -> str:
    return str(g.get("request_id", "-"))


def _language() -> str:
    return "en" if _wants_json() else str(g.get("language", "zh"))


def _answer(
    status: HTTPStatus, code: str, detail: str, facts: Mapping[str, object] | None = None
) -> ResponseReturnValue:
    headers = {"Retry-After": _RETRY_SECONDS} if status in (429, 503) else {}
    if _wants_json():
        body = jsonify(
            type="about:blank",
            title=status.phrase,
            status=status.value,
            code=code,
            detail=detail,
            incident=_incident(),
            fields={name: str(value) for name, value in (facts or {}).items()} if status == 422 else {},  # noqa: PLR2004
        )
        body.mimetype = "application/problem+json"
        return body, status, headers
    return render_template("error.html", page=error_page(status.value, code, detail, _incident())), status, headers
