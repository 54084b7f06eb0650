"""How well whole files are read and described: types right, abstained, wrong; fields right, doubtful, wrong.

`python -m tests.bench.recognition FOLDER [--json] [--show] [--only TEXT]` opens every accepted file that `truth.json`
names (form: `tests/samples/README.md`; without it, all files are only shown), reads it with the default engine (kept by
file digest under the system's temporary folder), cuts it into records, describes them and compares. The bar is the
line `citizen number wrong, unflagged`: it must be 0, and the exit code says so.
"""

import argparse
import hashlib
import json
import re
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import click

from archive_app.core.errors import Refused
from archive_app.core.numbers import UnsoundNumberError, money_from_capitals, parse_date, parse_money
from archive_app.core.ports import OcrLine
from archive_app.core.reference import ReferenceTables
from archive_app.core.vocabulary import FieldState, PartyKind
from ingest.describing.boundaries import boundaries
from ingest.describing.describe import describe
from ingest.describing.model import Description, FieldValue, ReadPage
from ingest.ocr.engines import build_engine
from ingest.opening.opener import Limits, Opener

TODAY = date(2026, 11, 24)
WRONG_NUMBER = "citizen number wrong, unflagged"
Tally = Counter[str]


class Reader:
    """Files to read pages, each file read once for one engine."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        cache.mkdir(parents=True, exist_ok=True)
        self._engine = build_engine("rapidocr")

    def pages(self, path: Path) -> tuple[ReadPage, ...]:
        """Every page of the file as read. Raises `Refused` for a file that is not taken in."""
        identity = str(self._engine.identity).encode()
        kept = self._cache / f"{hashlib.sha256(path.read_bytes() + identity).hexdigest()}.json"
        if not kept.exists():
            read = [asdict(page) for page in self._read(path)]
            kept.write_text(json.dumps(read, ensure_ascii=False))
        return tuple(_page_from(found) for found in json.loads(kept.read_text()))

    def _read(self, path: Path) -> Iterator[ReadPage]:
        with Opener(Limits(), scratch=self._cache / "scratch") as opener:
            examined = opener.examine(path, name=path.name)
            for number in range(1, len(examined.pages) + 1):
                opened = opener.page(path, examined.media_type, number)
                if opened.bitmap is None:
                    own = tuple(OcrLine(line.text, line.box, 1.0) for line in opened.text_layer or ())
                    yield ReadPage(number, opened.width, opened.height, 0, own)
                else:
                    read = self._engine.read(opened.bitmap)
                    yield ReadPage(number, opened.width, opened.height, read.rotation, read.lines)


def _page_from(found: Mapping[str, Any]) -> ReadPage:
    lines = tuple(OcrLine(line["text"], tuple(line["box"]), line["confidence"]) for line in found["lines"])
    return ReadPage(found["number"], found["width"], found["height"], found["rotation"], lines)


def compared(said: Description, truth: Mapping[str, Any], tally: Tally) -> list[str]:
    """Count one record against its truth; gives what is not right, in words."""
    faults: list[str] = []

    def count(what: str, verdict: str, detail: object = "") -> None:
        tally[f"{what} {verdict}"] += 1
        if verdict != "right":
            faults.append(f"{what} {verdict}: {detail}")

    kind = said.type.type if said.type else None
    count("type", _verdict(kind, truth["type"]), f"{kind} for {truth['type']} {said.candidates[:2]}")
    if kind:
        count("class", _verdict(said.class_code, truth["class"]), f"{said.class_code} for {truth['class']}")
    day = said.formed_on.isoformat() if said.formed_on else None
    count("date", _verdict(day, truth["date"]), f"{day} for {truth['date']}")
    for key, value in truth["fields"].items():
        found = [one for one in said.fields if one.key == key and one.row is None]
        count(
            "field", _field_verdict(found, value), f"{key} {value!r} {[(one.value, one.state.value) for one in found]}"
        )
    _compare_persons(said, truth["persons"], count)
    tally["record clear" if not said.review else "record to review"] += 1
    if truth["clear"] and said.review:
        faults.append(f"to review: {said.review}")
    return faults


def _compare_persons(said: Description, persons: Sequence[Mapping[str, str]], count: Any) -> None:  # noqa: ANN401
    mentions = [party for party in said.parties if party.kind is PartyKind.PERSON]
    for person in persons:
        found = [one for one in mentions if (one.number, one.name) == (person["certno"], person["name"])]
        sure = any(not one.doubtful for one in found)
        count("person", "right" if sure else "doubtful" if found else "missing", person["name"])
    numbers = {person["certno"] for person in persons}
    for value in said.fields:
        if value.key.endswith("certno") and value.value not in numbers and numbers:
            flagged = value.state is FieldState.DOUBTFUL
            count("citizen number wrong,", "flagged" if flagged else "unflagged", value)
    for party in mentions:
        if party.number and party.number not in numbers and not party.doubtful and numbers:
            count("citizen number wrong,", "unflagged", party)


def _verdict(said: str | None, truth: str | None) -> str:
    if said == truth:
        return "right"
    return "abstained" if said is None else "wrong"


def _field_verdict(found: Sequence[FieldValue], truth: str) -> str:
    alike = [one for one in found if normal(one.value) == normal(truth)]
    if alike:
        return "right" if alike[0].state is not FieldState.DOUBTFUL else "right, doubtful"
    if not found:
        return "missing"
    return "wrong, doubtful" if all(one.state is FieldState.DOUBTFUL for one in found) else "wrong"


def normal(text: str) -> str:
    """A value as it is compared: dates and amounts by what they say, the rest without blanks and marks at its end."""
    if written := parse_date(text):
        return str(written)
    if money := parse_money(text):
        return f"{money.value:.2f}"
    try:
        return f"{money_from_capitals(text):.2f}"
    except UnsoundNumberError:
        return re.sub(r"[\s☑√✓]|[。；，]$", "", unicodedata.normalize("NFKC", text))


def show(name: str, said: Description) -> None:
    """One description in full."""
    kind = said.type.type if said.type else None
    click.echo(f"\n=== {name}: {said.title}\n  type {kind} {said.type_confidence} {said.type_reasons}")
    click.echo(
        f"  class {said.class_code}, formed {said.formed_on}, number {said.document_number}, review {said.review}"
    )
    for one in said.fields:
        failed = [check.id for check in one.checks if not check.passed]
        click.echo(
            f"    {one.row or '':>3} {one.key:18} {one.state:9} {one.value!r} {one.confidence:.2f} {failed or ''}"
        )
    for party in said.parties:
        click.echo(
            f"    {party.role} {party.name} {party.number} {party.row or ''} {'doubtful' if party.doubtful else ''}"
        )


def records_of(pages: Sequence[ReadPage], tables: ReferenceTables) -> list[Description]:
    """The descriptions of the records that a file is cut into."""
    by_number = {page.number: page for page in pages}
    groups = boundaries(pages, tables)
    return [describe([by_number[number] for number in group], tables, today=TODAY) for group in groups]


def measure(path: Path, name: str, truth: Mapping[str, Any] | None, bench: "Bench") -> None:
    """Read and describe one file, and count it against its truth where there is one."""
    try:
        said = records_of(bench.reader.pages(path), bench.tables)
    except Refused as refusal:
        bench.tally["file refused"] += 1
        click.echo(f"=== {name}: refused {refusal}", err=True)
        return
    if bench.shows or not truth:
        for one in said:
            show(name, one)
    if not truth:
        return
    if len(said) != len(truth["records"]):
        flagged = any("possible-stack" in one.review for one in said)
        bench.tally["stack cut otherwise, flagged" if flagged else "stack cut otherwise, unflagged"] += 1
        return
    for one, expected in zip(said, truth["records"], strict=True):
        faults = compared(one, expected, bench.tally)
        if faults and not bench.is_quiet:
            click.echo("\n     ".join((f"## {name}", *faults)))


@dataclass(frozen=True, slots=True)
class Bench:
    """What one run measures with."""

    reader: Reader
    tables: ReferenceTables
    tally: Tally
    shows: bool
    is_quiet: bool


def main() -> int:
    """Measure one folder; exit 1 if a citizen number is wrong and unflagged."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="the counts as JSON, nothing else")
    parser.add_argument("--show", action="store_true", help="each description in full")
    parser.add_argument("--only", default="", help="files whose path holds this text")
    options = parser.parse_args()
    reader = Reader(Path(tempfile.gettempdir()) / "recognition-cache")
    bench = Bench(reader, ReferenceTables.bundled(), Counter({WRONG_NUMBER: 0}), options.show, options.json)
    truth_file = options.folder / "truth.json"
    truths = json.loads(truth_file.read_text()).get("files", {}) if truth_file.exists() else {}
    for path in sorted(path for path in options.folder.rglob("*") if path.suffix not in {".json", ".md", ""}):
        name = path.relative_to(options.folder).as_posix()
        truth = truths.get(name)
        if options.only in name and not (truth and truth["outcome"] != "accepted"):
            measure(path, name, truth, bench)
    counts = sorted(bench.tally.items())
    if options.json:
        click.echo(json.dumps(dict(counts), ensure_ascii=False))
    else:
        click.echo("\n".join(f"{key:36}{count:6}" for key, count in counts))
    return 1 if bench.tally[WRONG_NUMBER] else 0


if __name__ == "__main__":
    sys.exit(main())
