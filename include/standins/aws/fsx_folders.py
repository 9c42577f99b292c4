"""The folders that hold the files of file systems.

A file system whose tag Name is a safe name gets a folder of that name, for people to find and tests to mount, if it
is free; else one by its id. A deleted file system's files are gone, as in AWS: the folder is renamed at once and
removed behind.
"""

from __future__ import annotations

import re
import shutil
import threading
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
DELETED = ".deleted-"


class Folders:
    """Folders below one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, folder: str) -> Path:
        """Give the path of a folder."""
        return self._directory / folder

    def choose(self, name: str, file_system_id: str) -> str:
        """Choose the folder of a new file system; one that holds no file yet counts as free."""
        if SAFE.match(name) and not name.startswith("fs-") and not self._holds_files(name):
            return name
        return file_system_id

    def _holds_files(self, folder: str) -> bool:
        path = self.path(folder)
        return (path / self._marker(folder)).exists() or any(
            not found.is_dir() for found in path.rglob("*") if path.exists()
        )

    def _marker(self, folder: str) -> Path:
        return self._directory / f".{folder}.in-use"

    def make(self, folder: str) -> None:
        """Make a folder and mark it as taken."""
        self.path(folder).mkdir(parents=True, exist_ok=True)
        self._marker(folder).touch()

    def remove(self, folder: str) -> None:
        """Take a folder away now, and its files a moment later."""
        aside = self._directory / f"{DELETED}{folder}-{uuid4().hex[:8]}"
        self._marker(folder).unlink(missing_ok=True)
        if self.path(folder).exists():
            self.path(folder).rename(aside)
            threading.Thread(target=shutil.rmtree, args=(aside,), kwargs={"ignore_errors": True}, daemon=True).start()

    def sweep(self, taken: Collection[str]) -> None:
        """Remove what a process that ended too early left of deleted file systems; mark those in use."""
        for left in self._directory.glob(f"{DELETED}*"):
            shutil.rmtree(left, ignore_errors=True)
        for folder in taken:
            self.make(folder)
