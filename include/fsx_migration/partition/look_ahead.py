"""Work on the next items while the last one is used, in order and with few of them in memory."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Item = TypeVar("Item")
Made = TypeVar("Made")


def look_ahead(
    work: Callable[[Item], Made], items: Iterable[Item], *, threads: int = 2, waiting: int = 3
) -> Iterator[Made]:
    """Yield `work(item)` for each item, in order; threads are a few items ahead, and never more than `waiting`.

    For work that lets other threads run, as numpy's and Arrow's does. What `work` raises is raised here.
    """
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[Made]] = deque()
        try:
            for item in items:
                ahead.append(pool.submit(work, item))
                if len(ahead) > waiting:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()
