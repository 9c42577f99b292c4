"""Walk a directory tree with several workers: threads at first, processes as soon as the tree is no small one.

Many at once are for file servers, which take a fraction of a millisecond to answer, and for more than one core.
"""

from __future__ import annotations

import os
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Condition, Thread
from typing import TYPE_CHECKING, Final

from include.fsx_migration.listings.directories import list_directory
from include.fsx_migration.listings.scan_worker import ScanWorker

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from include.fsx_migration.listings.directories import Chunk

SMALL_TREE: Final = 2_000
"""Directories that are listed before processes are started: those cost a twentieth of a second each."""
_CHUNKS_WAITING: Final = 64
_AT_ONCE: Final = 32
"""Directories that a process is asked for at once, when there are enough for all."""


def walk(root: int, *, workers: int, one_file_system: bool) -> Generator[Chunk, None, None]:
    """Yield the entries below an open directory, in no order; what goes wrong below it is in the chunks.

    :param root: descriptor of the directory; it stays open.
    :param one_file_system: list, but do not enter, directories on which another file system is mounted.
    :raises WorkerLostError: a process of the scan was killed.
    """
    pool = _Walk(root, workers=workers, device=os.fstat(root).st_dev if one_file_system else None)
    threads = [Thread(target=pool.work, name=f"scan-{number}", daemon=True) for number in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield from pool.chunks(threads)
    finally:
        pool.stop()
        for thread in threads:
            thread.join()


class _Walk:
    """The directories still to list and the chunks to hand over; `_changed` guards the fields."""

    def __init__(self, root: int, *, workers: int, device: int | None) -> None:
        self._root = root
        self._workers = workers
        self._device = device
        self._changed = Condition()
        self._waiting: list[tuple[bytes, str]] = [(b"", "")]
        self._busy = 0
        self._listed = 0
        self._stopped = False
        self._failure: BaseException | None = None
        self._ready: Queue[Chunk] = Queue(_CHUNKS_WAITING)

    def chunks(self, threads: list[Thread]) -> Iterator[Chunk]:
        """Yield what the threads hand over until they are done; raise what stopped one of them."""
        while True:
            alive = any(thread.is_alive() for thread in threads)
            try:
                yield self._ready.get(timeout=0.05) if alive else self._ready.get_nowait()
            except Empty:
                if not alive:
                    break
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Let the threads end after the directories they are at."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def work(self) -> None:
        """List directories until none is left, in this thread or in a process of its own."""
        process: ScanWorker | None = None
        try:
            while taken := self._take():
                if process is None and self._listed > SMALL_TREE:
                    process = ScanWorker(self._root, device=self._device)
                try:
                    for chunk in process.list(taken) if process else self._list_here(taken):
                        self._add(chunk.below)
                        self._hand_over(chunk)
                finally:
                    self._done(len(taken))
        except BaseException as error:  # it is raised again where the chunks are read
            self._failure = self._failure or error
            self.stop()
            if not isinstance(error, Exception):
                raise
        finally:
            if process:
                process.close()

    def _list_here(self, directories: list[tuple[bytes, str]]) -> Iterator[Chunk]:
        for path, text in directories:
            yield from list_directory(self._root, path, text, device=self._device)

    def _take(self) -> list[tuple[bytes, str]]:
        with self._changed:
            while not self._waiting and self._busy and not self._stopped:
                self._changed.wait()
            if self._stopped or not self._waiting:
                return []
            self._busy += 1
            first = -min(_AT_ONCE, -(-len(self._waiting) // (2 * self._workers)))
            taken, self._waiting[first:] = self._waiting[first:], []
            return taken

    def _done(self, directories: int) -> None:
        with self._changed:
            self._busy -= 1
            self._listed += directories
            if not self._busy:
                self._changed.notify_all()

    def _add(self, directories: list[tuple[bytes, str]]) -> None:
        if directories:
            with self._changed:
                self._waiting.extend(directories)
                self._changed.notify(len(directories))

    def _hand_over(self, chunk: Chunk) -> None:
        while not self._stopped:
            with suppress(Full):
                self._ready.put(chunk, timeout=0.1)
                return
