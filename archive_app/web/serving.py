"""Serving the site with waitress, and workers beside it on the embedded default."""

import logging
import signal
import socket
from contextlib import ExitStack, nullcontext
from types import FrameType

import waitress
from werkzeug.middleware.proxy_fix import ProxyFix

from archive_app import logs
from archive_app.core.errors import Unavailable
from archive_app.core.settings import Settings
from archive_app.web.app import create_app
from archive_app.wiring import opened
from archive_app.workforce import Workforce

_LOG = logging.getLogger("archive")
_THREADS = 8
_BACKLOG = 1024


class _EndError(Exception):
    """Raised in the main thread when the process is told to end."""


def serve(settings: Settings, *, host: str, port: int, workers: bool = True) -> None:
    """Serve until told to end. Requests in hand are finished, jobs in hand too.

    Raises `Unavailable` if the address is taken, before anything else is started.
    """
    logs.configure(settings.log)
    with ExitStack() as stack:
        archive = stack.enter_context(opened(settings))
        app = create_app(archive)
        if settings.trusted_proxies:
            count = settings.trusted_proxies
            app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
        server = waitress.create_server(
            app,
            sockets=_listening(host, port),
            threads=_THREADS,
            ident="archive",
            max_request_body_size=settings.limit_bytes + (1 << 20),
            channel_timeout=300,
        )
        local = workers and not settings.on_broker
        stack.enter_context(Workforce(settings) if local else nullcontext())

        def end(_number: int, _frame: FrameType | None) -> None:
            raise _EndError

        signal.signal(signal.SIGTERM, end)
        _LOG.info("site.serving host=%s port=%s workers=%s", host, port, local)
        try:
            server.run()
        except (_EndError, KeyboardInterrupt):
            server.close()


def _listening(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of that host. Raises `Unavailable` if one cannot be had."""
    with ExitStack() as opened_so_far:
        sockets = []
        try:
            for family, *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
                sockets.append(socket.create_server(address[:2], family=family, backlog=_BACKLOG))
                opened_so_far.enter_context(sockets[-1])
        except OSError as fault:
            raise Unavailable("address-not-free", host=host, port=port, detail=fault.strerror) from fault
        opened_so_far.pop_all()
        return sockets
