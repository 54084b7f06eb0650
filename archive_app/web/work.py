"""The chip of running work in the top bar: how many papers are being worked on, of which batches, and how far."""

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from archive_app import batches
from archive_app.core.vocabulary import Action
from archive_app.web.access import access, the_archive, viewer

bp = Blueprint("work", __name__)
BLUEPRINTS = (bp,)


@bp.get("/work")
@access(Action.INTAKE_READ, quiet=True)
def show() -> ResponseReturnValue:
    """`{"left","sheet"}`: how many papers are in work, and the sheet that the chip opens."""
    archive = the_archive()
    with archive.reading(viewer()) as unit:
        running = batches.running(unit, archive.sessions)
    left = sum(one.left for one in running)
    if not left:
        return jsonify(left=0, sheet="")
    workers = archive.queue.live_workers()
    sheet = render_template("_parts/work.html", running=running, workers=workers)
    return jsonify(left=left, sheet=sheet)
