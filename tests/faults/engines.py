"""Engines that do not do what they should: they fail, crash, hang, lie, or take their process with them."""

import os
import random
import resource
import signal
import time
from collections.abc import Callable, Mapping

from recorded_ocr import RecordedOcr

from archive_app.core.errors import OcrFailed
from archive_app.core.ports import Bitmap, OcrEngine, OcrIdentity, OcrLine, OcrPage


class Engine:
    """Answers every picture by `answer`; its identity is that of nobody else, so that no cache answers for it."""

    def __init__(self, answer: Callable[[Bitmap], OcrPage], *, name: str) -> None:
        self._answer, self._name = answer, name

    @property
    def identity(self) -> OcrIdentity:
        return OcrIdentity(self._name, "1", "", "{}")

    def read(self, image: Bitmap) -> OcrPage:
        return self._answer(image)


def failing(_name: str = "") -> OcrEngine:
    """Says that it cannot read, as the port asks."""

    def answer(_image: Bitmap) -> OcrPage:
        raise OcrFailed(engine="failing", cause="paper-jam")

    return Engine(answer, name="failing")


def failing_until(works_at: int) -> Callable[[str], OcrEngine]:
    """Fails until the attempt with this number, then reads what was recorded."""
    attempts = 0

    def answer(image: Bitmap) -> OcrPage:
        nonlocal attempts
        attempts += 1
        if attempts < works_at:
            raise OcrFailed(engine="failing", cause="cold")
        return RecordedOcr().read(image)

    engine = Engine(answer, name="warming-up")
    return lambda _name: engine


def crashing(_name: str = "") -> OcrEngine:
    """Raises what the port does not allow."""

    def answer(_image: Bitmap) -> OcrPage:
        raise ZeroDivisionError

    return Engine(answer, name="crashing")


def lying(page: OcrPage) -> Callable[[str], OcrEngine]:
    """Answers with this page, whatever it is shown."""
    return lambda _name: Engine(lambda _image: page, name=page.identity.engine)


def hanging(_name: str = "") -> OcrEngine:
    """Never answers."""

    def answer(_image: Bitmap) -> OcrPage:
        while True:
            time.sleep(3600)

    return Engine(answer, name="hanging")


def deadly(_name: str = "") -> OcrEngine:
    """Ends its own process, as native code does that writes where it may not."""

    def answer(_image: Bitmap) -> OcrPage:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    return Engine(answer, name="deadly")


def unhurried(_name: str = "") -> OcrEngine:
    """Reads what was recorded, taking up to half a second: time to be killed in."""

    def answer(image: Bitmap) -> OcrPage:
        time.sleep(random.uniform(0, 0.5))  # noqa: S311 - a moment, no secret
        return RecordedOcr().read(image)

    return Engine(answer, name="recorded")


def _exit() -> None:
    os._exit(3)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _take_too_much() -> None:
    """More memory than there is for this process."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, limits[1]))
    try:
        bytearray(16 << 30)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def _crash() -> None:
    raise ZeroDivisionError


#: By their number and title the samples that are poison to `poisoned`, and what happens at the sight of them.
POISON: Mapping[tuple[str, str], Callable[[], None]] = {
    ("0001", "城镇职工基本医疗保险参保登记表"): _exit,
    ("0002", "社会保险个人参保登记表"): _die,
    ("0005", "社会保险登记表"): _take_too_much,
    ("0007", "参保人员信息变更申请表"): _crash,
}


def poisoned(_name: str = "") -> OcrEngine:
    """Reads what was recorded, but for the poison."""

    def answer(image: Bitmap) -> OcrPage:
        page = RecordedOcr().read(image)
        titles = {line.text for line in page.lines}
        for (_, title), deed in POISON.items():
            if title in titles:
                deed()
        return page

    return Engine(answer, name="poisoned")


def a_page(*lines: OcrLine, rotation: int = 0) -> OcrPage:
    return OcrPage(OcrIdentity("lying", "1", "", "{}"), rotation, lines)
