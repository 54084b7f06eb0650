"""Commands of the processes: the site, workers and the relay. They need no token and answer to signals."""

import logging
import os
import signal

import click

from archive_app import logs
from archive_app.cli.context import Context, with_context
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import Lane
from archive_app.worker import run_process
from archive_app.workforce import Workforce


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--no-workers", is_flag=True, help="Only the site; workers run elsewhere.")
@with_context
def serve(context: Context, *, host: str, port: int, no_workers: bool) -> None:
    """Serve the site, with workers beside it."""
    from archive_app.web.serving import serve as serve_site  # noqa: PLC0415 - a second that no other command waits for

    serve_site(context.settings, host=host, port=port, workers=not no_workers)


@click.group("worker")
def worker() -> None:
    """Processes that do the jobs."""


def _lanes(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[Lane, ...]:
    try:
        return tuple(Lane(part.strip()) for part in text.split(",")) if text else tuple(Lane)
    except ValueError as fault:
        raise click.BadParameter(f"of {', '.join(Lane)}") from fault


@worker.command("run")
@click.option("--processes", type=int, help="How many read at a time; otherwise ARCHIVE_WORKERS, or one per core.")
@click.option("--lanes", callback=_lanes, help="Only these, such as `ocr` or `light,index`.")
@click.option("--single", is_flag=True, help="Work in this process itself; on a broker, in one node.")
@with_context
def worker_run(context: Context, *, processes: int | None, lanes: tuple[Lane, ...], single: bool) -> int:
    """Work until told to end: what is in hand is finished."""
    settings = context.settings
    with context.archive() as archive:  # says at once if there is no archive
        if single and not settings.on_broker:
            _log(settings)
            run_process(archive, lanes=lanes)
            return 0
    if single:
        from archive_app.celery_worker import run_node  # noqa: PLC0415 - a second that no other command waits for

        _log(settings)
        return run_node(settings, lanes=lanes, processes=processes or settings.workers or os.cpu_count() or 1)
    force = Workforce(settings, processes=processes, lanes=lanes)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: force.stop())
    force.start()
    force.wait()
    force.stop()
    return 0


@click.group("relay")
def relay() -> None:
    """What tells the broker of due jobs."""


@relay.command("run")
@with_context
def relay_run(context: Context) -> None:
    """Relay until told to end. Several may run: one works, the others stand by."""
    from archive_app.relay import run_relay  # noqa: PLC0415 - as above

    if not context.settings.on_broker:
        raise click.UsageError("ARCHIVE_BROKER_URL names no broker: local workers need no relay")
    _log(context.settings)
    with context.archive() as archive:
        run_relay(archive)


def _log(settings: Settings) -> None:
    logs.configure(settings.log, level=logging.INFO if settings.log == "json" else logging.WARNING)


COMMANDS = (serve, worker, relay)
