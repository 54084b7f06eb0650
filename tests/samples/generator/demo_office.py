"""Where the demo's papers are filled in: its styles, its people and its desks."""

from datetime import date
from decimal import Decimal

from tests.samples.generator.benefits import Stay
from tests.samples.generator.form import Style
from tests.samples.generator.office import Desk
from tests.samples.generator.people import demo_cast

STYLES = (
    Style(value_face="ukai", row=30, size=11),
    Style(mode="underlined", value_face="ukai", size=11.5, row=32),
    Style(title_face="sans-bold", label_face="sans", value_face="sans", shade=(228, 232, 236), row=28),
    Style(value_face="serif", row=28, double_rule=True),
    Style(
        label_face="zenhei",
        value_face="zenhei",
        title_face="sans-bold",
        rule=(120, 70, 40),
        label_colour=(130, 75, 40),
        row=26,
    ),
)
CAST = demo_cast()


def desk(fonds: str, style: int, seed: int, day: str, variant: int = 0) -> Desk:
    return Desk(CAST, CAST.agencies[fonds], STYLES[style], seed, date.fromisoformat(day), variant)


def stay(  # noqa: PLR0917  rows of a table
    hospital: int,
    admitted: str,
    days: int,
    ward: str,
    diagnosis: str,
    code: str,
    total: str,
    fund: str,
    account: str = "0.00",
) -> Stay:
    return Stay(
        CAST.hospitals[hospital],
        date.fromisoformat(admitted),
        days,
        ward,
        diagnosis,
        code,
        Decimal(total),
        Decimal(fund),
        Decimal(account),
    )
