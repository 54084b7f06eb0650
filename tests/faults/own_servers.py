"""Real servers of a test's own, to be killed: `deploy/services` with a folder and ports that nobody else uses."""

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

_SERVICES = Path(__file__).parents[2] / "deploy" / "services"


class OwnServers:
    """Some of postgres, minio, versitygw, elasticsearch and rabbitmq. Their data outlives `kill` and not `end`.

    `disk` names one that keeps its data on a disk of its own of `megabytes`, which can be filled. Only root can mount
    one: without it `can_fill` is false.
    """

    def __init__(self, *names: str, disk: str | None = None, megabytes: int = 1024) -> None:
        self.names = names
        self._place = Path(tempfile.mkdtemp(prefix="archive-own-servers-", dir="/tmp"))
        self._place.chmod(0o755)
        self._disk = self._place / "servers" / disk / "data" if disk and os.geteuid() == 0 else None
        if self._disk is not None:
            self._disk.mkdir(parents=True)
            _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(self._disk))
        self.start(*names)

    @property
    def can_fill(self) -> bool:
        """Whether there is a disk to be filled."""
        return self._disk is not None

    def fill(self) -> None:
        """Leave no byte free on the disk."""
        assert self._disk is not None
        with suppress(OSError), self._filling.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))

    def free(self) -> None:
        """Take away what filled the disk."""
        self._filling.unlink()

    @property
    def _filling(self) -> Path:
        assert self._disk is not None
        return self._disk / "filling"

    def start(self, *names: str) -> None:
        """Start those that do not run, and wait until they answer. Skips the test where that cannot be."""
        done = self._say("start", *names)
        if done.returncode != 0:
            pytest.skip(f"deploy/services start {' '.join(names)}: {done.stderr.strip()}")

    def kill(self, name: str) -> None:
        """`kill -9`, to every process of it."""
        done = self._say("kill", name)
        assert done.returncode == 0, done.stderr

    def start_again(self, name: str) -> None:
        """Start what was killed: now it must."""
        done = self._say("start", name)
        assert done.returncode == 0, done.stderr

    def environment(self) -> dict[str, str]:
        """`TEST_POSTGRES_URL` and the others, of what runs."""
        said = self._say("env", *self.names).stdout
        lines = [line.removeprefix("export ") for line in said.splitlines() if line.startswith("export ")]
        return {key: value.strip("'\"") for key, _, value in (line.partition("=") for line in lines)}

    def end(self) -> None:
        """Stop all of them and delete what they kept."""
        self._say("stop")
        if self._disk is not None:
            _run("umount", str(self._disk))
        self._say("clean")
        shutil.rmtree(self._place, ignore_errors=True)

    def _say(self, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "SERVICES_DIR": str(self._place / "servers")}  # noqa: TID251 - handed on whole
        return subprocess.run(
            [str(_SERVICES), *words], env=environment, capture_output=True, text=True, check=False, timeout=600
        )


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
