"""Keep S3: one row per bucket, per object name and per open upload; bodies are files already."""

from __future__ import annotations

import pickle
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import unescape

from moto.s3.models import FakeBucket, S3Backend, s3_backends

from include.standins.aws.calls import Call, Environ, body
from include.standins.aws.keep_service import dump
from include.standins.aws.object_bodies import Body, StoredKey, sweep
from include.standins.aws.state_store import Change, StateStore

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BUCKET, OBJECT, UPLOAD, TAGS = "s3.bucket", "s3.object", "s3.upload", "s3.tags"
_DELETED_KEY = re.compile(rb"<Key>(.*?)</Key>", re.DOTALL)


def backend(account: str) -> S3Backend:
    """Give moto's S3 of an account."""
    return s3_backends[account]["aws"]


class S3Keeper:
    """Writes what an S3 call changed, and reads it back at start."""

    def __init__(self, store: StateStore, *, account: str) -> None:
        self._store = store
        self._account = account

    def changed_keys(self, environ: Environ) -> tuple[str, list[str]]:
        """Name the bucket and the objects a request touches; read before the call, as the body is."""
        bucket, _, key = unquote(environ["PATH_INFO"].encode("latin-1").decode()).lstrip("/").partition("/")
        if key:
            return bucket, [key]
        if "delete" in parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True):
            return bucket, [unescape(found.decode()) for found in _DELETED_KEY.findall(body(environ))]
        return bucket, []

    def changes(self, call: Call, environ: Environ, touched: tuple[str, list[str]]) -> Iterable[Change]:
        """Give the rows for what one call touched, as it is now."""
        bucket, keys = touched
        yield from self.objects(bucket, keys)
        if not keys:
            yield self._bucket(bucket)
        if "upload" in environ.get("QUERY_STRING", ""):
            yield from self._uploads(bucket, environ)
        if "Tagging" in call.operation or "HTTP_X_AMZ_TAGGING" in environ:
            yield Change(TAGS, "tags", dump(backend(self._account).tagger))

    def objects(self, bucket: str, keys: Iterable[str]) -> Iterable[Change]:
        """Give the rows of objects by name; a gone object's row goes."""
        held = backend(self._account).buckets.get(bucket)
        for key in keys:
            versions = held.keys.getlist(key) if held else None
            yield Change(OBJECT, f"{bucket}/{key}", dump(versions) if versions else None)

    def notifies(self, bucket: str) -> bool:
        """Tell whether a bucket sends events to queues or topics."""
        held = backend(self._account).buckets.get(bucket)
        return bool(held and held.notification_configuration)

    def _bucket(self, name: str) -> Change:
        held = backend(self._account).buckets.get(name)
        if held is None:
            return Change(BUCKET, name, None)
        return Change(BUCKET, name, dump({**held.__dict__, "keys": None, "multiparts": None}))

    def _uploads(self, bucket: str, environ: Environ) -> Iterable[Change]:
        held = backend(self._account).buckets.get(bucket)
        uploads = held.multiparts if held else {}
        asked = parse_qs(environ.get("QUERY_STRING", "")).get("uploadId", [])
        for upload in asked or list(uploads):
            found = uploads.get(upload)
            yield Change(UPLOAD, f"{bucket}/{upload}", dump(found) if found else None)

    def restore(self, folder: Path) -> None:
        """Rebuild buckets, objects and open uploads, then delete bodies that nothing names."""
        s3 = backend(self._account)
        bodies: set[Path] = set()
        for name, blob in self._store.read(BUCKET):
            s3.buckets[name] = _bucket_from(pickle.loads(blob))  # noqa: S301 - our own file, of this user
        for name, blob in self._store.read(OBJECT):
            bucket, _, key = name.partition("/")
            versions = pickle.loads(blob)  # noqa: S301 - our own file, of this user
            dict.__setitem__(s3.buckets[bucket].keys, key, versions)
            bodies.update(_paths(versions))
        for name, blob in self._store.read(UPLOAD):
            bucket, _, upload_id = name.partition("/")
            upload = pickle.loads(blob)  # noqa: S301 - our own file, of this user
            s3.buckets[bucket].multiparts[upload_id] = upload
            bodies.update(_paths(upload.parts.values()))
        for _, blob in self._store.read(TAGS):
            s3.tagger = pickle.loads(blob)  # noqa: S301 - our own file, of this user
        sweep(folder, keep=bodies)


def _bucket_from(state: dict[str, Any]) -> FakeBucket:
    bucket = FakeBucket(name=state["name"], account_id=state["account_id"], region_name=state["region_name"])
    bucket.__dict__.update({name: value for name, value in state.items() if name not in ("keys", "multiparts")})
    return bucket


def _paths(versions: Iterable[object]) -> Iterable[Path]:
    for version in versions:
        if isinstance(version, StoredKey) and isinstance(version.body, Body):
            yield version.body.path
