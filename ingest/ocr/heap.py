"""Giving memory back: the C library keeps what a page needed for arrays unless it is asked to return it."""

import ctypes
import ctypes.util
from collections.abc import Callable
from functools import cache


def trim_heap() -> None:
    """Return free heap to the system, where the C library can (glibc); costs milliseconds."""
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    name = ctypes.util.find_library("c")
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(name), "malloc_trim", None) if name else None
    return trim
