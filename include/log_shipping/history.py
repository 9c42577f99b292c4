"""Readings kept for plotting: one JSON object per hour below `history/dt=<day>/`; days beyond the limit are dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from include.object_store import ObjectStore

KEPT: Final = timedelta(days=35)
"""A month and its beginning; 50 databases read each minute are some 20 MB a day."""
ATTEMPTS: Final = 5
FOLDER: Final = "history"


class HistoryBusyError(RuntimeError):
    """Others kept writing the hour's object; the readings of this minute were not kept."""


def append(store: ObjectStore, readings: Sequence[Mapping[str, Any]], *, at: datetime) -> str:
    """Add the readings of one moment to the hour they belong to and return its URI.

    Readings of the same moment replace each other: a task that runs again adds nothing twice.

    :param readings: JSON types, one per database; the moment is put in as `at`.
    """
    key, moment = _key(store, at), at.astimezone(UTC).isoformat()
    for _ in range(ATTEMPTS):
        found = store.find_versioned_json(key)
        kept = [row for row in found[0]["readings"] if row["at"] != moment] if found else []
        document = {"readings": [*kept, *({**reading, "at": moment} for reading in readings)]}
        if found is None and store.put_if_absent(key, document):
            _drop_old(store, at=at)
            return f"s3://{store.bucket}/{key}"
        if found is not None and store.put_if_unchanged(key, document, etag=found[1]):
            return f"s3://{store.bucket}/{key}"
    raise HistoryBusyError(f"{key} is being written by others: look for a second log_shipping_monitor.")


def read(store: ObjectStore, *, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    """Yield the readings from `start` up to and including `end`, in order of time."""
    hour = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while hour <= end:
        document = store.find_json(_key(store, hour)) or {"readings": []}
        for row in document["readings"]:
            if start <= datetime.fromisoformat(row["at"]) <= end:
                yield row
        hour += timedelta(hours=1)


def _drop_old(store: ObjectStore, *, at: datetime) -> None:
    first_kept = f"dt={at - KEPT:%Y-%m-%d}"
    days = {key.split("/")[-2] for key in store.list_keys(FOLDER, "dt=")}
    for day in sorted(days):
        if day < first_kept:
            store.delete_prefix(FOLDER, day, "")


def _key(store: ObjectStore, at: datetime) -> str:
    moment = at.astimezone(UTC)
    return store.key(FOLDER, f"dt={moment:%Y-%m-%d}", f"{moment:%H}.json")
