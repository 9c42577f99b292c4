"""The few object-store operations that workflows need: one bucket, one root folder, documents as canonical JSON."""

import json
from collections.abc import Iterator
from typing import Any


class ObjectStore:
    """Objects below a root folder of a bucket, through a boto3 S3 client.

    Methods that take `key` want the whole key, as `key()` and `list_keys()` give it.

    :param root: the folder below which this family keeps everything, without slashes at its ends.
    """

    def __init__(self, client: Any, *, bucket: str, root: str) -> None:
        self.client = client
        self.bucket = bucket
        self.root = root

    def key(self, *parts: str) -> str:
        """Return the key of an object below the root."""
        return "/".join((self.root, *parts))

    def uri(self, *parts: str) -> str:
        """Return the S3 URI of an object below the root; a last part ending in `/` gives a prefix."""
        return f"s3://{self.bucket}/{self.key(*parts)}"

    def list_keys(self, *prefix: str, after: str = "") -> Iterator[str]:
        """Yield the keys of non-empty objects under a prefix, in key order; with `after`, those behind that key."""
        start = {"StartAfter": after} if after else {}
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.key(*prefix), **start
        )
        for page in pages:
            for found in page.get("Contents", ()):
                if found["Size"]:
                    yield found["Key"]

    def get_bytes(self, key: str) -> bytes:
        """Return an object's content; raises the client's NoSuchKey when it is absent."""
        body: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def get_json(self, key: str) -> Any:
        """Return an object's content, read as JSON."""
        return json.loads(self.get_bytes(key))

    def find_json(self, key: str) -> Any:
        """Return an object's content, read as JSON, or None when it is absent."""
        try:
            return self.get_json(key)
        except self.client.exceptions.NoSuchKey:
            return None

    def put_bytes(self, key: str, body: bytes, *, content_type: str = "application/octet-stream") -> str:
        """Write an object and return its URI."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)
        return f"s3://{self.bucket}/{key}"

    def put_json(self, key: str, document: Any) -> str:
        """Write a document as JSON with sorted keys and return its URI."""
        return self.put_bytes(key, to_json(document), content_type="application/json")

    def put_if_absent(self, key: str, document: Any) -> bool:
        """Write a JSON object unless its key exists; False says that somebody else was first."""
        return self._put_on_condition(key, document, IfNoneMatch="*")

    def find_versioned_json(self, key: str) -> tuple[Any, str] | None:
        """Return an object read as JSON with its ETag, for `put_if_unchanged`; None when it is absent."""
        try:
            found = self.client.get_object(Bucket=self.bucket, Key=key)
        except self.client.exceptions.NoSuchKey:
            return None
        return json.loads(found["Body"].read()), found["ETag"]

    def put_if_unchanged(self, key: str, document: Any, *, etag: str) -> bool:
        """Replace a JSON object that still has this ETag; False says that somebody else wrote or deleted it."""
        return self._put_on_condition(key, document, IfMatch=etag)

    def delete(self, key: str) -> None:
        """Delete an object; an absent one is no error."""
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def delete_prefix(self, *prefix: str) -> int:
        """Delete every object under a prefix and return their number."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.key(*prefix))
        deleted = 0
        for page in pages:
            keys = [{"Key": found["Key"]} for found in page.get("Contents", ())]
            if keys:
                self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": keys, "Quiet": True})
                deleted += len(keys)
        return deleted

    def _put_on_condition(self, key: str, document: Any, **condition: str) -> bool:
        try:
            self.client.put_object(
                Bucket=self.bucket, Key=key, Body=to_json(document), ContentType="application/json", **condition
            )
        except self.client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (404, 409, 412):
                return False
            raise
        return True


def to_json(document: Any) -> bytes:
    """Serialise with sorted keys, so that the same document is the same bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
