"""What Athena counted becomes counts by object: one spelling of each client, and nothing that is no address."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.object_store import ObjectStore
from include.scanner_block.athena.news import News, read_news
from include.scanner_block.counts import UnreadableLine, counts_schema
from include.scanner_block.policy_model import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = "object log_format kind at last client uri path reason requests beginning".split()
NUMBERS = ("at", "last", "requests")
SCHEMA = pa.schema([(name, pa.int64() if name in NUMBERS else pa.string()) for name in COLUMNS])
MINUTE = 1_795_496_760


class Unloaded(ObjectStore):
    """Objects that an UNLOAD wrote, in memory."""

    def __init__(self, *files: list[dict[str, Any]]) -> None:
        self.files = {f"part-{number}": _parquet(rows) for number, rows in enumerate(files)}

    def list_keys(self, *_prefix: str, after: str = "") -> Iterator[str]:
        return iter(self.files)

    def get_bytes(self, key: str) -> bytes:
        return self.files[key]


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), target)
    return target.getvalue()


def row(kind: str, **values: Any) -> dict[str, Any]:
    """One row of the query, of the object `a` unless it says another."""
    counted = {"at": MINUTE, "last": MINUTE + 5} if kind == "counted" else {}
    return {"object": "a", "log_format": "cloudfront", "kind": kind, "requests": 1, **counted, **values}


def news(*files: list[dict[str, Any]], **rules: Any) -> News:
    return read_news(Unloaded(*files), "news", "", rules=Rules(**rules))


def test_two_spellings_of_a_client_are_one_client_and_one_row() -> None:
    spellings = ["2001:db8::1", "2001:0DB8::0001", "[2001:db8::1]:443"]
    rows = [row("counted", client=text, requests=n, last=MINUTE + n) for n, text in enumerate(spellings, start=1)]

    counts = news(rows[:2], rows[2:]).by_object["a"]

    assert counts.table.to_pylist() == [
        {"at": MINUTE, "last": MINUTE + 3, "client": "2001:db8::1", "uri": None, "path": None, "requests": 6}
    ]
    assert (counts.lines, counts.clients) == (6, 1)


def test_clients_of_one_network_are_one_row_but_several_clients() -> None:
    rows = [row("counted", client=text) for text in ("2001:db8::1", "2001:db8::2", "192.0.2.1")]

    counts = news(rows, ipv6_prefix=64).by_object["a"]

    found = zip(counts.table.column("client").to_pylist(), counts.table.column("requests").to_pylist(), strict=True)
    assert (list(found), counts.clients) == ([("192.0.2.1", 1), ("2001:db8::/64", 2)], 3)


@pytest.mark.parametrize("kind", ["counted", "fine"])
def test_lines_of_a_client_that_is_no_address_are_unreadable_and_count_for_nobody(kind: str) -> None:
    counts = news([row(kind, client="1.2.3", requests=4), row("fine", client="192.0.2.1")]).by_object["a"]

    assert (counts.lines, counts.unreadable, counts.clients, counts.table.num_rows) == (5, 4, 1, 0)
    assert counts.examples == (UnreadableLine("a", "the client is no address", "1.2.3"),)


@pytest.mark.parametrize(
    ("log_format", "client"), [("alb", "2001:db8::1"), ("cloudfront", "2001:db8::1:443"), ("waf", "2001:db8::1:443")]
)
def test_the_last_group_of_an_address_is_a_port_in_load_balancers_logs_only(log_format: str, client: str) -> None:
    counts = news([row("counted", client="2001:db8::1:443", log_format=log_format)]).by_object["a"]

    assert counts.table.column("client").to_pylist() == [client]


def test_an_object_with_several_headers_or_marked_rows_is_left_to_the_file_reader() -> None:
    good = row("counted", client="192.0.2.1")
    headers = [row("header", object="two", reason=text) for text in ("date time", "time date")]
    marked = [row("again", object="odd"), {**good, "object": "odd"}]

    found = news([*headers, {**good, "object": "two"}, *marked, good, row("header", reason="date time", requests=2)])

    assert (sorted(found.again), list(found.by_object)) == (["odd", "two"], ["a"])


def test_headers_are_no_lines_and_an_object_of_nothing_else_has_no_counts() -> None:
    rows = [row("header", reason="date", requests=3), row("fine", client="192.0.2.1", requests=2)]

    assert news(rows).by_object["a"].lines == 2
    assert news(rows[:1]) == News()


def test_a_query_that_found_no_line_writes_nothing_and_that_is_no_news() -> None:
    assert news() == News()


def test_examples_are_few_printable_and_short() -> None:
    rows = [row("unreadable", reason=f"r{number}", beginning=f"{number}\t\x00" + "x" * 200) for number in range(9)]

    counts = news(rows).by_object["a"]

    assert [one.reason for one in counts.examples] == ["r0", "r1", "r2", "r3", "r4"]
    assert counts.examples[0].beginning == "0.." + "x" * 77
    assert counts.unreadable == 9


def test_rows_stand_in_the_order_of_their_keys_whatever_athena_wrote_first() -> None:
    rows = [row("counted", client=client, at=at) for at in (MINUTE + 60, MINUTE) for client in ("b::2", "192.0.2.1")]

    tables = [news(list(order)).by_object["a"].table for order in (rows, reversed(rows))]

    assert tables[0].equals(tables[1])
    assert tables[0].schema.equals(counts_schema())
    assert tables[0].column("at").to_pylist() == [MINUTE, MINUTE, MINUTE + 60, MINUTE + 60]
