"""A folder of this worker for large files that tools read and write; they come from and go to the object store."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.object_store import ObjectStore


@dataclass(frozen=True, slots=True)
class Workbench:
    """Local copies of objects, in parts where they are large; nothing is held in memory."""

    store: ObjectStore
    folder: Path

    def fetch(self, key: str, name: str = "") -> Path:
        """Download an object and return its file; raises the client's ClientError (404) when it is absent."""
        path = self.folder / (name or key.rsplit("/", 1)[-1])
        self.store.client.download_file(self.store.bucket, key, str(path))
        return path

    def keep(self, path: Path, key: str, *, content_type: str = "application/octet-stream") -> str:
        """Upload a file, over what the key held, and return its URI."""
        self.store.client.upload_file(str(path), self.store.bucket, key, ExtraArgs={"ContentType": content_type})
        return f"s3://{self.store.bucket}/{key}"


@contextmanager
def workbench(store: ObjectStore, *, directory: Path | None = None) -> Iterator[Workbench]:
    """Open a workbench that is gone afterwards, below `directory` or the system's folder for temporary files."""
    with tempfile.TemporaryDirectory(prefix="landfall-", dir=directory) as folder:
        yield Workbench(store, Path(folder))
