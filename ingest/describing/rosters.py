"""Rosters (名册): tables with a name and a number in each row, one mention and one set of fields a row.

A row is where a number stands; what else belongs to it is judged by its height on the page and its column. Pages that
go on without a header take the columns of the page before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Final

from archive_app.core.reference import Format
from archive_app.core.vocabulary import FieldState, PartyKind, PartyRole
from ingest.describing.layout import Piece, UprightPage, part, rows
from ingest.describing.model import Check, FieldValue, PartyMention
from ingest.describing.persons import citizen_reading, number_kind
from ingest.describing.terms import Terms, bare_label
from ingest.describing.values import value_of

_FEWEST_ROWS: Final = 1


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a roster: its field key (None if it is not known) and its span across the page, in shares."""

    key: str | None
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Roster:
    """What the rosters of a record hold. `used` are the pieces that belong to them, headers too."""

    fields: tuple[FieldValue, ...] = ()
    mentions: tuple[PartyMention, ...] = ()
    used: frozenset[Piece] = frozenset()


def roster(pages: Sequence[UprightPage], terms: Terms, *, today: date) -> Roster:
    """The rosters of all pages as one, rows counted from 1 through all of them."""
    fields: list[FieldValue] = []
    mentions: list[PartyMention] = []
    used: set[Piece] = set()
    columns: tuple[Column, ...] = ()
    for page in pages:
        header = _header(page, terms)
        body = page.pieces
        if header:
            columns = _columns(header, page, terms)
            foot = max(piece.bottom for piece in header)
            body = tuple(
                piece for piece in page.pieces if piece.top >= foot - piece.height // 2 and piece not in header
            )
            used.update(header)
        if not columns:
            continue
        for cells in _body_rows(body, page, columns, terms, today):
            row = len(mentions) + 1
            values = [value for key, piece in cells if (value := value_of(piece, key, terms, today=today, row=row))]
            mention = _mention(values, row, terms)
            if mention:
                fields += values
                mentions.append(mention)
                used.update(piece for _, piece in cells)
    return Roster(tuple(fields), tuple(mentions), frozenset(used))


def _header(page: UprightPage, terms: Terms) -> tuple[Piece, ...]:
    """The row of labels that has both a person's name and a number, with nothing but labels in it."""
    for row in rows(page.pieces):
        formats = [{terms.fields[key].format for key in terms.keys.get(bare_label(piece.text), ())} for piece in row]
        has_name = any(Format.NAME in found for found in formats)
        has_number = any(Format.CITIZEN_NUMBER in found for found in formats)
        if (
            has_name
            and has_number
            and all(found or _is_heading(piece) for found, piece in zip(formats, row, strict=True))
        ):
            return row
    return ()


def _is_heading(piece: Piece) -> bool:
    return not any(character.isdigit() for character in piece.text) and len(piece.text) <= 12  # noqa: PLR2004 a cell


def _columns(header: Sequence[Piece], page: UprightPage, terms: Terms) -> tuple[Column, ...]:
    edges = [0.0]
    edges += [(one.right + other.left) / 2 / page.width for one, other in pairwise(header)]
    edges.append(1.0)
    keys = [terms.keys.get(bare_label(piece.text), ()) for piece in header]
    return tuple(
        Column(found[0] if found else None, left, right)
        for found, left, right in zip(keys, edges, edges[1:], strict=True)
    )


def _body_rows(
    body: Sequence[Piece], page: UprightPage, columns: Sequence[Column], terms: Terms, today: date
) -> list[list[tuple[str, Piece]]]:
    cells = [cell for piece in body for cell in _cells(piece, page, columns)]
    number_keys = {
        column.key for column in columns if column.key and terms.fields[column.key].format is Format.CITIZEN_NUMBER
    }
    anchors = [
        piece
        for key, piece in cells
        if key in number_keys and citizen_reading(piece.text, today=today, regions=terms.regions)
    ]
    found: list[list[tuple[str, Piece]]] = []
    for anchor in sorted(anchors, key=lambda piece: piece.top):
        nearest: dict[str, Piece] = {}
        for key, piece in cells:
            if key is None or abs(piece.middle[1] - anchor.middle[1]) > anchor.height * 0.7:
                continue
            other = nearest.get(key)
            if other is None or _distance(piece, anchor) < _distance(other, anchor):
                nearest[key] = piece
        found.append(list(nearest.items()))
    return found


def _distance(piece: Piece, anchor: Piece) -> float:
    return abs(piece.middle[1] - anchor.middle[1])


def _cells(piece: Piece, page: UprightPage, columns: Sequence[Column]) -> list[tuple[str | None, Piece]]:
    """The piece with its column; a piece that runs over several columns is cut at its blanks."""
    words = piece.text.split(" ")
    spanned = [
        column
        for column in columns
        if column.left * page.width < piece.right and column.right * page.width > piece.left
    ]
    if len(spanned) <= 1 or len(words) == 1:
        return [(_column_of(piece, page, columns), piece)]
    parts, start = [], 0
    for word in words:
        if word:
            cut = part(piece, start, start + len(word), page=page)
            parts.append((_column_of(cut, page, columns), cut))
        start += len(word) + 1
    return parts


def _column_of(piece: Piece, page: UprightPage, columns: Sequence[Column]) -> str | None:
    across = piece.middle[0] / page.width
    return next((column.key for column in columns if column.left <= across < column.right), None)


def _mention(values: Sequence[FieldValue], row: int, terms: Terms) -> PartyMention | None:
    name = next((value for value in values if terms.fields[value.key].format is Format.NAME), None)
    number = next((value for value in values if terms.fields[value.key].format is Format.CITIZEN_NUMBER), None)
    evidence = number or name
    if evidence is None:
        return None
    return PartyMention(
        PartyKind.PERSON,
        PartyRole.ROSTER,
        name=name.value if name else None,
        number=number.value if number else None,
        number_kind=number_kind(number.value) if number else None,
        page=evidence.page,
        box=evidence.box,
        row=row,
        doubtful=name is None or any(value.state is FieldState.DOUBTFUL for value in (name, number) if value),
    )


def flag_repeats(found: Roster) -> Roster:
    """The roster with numbers that stand in several rows under different names marked as doubtful."""
    names: dict[str, set[str | None]] = {}
    for mention in found.mentions:
        if mention.number:
            names.setdefault(mention.number, set()).add(mention.name)
    repeated = {number for number, holders in names.items() if len(holders) > 1}
    if not repeated:
        return found
    fields = tuple(
        replace(value, state=FieldState.DOUBTFUL, checks=(*value.checks, Check("one-holder", passed=False)))
        if value.value in repeated
        else value
        for value in found.fields
    )
    mentions = tuple(
        replace(mention, doubtful=True) if mention.number in repeated else mention for mention in found.mentions
    )
    return Roster(fields, mentions, found.used)
