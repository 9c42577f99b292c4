"""The indicator table in DynamoDB: read whole or by key, written by changes only."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from include.ioc_refresh.changes import Changes
from include.ioc_refresh.entry_writes import Consumption, EntryWriter, used_units
from include.ioc_refresh.indicators import Item, Suppression, TableEntry, UnreadableEntryError, entry_of
from include.ioc_refresh.throttling import Backoff

log = logging.getLogger(__name__)

KEYS_PER_READ = 100
"""Keys of one BatchGetItem call (Amazon DynamoDB's limit)."""

WRITERS = 8
"""Threads that write; botocore keeps ten connections for them."""


@dataclass(frozen=True, slots=True)
class AppliedChanges:
    """What an apply did: items written and removed, and the keys left alone because a newer refresh wrote them.

    `write_units` are DynamoDB's write request units, refused conditions included.
    """

    written: int
    removed: int
    newer: tuple[str, ...]
    write_units: float

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document; of the keys left alone only their number."""
        return {
            "written": self.written,
            "removed": self.removed,
            "kept_newer": len(self.newer),
            "write_units": self.write_units,
        }


class IndicatorTable:
    """The table through a boto3 DynamoDB client; throttled calls are tried again, then raise ThrottledOutError."""

    def __init__(self, client: Any, table_name: str, *, backoff: Backoff | None = None) -> None:
        self.client = client
        self.table_name = table_name
        self.backoff = backoff or Backoff()
        self.consumed = Consumption()
        self._writer = EntryWriter(client, table_name, self.backoff, self.consumed)

    def read_all(self) -> dict[str, TableEntry]:
        """Return every entry by key, strongly consistent; raises UnreadableEntryError for a foreign item."""
        entries: dict[str, TableEntry] = {}
        start: dict[str, Any] = {}
        while True:
            page = self._writer.call(
                "Scan", partial(self.client.scan, ConsistentRead=True, ReturnConsumedCapacity="TOTAL", **start)
            )
            self.consumed.add(read_units=used_units(page))
            entries.update((item["ioc"]["S"], entry_of(item)) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return entries
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def read(self, keys: Iterable[str]) -> dict[str, TableEntry]:
        """Return the entries that exist among keys, strongly consistent; 100 keys are one call.

        An item that cannot be read is left out and logged: it must not take the other keys' answers away.
        """
        distinct = list(dict.fromkeys(keys))
        entries: dict[str, TableEntry] = {}
        for start in range(0, len(distinct), KEYS_PER_READ):
            for item in self._read_batch(distinct[start : start + KEYS_PER_READ]):
                try:
                    entries[item["ioc"]["S"]] = entry_of(item)
                except UnreadableEntryError as error:
                    log.warning("%s", error)
        return entries

    def apply(self, changes: Changes, *, refresh: int) -> AppliedChanges:
        """Write the changes as the refresh of this sequence; applied twice, the table stays the same.

        An entry that a newer refresh wrote stays. Removing a suppressed entry leaves its suppression. Raises
        ThrottledOutError when a write is throttled to the end; the others are done, so apply again.
        """
        before = self.consumed.write_units
        wanted = [*changes.added, *(renewal.indicator for renewal in changes.renewed)]
        writes = [(indicator.key, partial(self._writer.write, indicator, refresh)) for indicator in wanted]
        gone = [removal.indicator.key for removal in changes.removed]
        work = [*writes, *((key, partial(self._writer.remove, key, refresh)) for key in gone)]
        with ThreadPoolExecutor(max_workers=WRITERS) as pool:
            futures = [pool.submit(task) for _, task in work]  # not map: it drops the others when one fails
        done = [future.result() for future in futures]
        newer = tuple(key for (key, _), ok in zip(work, done, strict=True) if not ok)
        return AppliedChanges(
            written=sum(done[: len(writes)]),
            removed=sum(done[len(writes) :]),
            newer=newer,
            write_units=self.consumed.write_units - before,
        )

    def suppress(self, key: str, suppression: Suppression) -> TableEntry:
        """Put a suppression on a key, in place of an earlier one; returns the entry as it was before."""
        return self._writer.suppress(key, suppression)

    def release(self, key: str) -> TableEntry:
        """Take the suppression off a key, if there is one; returns the entry as it was before."""
        return self._writer.release(key)

    def _read_batch(self, keys: Sequence[str]) -> Iterator[Item]:
        name = f"BatchGetItem on {self.table_name}"
        asked = [{"ioc": {"S": key}} for key in keys]
        pauses = self.backoff.pauses()
        while asked:
            request = {self.table_name: {"Keys": asked, "ConsistentRead": True}}
            answer = self.backoff.call(
                partial(self.client.batch_get_item, RequestItems=request, ReturnConsumedCapacity="TOTAL"), name=name
            )
            self.consumed.add(read_units=sum(used["CapacityUnits"] for used in answer.get("ConsumedCapacity", ())))
            yield from answer["Responses"].get(self.table_name, ())
            asked = answer.get("UnprocessedKeys", {}).get(self.table_name, {}).get("Keys", [])
            if asked:
                pause = next(pauses, None)
                if pause is None:
                    raise self.backoff.gave_up(name, because=f"{len(asked)} keys were left unprocessed")
                self.backoff.sleep(pause)
