"""The scripts are sound, and the lock is what pyproject.toml asks for."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import click
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from archive_app.backup.cipher import raw_key
from archive_app.cli import cli
from archive_app.core.settings import Settings, environment

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = [
    path for path in sorted((ROOT / "deploy").iterdir()) if path.is_file() and path.name.islower() and not path.suffix
]
LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)==([^ \\;]+)", re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked(name: str) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for package, version in LOCKED.findall((ROOT / "deploy" / name).read_text(encoding="utf-8")):
        versions.setdefault(canonicalize_name(package), set()).add(version)
    return versions


@pytest.mark.parametrize("script", [*SCRIPTS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_a_script_is_executable_sound_and_stops_at_what_is_unset(script: Path):
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n# ")
    assert re.search(r"^set -e?uo pipefail$", text, re.MULTILINE)


def test_the_dockerfile_has_nothing_that_a_linter_of_dockerfiles_finds():
    linter = Path(sys.executable).with_name("hadolint")
    assert subprocess.run([linter, ROOT / "deploy" / "Dockerfile"], check=False).returncode == 0


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        ("requirements.txt", PROJECT["project"]["dependencies"]),
        ("requirements-dev.txt", PROJECT["project"]["dependencies"]),
        ("requirements-dev.txt", PROJECT["project"]["optional-dependencies"]["dev"]),
        ("requirements-build.txt", PROJECT["build-system"]["requires"]),
    ],
    ids=["run", "check-run", "check", "build"],
)
def test_the_lock_holds_what_is_asked_for_within_its_bounds(lock: str, asked: list[str]):
    versions = locked(lock)
    for requirement in map(Requirement, asked):
        found = versions.get(canonicalize_name(requirement.name))
        assert found, f"{requirement} is not locked: run deploy/lock"
        assert all(requirement.specifier.contains(version) for version in found), f"{requirement}: run deploy/lock"


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt", "requirements-build.txt"])
def test_every_locked_version_has_hashes_and_no_lock_names_a_server(lock: str):
    text = (ROOT / "deploy" / lock).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) > 5
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?://|index-url|find-links", text)


def test_running_and_checking_use_the_same_versions():
    running, checking = locked("requirements.txt"), locked("requirements-dev.txt")
    assert {name: checking.get(name) for name in running} == running


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {each.name.split(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def test_what_the_code_imports_is_asked_for_and_not_just_there():
    packages = ("archive_app", "ingest", "search", "retention")
    asked = {canonicalize_name(Requirement(each).name) for each in PROJECT["project"]["dependencies"]}
    owners = packages_distributions()
    not_asked: dict[str, set[str]] = {}
    for package in packages:
        for path in (ROOT / package).rglob("*.py"):
            for name in imported(path) - sys.stdlib_module_names - set(packages):
                if not asked & {canonicalize_name(owner) for owner in owners.get(name, [])}:
                    not_asked.setdefault(name, set()).add(path.relative_to(ROOT).as_posix())
    assert not_asked == {}


COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
ONCE = {"roles", "store-prepare", "init", "index-prepare", "index-certificates", "index-key"}


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_a_service_is_pinned_bounded_and_watched(name: str):
    service = COMPOSE["services"][name]
    assert re.search(r":v?\d+\.\d+\.\d+", service["image"]) or re.search(r":\d+\.\d+-", service["image"])
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert name in ONCE or service["healthcheck"].get("test")
    assert name == "door" or "ports" not in service


def unless_said(text: str) -> str:
    """With what ${NAME:-default} stands for where nobody set it."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def test_what_compose_names_is_there():
    for service in COMPOSE["services"].values():
        secrets = {each if isinstance(each, str) else each["source"] for each in service.get("secrets", [])}
        assert secrets <= set(COMPOSE["secrets"])
        volumes = [unless_said(each).partition(":")[0] for each in service.get("volumes", [])]
        assert {each for each in volumes if not each.startswith(".")} <= set(COMPOSE["volumes"])
        assert all((ROOT / "deploy" / each).is_file() for each in volumes if each.startswith("."))
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])


def made_secrets(folder: Path) -> None:
    surroundings = {**environment(), "SECRETS_DIR": str(folder)}
    subprocess.run([ROOT / "deploy" / "up", "--secrets-only"], env=surroundings, check=True)


