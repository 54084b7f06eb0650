"""The generator still draws what is committed, and measures with other people than it shows.

Drawing needs the extra `samples` and fonts that the archive itself does without; where they are missing this is left
to a machine that has them.
"""

import json
from pathlib import Path

import pytest

pytest.importorskip("reportlab")

from tests.samples.generator import demo, heldout
from tests.samples.generator.build import described
from tests.samples.generator.drawing import TYPEFACES

pytestmark = pytest.mark.skipif(
    not all(Path(path).exists() for path, _ in TYPEFACES.values()), reason="the samples' fonts are not installed"
)
TRUTH = json.loads((Path(__file__).resolve().parents[1] / "samples" / "demo" / "truth.json").read_text("utf-8"))


def test_the_generator_says_what_is_committed():
    drawn = {entry.path: described(entry) for entry in demo.files()}
    assert json.loads(json.dumps(drawn)) == TRUTH["files"]


def test_the_measuring_set_has_other_people_and_every_type():
    entries = [described(entry) for entry in heldout.files(count=63, seed=1)]
    records = [record for entry in entries for record in entry["records"]]
    shown = {person["name"] for entry in TRUTH["files"].values() for r in entry["records"] for person in r["persons"]}
    assert shown.isdisjoint(person["name"] for record in records for person in record["persons"])
    assert len({record["type"] for record in records}) >= 20


def test_another_seed_draws_other_papers_and_the_same_seed_the_same():
    def fields(seed: int) -> list[dict[str, str]]:
        return [paper.fields for entry in heldout.files(count=6, seed=seed) for paper in entry.papers]

    assert fields(1) == fields(1)
    assert fields(1) != fields(2)


def test_a_picture_of_one_sheet_never_swallows_the_second():
    several = [entry for entry in heldout.files(count=63, seed=1) if len(entry.papers[0].sheets) > 1]
    assert several
    assert all(entry.path.endswith((".tif", ".pdf")) for entry in several)
