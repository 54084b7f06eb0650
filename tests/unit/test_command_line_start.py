"""A command imports what it needs: the list of commands is kept apart from them, and says what they say."""

import pkgutil
import subprocess
import sys
from collections import Counter
from importlib import import_module

import click
import pytest

from archive_app import cli as command_line
from archive_app.cli.lazy import LazyGroup

SLOW = {"alembic", "elasticsearch", "minio", "numpy", "pydantic", "rich", "sqlalchemy", "tantivy"}


def lazy_groups(group: click.Group) -> list[LazyGroup]:
    here = [group] if isinstance(group, LazyGroup) else []
    context = click.Context(group)
    below = [group.get_command(context, name) for name in group.list_commands(context)]
    return here + [each for one in below if isinstance(one, click.Group) for each in lazy_groups(one)]


def test_what_help_says_of_a_command_is_what_it_says_itself():
    for group in lazy_groups(command_line.cli):
        context = click.Context(group)
        commands = {name: group.get_command(context, name) for name in group.elsewhere}
        said = {name: one.get_short_help_str(limit=1000) for name, one in commands.items() if one is not None}
        assert said == {name: text for name, (_, text) in group.elsewhere.items()}


def test_every_command_of_every_module_is_in_one_list():
    modules = [one.name for one in pkgutil.iter_modules(command_line.__path__)]
    held = {
        (name, one.name)
        for name in modules
        for one in getattr(import_module(f"archive_app.cli.{name}"), "COMMANDS", ())
    }
    listed = Counter(
        (module, name) for group in lazy_groups(command_line.cli) for name, (module, _) in group.elsewhere.items()
    )
    assert set(listed) == held
    assert set(listed.values()) == {1}


@pytest.mark.parametrize(
    ("words", "spared"),
    [
        (["--help"], SLOW),
        (["settings", "show"], SLOW),
        (["record", "--help"], SLOW - {"pydantic", "sqlalchemy"}),
        (["index", "status", "--help"], SLOW - {"pydantic", "sqlalchemy"}),
    ],
)
def test_a_command_imports_nothing_slow_that_it_does_not_need(words: list[str], spared: set[str]):
    program = (
        "import sys; from archive_app.cli import cli; cli.main(sys.argv[1:], standalone_mode=False);"
        "print(*(each for each in sys.modules if '.' not in each), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], text=True, capture_output=True, check=True)
    assert spared & set(done.stderr.split()) == set()
    assert done.stdout
