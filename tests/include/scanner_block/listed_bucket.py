"""A bucket that is only listed, in memory: what `find_new_objects` needs of S3, as quick as property tests want it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MODIFIED = datetime(2026, 11, 24, tzinfo=UTC)


class ListedBucket:
    """Objects by key; `listed` counts the keys that were given out."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.listed = 0

    def put(self, key: str, body: bytes) -> None:
        self.bodies[key] = body

    def get_paginator(self, operation: str) -> ListedBucket:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str, StartAfter: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - boto3's
        assert Bucket == "logs"
        keys = sorted(key for key in self.bodies if key.startswith(Prefix) and key > StartAfter)
        self.listed += len(keys)
        for key in keys:
            body = self.bodies[key]
            etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
            yield {"Contents": [{"Key": key, "ETag": etag, "Size": len(body), "LastModified": MODIFIED}]}
