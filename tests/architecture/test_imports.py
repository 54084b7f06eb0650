"""Who may import whom: the contracts of pyproject.toml are kept, and they do catch what they are there for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("archive_app", "ingest", "search", "retention")

PLANTED = {
    "search/find.py": ("import retention.schedule", "import archive_app.keys"),
    "archive_app/keys.py": ("import archive_app.wiring",),
    "archive_app/objects/folder.py": ("import archive_app.jobs",),
    "archive_app/wiring.py": ("import tantivy", "import archive_app.worker"),
    "archive_app/core/ports.py": ("import archive_app.core.unit", "import ingest.reading", "import PIL.Image"),
    "ingest/reading.py": ("import flask", "import pikepdf"),
}
CAUGHT = (
    "search.find -> retention.schedule",
    "search.find -> archive_app.keys",
    "archive_app.keys -> archive_app.wiring",
    "archive_app.objects.folder -> archive_app.jobs",
    "archive_app.wiring -> tantivy",
    "archive_app.wiring -> archive_app.worker",
    "archive_app.core.ports -> archive_app.core.unit",
    "archive_app.core.ports -> ingest.reading",
    "archive_app.core.ports -> PIL",
    "ingest.reading -> flask",
    "ingest.reading -> pikepdf",
)


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache", "--no-logo"], cwd=folder, env={"PYTHONPATH": str(folder), "COLUMNS": "200"}, text=True,
        capture_output=True, check=False,
    )  # fmt: skip


def test_the_import_contracts_are_kept():
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What is said of a copy of the house with every violation planted in it."""
    folder = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, lines in PLANTED.items():
        with (folder / name).open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    (folder / "archive_app" / "core" / "helpers.py").write_text("", encoding="utf-8")
    return lint_imports(folder).stdout


@pytest.mark.parametrize("edge", CAUGHT)
def test_a_planted_violation_is_caught(findings: str, edge: str):
    assert edge in findings


def test_a_module_of_the_core_without_a_place_in_its_order_is_caught(findings: str):
    assert "helpers" in findings
