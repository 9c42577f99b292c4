"""A process that lists directories for a scan, so that a scan takes more than one core.

It reads requests from its standard input and answers on its standard output, as `marshal` values one after another: a
request is a list of (path, text); an answer is one tuple for each chunk (the fields of `Chunk`), then None. Its
arguments are the descriptor of the tree's root, which it inherits, and the device to stay on, which may be empty.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from include.fsx_migration.listings.directories import Chunk, list_directory

if TYPE_CHECKING:
    from collections.abc import Iterator


class WorkerLostError(RuntimeError):
    """A process that lists directories ended before its work did."""


class ScanWorker:
    """The other end: starts such a process and asks it. Not shared between threads."""

    def __init__(self, root: int, *, device: int | None) -> None:
        command = [sys.executable, "-m", __name__, str(root), "" if device is None else str(device)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(root,), env=environment
        )
        self._asked: Any = self._process.stdin
        self._answers: Any = self._process.stdout

    def list(self, directories: list[tuple[bytes, str]]) -> Iterator[Chunk]:
        """Yield the chunks of some directories; raises WorkerLostError when the process has ended."""
        try:
            marshal.dump(directories, self._asked)
            self._asked.flush()
            while (answer := marshal.load(self._answers)) is not None:  # noqa: S302 - from our own process
                yield Chunk(*answer)
        except (OSError, EOFError, ValueError, TypeError) as error:
            raise WorkerLostError(
                f"A process of the scan ended with {self._process.wait()} before its work did: scan again."
            ) from error

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._asked, self._answers):
            # closing sends what was not sent yet, and nobody reads it any more
            with suppress(OSError):
                stream.close()


def serve(requests: Any, answers: Any, *, root: int, device: int | None) -> None:
    """Answer requests until there are no more."""
    while True:
        try:
            directories = marshal.load(requests)  # noqa: S302 - from the scan that started this process
        except EOFError:
            return
        for path, text in directories:
            for chunk in list_directory(root, path, text, device=device):
                marshal.dump(_fields(chunk), answers)
        marshal.dump(None, answers)
        answers.flush()


def _fields(chunk: Chunk) -> tuple[Any, ...]:
    return tuple(getattr(chunk, name) for name in Chunk.__slots__)


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer, root=int(sys.argv[1]), device=int(sys.argv[2]) if sys.argv[2] else None)
