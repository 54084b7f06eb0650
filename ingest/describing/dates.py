"""Dates beside their labels, and the day on which the record was formed."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from archive_app.core.numbers import WrittenDate, find_dates
from archive_app.core.vocabulary import FieldState
from ingest.describing.layout import UprightPage, plain
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
_FOOT: Final = 0.55  # dates of signature stand in the lower part of the last page
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
    return _at_the_foot(pages, today=today)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None  # only a month is written


def _at_the_foot(pages: Sequence[UprightPage], *, today: date) -> tuple[date | None, FieldValue | None]:
    for page in reversed(pages):
        for piece in reversed(page.pieces):
            if piece.top < page.height * _FOOT:
                continue
            for found in find_dates(piece.text):
                day = found.written.as_date()
                alone = found.end - found.start >= len(piece.text.rstrip()) - 12
                if day and day <= today and alone:
                    evidence = FieldValue(
                        "formed_on", day.isoformat(), piece.as_read, page.number, piece.source, piece.confidence
                    )
                    return day, evidence
    return None, None
