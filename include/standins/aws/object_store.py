"""S3 from the inside: how the engines list, read, put and delete objects of the local S3."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.standins.aws.keep_s3 import backend
from include.standins.aws.object_bodies import Body, StoredKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from include.standins.aws.keeping import Keeping


class NoSuchBucketError(Exception):
    """An engine was pointed at a bucket that does not exist; str() is the bucket's name."""


@dataclass(frozen=True)
class StoredObject:
    """One object as it was when listed; holding it holds its file. Users' metadata is under `x-amz-meta-...`."""

    uri: str
    body: Body
    modified: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The file with the object's bytes."""
        return self.body.path

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.body.size


def split_uri(uri: str) -> tuple[str, str]:
    """Give (bucket, key or prefix) of an s3:// address; raises ValueError for any other."""
    scheme, separator, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if not separator or scheme not in ("s3", "s3a", "s3n") or not bucket:
        raise ValueError(f"{uri!r} is no S3 address; write s3://bucket/prefix/.")
    return bucket, key


class Listing:
    """One moment's view of a bucket, for many prefixes at the price of one."""

    def __init__(self, bucket: str, keys: dict[str, StoredKey]) -> None:
        self._bucket = bucket
        self._keys = keys
        self._names = sorted(keys)

    def under(self, prefix: str, *, hidden: bool = False) -> list[StoredObject]:
        """Give the objects whose names start with `prefix`; hidden ones (_x, .x) and empty ones only when asked."""
        found = []
        for at in range(bisect_left(self._names, prefix), len(self._names)):
            name = self._names[at]
            if not name.startswith(prefix):
                break
            key = self._keys[name]
            if hidden or (key.size and not _is_hidden(name[len(prefix) :])):
                found.append(_stored(f"s3://{self._bucket}/{name}", key))
        return found


def _stored(uri: str, key: StoredKey) -> StoredObject:
    return StoredObject(uri, key.body, key.last_modified, dict(key.metadata))


def _is_hidden(name: str) -> bool:
    """Hive skips what starts with _ or . ; source: Athena user guide, "Considerations for SQL queries"."""
    return any(part.startswith(("_", ".")) for part in name.split("/"))


class ObjectStore:
    """The local S3 for engines; what they write is kept like any client's write."""

    def __init__(self, keeping: Keeping, *, account: str) -> None:
        self._keeping = keeping
        self._account = account

    def listing(self, bucket: str) -> Listing:
        """Snapshot a bucket; raises NoSuchBucketError."""
        held = backend(self._account).buckets.get(bucket)
        if held is None:
            raise NoSuchBucketError(bucket)
        current = {name: versions[-1] for name, versions in list(dict.items(held.keys)) if versions}
        return Listing(bucket, {name: key for name, key in current.items() if isinstance(key, StoredKey) and key._body})

    def under(self, uri: str, *, hidden: bool = False) -> list[StoredObject]:
        """List the objects under one s3:// prefix."""
        bucket, prefix = split_uri(uri)
        return self.listing(bucket).under(prefix, hidden=hidden)

    def get(self, uri: str) -> StoredObject | None:
        """Give one object, None when it is not there."""
        bucket, key = split_uri(uri)
        held = backend(self._account).buckets.get(bucket)
        found = held.keys.get(key) if held else None
        return _stored(uri, found) if isinstance(found, StoredKey) else None

    def put(
        self,
        uri: str,
        content: bytes | Path,
        *,
        content_type: str = "binary/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Put one object; a Path is moved in, not copied; `metadata` is the user's. Raises NoSuchBucketError."""
        bucket, key = split_uri(uri)
        if bucket not in backend(self._account).buckets:
            raise NoSuchBucketError(bucket)
        body = Body.adopt(content) if isinstance(content, Path) else Body.store(content)
        stored = backend(self._account).put_object(bucket, key, body)
        users = {f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()}
        stored.set_metadata({"Content-Type": content_type, **users})
        self._keeping.save_objects(bucket, [key])

    def delete(self, uris: Iterable[str]) -> None:
        """Delete objects; those already gone are no error."""
        for uri in uris:
            bucket, key = split_uri(uri)
            backend(self._account).delete_object(bucket, key)
            self._keeping.save_objects(bucket, [key])
