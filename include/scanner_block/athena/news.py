"""What Athena counted in new objects, as the file reader would have counted it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from include.scanner_block.addresses import alb_client, canonical, client_key
from include.scanner_block.counts import LogCounts, UnreadableLine, counts_schema
from include.scanner_block.logs.clients import packed_clients
from include.scanner_block.policy_model import LogFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from include.object_store import ObjectStore
    from include.scanner_block.policy_model import Rules

MOST_EXAMPLES: Final = 5
_COLUMNS: Final = (
    "object", "log_format", "kind", "at", "last", "client", "uri", "path", "reason", "requests", "beginning",
)  # fmt: skip
_KEYS: Final = ("at", "client", "uri", "path")
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class News:
    """What `queries.count_objects` gave.

    :param by_object: the counts of each object (S3 URI) that has lines. Examples have no line numbers: Athena has none.
    :param again: objects that only the file reader reads rightly: several `#Fields` headers, a line of megabytes, or
        paths that are no UTF-8 where paths are told apart.
    """

    by_object: Mapping[str, LogCounts] = field(default_factory=dict)
    again: tuple[str, ...] = ()


def read_news(store: ObjectStore, *prefix: str, rules: Rules) -> News:
    """Read the Parquet that an UNLOAD of `queries.count_objects` wrote below a prefix of the store.

    Clients get their one spelling, or their network, here; a text that is no address makes its lines unreadable.
    """
    table = _rows(store, *prefix)
    by_object: dict[str, LogCounts] = {}
    again = []
    for name, rows in _objects(table):
        kinds = rows.column("kind").to_pylist()
        if "again" in kinds or kinds.count("header") > 1:
            again.append(name)
        elif set(kinds) != {"header"}:
            by_object[name] = _counts(name, rows, rules=rules)
    return News(by_object, tuple(again))


def _rows(store: ObjectStore, *prefix: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = [pq.read_table(pa.BufferReader(store.get_bytes(key))) for key in store.list_keys(*prefix)]
    if not tables:
        return pa.table({name: pa.array([], pa.string()) for name in _COLUMNS})
    return pa.concat_tables([table.select(_COLUMNS) for table in tables], promote_options="permissive")


def _objects(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Yield each object and its rows, in the order of the objects' names."""
    import pyarrow.compute as pc

    ordered = table.sort_by("object")
    start = 0
    counts = pc.value_counts(ordered.column("object"))  # in order of appearance
    for name, size in zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True):
        yield name, ordered.slice(start, size)
        start += size


def _counts(name: str, rows: pa.Table, *, rules: Rules) -> LogCounts:
    """Return one object's counts; each distinct text of a client is judged once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    coded = rows.column("client").combine_chunks().dictionary_encode()
    read = alb_client if rows.column("log_format")[0].as_py() == LogFormat.ALB else canonical
    texts = coded.dictionary.to_pylist()
    addresses = pa.array([read(text) for text in texts], pa.string())
    found = addresses.take(coded.indices)
    is_none = pc.and_(rows.column("client").is_valid(), pc.is_null(found))
    unread = pc.or_(pc.equal(rows.column("kind"), "unreadable"), is_none)
    counted = pc.and_(pc.equal(rows.column("kind"), "counted"), found.is_valid())
    keys = [one and client_key(one, ipv6_prefix=rules.ipv6_prefix) for one in addresses.to_pylist()]
    clients = pa.array(keys, pa.string()).take(coded.indices)
    table = rows.set_column(rows.schema.get_field_index("client"), "client", clients).filter(counted)
    lines = rows.filter(pc.not_equal(rows.column("kind"), "header"))
    return LogCounts(
        table=_summed(table),
        lines=_total(lines),
        unreadable=_total(rows.filter(unread)),
        clients=pc.count_distinct(found, mode="only_valid").as_py(),
        examples=_examples(name, rows.filter(unread)),
        seen=packed_clients(one for one in set(found.to_pylist()) if one is not None),
    )


def _summed(table: pa.Table) -> pa.Table:
    """Sum rows that have become one key, in the order of the keys."""
    summed = table.group_by(list(_KEYS)).aggregate([("last", "max"), ("requests", "sum")])
    renamed = summed.rename_columns({"last_max": "last", "requests_sum": "requests"})
    ordered = renamed.sort_by([(key, "ascending") for key in _KEYS])
    return ordered.select(counts_schema().names).cast(counts_schema())


def _total(rows: pa.Table) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(rows.column("requests")).as_py() or 0)


def _examples(name: str, rows: pa.Table) -> tuple[UnreadableLine, ...]:
    told = ("reason", "beginning", "client")
    first = rows.select(told).sort_by([(column, "ascending") for column in told]).slice(0, MOST_EXAMPLES)
    return tuple(_example(name, row) for row in first.to_pylist())


def _example(name: str, row: dict[str, Any]) -> UnreadableLine:
    """Return an example; of a client that is none only its text is known."""
    if row["reason"] is None:
        return UnreadableLine(name, "the client is no address", _printable(row["client"]))
    return UnreadableLine(name, row["reason"], _printable(row["beginning"]))


def _printable(text: str) -> str:
    """Return the beginning of a text, at most 80 characters, with dots for those that would not print."""
    return "".join(letter if letter.isprintable() else "." for letter in text[:_SHOWN])
