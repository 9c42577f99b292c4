"""Clients of a file share: they change, add, move and delete files, and remember what must be there afterwards."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Self

from include.cli.demo_tree import within

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

NEW_FILES = b"sales/project 1/new"


@dataclass(slots=True)
class Ledger:
    """What clients know: the content (SHA-256) of each file they wrote, None for each they deleted; and counts."""

    contents: dict[bytes, str | None] = field(default_factory=dict)
    changed: int = 0
    added: int = 0
    moved: int = 0
    deleted: int = 0

    @property
    def actions(self) -> int:
        return self.changed + self.added + self.moved + self.deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What of it is there: files with their last content, files that are not, deleted files that came back."""

    kept: int
    lost: tuple[bytes, ...]
    undead: tuple[bytes, ...]


class ShareClients:
    """Work on a share, one action after the other: at once, or in a thread of its own until `stop` or the block's end.

    :param root: asked before every action, so the clients follow a share that moves.
    :param files: paths of present files that they may touch, below the root; each is touched once.
    :param pause_seconds: the time between two actions.
    """

    def __init__(
        self, root: Callable[[], Path], files: Sequence[bytes], *, seed: int = 1, pause_seconds: float = 0.0
    ) -> None:
        self.ledger = Ledger()
        self._root = root
        self._random = Random(seed)  # noqa: S311  # which file is touched is no secret
        self._files = list(files)
        self._number = seed * 100_000
        self._pause = pause_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work_on, daemon=True, name="share clients")

    def work(self, actions: int) -> None:
        """Do a number of actions, now."""
        for _ in range(actions):
            self.act()

    def act(self) -> None:
        """Change a file, add one, move one or delete one; raises what the file system raises."""
        action = self._random.choices((self._change, self._add, self._move, self._delete), (5, 3, 1, 2))[0]
        action(self._root())

    def start(self) -> None:
        """Begin to work, in a thread of its own."""
        self._thread.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End after the action under way; nothing to end is no error."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work_on(self) -> None:
        while self._files and not self._over.wait(self._pause):
            self.act()

    def _content(self) -> bytes:
        self._number += 1
        return self._random.randbytes(self._random.randrange(200, 20_000)) + b"%d" % self._number

    def _write(self, root: Path, path: bytes) -> None:
        content = self._content()
        file = within(root, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        self.ledger.contents[path] = hashlib.sha256(content).hexdigest()

    def _change(self, root: Path) -> None:
        self._write(root, self._take())
        self.ledger.changed += 1

    def _add(self, root: Path) -> None:
        self._write(root, NEW_FILES + b"/%03d/made %d.txt" % (self._number % 7, self._number))
        self.ledger.added += 1

    def _move(self, root: Path) -> None:
        old = self._take()
        new = NEW_FILES + b"/moved %d" % self._number
        self._number += 1
        content = within(root, old).read_bytes()
        within(root, new).parent.mkdir(parents=True, exist_ok=True)
        within(root, old).rename(within(root, new))
        self.ledger.contents |= {old: None, new: hashlib.sha256(content).hexdigest()}
        self.ledger.moved += 1

    def _delete(self, root: Path) -> None:
        path = self._take()
        within(root, path).unlink()
        self.ledger.contents[path] = None
        self.ledger.deleted += 1

    def _take(self) -> bytes:
        return self._files.pop(self._random.randrange(len(self._files)))


def survival(ledger: Ledger, root: Path) -> Found:
    """Compare what clients remember with what is below the root."""
    lost, undead, kept = list[bytes](), list[bytes](), 0
    for path, digest in ledger.contents.items():
        file = within(root, path)
        if digest is None:
            undead += [path] if file.exists() else []
        elif file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == digest:
            kept += 1
        else:
            lost.append(path)
    return Found(kept=kept, lost=tuple(lost), undead=tuple(undead))
