"""Object bodies as files, so that DuckDB reads what S3 holds and no object is kept in memory.

A body file is written once under a unique name and never changed; it goes when the last Python reference to it goes
(a running query keeps the version it listed, as S3's snapshot of a GET does).
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from pathlib import Path
from typing import Any
from uuid import uuid4

from moto.s3 import models as s3_models
from moto.utilities.utils import md5_hash

CHUNK = 1 << 20


class Body:
    """One immutable file in the body folder."""

    folder = Path()

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        self._own()

    def _own(self) -> None:
        weakref.finalize(self, self.path.unlink, missing_ok=True).atexit = False

    @classmethod
    def store(cls, data: bytes) -> Body:
        """Write bytes as a new body."""
        path = cls.new_path()
        path.write_bytes(data)
        return cls(path, len(data))

    @classmethod
    def adopt(cls, source: Path) -> Body:
        """Take over a finished file, by move."""
        path = cls.new_path()
        shutil.move(source, path)
        return cls(path, path.stat().st_size)

    @classmethod
    def new_path(cls) -> Path:
        """Give a path nobody has used."""
        name = uuid4().hex
        folder = cls.folder / name[:2]
        folder.mkdir(exist_ok=True)
        return folder / name

    def read(self) -> bytes:
        """Give the whole content."""
        return self.path.read_bytes()

    def md5(self) -> str:
        """Give the content's MD5 in hex, read in pieces."""
        digest = md5_hash()
        with self.path.open("rb") as file:
            while block := file.read(CHUNK):
                digest.update(block)
        return str(digest.hexdigest())

    def __deepcopy__(self, _memo: object) -> Body:
        return self

    def __getstate__(self) -> tuple[str, int]:
        return str(self.path.relative_to(self.folder)), self.size

    def __setstate__(self, state: tuple[str, int]) -> None:
        self.path, self.size = self.folder / state[0], state[1]
        self._own()


class StoredKey(s3_models.FakeKey):  # type: ignore[misc] # moto's classes are Any to mypy here
    """moto's S3 object whose bytes live in a `Body`; `value` may be given as bytes or as a finished Body."""

    _body: Body | None = None
    _etag: str | None

    def __init__(self, *args: Any, multipart: object = None, **kwargs: Any) -> None:
        del multipart  # moto would keep every part beside the whole object, for GET by part number alone
        super().__init__(*args, **kwargs)

    @property
    def body(self) -> Body:
        """The file that holds the content; raises FileNotFoundError once the object is gone."""
        if self._body is None:
            raise FileNotFoundError(self.name)
        return self._body

    @property
    def value(self) -> bytes:
        """The whole content."""
        return self.body.read()

    @value.setter
    def value(self, new_value: bytes | str | Body) -> None:
        if isinstance(new_value, str):
            new_value = new_value.encode()
        self._body = new_value if isinstance(new_value, Body) else Body.store(new_value)
        self.contentsize = self._body.size

    @property
    def etag(self) -> str:
        """The quoted entity tag; computed once from the content."""
        if self._etag is None:
            self._etag = self.body.md5()
        return f'"{self._etag}"'

    def dispose(self, garbage: bool = False) -> None:
        """Let go of the body; moto calls this when the object leaves its bucket."""
        if not garbage:
            self._body = None
        super().dispose()

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_value_buffer", "lock")}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._value_buffer = tempfile.SpooledTemporaryFile()  # noqa: SIM115 - moto closes it in dispose()
        self.lock = threading.Lock()


def install(folder: Path) -> None:
    """Make moto keep objects in `folder`; call once, before the first bucket."""
    folder.mkdir(parents=True, exist_ok=True)
    Body.folder = folder
    s3_models.FakeKey = StoredKey


def sweep(folder: Path, *, keep: set[Path]) -> int:
    """Delete body files that no object names (left by a killed process); return how many."""
    orphans = [path for path in folder.glob("*/*") if path not in keep]
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)
