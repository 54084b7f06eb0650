"""Amounts in figures and in Chinese capitals (大写), and whether the two agree."""

from dataclasses import dataclass
from decimal import Decimal

from archive_app.core.numbers import UnsoundNumberError, find_capitals, money_from_capitals, parse_money
from ingest.describing.layout import plain


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount as a form gives it. `agrees` tells whether capitals and figures agree; None if only one was there."""

    value: Decimal
    doubtful: bool
    agrees: bool | None = None


def amount_in(text: str) -> Amount | None:
    """The amount in a text with figures, capitals or both, or None if it holds neither.

    Where both are there and differ, the capitals count, as they do in law, and the amount is doubtful; where they
    agree, a misread mark in the figures does no harm.
    """
    capitals = find_capitals(text)
    in_words: Decimal | None = None
    if capitals:
        try:
            in_words = money_from_capitals(capitals)
        except UnsoundNumberError:
            return None
    figures = plain(text)
    if capitals:
        figures = _after_capitals(figures)
    money = parse_money(figures)
    if in_words is None:
        return Amount(money.value, money.doubtful) if money else None
    if money is None:
        return Amount(in_words, doubtful=False)
    agrees = money.value == in_words
    return Amount(in_words, doubtful=not agrees, agrees=agrees)


def _after_capitals(text: str) -> str:
    """The figures that follow the capitals, such as `(小写)¥12.00`, without their label."""
    start = max((text.rfind(character) for character in "元圆圓角分整正"), default=-1)
    rest = text[start + 1 :]
    return rest.replace("(小写)", "").replace("小写", "").strip(" :：;；,，")
