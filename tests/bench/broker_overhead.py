"""Pages per minute with 1 and 2 readers, woken by their own looks and through RabbitMQ; and what the broker costs.

    python -m tests.bench.broker_overhead [--pages 24] [--rounds 3] [--readers 1 2] [--output FILE.json]

The cost of the broker is the CPU of what local workers do not need (the server, the relay, the nodes' main processes)
for each page, beside the CPU of the bare engine on the same bitmaps. Part of it is the price of being there, measured
while nothing is to be done; the rest is what pages add. What the server starts to look at its disk and memory, now and
then and whatever goes on, is told apart. The two ways take turns, medians of the rounds are given, and `difference` is
all CPU of one way less all CPU of the other. All from one run; nothing here is an assertion.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from archive_app.core.settings import Settings, environment
from archive_app.core.vocabulary import Viewer
from archive_app.wiring import opened
from tests.bench.bench_pipeline import an_archive, bare, bitmaps, sample_files, take_in, tree_cpu, wait
from tests.faults.own_broker import OwnBroker

_READY_SECONDS = 60
_IDLE_SECONDS = 30
_WARM = 10  # pages, so that every process has read one
_PARTS = ("server", "relay", "nodes")
_ALL_PARTS = (*_PARTS, "watchers")


def _alone(processes: Sequence[psutil.Process]) -> float:
    """CPU seconds of these processes without what they started."""
    return sum(times.user + times.system for times in (one.cpu_times() for one in processes))


def _begin(settings: Settings, readers: int) -> list[psutil.Process]:
    """The processes an operator would start: workers, and with a broker the relay."""
    url, name = settings.broker_url, str(settings.home)
    commands = [["worker", "run", "--processes", str(readers)], *([["relay", "run"]] if settings.on_broker else [])]
    whole = {**environment(), "ARCHIVE_BROKER_URL": url}
    return [psutil.Popen([sys.executable, "-m", "archive_app", "--home", name, *one], env=whole) for one in commands]


class _Meter:
    """Wall clock and CPU seconds of every part since it was made."""

    def __init__(self, running: Sequence[psutil.Process], server: psutil.Process | None, nodes: bool) -> None:  # noqa: FBT001
        self._running, self._server = running, [server] if server else []
        started = server.children(recursive=True) if server else []
        self._watchers = [one for one in started if one.name() == "erl_child_setup"]
        self._nodes = running[0].children() if nodes else []
        self._began, self._before = time.monotonic(), self._now()

    def _now(self) -> dict[str, float]:
        return {
            "all": tree_cpu([*self._running, *self._server]),
            "server": tree_cpu(self._server) - tree_cpu(self._watchers),
            "watchers": tree_cpu(self._watchers),
            "relay": tree_cpu(self._running[1:]),
            "nodes": _alone(self._nodes),
        }

    def read(self) -> dict[str, float]:
        used = {name: now - self._before[name] for name, now in self._now().items()}
        return {"wall": time.monotonic() - self._began, **used}


def measure(
    settings: Settings, viewer: Viewer, files: Sequence[Path], warm: Sequence[Path], *, readers: int, server: int | None
) -> dict[str, float]:
    """One batch by so many readers, warm before they are measured; `server` is the broker's process."""
    with opened(settings) as archive:
        running = _begin(settings, readers)
        try:
            until = time.monotonic() + _READY_SECONDS
            while archive.queue.live_workers() < readers and time.monotonic() < until:
                time.sleep(0.2)
            wait(archive, viewer, take_in(archive, viewer, warm))
            broker = psutil.Process(server) if server is not None else None
            time.sleep(2)
            idle = _Meter(running, broker, settings.on_broker)
            time.sleep(_IDLE_SECONDS)
            there = idle.read()
            meter = _Meter(running, broker, settings.on_broker)
            wait(archive, viewer, take_in(archive, viewer, files))
            used = meter.read()
        finally:
            for one in running:
                one.terminate()
            for one in running:
                one.wait()
    pages, wall = len(files), used["wall"]
    return {
        "pages_per_minute": 60 * pages / wall,
        "cpu_s_per_page": used["all"] / pages,
        **{f"{part}_cpu_s_per_page": used[part] / pages for part in _ALL_PARTS},
        **{f"{part}_cpu_s_per_idle_s": there[part] / there["wall"] for part in _ALL_PARTS},
        "broker_cpu_s_per_page": sum(used[part] for part in _PARTS) / pages,
        "pages_add_cpu_s_per_page": sum(used[part] - there[part] / there["wall"] * wall for part in _PARTS) / pages,
    }


def _medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--readers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    broker = OwnBroker(folder)
    try:
        chosen = sample_files(options.pages + _WARM)
        warm, files = chosen[:_WARM], chosen[_WARM:]
        read = bitmaps(files, folder)
        engine, rounds = [], {f"{way}_{readers}": [] for readers in options.readers for way in ("local", "broker")}
        for turn in range(options.rounds):
            engine.append(bare(read, 1))
            for name, measured in rounds.items():
                way, readers = name.split("_")
                settings, viewer = an_archive(folder / f"{name}-{turn}")
                if way == "broker":
                    settings = Settings.from_env({"ARCHIVE_BROKER_URL": broker.url}, home=settings.home)
                server = broker.pid if way == "broker" else None
                measured.append(measure(settings, viewer, files, warm, readers=int(readers), server=server))
    finally:
        broker.close()
        shutil.rmtree(folder, ignore_errors=True)
    ocr = statistics.median(one["cpu_s"] / one["pages"] for one in engine)
    answer = {"ocr_cpu_s_per_page": ocr, **{name: _medians(measured) for name, measured in rounds.items()}}
    for readers in options.readers:
        local, through = rounds[f"local_{readers}"], rounds[f"broker_{readers}"]
        answer[f"over_ocr_{readers}"] = _over_ocr(local, through, ocr)
    text = json.dumps(answer, indent=2)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    print(text)  # noqa: T201 - the answer


def _over_ocr(
    local: Sequence[Mapping[str, float]], through: Sequence[Mapping[str, float]], ocr: float
) -> dict[str, float]:
    """What the bar speaks of."""
    pairs = list(zip(local, through, strict=True))
    return {
        "broker": statistics.median(one["broker_cpu_s_per_page"] for one in through) / ocr,
        "broker_what_pages_add": statistics.median(one["pages_add_cpu_s_per_page"] for one in through) / ocr,
        "difference": statistics.median(two["cpu_s_per_page"] - one["cpu_s_per_page"] for one, two in pairs) / ocr,
        "pages_per_minute_broker_over_local": statistics.median(
            two["pages_per_minute"] / one["pages_per_minute"] for one, two in pairs
        ),
    }


if __name__ == "__main__":
    main()
