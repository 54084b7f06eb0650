"""Pages per minute with 1 and 2 readers, woken by their own looks and through RabbitMQ; and what the broker costs.

    python -m tests.bench.broker_overhead [--pages 24] [--output FILE.json]

The cost of the broker is the CPU of what local workers do not need (the server, the relay, the nodes' main processes)
for each page, beside the CPU of the bare engine on the same bitmaps. All from one run; nothing here is an assertion.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from archive_app.core.settings import Settings, environment
from archive_app.core.vocabulary import Viewer
from archive_app.wiring import opened
from tests.bench.bench_pipeline import an_archive, bare, bitmaps, sample_files, take_in, tree_cpu, wait
from tests.faults.own_broker import OwnBroker

_READY_SECONDS = 60
_WARM = 10  # pages, so that every process has read one


def _alone(processes: Sequence[psutil.Process]) -> float:
    """CPU seconds of these processes without what they started."""
    return sum(times.user + times.system for times in (one.cpu_times() for one in processes))


def _begin(settings: Settings, readers: int) -> list[psutil.Process]:
    """The processes an operator would start: workers, and with a broker the relay."""
    url, name = settings.broker_url, str(settings.home)
    commands = [["worker", "run", "--processes", str(readers)], *([["relay", "run"]] if settings.on_broker else [])]
    whole = {**environment(), "ARCHIVE_BROKER_URL": url}
    return [psutil.Popen([sys.executable, "-m", "archive_app", "--home", name, *one], env=whole) for one in commands]


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
            broker = [psutil.Process(server)] if server is not None else []
            nodes = running[0].children() if settings.on_broker else []
            began, used = time.monotonic(), tree_cpu(running)
            served, relayed, own = tree_cpu(broker), tree_cpu(running[1:]), _alone(nodes)
            wait(archive, viewer, take_in(archive, viewer, files))
            wall = time.monotonic() - began
            return {
                "pages": len(files),
                "wall_s": wall,
                "pages_per_minute": 60 * len(files) / wall,
                "cpu_s_per_page": (tree_cpu(running) - used) / len(files),
                "server_cpu_s_per_page": (tree_cpu(broker) - served) / len(files),
                "relay_cpu_s_per_page": (tree_cpu(running[1:]) - relayed) / len(files),
                "nodes_cpu_s_per_page": (_alone(nodes) - own) / len(files),
            }
        finally:
            for one in running:
                one.terminate()
            for one in running:
                one.wait()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=24)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    broker = OwnBroker(folder)
    try:
        chosen = sample_files(options.pages + _WARM)
        warm, files = chosen[:_WARM], chosen[_WARM:]
        engine = bare(bitmaps(files, folder), 1)
        ocr = engine["cpu_s"] / engine["pages"]
        answer: dict[str, object] = {"ocr_cpu_s_per_page": ocr}
        for readers in (1, 2):
            for way in ("local", "broker"):
                settings, viewer = an_archive(folder / f"{way}-{readers}")
                server = None
                if way == "broker":
                    home, url = settings.home, {"ARCHIVE_BROKER_URL": broker.url}
                    settings, server = Settings.from_env(url, home=home), broker.pid
                answer[f"{way}_{readers}"] = measure(settings, viewer, files, warm, readers=readers, server=server)
            local, through = answer[f"local_{readers}"], answer[f"broker_{readers}"]
            answer[f"broker_cpu_over_ocr_{readers}"] = _cost(through) / ocr  # type: ignore[arg-type]
            answer[f"pages_per_minute_broker_over_local_{readers}"] = (
                through["pages_per_minute"] / local["pages_per_minute"]  # type: ignore[index]
            )
    finally:
        broker.close()
        shutil.rmtree(folder, ignore_errors=True)
    text = json.dumps(answer, indent=2)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    print(text)  # noqa: T201 - the answer
    print(_table(answer))  # noqa: T201 - likewise


def _cost(one: dict[str, float]) -> float:
    return sum(one[f"{part}_cpu_s_per_page"] for part in ("server", "relay", "nodes"))


def _table(answer: dict[str, object]) -> str:
    lines = ["way       pages/min   CPU s/page   of it broker"]
    for name, one in answer.items():
        if isinstance(one, dict):
            lines.append(f"{name:9} {one['pages_per_minute']:9.1f} {one['cpu_s_per_page']:12.2f} {_cost(one):14.4f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
