"""CPU of the whole pipeline per page against the bare engine on the same bitmaps, with 1 and 2 workers, stage by stage.

    python -m tests.bench.bench_pipeline [--pages 24] [--output FILE.json]

The bare engine reads the very bitmaps the pipeline reads, with its models loaded; workers are warm before they are
measured. All ratios come from one run on one machine; nothing here is an assertion.
"""

import argparse
import json
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import numpy as np
import psutil

from archive_app import batches, installation
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import Level, Viewer
from archive_app.wiring import Archive, opened
from archive_app.worker import Worker
from ingest import intake
from ingest.ocr.engines import build_engine
from ingest.opening.opener import Limits, Opener

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "demo"
PICTURES = (".jpg", ".png", ".tif", ".webp")
PASSWORD = "Bench-Password-1"


def sample_files(pages: int) -> list[Path]:
    """Scans of the demo set, one page each, enough for the number of pages."""
    found = sorted(path for path in SAMPLES.rglob("*") if path.suffix in PICTURES and "refused" not in path.parts)
    singles = [path for path in found if "stack" not in path.name and "copy" not in path.name]
    return singles[:pages]


def bitmaps(files: Sequence[Path], folder: Path) -> list[Path]:
    """The final bitmaps as arrays on disk, decoded as the pipeline decodes them."""
    made = []
    with Opener(Limits(), scratch=folder / "scratch") as opener:
        for place, path in enumerate(files):
            found = opener.examine(path, name=path.name)
            for number in range(1, len(found.pages) + 1):
                page = opener.page(path, found.media_type, number)
                target = folder / f"{place}-{number}.npy"
                np.save(target, page.bitmap)
                made.append(target)
    return made


def _read_all(paths: Sequence[Path], ready: "multiprocessing.Barrier", answers: "multiprocessing.Queue") -> None:  # type: ignore[type-arg, valid-type]
    engine = build_engine("rapidocr")
    engine.read(np.load(paths[0]))  # models loaded, first shapes compiled
    pages = [np.load(path) for path in paths]
    ready.wait()
    began, cpu = time.monotonic(), time.process_time()
    for page in pages:
        engine.read(page)
    answers.put((time.monotonic() - began, time.process_time() - cpu))


def bare(paths: Sequence[Path], workers: int) -> dict[str, float]:
    """The engine alone: the pages shared out among processes."""
    context = multiprocessing.get_context("spawn")
    ready, answers = context.Barrier(workers), context.Queue()
    shares = [paths[start::workers] for start in range(workers)]
    processes = [context.Process(target=_read_all, args=(share, ready, answers)) for share in shares]
    for process in processes:
        process.start()
    measured = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    wall = max(one[0] for one in measured)
    return {"wall_s": wall, "cpu_s": sum(one[1] for one in measured), "pages": len(paths)}


def tree_cpu(processes: Sequence[psutil.Process]) -> float:
    """CPU seconds of the processes, their living descendants and those that ended."""
    total = 0.0
    for process in processes:
        for one in [process, *process.children(recursive=True)]:
            try:
                times = one.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system + times.children_user + times.children_system
    return total


def an_archive(home: Path) -> tuple[Settings, Viewer]:
    """A new archive with one archivist."""
    settings = Settings.from_env({}, home=home)
    installation.install(settings, fonds="B001", name="bench")
    with opened(settings) as archive:
        accounts = archive.accounts
        for login in ("system", "security"):
            code = (home / "activation" / f"{login}.code").read_text(encoding="utf-8")
            accounts.activate(login, code=code, password=PASSWORD)
        system, security = (accounts.viewer(accounts.sign_in(one, PASSWORD)) for one in ("system", "security"))
        _, code = accounts.add(system, "bench-archivist", name="bench")
        accounts.activate("bench-archivist", code=code, password=f"{PASSWORD}x")
        accounts.grant(security, "bench-archivist", roles=["archivist"], fonds=["B001"], level=Level.HIGHLY_SENSITIVE)
        return settings, accounts.viewer(accounts.sign_in("bench-archivist", f"{PASSWORD}x"))


def take_in(archive: Archive, viewer: Viewer, files: Sequence[Path]) -> UUID:
    """A batch with these files, received and waiting for workers."""
    with archive.unit(viewer) as unit:
        batch = intake.open_batch(unit, fonds_id=next(iter(viewer.fonds))).id
    for path in files:
        with path.open("rb") as stream:
            intake.receive(archive.workshop, viewer, batch, stream, path=path.name)
    return batch


