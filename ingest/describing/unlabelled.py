"""What a paper says without a label: the institution that heads it, and the day it is signed at the foot.

Only fields that the type has and that no label gave are looked for.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from archive_app.core.reference import DocumentType
from archive_app.core.vocabulary import FieldState
from ingest.describing.dates import at_the_foot
from ingest.describing.layout import Piece, UprightPage
from ingest.describing.model import FieldValue
from ingest.describing.values import SURE

_HEAD: Final = 0.12  # of the page's height: where an institution prints its name
_FIRST: Final = 3  # pieces among which the name is
_PROVIDER: Final = re.compile(
    r"([㐀-鿿()]{2,28}(?:医院|卫生院|卫生服务中心|卫生服务站|保健院|医疗中心|门诊部|诊所|药房|药店))(?:\(.*\))?"
)


def unlabelled(
    known: Sequence[FieldValue], kind: DocumentType | None, pages: Sequence[UprightPage], *, today: date
) -> Iterator[FieldValue]:
    """The values of the type's own fields that stand without a label."""
    if kind is None or not pages:
        return
    missing = {item.key for item in kind.fields} - {value.key for value in known}
    if "fixmedins_name" in missing:
        yield from _heading(pages[0])
    if "doc_date" in missing and (found := at_the_foot(pages, today=today)):
        yield replace(found[1], key="doc_date", state=_state(found[1].confidence))


def _heading(page: UprightPage) -> Iterator[FieldValue]:
    for piece in page.pieces[:_FIRST]:
        if piece.bottom > page.height * _HEAD:
            return
        found = _PROVIDER.match(piece.text)
        if found:
            yield _value("fixmedins_name", found[1], piece)
            return


def _value(key: str, value: str, piece: Piece) -> FieldValue:
    return FieldValue(
        key, value, piece.as_read, piece.page, piece.source, piece.confidence, state=_state(piece.confidence)
    )


def _state(confidence: float) -> FieldState:
    return FieldState.READ if confidence >= SURE else FieldState.DOUBTFUL
