"""What a log is made of: gzip and plain text, damage, long lines, comments; and what one line means."""

import gzip
import io
import os
from pathlib import Path

import pytest

from include.scanner_block.counts import counts_schema
from include.scanner_block.logs.chunks import LONGEST_LINE
from include.scanner_block.logs.counting import count_file, count_stream, merge_counts
from include.scanner_block.policy_model import LogFormat, Rules, UriRule

AT = 1795496760  # 2026-11-24T05:06:00Z


def line(address="192.0.2.1", *, path="/x", status="404", clock="05:06:07", detail="Error"):
    return (
        f"2026-11-24\t{clock}\tFRA60\t1\t{address}\tGET\th\t{path}\t{status}"
        + "\t-" * 19
        + f"\t{detail}"
        + "\t-" * 4
        + "\n"
    )


def counted(log, *, rules=None, log_format=LogFormat.CLOUDFRONT, size=1 << 20):
    log = log.encode() if isinstance(log, str) else log
    return count_stream(io.BytesIO(log), log_format=log_format, rules=rules or Rules(), place="log", block_bytes=size)


def requests(counts):
    return sum(counts.table["requests"].to_pylist())


@pytest.mark.parametrize("lines", [1, 100])
def test_scanner_logs_a_client_and_minute_is_one_row_with_its_last_request(lines):
    counts = counted(line(clock="05:06:59") + line() * lines + line("2001:DB8:0::1") + line(status="200"))
    assert counts.table.schema == counts_schema()
    assert counts.table.to_pylist() == [
        {"at": AT, "last": AT + 59, "client": "192.0.2.1", "uri": None, "path": None, "requests": lines + 1},
        {"at": AT, "last": AT + 7, "client": "2001:db8::1", "uri": None, "path": None, "requests": 1},
    ]
    assert (counts.lines, counts.unreadable, counts.clients) == (lines + 3, 0, 2)


@pytest.mark.parametrize("lines", [1, 100])
def test_scanner_logs_a_block_by_waf_is_no_error_unless_the_rules_say_so(lines):
    log = line(status="403", detail="InvalidRequestBlocked") * lines + line(status="403")
    assert requests(counted(log)) == 1
    assert requests(counted(log, rules=Rules(ignore_waf_blocks=False))) == lines + 1
    header = "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status\n"
    assert requests(counted(header + log)) == lines + 1


@pytest.mark.parametrize("lines", [1, 100])
def test_scanner_logs_paths_are_ignored_named_and_told_apart_as_logged(lines):
    rules = Rules(
        ignored_suffixes=(".js",),
        uri_thresholds={"/login": UriRule(error_threshold=1), "/a.js": UriRule(error_threshold=1)},
        distinct_error_paths=3,
    )
    rows = counted((line(path="/login") + line(path="/a.js") + line(path="/x")) * lines, rules=rules).table.to_pylist()
    assert [(row["uri"], row["path"], row["requests"]) for row in rows] == [
        ("/login", _digest("/login"), lines),
        (None, _digest("/x"), lines),
    ]


def _digest(path):
    import hashlib

    return hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()[:16]


@pytest.mark.parametrize("lines", [1, 100])
def test_scanner_logs_ipv6_is_counted_by_network_where_the_rules_group_it(lines):
    log = (line("2001:db8:0:1::1") + line("2001:db8:0:1::2") + line("::ffff:192.0.2.1")) * lines
    counts = counted(log, rules=Rules(ipv6_prefix=64, sliding_minute=True))
    assert [(row["at"], row["client"], row["requests"]) for row in counts.table.to_pylist()] == [
        (AT + 7, "192.0.2.1", lines),
        (AT + 7, "2001:db8:0:1::/64", 2 * lines),
    ]
    assert counts.clients == 3


def test_scanner_logs_gzip_of_several_members_is_one_text():
    text = (line() * 50).encode()
    packed = gzip.compress(text[:701]) + gzip.compress(b"") + gzip.compress(text[701:])
    for log in (packed, packed + bytes(4096), text):
        assert (counted(log).lines, counted(log).unreadable, requests(counted(log))) == (50, 0, 50)


