"""Names in the order of a Chinese dictionary: by pinyin and tone, character by character (GB/T 13418 practice).

PostgreSQL has the order from ICU as the collation `zh-Hans-x-icu`; on SQLite we bring our own under the same name. A
character with several readings stands under its commonest one in both.
"""

from functools import cache
from typing import Any

import sqlalchemy as sa

COLLATION = "zh-Hans-x-icu"
_Key = tuple[int, str, int]


def by_name(column: Any) -> sa.ColumnElement[Any]:  # noqa: ANN401 - a column or an attribute
    """The column for ORDER BY."""
    return sa.collate(column, COLLATION)


def compare(one: str, other: str) -> int:
    """Less than 0, 0 or more than 0, as a collation of SQLite answers."""
    left, right = (tuple(map(_place, text)) for text in (one, other))
    return (left > right) - (left < right)


@cache
def _place(character: str) -> _Key:
    """Signs and digits, then Han characters by syllable, tone and at last their number, then letters, as ICU has it."""
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415 - its dictionary is loaded where names are ordered

    if not "㐀" <= character <= "\U0003134f":
        return (2 if character.isalpha() else 0, character.casefold(), ord(character))
    syllable = lazy_pinyin(character, style=Style.TONE3, neutral_tone_with_five=True, v_to_u=True)[0]
    return (1, syllable, ord(character))
