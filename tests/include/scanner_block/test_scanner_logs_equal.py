"""The fast reader and the naive one give the same, whatever the logs and wherever blocks end."""

import gzip
import io
import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.scanner_naive import parse
from include.scanner_block.logs.counting import count_stream
from include.scanner_block.policy_model import LogFormat, Rules, UriRule

RULES = (
    Rules(),
    Rules(
        ignored_suffixes=(".js", "/"),
        uri_thresholds={"/login": UriRule(error_threshold=5, request_threshold=9), "/a.js": UriRule(error_threshold=1)},
        distinct_error_paths=4,
        ipv6_prefix=64,
    ),
    Rules(sliding_minute=True, ignore_waf_blocks=False, error_statuses=frozenset({403, 500})),
)
# Values as usual, and values that lie about a border of what is usual.
ADDRESSES = "192.0.2.1 198.51.100.77 203.0.113.255 2001:db8::1 2001:DB8:0:0::1 2001:db8::1:2 ::ffff:192.0.2.1".split()
ODD_ADDRESSES = """[2001:db8::1] [2001:db8::1]:443 192.0.2.1:80 192.0.2.01 192.0.2.256 192.0.2.00 1.2.3 x.x.x.x -
fe80::1%eth0 192.0.2.1. .192.0.2.1 0000:0000:0000:0000:0000:ffff:192.0.2.1 192.0.2.1234 2001:db8::1:443 192.0.2.1:065
[2001:0db8:0000:0000:0000:0000:0000:0001]:65535 [2001:0db8:0000:0000:0000:0000:0000:0001]:655350""".split()
PATHS = ["/", "/login", "/a.js", "/x/a.js?b", "/caf%C3%A9", "/login/"]
ODD_PATHS = ["/é", "", "-", "/" + "long/" * 60, "/" + "longer/" * 500, 'a"b\\', "/\0"]
STATUSES, ODD_STATUSES = ["200", "404", "403", "500"], ["000", "-", "40", "4o4", "1234", "", "4:4", "040"]
DAYS, ODD_DAYS = (
    ["2026-11-24"] * 9 + ["2026-11-25"],
    ["2026-02-30", "0000-01-01", "26-11-24", "2026/11/24", "2026-1-244"],
)
CLOCKS = ["05:06:07", "05:06:59", "05:07:00", "23:59:59", "00:00:00", "19:08:09"]
ODD_CLOCKS = [
    "24:00:00",
    "05:60:00",
    "05:06:60",
    "5:06:07",
    "05:06:07 ",
    "05-06-07",
    "0::06:07",
    "05:06:0/",
    "05:06:0:",
]
FIELDS = {
    "date": (DAYS, ODD_DAYS),
    "time": (CLOCKS, ODD_CLOCKS),
    "c-ip": (ADDRESSES, ODD_ADDRESSES),
    "cs-uri-stem": (PATHS, ODD_PATHS),
    "sc-status": (STATUSES, ODD_STATUSES),
    "x-edge-detailed-result-type": (["Error", "Error", "InvalidRequestBlocked"], [""]),
    "cs(Referer)": (["-"], ["InvalidRequestBlocked"]),
}
STANDARD = {"date": 0, "time": 1, "c-ip": 4, "cs-uri-stem": 7, "sc-status": 8, "cs(Referer)": 9}
STANDARD["x-edge-detailed-result-type"] = 28


def pick(draw, usual, odd):
    """Choose a value, most often a usual one: a line has several, and most lines must be as usual."""
    return draw.choice(odd if draw.random() < 0.02 else usual)


def cloudfront_log(draw):
    """Lines in the standard order, then perhaps a header of its own with its lines."""
    lines = []
    for _ in range(draw.randrange(150)):
        fields = ["-"] * pick(draw, [33], [24, 9, 8, 34])
        for name, place in STANDARD.items():
            if place < len(fields):
                fields[place] = pick(draw, *FIELDS[name])
        lines.append("\t".join(fields))
    for _ in range(draw.randrange(3)):
        names = draw.sample(sorted(FIELDS), draw.choice([5, 6, 7, 7, 7]))
        lines.append(pick(draw, ["#Fields: ", "#Fields:\t"], ["#fields: "]) + " ".join(names))
        lines += ["\t".join(pick(draw, *FIELDS[name]) for name in names) for _ in range(draw.randrange(90))]
    return [line.encode() for line in lines]


