"""An archive on the servers of production, started with the words that deploy/compose.yaml and deploy/systemd use.

Rows in PostgreSQL under two roles, bytes in an S3 store that locks, search in Elasticsearch, workers woken by RabbitMQ.
"""

import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from uuid import uuid4

import databases
import elastic_indices
import services
import yaml
from command_line import CommandLine, Said

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
_UNITS = {
    "relay": ("archive-relay", ""),
    "ocr": ("archive-worker@", "ocr"),
    "light": ("archive-worker@", "light,index"),
}
_READY_SECONDS = 60


class Production:
    """The processes of one archive, each in a session of its own."""

    def __init__(self, archive: CommandLine) -> None:
        self.archive = archive
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = int(one.getsockname()[1])
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def names(self) -> set[str]:
        """The processes that still run."""
        return {name for name, process in self._running.items() if process.poll() is None}

    def start(self) -> None:
        """Every unit, and wait until the site says that all parts are ready."""
        for name, (unit, instance) in _UNITS.items():
            self._start(name, unit_command(unit, instance))
        words = unit_command("archive-web")
        words[words.index("--port") + 1] = str(self.port)
        self._start("web", words)
        until = time.monotonic() + _READY_SECONDS
        while self.get("/readyz")[0] != 200:
            assert time.monotonic() < until, self.get("/readyz")
            time.sleep(0.3)

    def _start(self, name: str, words: list[str]) -> None:
        log = (self.archive.place / f"{name}.log").open("wb")
        self._running[name] = self.archive.spawn(*words, output=log)
        log.close()

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and text of a page; 0 while nobody listens."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own site
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except (urllib.error.URLError, ConnectionError) as fault:
            return 0, str(fault)

    def stop(self) -> dict[str, int]:
        """TERM as systemd sends it, to each one's main process; how each ended."""
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        return {name: process.wait(timeout=120) for name, process in self._running.items()}

    def kill(self) -> None:
        for process in self._running.values():
            if process.poll() is None:
                process.kill()
                process.wait()


@contextmanager
def production(archive: CommandLine) -> Iterator[Production]:
    """The settings of every part in the command line's environment; `init` and `start` are the caller's."""
    store = services.versitygw()
    with elastic_indices.a_prefix() as prefix:
        secrets = archive.place / "secrets"
        secrets.mkdir(mode=0o700)

        def kept(name: str, value: str) -> str:
            path = secrets / name
            path.touch(mode=0o600)
            path.write_text(value, encoding="utf-8")
            return str(path)

        for name, value in {
            **databases.a_settled_database(),
            "ARCHIVE_STORE_ACCESS_KEY": store.access_key,
            "ARCHIVE_STORE_SECRET_KEY": store.secret_key,
            "ARCHIVE_REGISTER_ACCESS_KEY": store.access_key,
            "ARCHIVE_REGISTER_SECRET_KEY": store.secret_key,
            "ARCHIVE_BROKER_URL": services.rabbitmq(),
            "ARCHIVE_METRICS_TOKEN": token_hex(16),
        }.items():
            archive.set(**{f"{name}_FILE": kept(name.lower(), value)})
        scheme, _, host = store.endpoint.partition("://")
        archive.set(
            ARCHIVE_STORE_URL=f"s3+{scheme}://{host}/journey-{uuid4().hex[:12]}",
            ARCHIVE_REGISTER_URL=f"s3+{scheme}://{host}/register-{uuid4().hex[:12]}",
            ARCHIVE_INDEX_URL=services.elasticsearch(),
            ARCHIVE_INDEX_PREFIX=prefix,
            ARCHIVE_LOG="json",
        )
        running = Production(archive)
        try:
            yield running
        finally:
            running.kill()
            shutil.rmtree(secrets)


def compose_command(service: str, **names: str) -> list[str]:
    """The words after `archive` that a container starts with; `names` stand for ${NAME:-default}."""
    told = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"][service]["command"]
    return [re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: names.get(found[1], found[2]), word) for word in told]


def unit_command(unit: str, instance: str = "") -> list[str]:
    """The words after `archive` that a unit starts with."""
    text = (DEPLOY / "systemd" / f"{unit}.service").read_text(encoding="utf-8")
    (line,) = re.findall(r"^ExecStart=\S+/archive (.*)$", text, re.MULTILINE)
    return shlex.split(line.replace("%I", instance))


def prepare(archive: CommandLine, *, fonds: str, name: str) -> Said:
    """Bucket, tables and index, in the order of compose; what `init` said."""
    archive(*compose_command("store-prepare"))
    made = archive(*compose_command("init", FONDS=fonds, FONDS_NAME=name))
    archive(*compose_command("index-prepare"))
    return made
