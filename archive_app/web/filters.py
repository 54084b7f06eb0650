"""How moments, ages, amounts and sizes are written on pages."""

import datetime as dt
import unicodedata
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from flask import g

_KILO = 1024


def filters(zone: str) -> dict[str, Callable[..., object]]:
    """The filters for templates; moments are shown in the archive's zone."""
    place = ZoneInfo(zone)

    def moment(value: dt.datetime | None) -> str:
        return "—" if value is None else value.astimezone(place).strftime("%Y-%m-%d %H:%M")

    return {
        "moment": moment, "age": age, "amount": amount, "bytes": size, "count": count, "short_id": short_id,
        "reads_unlike": reads_unlike,
    }  # fmt: skip


def age(seconds: float | None) -> str:
    """How long ago, in one unit."""
    zh = str(g.get("language", "zh")) == "zh"
    if seconds is None:
        return "—"
    for limit, unit, words in (
        (60, 1, ("秒", "s")),
        (3600, 60, ("分钟", "min")),
        (86400, 3600, ("小时", "h")),
        (float("inf"), 86400, ("天", "d")),
    ):
        if seconds < limit:
            return f"{int(seconds // unit)} {words[0] if zh else words[1]}"
    return "—"


def amount(value: str) -> str:
    """An amount with thousands and two decimals; what is no amount stays as it is."""
    try:
        return f"{Decimal(value):,.2f}"
    except InvalidOperation:
        return value


def size(value: int | None) -> str:
    """Bytes in a unit people read."""
    if value is None:
        return "—"
    number = float(value)
    for unit in ("B", "KB", "MB", "GB"):
        if number < _KILO:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= _KILO
    return f"{number:.1f} TB"


def count(value: int) -> str:
    """A whole number with thousands."""
    return f"{value:,}"


def reads_unlike(as_read: str, value: str) -> bool:
    """Whether what was read differs from the value by more than blanks and the width of its letters."""
    one, other = ("".join(unicodedata.normalize("NFKC", text).split()) for text in (as_read, value))
    return one != other


def short_id(value: object) -> str:
    """The first eight characters of an id."""
    return str(value)[:8]
