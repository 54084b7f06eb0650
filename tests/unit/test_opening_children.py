"""The children: what they may not know, that they end, and that the archive goes on when they do."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from archive_app.core.errors import ChildDied, Refused, Unavailable
from ingest.opening import wire
from ingest.opening.opener import Limits, Opener


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "page.png"
    Image.new("L", (200, 300), 255).save(path)
    return path


@pytest.fixture
def opener(tmp_path: Path) -> Iterator[Opener]:
    with Opener(Limits(page_seconds=5), scratch=tmp_path / "scratch") as opened:
        yield opened


def child_of(opener: Opener) -> psutil.Process:
    return psutil.Process(opener._crew._children[0]._process.pid)


def test_a_child_inherits_no_secret(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ARCHIVE_STORE_SECRET_KEY", "invented")
    with Opener(Limits(), scratch=tmp_path / "s") as opener:
        opener.examine(picture, name="page.png")
        known = child_of(opener).environ()
    assert not [name for name in known if name.startswith("ARCHIVE") or "invented" in known[name]]
    assert "HOME" not in known


def test_a_child_is_confined(picture: Path, opener: Opener):
    opener.examine(picture, name="page.png")
    child = child_of(opener)
    soft, hard = child.rlimit(psutil.RLIMIT_AS)
    assert soft == Limits().memory + picture.stat().st_size  # the file itself is mapped, not held
    assert hard == Limits().memory + Limits().bytes
    assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    assert os.getsid(child.pid) == child.pid


def test_a_child_that_hangs_is_ended_and_the_next_file_is_opened(picture: Path, tmp_path: Path):
    with Opener(Limits(page_seconds=0.5), scratch=tmp_path / "s") as opener:
        opener.examine(picture, name="page.png")
        hung = child_of(opener)
        hung.suspend()
        with pytest.raises(Refused) as refusal:
            opener.examine(picture, name="page.png")
        assert refusal.value.code == "too-slow"
        assert not hung.is_running()
        assert opener.examine(picture, name="page.png").media_type == "image/png"


def test_a_child_that_dies_idle_is_replaced_unnoticed(picture: Path, opener: Opener):
    opener.examine(picture, name="page.png")
    gone = child_of(opener)
    gone.kill()
    gone.wait(5)
    assert opener.examine(picture, name="page.png").pages


@pytest.mark.parametrize(("by", "error"), [(signal.SIGSEGV, Refused), (signal.SIGKILL, ChildDied)])
def test_a_child_that_dies_at_work_is_told_apart(
    by: signal.Signals, error: type[Exception], picture: Path, opener: Opener
):
    opener.examine(picture, name="page.png")
    child = child_of(opener)
    child.suspend()  # so that it is surely busy when the signal comes
    later = threading.Timer(0.3, lambda: (child.send_signal(by), child.resume()))
    later.start()
    with pytest.raises(error):
        opener.examine(picture, name="page.png")
    later.join()
    assert opener.examine(picture, name="page.png").pages


def test_a_file_that_needs_too_much_memory_is_refused_and_the_memory_is_back(tmp_path: Path, picture: Path):
    large = tmp_path / "large.png"
    Image.new("RGB", (11000, 11000)).save(large)
    with Opener(Limits(memory=600 << 20), scratch=tmp_path / "s") as opener:
        with pytest.raises(Refused) as refusal:
            opener.page(large, "image/png", 1)
        assert refusal.value.code == "too-much-memory"
        assert opener.examine(picture, name="page.png").pages
        assert child_of(opener).memory_info().rss < 300 << 20


def test_a_child_that_grew_is_replaced(tmp_path: Path, opener: Opener):
    large = tmp_path / "large.png"
    Image.new("L", (12000, 12000)).save(large)
    opener.examine(large, name="large.png")
    assert child_of(opener).memory_info().rss < 300 << 20


def test_nothing_stays_in_scratch_and_no_child_stays_behind(picture: Path, tmp_path: Path):
    scratch = tmp_path / "s"
    with Opener(Limits(), children=2, scratch=scratch) as opener:
        page = opener.page(picture, "image/png", 1)
        children = [psutil.Process(child._process.pid) for child in opener._crew._children]
        assert list(scratch.iterdir()) == []
    assert page.bitmap is not None
    assert page.bitmap.shape == (300, 200, 3)
    assert int(page.bitmap.min()) == 255
    assert not [child for child in children if child.is_running()]


def test_a_page_stays_as_it_was_while_others_are_opened(picture: Path, tmp_path: Path, opener: Opener):
    dark = tmp_path / "dark.png"
    Image.new("L", (300, 400), 7).save(dark)
    white = opener.page(picture, "image/png", 1).bitmap
    assert white is not None
    part = white[10:20]
    del white
    first, second = (opener.page(dark, "image/png", 1).bitmap for _ in range(2))
    assert first is not None
    assert second is not None
    first[:] = 9
    assert (int(part.min()), int(first.max()), int(second.max())) == (255, 9, 7)
    del part, first, second
    again = opener.page(picture, "image/png", 1).bitmap
    assert again is not None
    assert (again.shape, int(again.min())) == ((300, 200, 3), 255)


def test_the_page_may_be_written_on(picture: Path, opener: Opener):
    page = opener.page(picture, "image/png", 1)
    assert page.bitmap is not None
    page.bitmap[0, 0] = 0
    assert int(page.bitmap[0, 0].sum()) == 0


def test_a_page_that_is_not_there_is_refused(picture: Path, opener: Opener):
    with pytest.raises(Refused) as refusal:
        opener.page(picture, "image/png", 2)
    assert refusal.value.code == "no-such-page"


def test_a_folder_a_link_and_a_pipe_are_no_files(tmp_path: Path, picture: Path, opener: Opener):
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(picture)
    os.mkfifo(pipe)
    for path in (tmp_path, link, pipe):
        with pytest.raises(Refused) as refusal:
            opener.examine(path, name=path.name)
        assert refusal.value.code == "not-a-file"


def test_a_file_past_the_byte_limit_is_refused(picture: Path, tmp_path: Path):
    with Opener(Limits(bytes=10), scratch=tmp_path / "s") as opener, pytest.raises(Refused) as refusal:
        opener.examine(picture, name="page.png")
    assert refusal.value.code == "too-large"


def test_messages_are_put_together_from_any_pieces():
    sent = [{"a": 1}, {"text": "参保" * 100}]
    data = b"".join(wire.frame(message) for message in sent)
    frames, found = wire.Frames(), []
    for byte in data:
        frames.feed(bytes([byte]))
        while (message := frames.next()) is not None:
            found.append(message)
    assert found == sent


def test_a_frame_of_absurd_length_is_nonsense():
    frames = wire.Frames()
    frames.feed(b"\xff\xff\xff\xff{}")
    with pytest.raises(ValueError, match="4294967295"):
        frames.next()


def test_a_disk_that_fails_is_not_the_files_fault(picture: Path, tmp_path: Path, opener: Opener):
    with pytest.raises(Unavailable):
        opener.examine(tmp_path / "gone.png", name="gone.png")
    with pytest.raises(Unavailable):
        opener.extract(picture, "image/png", [1], tmp_path / "no-such-folder" / "master.png")


def test_a_child_has_no_network_where_the_kernel_permits(picture: Path, opener: Opener):
    opener.examine(picture, name="page.png")
    child = Path(f"/proc/{child_of(opener).pid}")
    if (child / "ns" / "net").readlink() == Path("/proc/self/ns/net").readlink():
        pytest.skip("this kernel does not let us leave the network")
    interfaces = [line.split(":")[0].strip() for line in (child / "net" / "dev").read_text().splitlines()[2:]]
    assert interfaces == ["lo"]


def test_openers_of_several_threads_do_not_disturb_each_other(tmp_path: Path):
    def work(shade: int) -> set[int]:
        path = tmp_path / f"{shade}.png"
        Image.new("L", (200, 300), shade).save(path)
        with Opener(Limits(), scratch=tmp_path / "scratch") as opener:
            pages = [opener.page(path, "image/png", 1).bitmap for _ in range(5)]
        return {int(value) for page in pages if page is not None for value in np.unique(page)}

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(work, (10, 120, 230))) == [{10}, {120}, {230}]
