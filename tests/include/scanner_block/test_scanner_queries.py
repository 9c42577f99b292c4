"""Athena counts what our own reader counts, line for line, and reads each object once."""

from __future__ import annotations

import gzip
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.scanner_block.athena.queries import (
    OBJECTS_PER_QUERY,
    QUERY_BYTES,
    QueryTooLongError,
    count_objects,
    table_input,
)
from include.scanner_block.logs.cloudfront import STANDARD_ORDER
from include.scanner_block.policy_model import LogFormat, LogSource, Rules, UriRule
from tests.include.scanner_block.counted_by_athena import Counting, told
from tests.include.scanner_block.log_lines import HEADER, alb, cloudfront, waf
from tests.local_aws import start_local_aws

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTE = 1_795_496_760  # 2026-11-24 05:06:00 UTC
EVERY_RULE = Rules(
    ignored_suffixes=(".css", "+(x).js"),
    uri_thresholds={"/login": UriRule(error_threshold=3, request_threshold=3), "/{table}": UriRule(error_threshold=1)},
    distinct_error_paths=5,
    sliding_minute=True,
    ipv6_prefix=64,
    error_statuses=frozenset({403, 404, 0}),
)
RULES = [Rules(), EVERY_RULE, Rules(ignore_waf_blocks=False, uri_thresholds=EVERY_RULE.uri_thresholds)]


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counting]:
    with start_local_aws(tmp_path_factory.mktemp("scanner_queries") / "state") as aws:
        yield Counting(aws)


def _source(log_format: LogFormat = LogFormat.CLOUDFRONT, prefix: str = "cf/E2EXAMPLE.") -> LogSource:
    return LogSource(name="shop", log_format=log_format, bucket="logs", prefix=prefix)


# What a field may be: usual ones, odd ones, and ones that no log should have.
CLIENTS = (
    "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:0DB8:0:0::1", "2001:db8:0:1::9", "::ffff:192.0.2.1", "[2001:db8::1]",
    "[2001:db8::1]:443", "192.0.2.1:80", "192.0.2.1:99999", "2001:db8::1:443", "192.0.2.01", "fe80::1%eth0", "-", "",
    "x.x.x.x", "192.0.2.1 ", "caf\u00e9", "1" * 70, "::1.2.3.4",
)  # fmt: skip
DAYS = (
    "2026-11-24",
    "2024-02-29",
    "2026-02-29",
    "2026-13-01",
    "0000-01-01",
    "1969-12-31",
    "26-11-24",
    "2026-11-24 ",
    "",
)
CLOCKS = ("05:06:07", "05:06:59", "23:59:59", "24:00:00", "05:06:60", "5:06:07", "05:06:07.1", "")
STATUSES = ("404", "403", "200", "000", "500", "40", "4044", "-", "", "\u0664\u0660\u0664")
PATHS = (
    "/a",
    "/login",
    "/login?x",
    "/x.css",
    "/x.CSS",
    "/+(x).js",
    "",
    "/{table}",
    "/caf\u00e9",
    "/\udcff",
    "/\"'",
    "/a\x00\x01b",
    " ",
)
REQUESTS = (
    '"GET https://shop.example:443/login?x#y HTTP/1.1"', '"GET /login HTTP/1.0"', '"- http://shop.example:80- "',
    '"GET https://shop.example:443 HTTP/1.1"', '"GET http://shop.example/\\"a\\\\ HTTP/1.1"', "-", "",
    '"GET http://x/style.css?v=1 HTTP/2.0" "a', '"POST http://x/\u00e9\\\u00e9/ HTTP/1.1"',
    '"GET http://x/a b HTTP/1.1"', '"GET http://x/\udcfe HTTP/1.1"',
)  # fmt: skip
STAMPS = (1_795_496_767_123, 0, -1, "1795496767123", 1.5e12, None, True, 253_402_300_800_000, 10**15, 1_795_496_767_999)


def _fields(**values: tuple[object, ...]) -> st.SearchStrategy[dict[str, object]]:
    """Fields that are left as usual mostly, so that a line shows what one odd field does."""
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(found) for name, found in values.items()})


@st.composite
def _mutated(draw: st.DrawFn, lines: st.SearchStrategy[bytes]) -> bytes:
    """A few lines, sometimes with bytes of chance; never a lone carriage return, which ends a line in Athena only."""
    text = bytearray(b"".join(draw(st.lists(lines, max_size=16))))
    chance = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.sampled_from((0, 0, 1, 3)))):
        if text:
            text[chance.randrange(len(text))] = chance.choice(b'\t\n "\\#{}0:\x00\x01\xff-')
    return bytes(text)


