"""How fast the stores take bytes in and give them out, beside the bare SDK and beside `cp` and `sha256sum`.

    python tests/bench/store_speed.py --json speed.json        # servers as `deploy/services env` names them

One round does every way once, in turns, on the same fresh random files; the figure of a way is the median of its
rounds, a ratio is the bare way's seconds over ours. `cpu` is what our side of the wire took of a processor, called
programs included: it says more than the clock where a machine is shared. What is compared:

- `sdk`: `fput_object` and `fget_object` of the minio SDK, nothing else.
- `sdk, read back`: the same with a read-back between, compared by SHA-256: what a careful user of the SDK would do.
- `s3`: our `put` (spool, both digests, upload under a name that must be new, read back and compare) and `as_file`
  (fetch to a file, compared with its digest). It moves every byte three times where `sdk` moves it twice, and digests
  it four times: SM3 alone takes 2 to 4 ms of a processor for a megabyte.
- `digests`: what of that `sdk` does not do, SM3 once and SHA-256 twice. Processors with nothing else to do hide it;
  where the servers share two busy ones with us, `s3` comes no nearer to `sdk` than this lets it.
- `cp`: `cp` of the files, then `sha256sum` of the copies; `cp, settled` also syncs them to the disk, as ours does.
- `folder`: our `put` (spool, both digests, sync, read back, link) and `as_file`, read to the end with SHA-256.
"""

import hashlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import click
from minio import Minio

from archive_app.clock import SystemClock
from archive_app.core.ports import StorageBackend
from archive_app.core.settings import environment
from archive_app.objects import FolderStore, digests_of
from archive_app.objects.digests import sha256_of
from archive_app.objects.s3 import S3Store
from archive_app.objects.s3_client import S3Address, S3Client

CASES = (("100 KB x 200", 100 << 10, 200), ("10 MB x 10", 10 << 20, 10), ("200 MB x 1", 200 << 20, 1))
_LIMIT = 1 << 30
Way = Callable[[Sequence[Path], Path], None]


class Bare:
    """The SDK as it comes, with a bucket of its own."""

    def __init__(self, endpoint: str, access_key: str, secret_key: str) -> None:
        host = endpoint.partition("://")[2]
        self.client = Minio(host, access_key, secret_key, secure=endpoint.startswith("https"), region="us-east-1")
        self.bucket = f"bench-{uuid4().hex[:12]}"
        self.client.make_bucket(self.bucket, object_lock=True)

    def plain(self, files: Sequence[Path], folder: Path) -> None:
        for file in files:
            name = uuid4().hex
            self.client.fput_object(self.bucket, name, str(file))
            self.client.fget_object(self.bucket, name, str(folder / name))

    def careful(self, files: Sequence[Path], folder: Path) -> None:
        for file in files:
            name = uuid4().hex
            self.client.fput_object(self.bucket, name, str(file))
            answer = self.client.get_object(self.bucket, name)
            found = hashlib.sha256()
            for piece in answer.stream(1 << 20):
                found.update(piece)
            answer.release_conn()
            with file.open("rb") as source:
                assert found.hexdigest() == hashlib.file_digest(source, "sha256").hexdigest()
            self.client.fget_object(self.bucket, name, str(folder / name))


def ours(store: StorageBackend, *, read: bool) -> Way:
    def way(files: Sequence[Path], _folder: Path) -> None:
        for file in files:
            with file.open("rb") as source:
                stored = store.put(source, fonds="BENCH", owner=uuid4(), limit=_LIMIT)
            with store.as_file(stored.key, version_id=stored.version_id) as path:
                if read:
                    with path.open("rb") as again:
                        assert hashlib.file_digest(again, "sha256").hexdigest() == stored.key.sha256

    return way


def digested(files: Sequence[Path], _folder: Path) -> None:
    for file in files:
        with file.open("rb") as source:
            digests_of(source)
            source.seek(0)
            sha256_of(source)