def wait(archive: Archive, viewer: Viewer, batch: UUID) -> None:
    """Until nothing of the batch waits."""
    while True:
        with archive.reading(viewer) as unit:
            if not batches.work_of(unit, archive.sessions, batch).waiting:
                return
        time.sleep(0.1)


def pipeline(files: Sequence[Path], warm: Sequence[Path], workers: int, folder: Path) -> dict[str, float]:
    """The whole pipeline with real worker processes, warm before they are measured."""
    home = folder / f"home-{workers}"
    settings, viewer = an_archive(home)
    command = [sys.executable, "-m", "archive_app", "--home", str(home), "worker", "run", "--single"]
    with opened(settings) as archive:
        running = [subprocess.Popen(command) for _ in range(workers)]
        try:
            wait(archive, viewer, take_in(archive, viewer, warm))  # both at once: each worker gets one
            trees = [psutil.Process(one.pid) for one in running]
            began, cpu = time.monotonic(), tree_cpu(trees)
            batch = take_in(archive, viewer, files)
            received = time.monotonic()
            wait(archive, viewer, batch)
            wall, used = time.monotonic() - began, tree_cpu(trees) - cpu
            with archive.reading(viewer) as unit:
                pages = batches.report(unit, batch).balance.pages
        finally:
            for one in running:
                one.terminate()
            for one in running:
                one.wait()
    return {"wall_s": wall, "cpu_s": used, "pages": pages, "receiving_wall_s": received - began}


def stages(files: Sequence[Path], folder: Path) -> dict[str, float]:
    """CPU seconds per page of each kind of job, in one process with its decoding child."""
    settings, viewer = an_archive(folder / "home-stages")
    spent: dict[str, float] = {}
    with opened(settings) as archive:
        take_in(archive, viewer, files)
        worker, me = Worker(archive), psutil.Process()
        claimed: list[str] = []
        claim = archive.queue.claim

        def noting(name: str, **options: object) -> object:
            jobs = claim(name, **options)  # type: ignore[arg-type]
            claimed.extend(job.name for job in jobs)
            return jobs

        archive.queue.claim = noting  # type: ignore[method-assign, assignment]
        while True:
            claimed.clear()
            before = tree_cpu([me])
            worked = worker.step()
            for name in set(claimed):
                spent[name] = spent.get(name, 0.0) + tree_cpu([me]) - before
            if not worked and not archive.queue.list():
                return {name: seconds / len(files) for name, seconds in spent.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=24)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        chosen = sample_files(options.pages + 2)
        warm, files = chosen[:2], chosen[2:]
        pages = bitmaps(files, folder)
        answer: dict[str, object] = {"pages": len(pages)}
        for workers in (1, 2):
            answer[f"bare_{workers}"] = bare(pages, workers)
            answer[f"pipeline_{workers}"] = pipeline(files, warm, workers, folder)
        answer["stages_cpu_s_per_page"] = stages(files, folder)
        answer |= ratios(answer)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = json.dumps(answer, indent=2)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    print(text)  # noqa: T201 - the answer


def ratios(answer: dict[str, object]) -> dict[str, float]:
    """What the bars speak of."""
    per_page = {
        name: value["cpu_s"] / value["pages"]  # type: ignore[index]
        for name, value in answer.items()
        if name.startswith(("bare_", "pipeline_"))
    }
    rate = {
        name: value["pages"] / value["wall_s"]  # type: ignore[index]
        for name, value in answer.items()
        if name.startswith(("bare_", "pipeline_"))
    }
    return {
        "cpu_per_page_pipeline_1_over_bare_1": per_page["pipeline_1"] / per_page["bare_1"],
        "cpu_per_page_pipeline_2_over_bare_2": per_page["pipeline_2"] / per_page["bare_2"],
        "scaling_bare_1_to_2": rate["bare_2"] / rate["bare_1"],
        "scaling_pipeline_1_to_2": rate["pipeline_2"] / rate["pipeline_1"],
        "scaling_pipeline_over_bare": (rate["pipeline_2"] / rate["pipeline_1"]) / (rate["bare_2"] / rate["bare_1"]),
    }


if __name__ == "__main__":
    main()
