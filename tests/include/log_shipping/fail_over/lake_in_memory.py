"""An object store without a network: for tests that write to it ten thousand times."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from include.object_store import ObjectStore, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator


class LakeInMemory(ObjectStore):
    """Keeps objects in a dict; the ETag of an object is its content."""

    def __init__(self) -> None:
        super().__init__(None, bucket="lake", root="log_shipping")
        self.objects: dict[str, bytes] = {}

    def list_keys(self, *prefix: str, after: str = "") -> Iterator[str]:
        yield from sorted(key for key in self.objects if key.startswith(self.key(*prefix)) and key > after)

    def get_bytes(self, key: str) -> bytes:
        return self.objects[key]

    def find_json(self, key: str) -> Any:
        return json.loads(self.objects[key]) if key in self.objects else None

    def put_bytes(self, key: str, body: bytes, *, content_type: str = "application/octet-stream") -> str:
        self.objects[key] = body
        return f"s3://{self.bucket}/{key}"

    def find_versioned_json(self, key: str) -> tuple[Any, str] | None:
        found = self.objects.get(key)
        return None if found is None else (json.loads(found), found.decode())

    def put_if_absent(self, key: str, document: Any) -> bool:
        return self._put(key, document, expected=None)

    def put_if_unchanged(self, key: str, document: Any, *, etag: str) -> bool:
        return self._put(key, document, expected=etag.encode())

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def delete_prefix(self, *prefix: str) -> int:
        found = list(self.list_keys(*prefix))
        for key in found:
            self.delete(key)
        return len(found)

    def _put(self, key: str, document: Any, *, expected: bytes | None) -> bool:
        if self.objects.get(key) != expected:
            return False
        self.objects[key] = to_json(document)
        return True
