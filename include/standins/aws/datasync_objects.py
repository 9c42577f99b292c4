"""A prefix of the local S3 as one end of a transfer.

File metadata is kept in users' metadata of the objects, by the names DataSync gives it (user guide, "Understanding how
DataSync handles file and object metadata"): file-owner, file-group, file-permissions, file-mtime, file-atime. Objects
without it become files of 65534:65534, mode 0755, with the object's own time. Folders exist as objects that end in `/`.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from include.standins.aws.datasync_trees import PRUNE, TAKE, Entry, Verdict
from include.standins.aws.object_store import NoSuchBucketError, StoredObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from include.standins.aws.datasync_options import Metadata
    from include.standins.aws.object_store import ObjectStore

NOBODY, DEFAULT_MODE = 65534, 0o755


class ObjectTree:
    """Source and destination; raises FileNotFoundError when there is no such bucket."""

    def __init__(self, store: ObjectStore, uri: str, *, scratch: Path) -> None:
        self._store = store
        self._base = uri if uri.endswith("/") else uri + "/"
        self._part = scratch / f"part-{uuid4().hex}"
        try:
            store.under(self._base)
        except NoSuchBucketError as error:
            raise FileNotFoundError(errno.ENOENT, f"The bucket {error} does not exist") from error

    def scan(
        self, verdict: Callable[[bytes, bool], Verdict], failed: Callable[[bytes, OSError], None]
    ) -> Iterator[Entry]:
        """Give objects as files, and objects that end in a slash as directories."""
        verdicts: dict[bytes, Verdict] = {}

        def says(path: bytes, is_directory: bool) -> Verdict:
            above = path.rpartition(b"/")[0]
            if above and above not in verdicts:
                verdicts[above] = says(above, True)
            return PRUNE if above and verdicts[above] == PRUNE else verdict(path, is_directory)

        for stored in self._store.under(self._base, hidden=True):
            name = stored.uri[len(self._base) :].encode()
            path = name.removesuffix(b"/")
            if not path or says(path, name != path) != TAKE:
                continue
            if any(part in (b"", b".", b"..") for part in path.split(b"/")):
                failed(path, OSError(errno.EINVAL, "No file system takes this name"))
                continue
            yield _entry(path, stored)

    def find(self, path: bytes) -> Entry | None:
        """Give one object."""
        name = path.decode(errors="surrogateescape")
        for uri in (self._base + name, self._base + name + "/"):
            found = self._store.get(uri)
            if found is not None:
                return _entry(path, found)
        return None

    def open(self, path: bytes) -> int:
        """Open an object's body."""
        stored = self._store.get(self._uri(path))
        if stored is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return os.open(stored.path, os.O_RDONLY)

    def target(self, path: bytes) -> bytes:
        """Objects are no symlinks."""
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)

    def _uri(self, path: bytes) -> str:
        try:
            return self._base + path.decode()
        except UnicodeDecodeError as error:
            raise OSError(errno.EILSEQ, "S3 names are UTF-8") from error

    def begin(self, entry: Entry) -> int:
        """Open a scratch file."""
        self._uri(entry.path)
        self._part.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)

    def commit(self, descriptor: int, entry: Entry, metadata: Metadata, *, times: bool) -> None:
        """Put the object; its time stays away until it is verified."""
        os.close(descriptor)
        self._store.put(self._uri(entry.path), self._part, metadata=_metadata(entry, metadata, times=times))

    def abort(self, descriptor: int, entry: Entry) -> None:
        """Delete the scratch file."""
        del entry
        os.close(descriptor)
        self._part.unlink(missing_ok=True)

    def make_directory(self, entry: Entry) -> None:
        """Put an empty object that ends in a slash."""
        self._store.put(self._uri(entry.path) + "/", b"")

    def make_link(self, entry: Entry, target: bytes, metadata: Metadata) -> None:
        """Refuse: symlinks to S3 are not modelled."""
        raise OSError(errno.EOPNOTSUPP, "Symbolic links to object storage are not modelled")

    def set_metadata(self, entry: Entry, metadata: Metadata) -> None:
        """Write the object again with other metadata."""
        uri = self._uri(entry.path) + ("/" if entry.kind == "D" else "")
        held = self._store.get(uri)
        if held is not None:
            self._store.put(uri, held.body.read(), metadata=_metadata(entry, metadata, times=True))

    def set_times(self, descriptor: int, entry: Entry, metadata: Metadata) -> None:
        """Write the verified object's times."""
        del descriptor
        self.set_metadata(entry, metadata)

    def remove(self, entry: Entry) -> None:
        """Delete an object."""
        self._store.delete([self._uri(entry.path) + ("/" if entry.kind == "D" else "")])

    def close(self) -> None:
        """Nothing is held."""
        self._part.unlink(missing_ok=True)


def _entry(path: bytes, stored: StoredObject) -> Entry:
    def kept(name: str) -> str:
        return str(stored.metadata.get(f"x-amz-meta-{name}") or "")

    modified = round(stored.modified.timestamp() * 1e9) if stored.modified else 0
    mtime = _nanoseconds(kept("file-mtime"), modified)
    mode = int(kept("file-permissions") or f"{DEFAULT_MODE:o}", 8)
    owners = int(kept("file-owner") or NOBODY), int(kept("file-group") or NOBODY)
    kind = "D" if stored.uri.endswith("/") else "R"
    return Entry(path, kind, stored.size if kind == "R" else 0, mtime, mtime, mode, *owners)


def _nanoseconds(text: str, default: int) -> int:
    """Read `seconds/nanoseconds`, as DataSync writes times."""
    seconds, slash, rest = text.partition("/")
    return int(seconds) * 1_000_000_000 + int(rest) if slash else default


def _metadata(entry: Entry, wanted: Metadata, *, times: bool) -> dict[str, Any]:
    made = {}
    if wanted.uid:
        made["file-owner"] = str(entry.uid)
    if wanted.gid:
        made["file-group"] = str(entry.gid)
    if wanted.mode:
        made["file-permissions"] = f"{entry.mode:04o}"
    if wanted.mtime and times:
        made["file-mtime"] = "{}/{}".format(*divmod(entry.mtime_ns, 1_000_000_000))
        made["file-atime"] = "{}/{}".format(*divmod(entry.atime_ns, 1_000_000_000))
    return made
