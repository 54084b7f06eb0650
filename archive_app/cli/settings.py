"""Commands about the settings: they open no archive."""

import click

from archive_app.cli.context import Context, with_context


@click.group("settings")
def settings() -> None:
    """What is in force."""


@settings.command("show")
@with_context
def settings_show(context: Context) -> None:
    """Every setting, its value and where it came from; secrets masked."""
    shown = context.settings.shown()
    width = max(map(len, shown))
    lines = [f"{key:{width}}  {one['value']!s:40}  {one['source']}" for key, one in shown.items()]
    context.answer(shown, "\n".join(lines))


COMMANDS = (settings,)
