"""`archive doctor`: every part and the machine are examined; what is wrong is said in words, with what to do next."""

import click

from archive_app.cli.context import Context, with_context
from archive_app.core.errors import Unavailable
from archive_app.health.examination import MACHINE, PARTS, Examination
from archive_app.health.part import Part, State, worst
from archive_app.web import health_words
from archive_app.wiring import Archive, is_there

_ENGLISH = 1
_PATIENCE_SECONDS = 20.0
_MARKS = {State.OK: "ok", State.OFF: "–", State.DEGRADED: "!", State.DOWN: "✗"}
_BYTES = frozenset({"free", "home-free", "store-free", "bytes"})


@click.command("doctor")
@with_context
def doctor(context: Context) -> int:
    """Examine every part; exit 3 if something needs attention."""
    settings = context.settings
    if not is_there(settings):
        raise Unavailable("no-archive-here", home=str(settings.home))
    archive = Archive(settings)  # not `opened`: an older schema is a finding
    try:
        parts = Examination(archive, (*PARTS, *MACHINE), patience=_PATIENCE_SECONDS).parts()
    finally:
        archive.close()
    state = worst(parts)
    for part in parts:
        words = health_words.ADVICE[part.advice][_ENGLISH] if part.advice else None
        context.answer({**part.as_json(), "advice_text": words}, _line(part, words))
    found = sum(part.state in (State.DEGRADED, State.DOWN) for part in parts)
    context.answer({"state": state.value, "findings": found}, f"\nto look at: {found}" if found else "\nall is well")
    return 0 if state == State.OK else 3


def _line(part: Part, words: str | None) -> str:
    name = health_words.PARTS[part.name][_ENGLISH]
    facts = ", ".join(f"{_fact(key)} {_value(key, value)}" for key, value in part.facts.items())
    line = f"{_MARKS[part.state]:2} {name:14} {facts}".rstrip()
    return f"{line}\n   {words}" if words and part.state != State.OK else line


def _fact(key: str) -> str:
    return health_words.FACTS[key][_ENGLISH].lower() if key in health_words.FACTS else key


def _value(key: str, value: object) -> str:
    if key in _BYTES and isinstance(value, int):
        return f"{value / (1 << 30):.1f} GiB"
    if key.endswith("-seconds"):
        return f"{value} s"
    return health_words.VALUES[str(value)][_ENGLISH] if str(value) in health_words.VALUES else str(value)


COMMANDS = (doctor,)