def test_scanner_logs_a_cut_gzip_costs_only_its_open_line():
    text = "".join(line(f"192.0.2.{number % 250}", path=f"/{number * 7919}") for number in range(3000)).encode()
    packed = gzip.compress(text)
    for size in (len(packed) - 4, len(packed) * 2 // 3, 200):
        counts = counted(packed[:size], size=10_000)
        assert counts.unreadable == 1
        assert counts.examples[0].place == f"log:{counts.lines}"
        assert "ends early" in counts.examples[0].reason
        assert counts.lines - 1 == requests(counts)
    assert counted(packed[: len(packed) - 4]).lines == 3001


def test_scanner_logs_a_wrong_checksum_is_one_unreadable_line():
    packed = bytearray(gzip.compress((line() * 50).encode()))
    packed[-8] ^= 1
    counts = counted(bytes(packed))
    assert (counts.lines, counts.unreadable, requests(counts)) == (51, 1, 50)
    assert "damaged" in counts.examples[0].reason


@pytest.mark.parametrize("rest", [b"garbage\n" * 9, b"\x1f\x8b", line().encode() * 3])
def test_scanner_logs_bytes_after_a_gzip_stream_are_one_unreadable_line(rest):
    counts = counted(gzip.compress((line() * 50).rstrip("\n").encode()) + rest)
    assert (counts.lines, counts.unreadable, requests(counts)) == (51, 1, 50)


@pytest.mark.parametrize("log", [b"", b"\x1f", b"\x1f\x8b", b"\n\n \n", b"# nothing\n"])
def test_scanner_logs_without_lines_are_read(log):
    counts = counted(log)
    assert counts.lines == counts.unreadable == (1 if log.startswith(b"\x1f") else 0)
    assert counts.table.num_rows == 0


def test_scanner_logs_a_line_of_a_megabyte_is_read_and_one_beyond_the_limit_skipped():
    long = line(path="/" + "a" * 1_000_000)
    assert requests(counted(line() * 40 + long + line() * 40)) == 81
    over = line(path="/" + "b" * (LONGEST_LINE + 400_000))
    counts = counted(gzip.compress((line() * 40 + over + line() * 40 + "x\n").encode(), 1))
    assert (counts.lines, counts.unreadable, requests(counts)) == (82, 2, 80)
    assert [example.place for example in counts.examples] == ["log:41", "log:82"]
    assert "16 MiB" in counts.examples[0].reason


def test_scanner_logs_odd_bytes_harm_nobody():
    odd = line(path='/\x00"\\\x01') + line().replace("\tGET\t", "\tG\udcff\x00T\t").rstrip("\n") + "\r\n"
    log = (odd * 40).encode("utf-8", "surrogateescape")
    counts = counted(log + line().rstrip("\n").encode())
    assert (counts.lines, counts.unreadable, requests(counts)) == (81, 0, 81)


def test_scanner_logs_examples_show_five_lines_by_place_and_only_what_prints():
    counts = counted(line() * 40 + "a\x1b[31mb\x07\n" + line("x.x.x.x") * 6)
    assert [example.place for example in counts.examples] == [f"log:{number}" for number in range(41, 46)]
    assert counts.examples[0].beginning == "a.[31mb."
    assert counts.examples[1].reason == "c-ip is no address"
    assert (counts.unreadable, len(counts.examples[1].beginning)) == (7, 80)


def test_scanner_logs_a_header_without_a_needed_field_makes_its_lines_unreadable():
    counts = counted(line() + "#Fields: date time c-ip sc-status\n" + line() * 40)
    assert (counts.lines, counts.unreadable, requests(counts)) == (41, 40, 1)
    assert counts.examples[0].reason == "the #Fields header has no cs-uri-stem"


@pytest.mark.parametrize("lines", [1, 100])
def test_scanner_logs_the_targets_status_counts_not_the_load_balancers(lines):
    def alb(elb, target):
        head = (
            f"http 2026-11-24T05:06:07.047920Z app/web/1 192.0.2.1:50337 192.0.2.9:80 0.001 0.113 0.000 {elb} {target}"
        )
        return head + ' 152 13911 "GET http://example.com:80/a/b.js?c=/d HTTP/1.1" "curl" - - -\n'

    log = (alb(404, "-") + alb(200, 404) + alb(404, 200)) * lines
    assert requests(counted(log, log_format=LogFormat.ALB)) == lines
    rules = Rules(ignored_suffixes=("/b.js",))
    assert requests(counted(log, log_format=LogFormat.ALB, rules=rules)) == 0


def test_scanner_logs_merging_sums_the_same_row_and_everything_else():
    one, two = counted(line() + line("x")), counted(line(clock="05:06:50") + line("192.0.2.2"))
    merged = merge_counts([one, two, counted("")])
    assert [(row["client"], row["last"], row["requests"]) for row in merged.table.to_pylist()] == [
        ("192.0.2.1", AT + 50, 2),
        ("192.0.2.2", AT + 7, 1),
    ]
    assert (merged.lines, merged.unreadable, merged.clients, len(merged.examples)) == (4, 1, 2, 1)
    assert merged.table.schema == merge_counts([]).table.schema == counts_schema()


def test_scanner_logs_the_same_log_in_other_blocks_is_the_same_table():
    log = "".join(line(f"2001:db8::{number % 97:x}", clock=f"05:{number % 60:02}:00") for number in range(900))
    assert counted(log, size=700).table.equals(counted(log).table)


@pytest.mark.parametrize(
    ("name", "log_format", "lines", "unreadable"),
    [
        ("cloudfront_152_lines.gz", LogFormat.CLOUDFRONT, 152, 152),
        ("waf_workshop_alb-access-log-sample.gz", LogFormat.ALB, 77_787, 0),
        ("waf_workshop_waf-access-log-sample.gz", LogFormat.WAF, 9_286, 0),
    ],
)
def test_scanner_logs_public_samples_are_read(name, log_format, lines, unreadable):
    folder = os.environ.get("LANDFALL_SHARED")
    if not folder:
        pytest.skip(f"LANDFALL_SHARED names no folder with data/access_logs/{name}")
    counts = count_file(Path(folder) / "data" / "access_logs" / name, log_format=log_format, rules=Rules())
    assert (counts.lines, counts.unreadable) == (lines, unreadable)
