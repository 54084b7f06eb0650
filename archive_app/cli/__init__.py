"""The command line `archive <noun> <verb>`: the same use cases as the pages, for people and scripts.

Human output by default; `--json` prints one JSON value per line on stdout and nothing else there. Exit codes: 0 done,
1 failed, 2 wrong use, 3 found something.
"""

import sys

import click

from archive_app.cli.context import Context, explain
from archive_app.cli.lazy import LazyGroup
from archive_app.core.errors import ArchiveError

#: By name: the module beside this one, and what `--help` says.
NOUNS = {
    "access": ("accounts", "Who may read what, and why."),
    "audit": ("auditing", "The audit log."),
    "backup": ("keeping", "Snapshots of everything in a second place (ARCHIVE_BACKUP_URL)."),
    "correction": ("correcting", "Corrections after filing (更正)."),
    "db": ("installing", "The database's schema."),
    "doctor": ("doctor", "Examine every part; exit 3 if something needs attention."),
    "fonds": ("accounts", "Fonds (全宗)."),
    "index": ("indexing", "The search index."),
    "ingest": ("ingesting", "Take files and folders in."),
    "init": ("installing", "Make a new archive with its three administrators."),
    "job": ("jobs", "Jobs: what waits, what was given up and why."),
    "move": ("keeping", "Move this archive to another home, database, store and index."),
    "person": ("records", "Persons (参保人) and their history."),
    "record": ("records", "Records (件)."),
    "relay": ("working", "What tells the broker of due jobs."),
    "retention": ("records", "Retention (保管期限)."),
    "rules": ("installing", "Rule tables: classes, types, retention, roles and the rest."),
    "search": ("searching", 'Find records: words, "exact phrases", numbers.'),
    "serve": ("working", "Serve the site, with workers beside it."),
    "settings": ("settings", "What is in force."),
    "store": ("storing", "The bytes."),
    "token": ("accounts", "Bearer tokens for commands and the API."),
    "user": ("accounts", "Accounts: created by the system administrator, granted by the security administrator."),
    "worker": ("working", "Processes that do the jobs."),
}


@click.group(cls=LazyGroup, elsewhere=NOUNS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="One JSON value per line on standard output.")
@click.option("--token-file", type=click.Path(dir_okay=False), help="File with the token of who is speaking.")
@click.option("--home", type=click.Path(file_okay=False), help="The archive's folder; otherwise ARCHIVE_HOME.")
@click.pass_context
def cli(click_context: click.Context, *, as_json: bool, token_file: str | None, home: str | None) -> None:
    """Electronic archive for insurance records."""
    click_context.obj = Context(as_json=as_json, token_file=token_file, home=home)


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