@pytest.mark.parametrize(
    "name", ["web", "worker-ocr", "worker-light", "relay", "store-prepare", "init", "index-prepare"]
)
def test_the_settings_of_compose_are_settings_of_the_archive(name: str, tmp_path: Path):
    given = {key: unless_said(str(value)) for key, value in COMPOSE["services"][name]["environment"].items()}
    made_secrets(tmp_path / "secrets")
    (tmp_path / "secrets" / "api-key").write_text("key", encoding="utf-8")  # made by index-key
    for key in [key for key in given if key.endswith("_FILE")]:
        given[key] = str(tmp_path / "secrets" / Path(given[key]).name)
    settings = Settings.from_env({key: value for key, value in given.items() if key.startswith("ARCHIVE_")})
    assert settings.store_url == "s3+http://store:7070/archive"


def test_who_makes_the_daily_backup_reads_every_row_and_owns_none():
    working = [name for name, one in COMPOSE["services"].items() if "light" in str(one.get("command", ""))]
    assert working == ["worker-light"]
    knows = {
        name: {each for each in one.get("secrets", []) if isinstance(each, str)}
        for name, one in COMPOSE["services"].items()
    }
    assert {name for name, known in knows.items() if "database_owner_url" in known} == {"init"}
    for secret in ("database_backup_url", "backup_key"):
        assert {name for name, known in knows.items() if secret in known} == {"init", "worker-light"}
    for name in ("init", "worker-light"):
        files = {key: value for key, value in COMPOSE["services"][name]["environment"].items() if key.endswith("_FILE")}
        assert {Path(value).name for value in files.values()} <= knows[name] | {"api-key"}
        assert "ARCHIVE_BACKUP_KEY_FILE" in files


def test_places_of_backup_and_register_are_the_programs_own_folders_unless_the_operator_names_others():
    image = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    service = COMPOSE["services"]["worker-light"]
    (made,) = re.findall(r"install -d -m 700 -o archive -g archive (.*)", image)
    for setting, volume in (("ARCHIVE_BACKUP_URL", "BACKUP_FOLDER"), ("ARCHIVE_REGISTER_URL", "REGISTER_FOLDER")):
        folder = unless_said(service["environment"][setting]).removeprefix("file://")
        assert folder in made.split()
        assert [
            each for each in service["volumes"] if each.startswith(f"${{{volume}:-") and each.endswith(f":{folder}")
        ]


def test_a_container_starts_when_all_that_it_needs_was_made():
    def before(name: str) -> set[str]:
        needed = set(COMPOSE["services"][name].get("depends_on", {}))
        return needed.union(*(before(each) for each in needed))

    for name in ("web", "worker-ocr", "worker-light", "relay"):
        assert {"roles", "store-prepare", "init", "index-prepare"} <= before(name)
    assert {"roles", "store-prepare"} <= before("init")
    for name, service in COMPOSE["services"].items():
        if "ARCHIVE_INDEX_API_KEY_FILE" in service.get("environment", {}):
            assert "index-key" in before(name)  # a file that is not there yet is a fault of the settings


def test_deploy_up_makes_every_secret_once_behind_a_closed_door(tmp_path: Path):
    folder = tmp_path / "secrets"
    for _ in range(2):
        subprocess.run(
            [ROOT / "deploy" / "up", "--secrets-only"], env={**environment(), "SECRETS_DIR": str(folder)}, check=True
        )
        made = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert set(made) == set(COMPOSE["secrets"])
    assert folder.stat().st_mode & 0o077 == 0
    for role, address in (("app", "url"), ("owner", "owner_url"), ("backup", "backup_url")):
        assert f"archive_{role}:{made[f'{role}_password']}@" in made[f"database_{address}"]
    assert made["broker_url"].split(":")[2].split("@")[0] in made["rabbitmq_conf"]
    assert raw_key(made["backup_key"]) is not None


def test_deploy_up_keeps_what_is_there_and_makes_what_is_new(tmp_path: Path):
    folder = tmp_path / "secrets"
    made_secrets(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "backup_key").unlink()
    (folder / "database_backup_url").unlink()
    made_secrets(folder)
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name for name in before if after[name] != before[name]} == {"backup_key"}


def test_commands_of_containers_and_units_are_commands_of_the_archive():
    starts = [
        COMPOSE["services"][name]["command"]
        for name in ("web", "worker-ocr", "worker-light", "relay", "store-prepare", "init", "index-prepare")
    ]
    for unit in (ROOT / "deploy" / "systemd").glob("*.service"):
        (line,) = re.findall(r"^ExecStart=\S+/archive (.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
        starts.append(line.replace("%I", "ocr").split())
    assert len(starts) == 11
    for words in starts:
        command, names = cli, list(words)
        while isinstance(command, click.Group):
            found = command.get_command(click.Context(command), names.pop(0))
            assert found is not None, words
            command = found
        command.make_context("archive", names)  # refuses an option it does not know
