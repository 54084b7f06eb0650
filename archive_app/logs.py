"""Logs: one line an event, as text or as JSON (`ARCHIVE_LOG`), without personal data.

Our events are `area.what name=value …`: codes, ids, counts and seconds. A traceback names files, lines, functions and
the kinds of errors; what a foreign error says of itself is left out, because it may quote a paper.
"""

import datetime as dt
import json
import logging
import re
import sys
import traceback
from types import TracebackType
from typing import TextIO

from archive_app.core.errors import ArchiveError

OURS = "archive"
_PAIR = re.compile(r"(\w+)=(\S+)")
_FRAMES = 25
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure(form: str, *, level: int = logging.INFO, stream: TextIO | None = None) -> logging.Handler:
    """Log to standard error in this form (`text` or `json`): our events from that level on, others from warnings on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_JsonLines() if form == "json" else _TextLines())
    root = logging.getLogger()
    for before in [one for one in root.handlers if isinstance(one.formatter, _Lines)]:
        root.removeHandler(before)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(level)
    return handler


class _Lines(logging.Formatter):
    """What both forms share: moments in UTC, tracebacks without values."""

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - logging's name
        """The chain of errors, innermost cause last in time as Python tells it, each with its frames."""
        return "" if ei[1] is None else "\n".join(_told(ei[1]))

    @staticmethod
    def moment(record: logging.LogRecord) -> str:
        """UTC, in milliseconds."""
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _TextLines(_Lines):
    def __init__(self) -> None:
        super().__init__("%(moment)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.moment = self.moment(record)
        record.exc_text = None  # another handler may have kept its own words of the error there
        return super().format(record)


class _JsonLines(_Lines):
    def format(self, record: logging.LogRecord) -> str:
        said = record.getMessage()
        line: dict[str, object] = {
            "time": self.moment(record), "level": record.levelname.lower(), "logger": record.name,
        }  # fmt: skip
        if record.name.partition(".")[0] == OURS:
            line["event"] = said.split(maxsplit=1)[0] if said else ""
            line.update((name, _value(value)) for name, value in _PAIR.findall(said) if name not in line)
        else:
            line.update(event=record.name, message=said)
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = _told(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def _value(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _told(error: BaseException) -> list[str]:
    lines: list[str] = []
    if error.__cause__ is not None:
        lines += [*_told(error.__cause__), "which caused:"]
    elif error.__context__ is not None and not error.__suppress_context__:
        lines += [*_told(error.__context__), "during which:"]
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    lines.append(str(error) if isinstance(error, ArchiveError) else type(error).__name__)
    return lines