def alb_log(draw):
    """Lines of a load balancer."""
    return [alb_line(draw) for _ in range(draw.randrange(150))]


def alb_line(draw):
    time = pick(draw, DAYS, ODD_DAYS) + pick(draw, ["T"], ["t"]) + pick(draw, CLOCKS, ODD_CLOCKS)
    time += pick(draw, [".047920Z"], ["Z", ".0Z", ".04792oZ", "", ".Z", ",047920Z", ".047920z"])
    address = pick(draw, ADDRESSES, ODD_ADDRESSES)
    address += pick(draw, [":50337", ":443", ":0", ":65535"], ["", ":065", ":00", ":65536", ":99999", ":x", ":123456"])
    url = draw.choice(["http://example.com:80", "https://[2001:db8::1]", "", "http://ex\\ample"])
    url += pick(draw, PATHS, ODD_PATHS) + draw.choice(["", "", "?q=1 2", "#f?g", '\\"', "\\?x"])
    end = draw.choice([" HTTP/1.1", " HTTP/2.0", "", "- ", " HTTP/1.1 HTTP/1.1"])
    request = draw.choice(['"GET ', '"GET ', '"- ', '"GET', "GET ", '" ', '"G\\ET ']) + url + end + '"'
    head = ["https", time, "app/web/" + pick(draw, "1", ["2" * 200]), address, "192.0.2.200:80", "0.001", "0.1", "0.0"]
    fields = [*head, "502", pick(draw, STATUSES, ODD_STATUSES), "152", "1391", request, '"a \\" 404"', "-", "TLSv1.3"]
    return " ".join(fields[: pick(draw, [16], [13, 12, 11, 10, 9])]).encode()


def waf_log(draw):
    """Lines of WAF."""
    return [waf_line(draw) for _ in range(draw.randrange(150))]


def waf_line(draw):
    stamp = pick(draw, [1795496767123, 1795496767999, 1795496827000, 0], [-1, 10**15, 10**30, "1", None, 1.5, True])
    value = pick(
        draw, ["", '{"clientIp":"192.0.2.99"}', 'a\\"}'], ["Inf", "\U0001f600", "\x01", "é", "\ud800", "\ufeff"]
    )
    request = {
        "clientIp": pick(draw, ADDRESSES, [*ODD_ADDRESSES, None, 5, "\x00"]),
        "headers": [{"name": '"httpRequest":{"clientIp":"192.0.2.98"', "value": value}],
        "uri": pick(draw, PATHS, [*ODD_PATHS, None, 7]),
    }
    document = {"timestamp": stamp, "action": "BLOCK", "httpRequest": pick(draw, [request], [None, [], "x", {}])}
    if draw.random() < 0.02:
        document.pop(draw.choice(sorted(document)))
    separators = draw.choice([(",", ":"), (",", ":"), None])
    text = json.dumps(document, ensure_ascii=draw.random() < 0.7, separators=separators)
    text = pick(
        draw, [text], [text + text, text + " ", text.replace('"BLOCK"', "Inf"), text.replace("BLOCK", '",,"'), "[1]"]
    )
    return pick(draw, [text], [text.replace('"action"', '"timestamp":5,"action"')]).encode("utf-8", "surrogatepass")


MUTATIONS = [b"", b"\n", b"\n\n", b"\r", b"\r\n", b"\t", b" ", b"\0", b"\xff", b"#", b"\x01", b'"', b"}", b":", b"9"]


def mutated(draw, lines):
    """Join lines to a log and change, cut or put in a few bytes."""
    log = bytearray(b"\n".join(lines))
    for _ in range(draw.choice([0, 0, 1, 4, 20])):
        place = draw.randrange(len(log) + 1)
        log[place : place + draw.randrange(3)] = draw.choice(MUTATIONS)
    return bytes(log) + draw.choice([b"", b"\n", b"\r\n", b"\n \n"])


