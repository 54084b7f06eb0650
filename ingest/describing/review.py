"""Why a person must look at a record before it counts as described: reason codes, none where it is clear."""

import re
from collections.abc import Sequence
from typing import Final

from archive_app.core.reference import DocumentType
from archive_app.core.vocabulary import FieldState, PartyRole
from ingest.describing.layout import UprightPage
from ingest.describing.model import FieldValue, PartyMention

TYPE_UNKNOWN: Final = "type-unknown"
CLASS_UNKNOWN: Final = "class-unknown"
DATE_UNKNOWN: Final = "date-unknown"
NO_TEXT: Final = "no-text"
POSSIBLE_STACK: Final = "possible-stack"
SEVERAL_PERSONS: Final = "several-persons"
STATE_SECRET: Final = "state-secret-mark"  # noqa: S105 a reason code
MISSING: Final = "missing"  # missing:KEY
DOUBTFUL: Final = "doubtful"  # doubtful:KEY, in tables doubtful:KEY:ROW, for persons of rosters doubtful:roster:ROW

_SECRET: Final = re.compile(r"^(?:秘密|机密|绝密)(?:[★☆*].*)?$")
_HEAD: Final = 0.2  # of the page's height, where a mark of secrecy stands


def reasons_to_look(
    kind: DocumentType | None,
    *,
    class_known: bool,
    formed: bool,
    fields: Sequence[FieldValue],
    parties: Sequence[PartyMention],
    pages: Sequence[UprightPage],
    stack: bool,
) -> tuple[str, ...]:
    """Every reason, each once, the weightiest first."""
    found = []
    if not any(page.pieces for page in pages):
        found.append(NO_TEXT)
    if _is_marked_secret(pages):
        found.append(STATE_SECRET)
    if kind is None:
        found.append(TYPE_UNKNOWN)
    elif not class_known:
        found.append(CLASS_UNKNOWN)
    if stack:
        found.append(POSSIBLE_STACK)
    if not formed:
        found.append(DATE_UNKNOWN)
    if _several_subjects(fields):
        found.append(SEVERAL_PERSONS)
    present = {value.key for value in fields}
    if kind:
        found += [f"{MISSING}:{key}" for key in sorted(kind.required_fields - present)]
    found += [_doubt(value) for value in fields if value.state is FieldState.DOUBTFUL]
    found += [
        f"{DOUBTFUL}:roster:{party.row}" for party in parties if party.role is PartyRole.ROSTER and party.doubtful
    ]
    return tuple(dict.fromkeys(found))


def _doubt(value: FieldValue) -> str:
    return f"{DOUBTFUL}:{value.key}" if value.row is None else f"{DOUBTFUL}:{value.key}:{value.row}"


def _several_subjects(fields: Sequence[FieldValue]) -> bool:
    numbers = {value.value for value in fields if value.key == "certno" and value.row is None}
    names = {value.value for value in fields if value.key == "person_name" and value.row is None}
    return len(numbers) > 1 or len(names) > 1


def _is_marked_secret(pages: Sequence[UprightPage]) -> bool:
    return any(
        piece.top < page.height * _HEAD and _SECRET.match(piece.text.replace(" ", ""))
        for page in pages
        for piece in page.pieces
    )
