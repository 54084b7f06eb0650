"""The status page says how the archive stands with its backups, in the reader's words."""

import tempfile
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
from archive_app.health import work
from archive_app.wiring import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with a_house(tmp_path, home=a_home(tmp_path)) as house:
        yield house


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another disk than the archive's."""
    memory = Path("/dev/shm")  # noqa: S108 - another file system
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("only one file system here")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def set_up(archive: Archive, place: Path | None = None) -> None:
    place = place or archive.settings.home.parent / "place"
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


def test_after_a_backup_it_works_until_26_hours_have_passed(archive: Archive, elsewhere: Path):
    set_up(archive, elsewhere)
    made = run(archive)
    assert made.snapshot in shown(archive)
    assert state(archive) == "ok"
    forward(archive, hours=25)
    assert state(archive) == "ok"
    assert "1 天" in shown(archive)
    forward(archive, hours=2)
    assert state(archive) == "degraded"


def test_a_backup_on_the_archives_own_disk_is_warned_of(archive: Archive):
    set_up(archive)
    run(archive)
    assert "另一台机器" in shown(archive)
    assert state(archive) == "degraded"


@pytest.mark.parametrize(("store", "beside"), [("s3.one.cn:9000", True), ("s3.other.cn:9000", False)])
def test_a_backup_on_the_stores_own_server_is_beside_it(archive: Archive, store: str, *, beside: bool):
    places = {
        "ARCHIVE_STORE_URL": f"s3+https://{store}/archive", "ARCHIVE_BACKUP_URL": "s3+https://s3.one.cn:9000/backup",
    }  # fmt: skip
    assert work.lies_beside(Settings.from_env(places, home=archive.settings.home)) is beside


def test_a_run_that_failed_since_is_shown_with_its_reason(archive: Archive, elsewhere: Path):
    set_up(archive, elsewhere)
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