@pytest.fixture(autouse=True)
def _no_line_is_read_singly_for_its_company(monkeypatch):
    """Otherwise small blocks would never come to the fast reader."""
    monkeypatch.setattr("include.scanner_block.logs.counting._FEW", 1)


def the_same(log, log_format, rules, size, packed):
    """Count a log both ways."""
    stream = io.BytesIO(gzip.compress(log, 1, mtime=0) if packed else log)
    ours = count_stream(stream, log_format=log_format, rules=rules, place="log", block_bytes=size)
    peer = parse(io.BytesIO(log), log_format, rules)
    rows = {
        (row["at"], row["client"], row["uri"], row["path"]): (row["requests"], row["last"])
        for row in ours.table.to_pylist()
    }
    assert rows == {key: (count, peer.last[key]) for key, count in peer.requests.items()}
    assert len(rows) == ours.table.num_rows
    assert (ours.lines, ours.unreadable, ours.clients) == (peer.lines, peer.unreadable, len(peer.clients))
    assert len(ours.examples) == min(5, peer.unreadable)


SEEDS = st.integers(0, 2**32)
AROUND = (st.sampled_from(RULES), st.sampled_from([1, 700, 3_000, 1 << 20, 1 << 20]), st.booleans())
FIXED = [HealthCheck.function_scoped_fixture]  # it patches a constant, for all examples alike


@settings(derandomize=True, deadline=None, max_examples=120, suppress_health_check=FIXED)
@given(SEEDS, *AROUND)
def test_scanner_logs_of_cloudfront_mean_the_same_to_both_readers(seed, rules, size, packed):
    draw = random.Random(seed)
    the_same(mutated(draw, cloudfront_log(draw)), LogFormat.CLOUDFRONT, rules, size, packed)


@settings(derandomize=True, deadline=None, max_examples=100, suppress_health_check=FIXED)
@given(SEEDS, *AROUND)
def test_scanner_logs_of_load_balancers_mean_the_same_to_both_readers(seed, rules, size, packed):
    draw = random.Random(seed)
    the_same(mutated(draw, alb_log(draw)), LogFormat.ALB, rules, size, packed)


@settings(derandomize=True, deadline=None, max_examples=100, suppress_health_check=FIXED)
@given(SEEDS, *AROUND)
def test_scanner_logs_of_waf_mean_the_same_to_both_readers(seed, rules, size, packed):
    draw = random.Random(seed)
    the_same(mutated(draw, waf_log(draw)), LogFormat.WAF, rules, size, packed)


@pytest.mark.parametrize("last", ["cs-uri-stem", "sc-status", "c-ip"])
def test_scanner_logs_whose_last_field_ends_in_a_carriage_return_mean_the_same_to_both_readers(last):
    values = {"date": "2026-11-24", "time": "05:06:07", "c-ip": "192.0.2.1", "cs-uri-stem": "/", "sc-status": "404"}
    order = [name for name in values if name != last] + [last]
    line = "\t".join(values[name] for name in order)
    log = f"#Fields: {' '.join(order)}\r\n" + f"{line}\r\n" * 50
    the_same(log.encode(), LogFormat.CLOUDFRONT, RULES[0], 1 << 20, packed=False)
    the_same(log.encode(), LogFormat.CLOUDFRONT, Rules(ignored_suffixes=("/",)), 1 << 20, packed=False)


@pytest.mark.parametrize("size", [1, 4_000, 1 << 20])
def test_scanner_logs_with_other_headers_in_the_middle_mean_the_same_to_both_readers(size):
    usual = b"2026-11-24\t05:06:07\tFRA\t1\t192.0.2.1\tGET\th\t/x\t404" + b"\t-" * 24 + b"\n"
    other = b"404\t/y\t2001:db8::1\t05:06:08\t2026-11-24\r\n"
    headers = (b"#Fields: sc-status cs-uri-stem c-ip time date\n", b"#Fields: date time c-ip\n")
    log = usual * 50 + headers[0] + other * 70 + headers[1] + usual * 40 + b"# comment\n" + headers[0] + other * 3
    the_same(log, LogFormat.CLOUDFRONT, RULES[1], size, packed=False)
