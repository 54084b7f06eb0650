"""A deed done again and again beside other work: signs of life, leases that are kept, looks at what is due."""

import threading
from collections.abc import Callable


def repeat(
    deed: Callable[[], object], *, seconds: float, over: threading.Event, at_once: bool = False
) -> threading.Thread:
    """Do it every `seconds`, in a thread of its own, until it is over; the deed keeps its faults to itself."""

    def go() -> None:
        if at_once:
            deed()
        while not over.wait(seconds):
            deed()

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    return thread
