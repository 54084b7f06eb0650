"""Locks on owners of bytes exclude other processes, and nobody else."""

import multiprocessing
import time
from pathlib import Path
from uuid import UUID

from archive_app.locks import FileLocks

ONE, OTHER, SAME_STRIPE = UUID(int=1), UUID(int=2), UUID(int=65)


def hold(folder: str, owner: str, log: str, seconds: float) -> None:
    with FileLocks(Path(folder)).holding(UUID(owner)):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write("in\n")
        time.sleep(seconds)
        with Path(log).open("a", encoding="utf-8") as file:
            file.write("out\n")


def run(tmp_path: Path, first: UUID, second: UUID) -> list[str]:
    context = multiprocessing.get_context("spawn")
    log = tmp_path / "log"
    log.touch()
    arguments = [(str(tmp_path / "locks"), str(owner), str(log), 0.5) for owner in (first, second)]
    processes = [context.Process(target=hold, args=given) for given in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return log.read_text(encoding="utf-8").split()


def test_one_owner_is_held_by_one_process_at_a_time(tmp_path: Path):
    assert run(tmp_path, ONE, ONE) == ["in", "out", "in", "out"]


def test_a_dead_process_holds_nothing(tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    log = tmp_path / "log"
    process = context.Process(target=hold, args=(str(tmp_path / "locks"), str(ONE), str(log), 60))
    process.start()
    while not log.exists() or not log.read_text(encoding="utf-8"):
        time.sleep(0.02)
    process.kill()
    process.join()
    with FileLocks(tmp_path / "locks").holding(ONE):
        pass


def test_owners_that_share_a_lock_are_held_together_without_waiting_for_themselves(tmp_path: Path):
    with FileLocks(tmp_path / "locks").holding(ONE, SAME_STRIPE, OTHER, ONE):
        assert len(list((tmp_path / "locks").iterdir())) == 2
