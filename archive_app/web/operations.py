"""How the archive does: the status page for people, health answers and metrics for machines."""

import hmac

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from archive_app.core.vocabulary import Action
from archive_app.health.examination import READINESS, Examination
from archive_app.health.part import State, worst
from archive_app.web.access import access, machine, public, the_archive
from archive_app.web.metrics import TYPE, Metrics

status = Blueprint("status", __name__)
BLUEPRINTS = (status,)
_STRANGERS_SECONDS = 2.0  # how old an answer to strangers may be: they cannot make us work
_HEALTH, _READINESS, _METRICS = "archive-examination", "archive-readiness", "archive-metrics"


def install(app: Flask) -> None:
    """One examination and its metrics for the application."""
    archive = app.extensions["archive"]
    app.extensions[_HEALTH] = examination = Examination(archive)
    app.extensions[_READINESS] = Examination(archive, READINESS)
    app.extensions[_METRICS] = metrics = Metrics(archive, examination)
    metrics.install(app)


@status.get("/status")
@access(Action.STATUS_READ)
def show() -> ResponseReturnValue:
    """Each part, its state, its facts, and what to do."""
    archive = the_archive()
    examination: Examination = current_app.extensions[_HEALTH]
    parts = examination.parts()
    report = {"at": archive.clock.now().isoformat(timespec="seconds"), "parts": [part.as_json() for part in parts]}
    return render_template("status.html", parts=parts, worst=worst(parts), now=archive.clock.now(), report=report)


@status.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """The process lives."""
    return jsonify(state="ok")


@status.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Each part that is set up: ok, degraded or down; no facts for strangers."""
    readiness: Examination = current_app.extensions[_READINESS]
    parts = [part for part in readiness.parts(at_most_old=_STRANGERS_SECONDS) if part.state != State.OFF]
    state = worst(parts)
    found = {part.name: part.state.value for part in parts}
    return jsonify(state=state.value, parts=found), 503 if state == State.DOWN else 200


@status.get("/metrics")
@machine
def metrics() -> ResponseReturnValue:
    """The metrics, for who brings the token. Without one in the settings there are none.

    Whoever asks from this machine is not trusted for that: behind a proxy that stands here everybody does.
    """
    wanted = the_archive().settings.metrics_token
    if not wanted:
        return Response("no metrics: ARCHIVE_METRICS_TOKEN is not set\n", 404)
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        return Response("the metrics token is missing or wrong\n", 401, {"WWW-Authenticate": "Bearer"})
    found: Metrics = current_app.extensions[_METRICS]
    return Response(found.text(), content_type=TYPE)
