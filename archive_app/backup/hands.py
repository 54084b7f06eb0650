"""Several hands on one pile: small objects wait for disks and servers, not for us."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

HANDS = 4
_T = TypeVar("_T")
_R = TypeVar("_R")


def together(deed: Callable[[_T], _R], things: Iterable[_T]) -> Generator[tuple[_T, _R], None, None]:
    """Each thing with what the deed gave, in the order of the things; a few are under way at once, never all.

    The first error ends it; what was begun is ended first.
    """
    with ThreadPoolExecutor(HANDS, thread_name_prefix="backup") as pool:
        under_way: deque[tuple[_T, Future[_R]]] = deque()
        try:
            for thing in things:
                under_way.append((thing, pool.submit(deed, thing)))
                if len(under_way) >= 2 * HANDS:
                    first, result = under_way.popleft()
                    yield first, result.result()
            while under_way:
                first, result = under_way.popleft()
                yield first, result.result()
        finally:
            for _, result in under_way:
                result.cancel()
