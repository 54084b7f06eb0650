"""Dates beside their labels, and the day on which the record was formed."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from archive_app.core.numbers import WrittenDate, find_dates
from archive_app.core.vocabulary import FieldState
from ingest.describing.layout import Piece, UprightPage, plain
from ingest.describing.model import FieldValue

#: Keys whose date says when the paper was formed, the most telling first.
FORMING_KEYS: Final = (
    "sign_date",
    "setl_date",
    "bill_date",
    "voucher_date",
    "approve_date",
    "doc_date",
    "review_date",
    "accept_date",
    "register_date",
    "apply_date",
)
#: Forms with 年, 月 and 日 printed in another colour leave only the figures.
_ONLY_BLANKS: Final = re.compile(r"^((?:19|20)\d\d) +(\d{1,2}) +(\d{1,2})$")
#: Labels that say when a paper was made, but are no fields.
_MADE_ON: Final = re.compile(r"(?:填报|打印|制表|填制|开具|出具|签发|报告|制单|编制|落款|送达|签订)(?:日期|时间) ?:?")
_FOOT: Final = 0.55  # dates of signature stand in the lower part of what is printed
_BESIDE_A_DATE: Final = 12  # characters that may stand in one line with it
_END_KEYS: Final = "_to"


def date_for(key: str, text: str) -> WrittenDate | None:
    """The date that a value gives to a field: of a period the first, but the last for a field that ends one."""
    text = plain(text)
    found = [found.written for found in find_dates(_ONLY_BLANKS.sub(r"\1-\2-\3", text))]
    if not found:
        return None
    return found[-1] if key.endswith(_END_KEYS) else found[0]


def formed_on(
    fields: Sequence[FieldValue], pages: Sequence[UprightPage], *, today: date
) -> tuple[date | None, FieldValue | None]:
    """The day of formation with its evidence: a dated field that says so, otherwise the last day at the foot.

    A day after `today`, or a doubtful one, is not taken. Of several values of one key the latest counts.
    """
    for key in FORMING_KEYS:
        dated = [
            (day, value)
            for value in fields
            if value.key == key
            and value.state is not FieldState.DOUBTFUL
            and (day := _day(value.value))
            and day <= today
        ]
        if dated:
            return max(dated, key=lambda found: found[0])
    return _said(pages, today=today) or at_the_foot(pages, today=today) or (None, None)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None  # only a month is written


def at_the_foot(pages: Sequence[UprightPage], *, today: date) -> tuple[date, FieldValue] | None:
    """The last date that stands by itself in the lower part of a page, not after `today`, with its evidence."""
    for page in reversed(pages):
        if not page.pieces:
            continue
        top, bottom = min(one.top for one in page.pieces), max(one.bottom for one in page.pieces)
        for piece in reversed(page.pieces):
            if piece.top < top + (bottom - top) * _FOOT:
                continue
            for found in find_dates(piece.text):
                day = found.written.as_date()
                if day and day <= today and found.end - found.start >= len(piece.text.rstrip()) - _BESIDE_A_DATE:
                    return day, _evidence(day, piece)
    return None


def _said(pages: Sequence[UprightPage], *, today: date) -> tuple[date, FieldValue] | None:
    """A date behind a label that says when the paper was made but is no field, such as 填报日期 or 打印日期."""
    for page in pages:
        for piece in page.pieces:
            found = _MADE_ON.search(piece.text)
            dates = list(find_dates(piece.text[found.end() :])) if found else []
            day = dates[0].written.as_date() if dates else None
            if day and day <= today:
                return day, _evidence(day, piece)
    return None


def _evidence(day: date, piece: Piece) -> FieldValue:
    return FieldValue("formed_on", day.isoformat(), piece.as_read, piece.page, piece.source, piece.confidence)


def period_ends(value: FieldValue, own: Collection[str]) -> tuple[FieldValue, ...]:
    """The first and last day of a period such as 自…起至…止, as the fields for them, where the type has those."""
    days = [found.written for found in find_dates(plain(value.as_read))]
    if value.key != "valid_period" or len(days) != 2 or not {"effective_from", "effective_to"} <= set(own):  # noqa: PLR2004
        return ()
    start, end = days
    return (replace(value, key="effective_from", value=str(start)), replace(value, key="effective_to", value=str(end)))
