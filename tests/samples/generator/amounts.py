"""Sums of money as they are printed: with thousands' commas, and in capitals (大写)."""

from decimal import Decimal

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿")


def figure(amount: Decimal) -> str:
    """`45,055.44`."""
    return f"{amount:,.2f}"


def capitals(amount: Decimal) -> str:
    """`肆万伍仟零伍拾伍元肆角肆分`; whole sums end in 整."""
    yuan, cents = divmod(int(amount * 100), 100)
    jiao, fen = divmod(cents, 10)
    text = (_whole(yuan) + "元") if yuan else ""
    if not cents:
        return (text or "零元") + "整"
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif yuan:
        text += "零"
    return text + (_DIGITS[fen] + "分" if fen else "整")


def _whole(number: int) -> str:
    text, gap = "", False
    for group in reversed(range(len(_GROUPS))):
        part = number // 10_000**group % 10_000
        written = ""
        for place in reversed(range(4)):
            digit = part // 10**place % 10
            if digit:
                if gap and (text or written):
                    written += "零"
                written += _DIGITS[digit] + _PLACES[place]
                gap = False
            elif text or written:
                gap = True
        if written:
            text += written + _GROUPS[group]
    return text
