"""Many databases over few tasks: a mapped task costs half a second and more, so above `MOST_LANES` they share one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MOST_LANES: Final = 8
THREADS: Final = 4
"""Databases that one lane works on at a time; each keeps one connection, and waits for its server most of the time."""
SHOWN_NAMES: Final = 3

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def deal(databases: Sequence[str], *, most: int = MOST_LANES) -> list[dict[str, Any]]:
    """Deal databases over at most `most` lanes; each is `{"label", "databases"}`, the label for people."""
    count = min(len(databases), most)
    hands = [list(databases[start::count]) for start in range(count)]
    return [{"label": _label(hand), "databases": hand} for hand in hands]


def each(items: Iterable[Item], work: Callable[[Item], Answer], *, threads: int = THREADS) -> list[Answer]:
    """Do the work for every item in a small pool and return the answers in order.

    The first exception is raised after all items were tried: one that breaks does not stop the others.
    """
    with ThreadPoolExecutor(max_workers=threads) as pool:
        waiting = [pool.submit(work, item) for item in items]
    return [future.result() for future in waiting]


def _label(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN_NAMES])
    more = len(names) - SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
