"""Groups of commands that are imported one by one: importing all takes longer than most of them do."""

import gc
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group with commands `elsewhere`: by name the module beside this one, and what `--help` says of it.

    Such a module names its commands in `COMMANDS`.
    """

    def __init__(self, *args: Any, elsewhere: Mapping[str, tuple[str, str]], **options: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **options)
        self.elsewhere = elsewhere

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name."""
        return sorted({*super().list_commands(ctx), *self.elsewhere})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        gc.disable()  # what is imported stays: looking for garbage in it takes a fifth of the time
        try:
            module = import_module(f"archive_app.cli.{self.elsewhere[cmd_name][0]}")
        finally:
            gc.enable()
        found: click.Command = next(one for one in module.COMMANDS if one.name == cmd_name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list for `--help`, without importing any."""
        said = {name: one.get_short_help_str(limit=200) for name, one in self.commands.items()}
        said |= {name: text for name, (_, text) in self.elsewhere.items()}
        with formatter.section("Commands"):
            formatter.write_dl([(name, said[name]) for name in self.list_commands(ctx)])
