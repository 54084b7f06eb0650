"""A RabbitMQ of a test's own, that can be killed and started again on the same data."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from uuid import uuid4

import pytest

_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_READY_SECONDS = 90
_MEMORY = "+S 1:1 +sbwt none"  # one scheduler, that does not wait busily


class OwnBroker:
    """One node with its own name, ports and folder. Skips the test where there is no RabbitMQ.

    With `patience` it waits so many seconds for the answer to a message, and looks every second, not every minute.
    """

    def __init__(self, folder: Path, *, patience: int | None = None) -> None:
        self._epmd_program = shutil.which("epmd")
        if not _SERVER.exists() or self._epmd_program is None:
            pytest.skip("no RabbitMQ here")
        self.port, dist, self._epmd_port = (_free_port() for _ in range(3))
        home = folder / "rabbitmq"
        home.mkdir()
        (home / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n", encoding="utf-8")
        waits = f"{{consumer_timeout, {patience * 1000}}}, {{channel_tick_interval, 1000}}" if patience else ""
        (home / "advanced.config").write_text(f"[{{rabbit, [{waits}]}}].\n", encoding="utf-8")
        self._log = home / "log" / "node.log"
        self._environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"t{uuid4().hex[:8]}@localhost",
            "RABBITMQ_DIST_PORT": str(dist),
            "RABBITMQ_MNESIA_BASE": str(home / "data"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_LOGS": str(self._log),
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _MEMORY,
        }
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._epmd = subprocess.Popen(
            [self._epmd_program, "-port", str(self._epmd_port), "-address", "127.0.0.1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._node: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start and wait until it answers."""
        self._node = subprocess.Popen(
            [_SERVER], env=self._environment, cwd="/", start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + _READY_SECONDS
        while time.monotonic() < until:
            if self._answers():
                return
            assert self._node.poll() is None, "the broker ended at once"
            time.sleep(0.2)
        pytest.fail("the broker does not answer")

    @property
    def pid(self) -> int:
        """The node's process, which is the head of all it started."""
        assert self._node is not None
        return self._node.pid

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(connection.recv(1))
        except OSError:
            return False

    def patience_lost(self) -> int:
        """How often it closed the channel of somebody who did not answer in time."""
        return self._log.read_text(encoding="utf-8").count("has timed out waiting for delivery acknowledgement")

    def kill(self) -> None:
        """SIGKILL to the node and all it started."""
        if self._node is not None:
            os.killpg(self._node.pid, signal.SIGKILL)
            self._node.wait()
            self._node = None

    def freeze(self) -> None:
        """It does not answer any more, and its connections stand."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        self.kill()
        self.start()

    def forget(self) -> None:
        """Start again without any data, as after the loss of a disk."""
        self.kill()
        shutil.rmtree(self._environment["RABBITMQ_MNESIA_BASE"])
        self.start()

    def close(self) -> None:
        self.kill()
        self._epmd.kill()
        self._epmd.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
