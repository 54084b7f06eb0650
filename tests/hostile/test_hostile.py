"""Every hostile or odd file ends right: taken in if it is sound, refused for the right reason if it is not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_case import Case
from make import all_cases

from archive_app.core.errors import Refused
from ingest.opening.opener import Limits, Opener
from ingest.reasons import message

CASES = all_cases()
LIMITS = Limits(pages=50, page_seconds=20, text_bytes=8 << 20)


@pytest.fixture(scope="module")
def opener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    with Opener(LIMITS, scratch=tmp_path_factory.mktemp("scratch")) as opened:
        yield opened


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=f"{n}-{c.name}".encode("ascii", "replace").decode()) for n, c in enumerate(CASES)]
)
def test_a_file_ends_right(case: Case, opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "arrived"
    path.write_bytes(case.data)
    if case.reason is None:
        found = opener.examine(path, name=case.name)
        assert found.pages
        if case.note:
            assert case.note in found.notes
        for number, shape in enumerate(found.pages, start=1):
            page = opener.page(path, found.media_type, number)
            assert (page.width, page.height) == (shape.width, shape.height)
            assert (page.bitmap is not None) == found.has_picture
            assert page.bitmap is not None or page.text_layer
    else:
        with pytest.raises(Refused) as refusal:
            opener.examine(path, name=case.name)
        assert refusal.value.code == case.reason, refusal.value
        assert str(path) not in str(refusal.value.parameters)
        for language in ("zh_Hans", "en"):
            assert "{" not in message(case.reason, language, refusal.value.parameters)
    assert path.read_bytes() == case.data


def test_the_collection_is_large_enough() -> None:
    assert sum(case.reason is not None for case in CASES) >= 100
    assert sum(case.reason is None for case in CASES) >= 30
