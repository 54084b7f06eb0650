"""The status page says how the archive stands with its backups, in the reader's words."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from houses import MovableClock, a_home, a_house
from site_browser import a_browser

from archive_app.backup.run import run
from archive_app.core.model import BackupRun
from archive_app.core.settings import Settings
from archive_app.wiring import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with a_house(tmp_path, home=a_home(tmp_path)) as house:
        yield house


def set_up(archive: Archive) -> None:
    place = archive.settings.home.parent / "place"
    archive.settings = Settings.from_env({"ARCHIVE_BACKUP_URL": f"file://{place}"}, home=archive.settings.home)


def forward(archive: Archive, **duration: float) -> None:
    assert isinstance(archive.clock, MovableClock)
    archive.clock.forward(**duration)


def shown(archive: Archive) -> str:
    with a_browser(archive, "system") as browser:
        text = browser.get("/status").text
    part = text[text.index(">备份<") :]
    return part[: part.index("</li>")]


def state(archive: Archive) -> str | None:
    with a_browser(archive, "system") as browser:
        parts = browser.fetch("/readyz").json["parts"]
    return str(parts["backup"]) if "backup" in parts else None


def test_without_a_place_it_says_so_and_what_that_means(archive: Archive):
    assert "ARCHIVE_BACKUP_URL" in shown(archive)
    assert state(archive) is None


def test_with_a_place_and_no_backup_it_is_degraded(archive: Archive):
    set_up(archive)
    assert "archive backup run" in shown(archive)
    assert state(archive) == "degraded"


def test_after_a_backup_it_works_until_26_hours_have_passed(archive: Archive):
    set_up(archive)
    made = run(archive)
    assert made.snapshot in shown(archive)
    assert state(archive) == "ok"
    forward(archive, hours=25)
    assert state(archive) == "ok"
    assert "1 天" in shown(archive)
    forward(archive, hours=2)
    assert state(archive) == "degraded"


def test_a_run_that_failed_since_is_shown_with_its_reason(archive: Archive):
    set_up(archive)
    run(archive)
    forward(archive, hours=1)
    now = archive.clock.now()
    failed = {"id": uuid4(), "kind": "backup", "place": "x", "began_at": now, "ended_at": now, "outcome": "failed"}
    with archive.engine.begin() as connection:
        connection.execute(sa.insert(BackupRun.__table__).values(**failed, fault="backup-place-full (reason=ENOSPC)"))
    assert "backup-place-full" in shown(archive)
    assert state(archive) == "degraded"
    forward(archive, hours=1)
    run(archive)
    assert state(archive) == "ok"
