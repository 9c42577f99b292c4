"""The few object-store operations that IOC refresh needs, on one bucket."""

import json
from collections.abc import Iterator
from typing import Any

from include.ioc_refresh.settings import IocSettings


class Lake:
    """Objects below `ioc/` of the settings' bucket, through a boto3 S3 client."""

    def __init__(self, client: Any, settings: IocSettings) -> None:
        self.client = client
        self.settings = settings

    def list_keys(self, *prefix: str, after: str = "") -> Iterator[str]:
        """Yield the keys of non-empty objects under a prefix, in key order; with `after`, those behind that key."""
        start = {"StartAfter": after} if after else {}
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.settings.bucket, Prefix=self.settings.key(*prefix), **start
        )
        for page in pages:
            for found in page.get("Contents", ()):
                if found["Size"]:
                    yield found["Key"]

    def get_bytes(self, key: str) -> bytes:
        """Return an object's content; raises the client's NoSuchKey when it is absent."""
        body: bytes = self.client.get_object(Bucket=self.settings.bucket, Key=key)["Body"].read()
        return body

    def get_json(self, key: str) -> Any:
        """Return an object's content, read as JSON."""
        return json.loads(self.get_bytes(key))

    def put_bytes(self, key: str, body: bytes, *, content_type: str = "application/octet-stream") -> str:
        """Write an object and return its URI."""
        self.client.put_object(Bucket=self.settings.bucket, Key=key, Body=body, ContentType=content_type)
        return f"s3://{self.settings.bucket}/{key}"

    def put_json(self, key: str, document: Any) -> str:
        """Write a document as JSON with sorted keys and return its URI."""
        return self.put_bytes(key, to_json(document), content_type="application/json")

    def put_if_absent(self, key: str, document: Any) -> bool:
        """Write a JSON object unless its key exists; False says that somebody else was first."""
        try:
            self.client.put_object(
                Bucket=self.settings.bucket,
                Key=key,
                Body=to_json(document),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except self.client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412):
                return False
            raise
        return True

    def delete_prefix(self, *prefix: str) -> int:
        """Delete every object under a prefix and return their number."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.settings.bucket, Prefix=self.settings.key(*prefix)
        )
        deleted = 0
        for page in pages:
            keys = [{"Key": found["Key"]} for found in page.get("Contents", ())]
            if keys:
                self.client.delete_objects(Bucket=self.settings.bucket, Delete={"Objects": keys, "Quiet": True})
                deleted += len(keys)
        return deleted


def to_json(document: Any) -> bytes:
    """Serialise with sorted keys, so that the same document is the same bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
