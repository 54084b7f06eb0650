"""Lays a paper out as an office form: title, grids of labelled values, tables, opinions, seals, page numbers.

What is put into a labelled cell with a key is at the same time the paper's truth.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.samples.generator.drawing import A4, BLACK, Colour, Line, Patch, Sheet, Signature, Stamp, Text, width
from tests.samples.generator.people import Person
from tests.samples.generator.seals import Seal

_PAD: Final = 5.0


@dataclass(frozen=True, slots=True)
class Style:
    """How an office prints its forms. `mode`: ruled, underlined, stacked (label above value) or colon."""

    mode: str = "ruled"
    title_face: str = "serif-bold"
    label_face: str = "serif"
    value_face: str = "serif"
    sign_face: str = "ukai"
    title_size: float = 20
    size: float = 10.5
    row: float = 25
    rule: Colour = BLACK
    label_colour: Colour = BLACK
    shade: Colour | None = None
    double_rule: bool = False
    label_width: float = 82


@dataclass(frozen=True, slots=True)
class Cell:
    """A label with its value; `key` is that of the label dictionary, `weight` its share of the row."""

    label: str
    value: str
    key: str | None = None
    weight: float = 1.0


@dataclass(slots=True)
class Paper:
    """One record as drawn, and what is true of it."""

    type: str
    cls: str
    title: str
    sheets: list[Sheet]
    date: str | None
    persons: list[tuple[Person, str]] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    doc_no: str | None = None
    clear: bool = True
    #: Citizen numbers that stand on it; a payment names its payee without one.
    numbers: frozenset[str] = frozenset()

    def truth(self) -> dict[str, Any]:
        """The record as it stands in truth.json, without its rotation."""
        return {
            "type": self.type or None,
            "class": self.cls or None,
            "title_contains": self.title,
            "persons": [
                {"name": p.name, "certno": p.certno if p.certno in self.numbers else None, "role": role}
                for p, role in self.persons
            ],
            "fields": self.fields,
            "date": self.date,
            "doc_no": self.doc_no,
            "clear": self.clear,
        }


class Form:
    """Draws downwards on one sheet after another."""

    def __init__(self, style: Style, seed: int, size: tuple[float, float] = A4) -> None:
        self.style = style
        self.random = random.Random(seed)  # noqa: S311  layout, not secrets
        self.sheets = [Sheet(size)]
        self.size = size
        self.left = 44.0
        self.right = size[0] - 44.0
        self.y = 46.0 if size[1] > 450 else 26.0
        self.fields: dict[str, str] = {}
        self.words: list[str] = []

    @property
    def sheet(self) -> Sheet:
        return self.sheets[-1]

    def new_page(self) -> None:
        self.sheets.append(Sheet(self.size))
        self.y = 60.0

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float | None = None,
        face: str | None = None,
        colour: Colour | None = None,
    ) -> float:
        """One line of text; answers where it ends."""
        size = size or self.style.size
        face = face or self.style.label_face
        for before in (text[:place] for place, character in enumerate(text) if character == "☑"):
            self._tick(x + width(before.replace("☑", "□"), face, size), y, size)
        text = text.replace("☑", "□")
        self.sheet.marks.append(Text(x, y, size, text, face, colour or self.style.label_colour))
        return x + width(text, face, size)

    def _tick(self, x: float, y: float, size: float) -> None:
        """A hand's tick in the box that stands at x, y."""
        low = (x + size * 0.42, y + size * 0.82)
        self.sheet.marks.append(Line(x + size * 0.18, y + size * 0.5, *low, 1.1, (30, 35, 90)))
        self.sheet.marks.append(Line(*low, x + size * 1.0, y + size * 0.05, 1.1, (30, 35, 90)))

    def centred(
        self, y: float, text: str, *, size: float, face: str | None = None, colour: Colour | None = None
    ) -> None:
        face = face or self.style.label_face
        middle = (self.left + self.right) / 2
        self.text(middle - width(text, face, size) / 2, y, text, size=size, face=face, colour=colour)

    def title(self, text: str, *, above: str = "", below: str = "") -> None:
        """The title in big type, with an issuer above or a remark below."""
        style = self.style
        if above:
            self.centred(self.y, above, size=style.title_size * 0.72, face=style.title_face)
            self.y += style.title_size
        size = style.title_size
        while width(text, style.title_face, size) > self.right - self.left:
            size -= 0.5
        self.centred(self.y, text, size=size, face=style.title_face)
        self.y += size + 6
        if style.double_rule:
            for gap in (0.0, 2.5):
                self._line(self.left + 110, self.y + gap, self.right - 110, self.y + gap)
            self.y += 6
        if below:
            self.centred(self.y, below, size=style.size)
            self.y += style.size + 4
        self.y += 8
        self.words.append(text[:8])

    def pairs(self, *cells: Cell) -> None:
        """Label：value spread over one line without rules, as above a table."""
        style = self.style
        needs = [
            width(f"{c.label}：", style.label_face, style.size) + width(c.value, style.value_face, style.size)
            for c in cells
        ]
        even = (self.right - self.left) / len(cells)
        spare = (self.right - self.left - sum(needs)) / len(cells)
        at = self.left
        for cell, need in zip(cells, needs, strict=True):
            start, at = at, at + (even if max(needs) + 6 < even else need + spare)
            x = self.text(start, self.y, f"{cell.label}：")
            self.text(x, self.y, cell.value, face=self.style.value_face, colour=BLACK)
            self._keep(cell)
        self.y += self.style.size + 8

    def grid(self, *rows: Sequence[Cell]) -> None:
        """Rows of labelled cells in this style's way."""
        for row in rows:
            if self.style.mode == "ruled":
                self._ruled(row)
            elif self.style.mode == "stacked":
                self._stacked(row)
            else:
                self._running(row)
            for cell in row:
                self._keep(cell)

    def _keep(self, cell: Cell) -> None:
        if cell.key and cell.value:
            self.fields[cell.key] = cell.value

    def _spans(self, row: Sequence[Cell]) -> list[tuple[float, float]]:
        total = sum(cell.weight for cell in row)
        spans, x = [], self.left
        for cell in row:
            step = (self.right - self.left) * cell.weight / total
            spans.append((x, step))
            x += step
        return spans

    def _ruled(self, row: Sequence[Cell]) -> None:
        style = self.style
        label_of = [min(style.label_width, span * 0.5) for _, span in self._spans(row)]
        values = [
            self.wrapped(cell.value, span - label - 2 * _PAD, style.value_face)
            for cell, (_, span), label in zip(row, self._spans(row), label_of, strict=True)
        ]
        labels = [
            self.wrapped(cell.label, label - 2 * _PAD, style.label_face)
            for cell, label in zip(row, label_of, strict=True)
        ]
        lines = max(len(part) for part in (*values, *labels))
        height = max(style.row, lines * (style.size + 3) + 2 * _PAD)
        for (x, span), label, label_lines, value_lines in zip(self._spans(row), label_of, labels, values, strict=True):
            if style.shade:
                self.sheet.marks.append(Patch(x, self.y, label, height, style.shade))
            self._frame(x, self.y, label, height)
            self._frame(x + label, self.y, span - label, height)
            self._lines(x, label, height, label_lines, style.label_face, style.label_colour, middle=True)
            self._lines(x + label, span - label, height, value_lines, style.value_face, BLACK, middle=False)
        self.y += height

    def _stacked(self, row: Sequence[Cell]) -> None:
        style = self.style
        small = style.size * 0.82
        wrapped = [
            self.wrapped(c.value, span - 2 * _PAD, style.value_face)
            for c, (_, span) in zip(row, self._spans(row), strict=True)
        ]
        height = small + max(map(len, wrapped)) * (style.size + 3) + 12
        for cell, (x, span), lines in zip(row, self._spans(row), wrapped, strict=True):
            self._frame(x, self.y, span, height)
            self.text(x + _PAD, self.y + 3, cell.label, size=small)
            for number, line in enumerate(lines):
                self.text(
                    x + _PAD, self.y + small + 7 + number * (style.size + 3), line, face=style.value_face, colour=BLACK
                )
        self.y += height

    def _running(self, row: Sequence[Cell]) -> None:
        style = self.style
        deepest = 1
        for cell, (x, span) in zip(row, self._spans(row), strict=True):
            start = self.text(x, self.y, f"{cell.label}：")
            lines = self.wrapped(cell.value, max(40, x + span - start - 8), style.value_face)
            deepest = max(deepest, len(lines))
            for number, line in enumerate(lines):
                self.text(start + 2, self.y + number * (style.size + 4), line, face=style.value_face, colour=BLACK)
            if style.mode == "underlined":
                for number in range(len(lines)):
                    under = self.y + style.size + 2.5 + number * (style.size + 4)
                    self._line(start, under, x + span - 8, under, 0.5)
        self.y += max(style.row - 2, deepest * (style.size + 4) + 6)

    def table(
        self, header: Sequence[str], rows: Sequence[Sequence[str]], shares: Sequence[float], *, row: float = 20
    ) -> None:
        """A ruled table; figures stand right."""
        style = self.style
        total = sum(shares)
        widths = [(self.right - self.left) * share / total for share in shares]
        size = style.size * 0.92
        for number, line in enumerate((header, *rows)):
            cells = [self.wrapped(text, w - 4, style.value_face, size) for text, w in zip(line, widths, strict=True)]
            height = max(row, max(map(len, cells)) * (size + 2) + 6)
            x = self.left
            for text, parts, w in zip(line, cells, widths, strict=True):
                if number == 0 and style.shade:
                    self.sheet.marks.append(Patch(x, self.y, w, height, style.shade))
                self._frame(x, self.y, w, height)
                face = style.label_face if number == 0 else style.value_face
                figures = number > 0 and text.replace(",", "").replace(".", "").isdigit() and "." in text
                top = self.y + (height - len(parts) * (size + 2)) / 2 + 1
                for place, part in enumerate(parts):
                    long = width(part, face, size)
                    at = x + w - long - 4 if figures else x + (w - long) / 2
                    self.text(
                        at, top + place * (size + 2), part, size=size, face=face, colour=BLACK if number else None
                    )
                x += w
            self.y += height

    def opinion(
        self,
        label: str,
        text: str,
        *,
        signer: str = "",
        signed: str = "",
        seal: Seal | None = None,
        height: float = 92,
        key: str | None = None,
    ) -> None:
        """A box for what an office says, with signature, date and seal."""
        style = self.style
        if style.mode == "ruled":
            side = 30.0
            self._frame(self.left, self.y, side, height)
            step = min(style.size + 2, (height - 6) / max(1, len(label)))
            top = self.y + (height - step * len(label)) / 2
            for place, character in enumerate(label):
                self.text(self.left + 10, top + place * step, character, size=min(style.size, step))
            x = self.left + side
            self._frame(x, self.y, self.right - x, height)
        else:
            self._frame(self.left, self.y, self.right - self.left, height)
            self.text(self.left + _PAD, self.y + 4, f"{label}：")
            x = self.left + width(f"{label}：", style.label_face, style.size) + 2
        for number, line in enumerate(self.wrapped(text, self.right - x - 20, style.value_face)):
            self.text(x + 8, self.y + 7 + number * (style.size + 4), line, face=style.value_face, colour=BLACK)
        low = self.y + height - 19
        end = self.text(self.right - 300, low, "签字：" if signer else "")
        if signer:
            self.sign(end + 2, low - 4, signer)
        if signed:
            self.text(self.right - 110, low, signed, face=style.value_face, colour=BLACK)
        if seal:
            self.stamp(self.right - 105, self.y + height - min(44, height / 2), seal)
        if key:
            self.fields[key] = text
        self.y += height

    def paragraph(self, text: str, *, indent: bool = True, gap: float = 7) -> None:
        """Running text over the full width."""
        style = self.style
        for number, line in enumerate(
            self.wrapped(("　　" if indent else "") + text, self.right - self.left, style.value_face)
        ):
            self.text(self.left, self.y + number * (style.size + gap), line, face=style.value_face, colour=BLACK)
        count = len(self.wrapped(("　　" if indent else "") + text, self.right - self.left, style.value_face))
        self.y += count * (style.size + gap) + 3

    def sign(self, x: float, y: float, name: str) -> None:
        """A signature, written by hand."""
        tilt = self.random.uniform(1, 7)
        self.sheet.marks.append(Signature(x, y, self.style.size * 1.5, name, self.style.sign_face, tilt))

    def stamp(self, x: float, y: float, seal: Seal) -> None:
        tilt = self.random.uniform(-14, 14)
        self.sheet.marks.append(Stamp(x, y, replace(seal, tilt=tilt, seed=self.random.randrange(10_000))))

    def page_numbers(self) -> None:
        """第 n 页 共 m 页 at every foot."""
        for number, sheet in enumerate(self.sheets, start=1):
            text = f"第 {number} 页 共 {len(self.sheets)} 页"
            x = (self.size[0] - width(text, self.style.label_face, 9)) / 2
            sheet.marks.append(Text(x, self.size[1] - 34, 9, text, self.style.label_face))

    def wrapped(self, text: str, room: float, face: str, size: float | None = None) -> list[str]:
        """The text in lines that fit; numbers and Latin words are not broken where they can be kept."""
        size = size or self.style.size
        lines, line = [], ""
        for character in text:
            if line and width(line + character, face, size) > room:
                lines.append(line)
                line = ""
            line += character
        return [*lines, line]

    def _lines(  # noqa: PLR0917  a place, a room, a text
        self, x: float, span: float, height: float, lines: Sequence[str], face: str, colour: Colour, *, middle: bool
    ) -> None:
        size = self.style.size
        top = self.y + (height - len(lines) * (size + 3)) / 2 + 1
        for number, line in enumerate(lines):
            at = x + (span - width(line, face, size)) / 2 if middle else x + _PAD
            self.text(at, top + number * (size + 3), line, face=face, colour=colour)

    def _frame(self, x: float, y: float, w: float, h: float) -> None:
        for x1, y1, x2, y2 in ((x, y, x + w, y), (x, y + h, x + w, y + h), (x, y, x, y + h), (x + w, y, x + w, y + h)):
            self._line(x1, y1, x2, y2)

    def _line(self, x1: float, y1: float, x2: float, y2: float, weight: float = 0.7) -> None:
        self.sheet.marks.append(Line(x1, y1, x2, y2, weight, self.style.rule))

    def paper(
        self,
        kind: str,
        cls: str,
        title: str,
        day: str | None,
        *persons: tuple[Person, str],
        doc_no: str | None = None,
        words: Sequence[str] = (),
    ) -> Paper:
        """The finished paper with its truth."""
        printed = {mark.text for sheet in self.sheets for mark in sheet.marks if isinstance(mark, Text)}
        return Paper(
            type=kind,
            cls=cls,
            title=title,
            sheets=self.sheets,
            date=day,
            persons=list(persons),
            fields=self.fields,
            words=[*self.words, *words],
            doc_no=doc_no,
            numbers=frozenset(person.certno for person, _ in persons if person.certno in printed),
        )