def copied(*, settled: bool) -> Way:
    def way(files: Sequence[Path], folder: Path) -> None:
        subprocess.run(["cp", *map(str, files), str(folder)], check=True)
        copies = [str(folder / file.name) for file in files]
        if settled:
            subprocess.run(["sync", *copies], check=True)
        subprocess.run(["sha256sum", *copies], check=True, stdout=subprocess.DEVNULL)

    return way


def measured(case: tuple[str, int, int], ways: dict[str, Way], rounds: int, room: Path) -> dict[str, object]:
    """Seconds of each way, by the clock and of the processor: the medians over the rounds."""
    name, size, count = case
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    busy: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(rounds):
        order = list(ways.items())
        for way, act in order[turn % len(order) :] + order[: turn % len(order)]:
            source, target = room / "source", room / "target"
            source.mkdir()
            target.mkdir()
            files = [source / f"{number}" for number in range(count)]
            for file in files:
                file.write_bytes(os.urandom(size))
            began, worked = time.perf_counter(), _processor()
            act(files, target)
            seconds[way].append(time.perf_counter() - began)
            busy[way].append(_processor() - worked)
            shutil.rmtree(source)
            shutil.rmtree(target)
    middle = {way: statistics.median(values) for way, values in seconds.items()}
    speed = {way: round(size * count / (1 << 20) / value, 1) for way, value in middle.items()}
    return {
        "case": name,
        "seconds": {way: round(value, 3) for way, value in middle.items()},
        "cpu_seconds": {way: round(statistics.median(values), 3) for way, values in busy.items()},
        "mb_per_second": speed,
    }


def _processor() -> float:
    """Seconds of a processor that this process and the programs it called have taken."""
    return sum(os.times()[:4])


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--server", type=click.Choice(["minio", "versitygw"]), default="minio", show_default=True)
@click.option("--json", "output", type=click.Path(path_type=Path), help="Where the numbers go as JSON.")
def main(rounds: int, server: str, output: Path | None) -> None:
    """Measure and print a table."""
    given = environment()
    endpoint = given[f"TEST_{server.upper()}_URL"]
    keys = given["TEST_S3_ACCESS_KEY"], given["TEST_S3_SECRET_KEY"]
    bare, clock = Bare(endpoint, *keys), SystemClock("Asia/Shanghai")
    address = S3Address.of(f"s3+{endpoint}/{bare.bucket}/ours")
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        client = S3Client(address, access_key=keys[0], secret_key=keys[1])
        s3 = S3Store(client, address, scratch=room / "scratch", clock=clock)
        ways = {
            "sdk": bare.plain,
            "sdk, read back": bare.careful,
            "s3": ours(s3, read=False),
            "digests": digested,
            "cp": copied(settled=False),
            "cp, settled": copied(settled=True),
            "folder": ours(FolderStore(room / "store", clock=clock), read=True),
        }
        rows = [measured(case, ways, rounds, room) for case in CASES]
    report = {
        "machine": {"processors": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()},
        "server": server,
        "rows": rows,
    }
    if output:
        output.write_text(json.dumps(report, ensure_ascii=False, indent=1))
    click.echo(f"{'case':14} {'way':16} {'seconds':>9} {'cpu':>7} {'MB/s':>8}   ratio to")
    for row in rows:
        seconds, busy, speed = row["seconds"], row["cpu_seconds"], row["mb_per_second"]
        assert isinstance(seconds, dict)
        assert isinstance(busy, dict)
        assert isinstance(speed, dict)
        for way in ways:
            beside = {"s3": ("sdk", "sdk, read back"), "folder": ("cp", "cp, settled")}.get(way, ())
            ratios = "  ".join(f"{other} {seconds[other] / seconds[way]:.2f}" for other in beside)
            click.echo(f"{row['case']:14} {way:16} {seconds[way]:9.3f} {busy[way]:7.3f} {speed[way]:8.1f}   {ratios}")


if __name__ == "__main__":
    main()
