"""The gate itself: where nothing may be skipped, a skip is a failure; proofs count as they are told to."""

import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
TESTS = """
import pytest

@pytest.mark.services
def test_that_needs_a_server():
    pytest.skip("no server here")

@pytest.mark.xfail
def test_that_is_known_to_fail():
    assert False

def test_that_passes():
    pass

@pytest.mark.prove
def test_counts(count):
    assert count(3, 200) == {expected}
"""


def run(folder: Path, *options: str, expected: int = 3) -> tuple[int, str]:
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = services: needs a server\n")
    (folder / "test_some.py").write_text(TESTS.format(expected=expected))
    (folder / "test_absent.py").write_text("import pytest\npytest.importorskip('no_such_library')\n")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *options],
        cwd=folder, text=True, capture_output=True, check=False,
    )  # fmt: skip
    return result.returncode, result.stdout


def test_a_skip_is_no_failure_at_home(tmp_path: Path):
    status, said = run(tmp_path)
    assert (status, said.splitlines()[-1].split(" in ")[0]) == (0, "2 passed, 2 skipped, 1 xfailed")


def test_a_skipped_test_fails_where_nothing_may_be_skipped(tmp_path: Path):
    status, said = run(tmp_path, "--no-skips", "--ignore=test_absent.py")
    assert (status, said.splitlines()[-1].split(" in ")[0]) == (1, "1 failed, 2 passed, 1 xfailed")
    assert "test_that_needs_a_server (services) was skipped" in said
    assert "no server here" in said


def test_a_skipped_file_fails_where_nothing_may_be_skipped(tmp_path: Path):
    status, said = run(tmp_path, "--no-skips")
    assert status != 0
    assert "test_absent.py was skipped as a whole" in said


def test_a_proof_runs_with_its_full_count_when_asked(tmp_path: Path):
    status, said = run(tmp_path, "--full", "-m", "prove", "--ignore=test_absent.py", expected=200)
    assert (status, said.splitlines()[-1].split(" in ")[0]) == (0, "1 passed, 3 deselected")