ODD_LINES = st.sampled_from(
    [b"\n", b" \t\n", b"# note\n", b"\x0b\n", b"text\n", b"\\N\n", b"\r\n", b"{}\n", b"[1]\n", b"\xff\n"]
)
SHORT_ORDER = ("sc-status", "cs-uri-stem", "date", "time", "c-ip")
ORDERS = (STANDARD_ORDER, SHORT_ORDER, STANDARD_ORDER[:9], ("date", "time", "c-ip"), ("date", *STANDARD_ORDER))
CF_FIELDS = _fields(
    day=DAYS, clock=CLOCKS, client=CLIENTS, status=STATUSES, path=PATHS, detail=("InvalidRequestBlocked", "Error", "")
)


@st.composite
def _cloudfront_logs(draw: st.DrawFn) -> bytes:
    order = draw(st.sampled_from(ORDERS))
    head = f"#Fields: {' '.join(order)}\n".encode() if order != STANDARD_ORDER or draw(st.booleans()) else b""
    lines = CF_FIELDS.map(lambda fields: cloudfront(order, **fields))
    return head + draw(_mutated(lines | lines | ODD_LINES))


ALB_LOGS = _mutated(
    _fields(
        at=(*(f"2026-11-24T{clock}Z" for clock in CLOCKS), *(f"{day}T05:06:07.1Z" for day in DAYS), "2026-11-24"),
        client=(*CLIENTS, *(f"{client}:4711" for client in CLIENTS)), status=STATUSES, request=REQUESTS,
        rest=("", '"\udcff" "GET http://x/login HTTP/1.1"'),
    ).map(lambda fields: alb(**fields)) | ODD_LINES
)  # fmt: skip
WAF_LOGS = _mutated(
    _fields(
        timestamp=STAMPS, client=(*CLIENTS, None, ["192.0.2.1"]), uri=(*PATHS[:8], None),
        agent=('"clientIp":"192.0.2.9"', "\u2028", "\x00", "\ufffd"),
    ).map(lambda fields: waf(**fields)) | ODD_LINES
)  # fmt: skip
LOGS = {LogFormat.CLOUDFRONT: _cloudfront_logs(), LogFormat.ALB: ALB_LOGS, LogFormat.WAF: WAF_LOGS}


@pytest.mark.parametrize("log_format", LogFormat)
def test_athena_counts_what_our_own_reader_counts(counting: Counting, log_format: LogFormat) -> None:
    @settings(max_examples=3, derandomize=True, deadline=None, database=None)
    @given(logs=st.lists(LOGS[log_format], min_size=8, max_size=16), rules=st.sampled_from(RULES))
    def agree(logs: list[bytes], rules: Rules) -> None:
        both = counting.count(log_format, *logs, rules=rules)

        assert both.result.state == "SUCCEEDED", both.result.reason
        for uri in both.bodies:
            here = both.read_here(uri)
            if uri in both.news.by_object:
                assert told(both.news.by_object[uri]) == told(here), gzip.decompress(both.bodies[uri])
            else:
                assert uri in both.news.again or here.lines == 0, gzip.decompress(both.bodies[uri])

    agree()


@pytest.mark.parametrize(
    ("log_format", "line"), [(LogFormat.CLOUDFRONT, cloudfront()), (LogFormat.ALB, alb()), (LogFormat.WAF, waf())]
)
def test_an_ordinary_line_counts_for_its_minute(counting: Counting, log_format: LogFormat, line: bytes) -> None:
    counts = counting.count(log_format, line * 3).only()

    row = {"at": MINUTE, "last": MINUTE + 7, "client": "192.0.2.1", "uri": None, "path": None, "requests": 3}
    assert told(counts) == {"lines": 3, "unreadable": 0, "clients": 1, "rows": [row]}


def test_an_objects_own_header_says_where_the_fields_stand(counting: Counting) -> None:
    other = f"#Fields:\t{' '.join(SHORT_ORDER)} \n".encode() + cloudfront(SHORT_ORDER, client="192.0.2.7")

    both = counting.count(LogFormat.CLOUDFRONT, other, HEADER + cloudfront(), cloudfront())

    found = sorted(counts.table.column("client").to_pylist() for counts in both.news.by_object.values())
    assert found == [["192.0.2.1"], ["192.0.2.1"], ["192.0.2.7"]]


