"""The desk at which a paper is filled in: whose agency, in which style, on which day."""

from dataclasses import dataclass
from datetime import date, timedelta

from tests.samples.generator.drawing import A4
from tests.samples.generator.form import Cell, Form, Style
from tests.samples.generator.people import Cast, Person
from tests.samples.generator.seals import Seal


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a form needs besides its own matter. `variant` chooses among a form's layouts."""

    cast: Cast
    agency: str
    style: Style
    seed: int
    day: date
    variant: int = 0

    def form(self, size: tuple[float, float] = A4) -> Form:
        return Form(self.style, self.seed, size)

    @property
    def iso(self) -> str:
        return self.day.isoformat()

    @property
    def staff(self) -> tuple[str, str, str]:
        names = self.cast.staff
        return names[self.seed % len(names)], names[(self.seed + 1) % len(names)], names[(self.seed + 2) % len(names)]

    def written(self, day: date | None = None) -> str:
        """The day as this office writes it."""
        day = day or self.day
        forms = (f"{day.year}年{day.month}月{day.day}日", day.isoformat(), f"{day.year}.{day.month:02d}.{day.day:02d}")
        return forms[self.variant % len(forms)]

    def chinese(self, day: date | None = None) -> str:
        day = day or self.day
        return f"{day.year}年{day.month}月{day.day}日"

    def later(self, days: int) -> date:
        return self.day + timedelta(days=days)

    def number(self, prefix: str = "") -> str:
        """A number of a paper: prefix, year and a serial."""
        return f"{prefix}{self.day:%Y%m%d}{self.seed * 37 % 10_000:04d}"

    def seal(self, caption: str = "业务专用章", radius: float = 46) -> Seal:
        return Seal(self.agency, caption, radius)


def who(person: Person, *, by: str = "公民身份号码", name: str = "姓名") -> tuple[Cell, Cell]:
    """Name and citizen number, under the labels of the form."""
    return Cell(name, person.name, "person_name"), Cell(by, person.certno, "certno", 1.5)
