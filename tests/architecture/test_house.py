"""The house is in order: its top level, the length of its files, one place for each dangerous thing."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("archive_app", "ingest", "search", "retention")
TOP_LEVEL = {"pyproject.toml", *PACKAGES, "templates", "deploy", "tests", "README.md"}
MADE_BY_TOOLS = {"build", "dist", "__pycache__", "node_modules"}
TEXT = {".py", ".html", ".js", ".mjs", ".css", ".toml", ".md", ".sh", ".po", ".jinja", ".json", ".txt", ".xml", ".yaml"}
GENERATED = {ROOT / "deploy" / name for name in ("requirements.txt", "requirements-dev.txt", "requirements-build.txt")}
MOST_LINES = 600

#: Who ends a transaction: the unit of work, and what must be kept although the work around it failed.
COMMITTERS = {
    "archive_app/core/unit.py": "the unit of work",
    "archive_app/accounts/book.py": "attempts to sign in are kept also when they fail",
    "archive_app/accounts/tokens.py": "a token ends whatever else happens",
    "archive_app/accounts/log.py": "what was denied is kept",
    "archive_app/jobs.py": "the queue's own claims and heartbeats",
    "archive_app/rules.py": "tables are loaded before there is anybody to act for",
    "archive_app/keeping.py": "what the store lets through is a fact of the installation, of no record",
    "archive_app/extent.py": "the sums of every night are a fact of the installation, of no record",
    "archive_app/installation.py": "the first rows of a new archive, before there is anybody to act for",
    "archive_app/migrations/env.py": "Alembic's own",
    "ingest/reading.py": "the cache of recognised text, which holds no record",
    "search/tantivy_generation.py": "tantivy's writer, not the database",
    "search/embedded.py": "tantivy's writer, not the database",
}


def code() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (ROOT / package).rglob("*.py")


def everything_written() -> Iterator[Path]:
    for name in TOP_LEVEL:
        path = ROOT / name
        for each in [path] if path.is_file() else path.rglob("*"):
            script = each.parent == ROOT / "deploy" and not each.suffix
            if each.is_file() and each not in GENERATED and (each.suffix in TEXT or script):
                yield each


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_top_level_is_exactly_what_was_agreed():
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found - MADE_BY_TOOLS - {name for name in found if name.endswith(".egg-info")} == TOP_LEVEL


def test_no_file_is_longer_than_a_reader_can_hold():
    paths = [*code(), *(ROOT / "tests").rglob("*.py")]
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    assert len(lengths) > len(PACKAGES)
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_nothing_is_left_for_later():
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
    left = [named(path) for path in everything_written() if marks.search(path.read_text(encoding="utf-8"))]
    assert left == []


def test_every_module_says_what_it_promises():
    silent = [
        named(path)
        for path in code()
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) and path.stat().st_size
    ]
    assert silent == []


def test_transactions_end_in_few_known_places():
    committers = {named(path) for path in code() if "commit" in methods_called(path)}
    assert committers <= set(COMMITTERS)
    assert "archive_app/core/unit.py" in committers


def methods_called(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


def test_no_failure_is_swallowed_without_a_word():
    """`except …: pass` hides; `contextlib.suppress` at least names what may be ignored and how far."""
    silent = [
        f"{named(path)}:{node.lineno}"
        for path in code()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and all(isinstance(each, ast.Pass) for each in node.body)
    ]
    assert silent == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed(package: str):
    assert (ROOT / package / "py.typed").exists()


def test_test_files_have_names_of_their_own():
    names = Counter(
        path.name for path in (ROOT / "tests").rglob("*.py") if path.name not in {"conftest.py", "__init__.py"}
    )
    assert [name for name, times in names.items() if times > 1] == []
