"""Delete many objects with few calls."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.object_store import ObjectStore

PER_CALL: Final = 1000
"""What S3 deletes with one call."""


class NotDeletedError(RuntimeError):
    """S3 refused to delete some objects; the message names the first."""


def delete_keys(store: ObjectStore, keys: Iterable[str]) -> int:
    """Delete objects by their whole keys and return how many; absent ones are no error."""
    number, rest = 0, iter(keys)
    while some := list(islice(rest, PER_CALL)):
        answer = store.client.delete_objects(
            Bucket=store.bucket, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True}
        )
        if refused := answer.get("Errors"):
            first = refused[0]
            raise NotDeletedError(
                f"S3 did not delete {len(refused)} objects, the first is s3://{store.bucket}/{first['Key']}: "
                f"{first['Code']}; allow s3:DeleteObject below {store.uri('')}."
            )
        number += len(some)
    return number
