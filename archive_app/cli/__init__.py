"""The command line `archive <noun> <verb>`: the same use cases as the pages, for people and scripts.

Human output by default; `--json` prints one JSON value per line on stdout and nothing else there. Exit codes: 0 done,
1 failed, 2 wrong use, 3 found something.
"""

import sys

import click

from archive_app.cli import accounts, correcting, doctor, ingesting, installing, keeping, records, storing, working
from archive_app.cli.context import Context, explain
from archive_app.core.errors import ArchiveError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="One JSON value per line on standard output.")
@click.option("--token-file", type=click.Path(dir_okay=False), help="File with the token of who is speaking.")
@click.option("--home", type=click.Path(file_okay=False), help="The archive's folder; otherwise ARCHIVE_HOME.")
@click.pass_context
def cli(click_context: click.Context, *, as_json: bool, token_file: str | None, home: str | None) -> None:
    """Electronic archive for insurance records."""
    click_context.obj = Context(as_json=as_json, token_file=token_file, home=home)


for part in (installing, storing, working, keeping, accounts, ingesting, records, correcting, doctor):
    for command in part.COMMANDS:
        cli.add_command(command)


def main() -> None:
    """Run, and turn every failure into words and an exit code."""
    try:
        code = cli.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort:
        sys.exit(1)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(2)
    except ArchiveError as fault:
        explain(fault, as_json="--json" in sys.argv)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    main()
