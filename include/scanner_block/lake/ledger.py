"""Which log objects have been read: the memory that makes every object count exactly once.

One Parquet object `scanner/ledger/<version>.parquet`, as of a commit. Entries older than any listing still looks are
dropped; what is older than a source's horizon is never read again, so forgetting an entry cannot make it count twice.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

    from include.object_store import ObjectStore

MARGIN: Final = timedelta(hours=24)
"""How much longer than a listing looks back an entry is kept: a copied log is still known as one."""

REMEMBERED: Final = timedelta(days=31)
"""How long the entries of a source stay that the policy does not name any more: longer than `late_hours` can be."""

_MARKS: Final = b"landfall_marks"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one source has been read.

    :param horizon: objects whose key is older are never read: the ledger may have forgotten them.
    :param next_from: where the next listing has to begin at the latest; everything older has been read.
    """

    horizon: datetime
    next_from: datetime

    def to_document(self) -> dict[str, str]:
        """Return a JSON document."""
        return {"horizon": self.horizon.isoformat(), "next_from": self.next_from.isoformat()}

    @classmethod
    def from_document(cls, document: Mapping[str, str]) -> Mark:
        """Read what `to_document` wrote."""
        return cls(datetime.fromisoformat(document["horizon"]), datetime.fromisoformat(document["next_from"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One content that has been read, or that is the same as one that was.

    :param at: the time in the key. :param twin: the key that was read in its place; None where this one was.
    """

    source: str
    key: str
    etag: str
    size: int
    at: datetime
    twin: str | None = None


@dataclass(frozen=True)
class Ledger:
    """Everything that has been read within the horizons; `table` has the columns of `ledger_schema`."""

    table: Any
    marks: Mapping[str, Mark] = field(default_factory=dict)

    @cached_property
    def _columns(self) -> dict[str, list[Any]]:
        return {name: self.table.column(name).to_pylist() for name in ("source", "key", "etag", "size", "twin")}

    @cached_property
    def _versions(self) -> set[tuple[str, str, str]]:
        return set(zip(self._columns["source"], self._columns["key"], self._columns["etag"], strict=True))

    @cached_property
    def _keys(self) -> set[tuple[str, str]]:
        return set(zip(self._columns["source"], self._columns["key"], strict=True))

    @cached_property
    def _contents(self) -> dict[tuple[str, str, int], str]:
        source, key, etag, size, twin = self._columns.values()
        contents = zip(source, etag, size, strict=True)
        return dict(zip(contents, (read or own for read, own in zip(twin, key, strict=True)), strict=True))

    def has(self, source: str, key: str, etag: str) -> bool:
        """Return whether this content of this key is known."""
        return (source, key, etag) in self._versions

    def has_key(self, source: str, key: str) -> bool:
        """Return whether the key is known, with this content or another."""
        return (source, key) in self._keys

    def twin_of(self, source: str, etag: str, size: int) -> str | None:
        """Return the key under which the same content of the same source was read, if it was."""
        return self._contents.get((source, etag, size))

    def adding(self, entries: Iterable[LedgerEntry], *, marks: Mapping[str, Mark], as_of: datetime) -> Ledger:
        """Return the ledger with more entries and new marks, without what lies behind the horizons.

        A source that `marks` does not name keeps its entries for a month: taken out of the policy and put back, it goes
        on where it stopped.
        """
        import pyarrow as pa

        kept = {name: mark for name, mark in self.marks.items() if as_of - mark.next_from <= REMEMBERED} | dict(marks)
        rows = pa.Table.from_pylist([_row(entry) for entry in entries], schema=ledger_schema())
        return Ledger(_within(pa.concat_tables([self.table, rows]), kept), kept)

    def counts_from(self, sources: Iterable[str], *, as_of: datetime) -> datetime:
        """Return the time before which no counts can be added to any more: a day before the next listing's begin."""
        return min([as_of, *(self.marks[name].next_from for name in sources if name in self.marks)]) - MARGIN


def ledger_schema() -> pa.Schema:
    """Return the columns of a ledger: as `LedgerEntry`, `at` in Unix seconds."""
    import pyarrow as pa

    texts = [(name, pa.string()) for name in ("source", "key", "etag")]
    return pa.schema([*texts, ("size", pa.int64()), ("at", pa.int64()), ("twin", pa.string())])


def empty_ledger() -> Ledger:
    """Return the ledger before the first run."""
    return Ledger(ledger_schema().empty_table())


def save_ledger(store: ObjectStore, version: str, ledger: Ledger) -> None:
    """Write the ledger of a version; the same ledger gives the same bytes."""
    import pyarrow.parquet as pq

    order = [("source", "ascending"), ("key", "ascending"), ("etag", "ascending")]
    marks = {name: mark.to_document() for name, mark in ledger.marks.items()}
    table = ledger.table.sort_by(order).replace_schema_metadata({_MARKS: json.dumps(marks, sort_keys=True)})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", use_dictionary=["source", "twin"])
    store.put_bytes(store.key("ledger", f"{version}.parquet"), sink.getvalue())


def load_ledger(store: ObjectStore, version: str | None) -> Ledger:
    """Return the ledger of a version; the empty one for None. Raises the client's NoSuchKey when it is absent."""
    import pyarrow.parquet as pq

    if version is None:
        return empty_ledger()
    table = pq.read_table(io.BytesIO(store.get_bytes(store.key("ledger", f"{version}.parquet"))))
    marks = json.loads(table.schema.metadata[_MARKS])
    return Ledger(table.replace_schema_metadata(None), {name: Mark.from_document(marks[name]) for name in marks})


def _row(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "source": entry.source,
        "key": entry.key,
        "etag": entry.etag,
        "size": entry.size,
        "at": int(entry.at.timestamp()),
        "twin": entry.twin,
    }


def _within(table: Any, marks: Mapping[str, Mark]) -> Any:
    """Keep the entries of the sources of `marks` that their horizons let be asked for."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [
        table.filter(
            pc.and_(
                pc.equal(table.column("source"), name),
                pc.greater_equal(table.column("at"), int(mark.horizon.timestamp())),
            )
        )
        for name, mark in marks.items()
    ]
    return pa.concat_tables([ledger_schema().empty_table(), *parts])
