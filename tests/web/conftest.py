"""What tests of pages share: an archive of their own, and the archivist who signed in to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from houses import a_house
from site_browser import Browser, a_browser

from archive_app.wiring import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with a_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def browser(archive: Archive) -> Iterator[Browser]:
    with a_browser(archive) as signed_in:
        yield signed_in