def test_objects_that_only_our_own_reader_reads_rightly_are_named(counting: Counting) -> None:
    two_headers = HEADER + cloudfront() + f"#Fields: {' '.join(SHORT_ORDER)}\n".encode() + cloudfront(SHORT_ORDER)
    foreign_path = HEADER + cloudfront(path="/\udcff")
    long_line = HEADER + cloudfront(path="/" + "a" * 4_200_000)
    usual = HEADER + cloudfront(path="/\udcff", status="200")

    both = counting.count(
        LogFormat.CLOUDFRONT, two_headers, foreign_path, long_line, usual, rules=Rules(distinct_error_paths=5)
    )

    uris = list(both.bodies)
    assert (set(both.news.again), list(both.news.by_object)) == (set(uris[:3]), uris[3:])


def test_a_cut_line_of_json_is_unreadable_though_its_beginning_has_all_fields(counting: Counting) -> None:
    cut = waf()[:-20].rstrip() + b"\n"
    assert b'"clientIp"' in cut

    counts = counting.count(LogFormat.WAF, cut, waf()).news.by_object.values()

    assert sorted((one.lines, one.unreadable, one.clients) for one in counts) == [(1, 0, 1), (1, 1, 0)]


def test_an_unreadable_line_comes_with_its_object_its_reason_and_its_beginning(counting: Counting) -> None:
    both = counting.count(
        LogFormat.CLOUDFRONT, HEADER + b"bro\x07ken \xc3\xa9" + b"x" * 300 + b"\n" + cloudfront(client="2001")
    )

    counts = both.only()
    assert [(one.place in both.bodies, one.reason, one.beginning) for one in counts.examples] == [
        (True, "it has only 1 fields", "bro.ken é" + "x" * 71),
        (True, "the client is no address", "2001"),
    ]
    assert (counts.lines, counts.unreadable, counts.clients) == (2, 2, 0)


def test_each_object_is_read_once_and_others_not_at_all(counting: Counting) -> None:
    counting.put(LogFormat.ALB, b"damaged, and not asked for")

    both = counting.count(LogFormat.ALB, alb() * 50, alb() * 70)

    assert both.result.scanned == sum(len(body) for body in both.bodies.values())
    assert sum(counts.lines for counts in both.news.by_object.values()) == 120


def test_a_damaged_object_fails_the_query_instead_of_losing_lines(counting: Counting) -> None:
    both = counting.count(LogFormat.WAF, waf(), gzip.compress(waf() * 100)[:-15])

    assert both.result.reason.startswith(f"HIVE_CURSOR_ERROR: Failed to read file at {list(both.bodies)[1]}")


@pytest.mark.parametrize("log_format", LogFormat)
def test_the_most_objects_with_the_longest_keys_fit_one_query(log_format: LogFormat) -> None:
    source = _source(log_format, prefix="p/")
    objects = [f"s3://logs/p/2026/11/24/{number:03d}".ljust(10 + 1024, "x") for number in range(OBJECTS_PER_QUERY)]

    assert len(count_objects(source, table="shop", objects=objects, rules=EVERY_RULE).encode()) < QUERY_BYTES - 40_000


def test_rules_that_make_a_query_too_long_are_refused_in_words() -> None:
    rules = Rules(uri_thresholds={f"/{'a' * 90}{number}": UriRule(error_threshold=1) for number in range(3_000)})

    with pytest.raises(QueryTooLongError, match=r"objects of shop has .* bytes, Athena takes 262,144; shorten"):
        count_objects(_source(), table="shop", objects=["s3://logs/cf/E2EXAMPLE.1.gz"], rules=rules)


def test_an_object_outside_the_folders_of_days_is_refused_because_the_query_would_not_see_it() -> None:
    with pytest.raises(ValueError, match="lies in no folder yyyy/MM/dd/ below s3://logs/lb/"):
        count_objects(_source(LogFormat.ALB, "lb/"), table="shop", objects=["s3://logs/lb/x.gz"], rules=Rules())


@pytest.mark.parametrize("log_format", LogFormat)
def test_the_table_is_named_once_so_that_nothing_is_billed_twice(log_format: LogFormat) -> None:
    sql = count_objects(_source(log_format, "p/"), table="a.b", objects=["s3://logs/p/2026/11/24/x"], rules=EVERY_RULE)

    assert sql.count('"a"."b"') == 1


@pytest.mark.parametrize(
    ("prefix", "location"),
    [("cf/E2EXAMPLE.", "s3://logs/cf/"), ("E2EXAMPLE.", "s3://logs/"), ("a/b/c.", "s3://logs/a/b/")],
)
def test_a_table_lies_over_the_folder_of_its_sources_prefix(prefix: str, location: str) -> None:
    assert table_input(_source(prefix=prefix))["StorageDescriptor"]["Location"] == location
