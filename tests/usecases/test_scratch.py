"""Where pixels are on their way, nobody else on the machine reads them."""

from pathlib import Path

import pytest
from factories import an_archive

from archive_app import wiring

MEMORY = Path("/dev/shm")  # noqa: S108 - where pixels pass through
pytestmark = pytest.mark.skipif(not MEMORY.is_dir(), reason="no shared memory here")


def test_pages_in_shared_memory_are_their_owners_alone(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    shared = MEMORY / f"archive-{archive.scratch.stat().st_ino}"
    shared.mkdir(mode=0o755)  # as an older version left it
    archive.workshop.opener()
    try:
        (own,) = shared.iterdir()
        assert [path.stat().st_mode & 0o777 for path in (shared, own)] == [0o700, 0o700]
    finally:
        archive.close()
        own.rmdir()
        shared.rmdir()


def test_a_folder_that_somebody_else_put_there_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    trap = tmp_path / "trap"
    trap.symlink_to(tmp_path / "elsewhere")
    assert not wiring._is_ours_alone(trap)
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    assert not wiring._is_ours_alone(tmp_path / "elsewhere")
