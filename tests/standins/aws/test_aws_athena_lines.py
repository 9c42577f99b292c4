"""Athena reads text as whole lines: whatever bytes they hold, and never a damaged object in silence."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.standins.aws.athena_client import Athena

WHOLE = "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe' WITH SERDEPROPERTIES ('input.regex'='(.*)')"


def _lines(athena: Athena, bodies: dict[str, bytes], *, more: str = "") -> list[str | None]:
    """Put objects under a table of whole lines and return its lines, sorted."""
    _table(athena, bodies, more=more)
    return sorted(row[0] or "" for row in athena.ok("SELECT line FROM raw").rows)


def _table(athena: Athena, bodies: dict[str, bytes], *, more: str = "") -> dict[str, str]:
    found = {name: athena.put(f"raw/{name}", body) for name, body in bodies.items()}
    athena.ok(f"CREATE EXTERNAL TABLE raw (line string) {WHOLE} LOCATION 's3://{athena.bucket}/raw/' {more}")
    return found


@pytest.mark.parametrize(
    "line",
    ['a"b', "'", "a\tb", "a\x01b", "a,b", "\\N", "\\", "  padded  ", "#c", "null", "a\x0bb\x0cc", "a\u2028b\x85c"],
)
def test_a_line_comes_whole_whatever_stands_in_it(athena: Athena, line: str) -> None:
    assert _lines(athena, {"a": f"{line}\nlast".encode()}) == sorted([line, "last"])


def test_lines_end_with_a_line_feed_a_carriage_return_or_both(athena: Athena) -> None:
    assert _lines(athena, {"a": b"a\r\nb\rc\n\nd\r"}) == ["", "a", "b", "c", "d"]


def test_bytes_that_are_no_text_are_replaced_and_nul_bytes_stay(athena: Athena) -> None:
    _table(athena, {"a": b"caf\xe9 \xf0\x9f\nx\x00y\n"})

    result = athena.ok("SELECT length(line), to_hex(to_utf8(line)) FROM raw ORDER BY 1")

    assert result.rows == [("3", "780079"), ("6", "636166EFBFBD20EFBFBD")]


def test_a_line_of_a_megabyte_is_read_like_any_other(athena: Athena) -> None:
    _table(athena, {"a.gz": gzip.compress(b"x" * 1_000_000 + b"\nshort\n")})

    assert athena.ok("SELECT length(line) FROM raw ORDER BY 1").rows == [("5",), ("1000000",)]


def test_several_gzip_members_are_one_text_and_what_follows_them_is_passed_over(athena: Athena) -> None:
    whole = gzip.compress(b"one\nhalf ") + gzip.compress(b"line\nlast") + b"\x00\x00 no member"

    assert _lines(athena, {"a.gz": whole}) == ["half line", "last", "one"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (gzip.compress(b"line\n" * 10_000, mtime=0)[:-20], "Unexpected end of ZLIB input stream"),
        (gzip.compress(b"", mtime=0)[:4], "Unexpected end of ZLIB input stream"),
        (b"no gzip at all\n", "Not in GZIP format"),
    ],
)
def test_a_damaged_gzip_object_fails_the_query_by_name(athena: Athena, body: bytes, why: str) -> None:
    uris = _table(athena, {"good.gz": gzip.compress(b"good\n"), "bad.gz": body})

    result = athena.run("SELECT count(*) FROM raw")

    assert result.reason == f"HIVE_CURSOR_ERROR: Failed to read file at {uris['bad.gz']}: {why}"


def test_objects_that_are_not_asked_for_are_not_read_and_not_billed(athena: Athena) -> None:
    good = gzip.compress(b"one\ntwo\n")
    uris = _table(athena, {"good.gz": good, "bad.gz": b"no gzip at all\n"})

    result = athena.ok(f"""SELECT "$path", count(*) FROM raw WHERE "$path" IN ('{uris["good.gz"]}') GROUP BY 1""")

    assert (result.rows, result.scanned) == ([(uris["good.gz"], "2")], len(good))


def test_an_empty_object_has_no_line_and_header_lines_are_skipped_in_each(athena: Athena) -> None:
    bodies = {"a.gz": b"", "b.gz": gzip.compress(b""), "c": b"h\nc\n", "d": b"h\nd"}

    assert _lines(athena, bodies, more="TBLPROPERTIES ('skip.header.line.count'='1')") == ["c", "d"]
