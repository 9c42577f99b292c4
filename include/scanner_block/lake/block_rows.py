"""The blocks of a run as rows for analysts: who is blocked, why, until when (Glue table `blocks`)."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from include.object_store import ObjectStore

CURRENT: Final = "current"
"""The version under which the newest commit's blocks can be asked for without knowing its name."""


class BlockRow(NamedTuple):
    """One reason for one client's block.

    :param uri: the watched path, None for the general rule. :param max_per_minute: its largest count in a minute.
    :param updated_at: the last offence (aware). :param until: when this reason ends (aware).
    """

    client: str
    source: str
    uri: str | None
    max_per_minute: int
    updated_at: datetime
    until: datetime
    reason: str


def blocks_schema() -> pa.Schema:
    """Return the columns of the rows; times are UTC without a zone, in milliseconds, as Athena's `timestamp`."""
    import pyarrow as pa

    return pa.schema(
        [
            ("client", pa.string()),
            ("source", pa.string()),
            ("uri", pa.string()),
            ("max_per_minute", pa.int64()),
            ("updated_at", pa.timestamp("ms")),
            ("until", pa.timestamp("ms")),
            ("reason", pa.string()),
        ]
    )


def write_blocks(store: ObjectStore, version: str, rows: Iterable[BlockRow]) -> str:
    """Write the blocks of a version and return the object's key; the same rows in any order give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    ordered = sorted(rows, key=lambda row: (row.client, row.source, row.uri or "", row.until, row.reason))
    columns = list(zip(*ordered, strict=True)) or [()] * len(BlockRow._fields)
    schema = blocks_schema()
    named = dict(zip(BlockRow._fields, columns, strict=True))
    for name in ("updated_at", "until"):
        named[name] = tuple(time.astimezone(UTC).replace(tzinfo=None) for time in named[name])
    arrays = [pa.array(list(named[field.name]), field.type) for field in schema]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), sink, compression="zstd")
    key = _key(store, version)
    store.put_bytes(key, sink.getvalue())
    return key


def show_as_current(store: ObjectStore, version: str) -> None:
    """Copy the blocks of a committed version to where analysts find the newest ones; call it after the commit."""
    store.client.copy_object(
        Bucket=store.bucket, Key=_key(store, CURRENT), CopySource={"Bucket": store.bucket, "Key": _key(store, version)}
    )


def _key(store: ObjectStore, version: str) -> str:
    return store.key("blocks", f"version={version}", "blocks.parquet")
