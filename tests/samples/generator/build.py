"""Writes a set into a folder with its truth.json beside it."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.samples.generator import files
from tests.samples.generator.plan import SampleFile

#: What is searched for: two to eight Han characters.
_HAN = re.compile("[\u4e00-\u9fff]{2,8}")


def build(entries: Iterable[SampleFile], folder: Path, searches: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """Every file and `truth.json`; answers the truth."""
    truth: dict[str, Any] = {"searches": list(searches), "files": {}}
    for entry in entries:
        path = folder / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        match entry.kind:
            case "duplicate":
                path.write_bytes((folder / entry.of).read_bytes())
            case "truncated":
                files.truncated(path, entry.papers, entry.wear)
            case "encrypted":
                files.encrypted(path, entry.papers)
            case _:
                files.write(path, entry.papers, entry.wear)
        truth["files"][entry.path] = described(entry)
    (folder / "truth.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return truth


def described(entry: SampleFile) -> dict[str, Any]:
    """What is true of one file, as it stands in truth.json."""
    accepted = entry.outcome == "accepted"
    papers = entry.papers if accepted else ()
    records = [
        p.truth() | {"clear": p.clear and entry.clear, "rotation": entry.wear.rotation, "sheets": len(p.sheets)}
        for p in papers
    ]
    return {
        "fonds": entry.path.split("/", 1)[0],
        "outcome": entry.outcome,
        "duplicate_of": entry.of or None,
        "why": entry.why or None,
        "records": records,
        "words": sorted({word for paper in papers for word in paper.words if _HAN.fullmatch(word)}),
    }
