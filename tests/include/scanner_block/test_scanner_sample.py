"""The busy log: as AWS writes logs, the same for the same wish, with those in it who were planted."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import pytest

from include.scanner_block.policy_model import ERROR_STATUSES, LogFormat
from include.scanner_block.sample.busy_logs import GATEWAY, Traffic, busy_log
from include.scanner_block.sample.lines import CLOUDFRONT_FIELDS
from include.scanner_block.sample.traffic import Scanner

START = datetime(2026, 11, 24, 5, 50, tzinfo=UTC)
SCANNERS = (
    Scanner(address="203.0.113.250", starts=START + timedelta(minutes=2), ends=START + timedelta(minutes=8)),
    Scanner(address="2001:db8:bad::1", starts=START, ends=START + timedelta(minutes=4), per_minute=120),
)
TRAFFIC = Traffic(start=START, minutes=15, requests_per_minute=400, clients=3000, scanners=SCANNERS)
DOCUMENTATION = [ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]


def cloudfront_rows() -> list[dict[str, str]]:
    rows = []
    for _, body in busy_log(TRAFFIC):
        version, fields, *lines = gzip.decompress(body).decode().splitlines()
        assert version == "#Version: 1.0"
        assert fields.removeprefix("#Fields: ").split(" ") == CLOUDFRONT_FIELDS
        rows += [dict(zip(CLOUDFRONT_FIELDS, line.split("\t"), strict=True)) for line in lines]
    return rows


def test_the_same_wish_gives_the_same_bytes_and_another_seed_others() -> None:
    assert list(busy_log(TRAFFIC)) == list(busy_log(TRAFFIC))
    assert list(busy_log(TRAFFIC)) != list(busy_log(replace(TRAFFIC, seed=2)))


def test_a_later_beginning_gives_the_same_objects_for_the_same_time() -> None:
    later = replace(TRAFFIC, start=START + timedelta(minutes=5), minutes=10)
    assert list(busy_log(later)) == list(busy_log(TRAFFIC))[2:]


def test_objects_are_named_after_the_hour_of_their_requests() -> None:
    keys = [key for key, _ in busy_log(TRAFFIC)]
    hours = [key.rsplit(".", 2)[0] for key in keys]
    assert hours == 4 * ["cf/E2EXAMPLE.2026-11-24-05"] + 2 * ["cf/E2EXAMPLE.2026-11-24-06"]
    assert len(set(keys)) == 6


def test_planted_clients_make_their_errors_in_their_time_and_people_stay_far_below() -> None:
    errors: Counter[tuple[str, str]] = Counter()
    for row in cloudfront_rows():
        if int(row["sc-status"]) in ERROR_STATUSES:
            errors[row["c-ip"], row["time"][:5]] += 1
    first, second = (scanner.address for scanner in SCANNERS)
    assert {minute: count for (client, minute), count in errors.items() if client == first} == {
        f"05:5{minute}": 300 for minute in range(2, 8)
    }
    assert {minute: count for (client, minute), count in errors.items() if client == second} == {
        f"05:5{minute}": 120 for minute in range(4)
    }
    assert {count for (client, _), count in errors.items() if client == GATEWAY} == {90}
    planted = {first, second, GATEWAY}
    assert max(count for (client, _), count in errors.items() if client not in planted) <= 4


def test_a_minute_lies_in_several_objects_and_thousands_of_clients_ask() -> None:
    rows = cloudfront_rows()
    clients = {row["c-ip"] for row in rows}
    assert len(clients) > 2000
    assert {ip_address(client).version for client in clients} == {4, 6}
    assert all(any(ip_address(client) in network for network in DOCUMENTATION) for client in clients)
    assert len({row["x-edge-location"] for row in rows}) == 8


@pytest.mark.parametrize("log_format", [LogFormat.ALB, LogFormat.WAF])
def test_load_balancers_and_waf_log_the_same_requests(log_format: LogFormat) -> None:
    deliveries = list(busy_log(replace(TRAFFIC, minutes=5), log_format=log_format))
    lines = [line for _, body in deliveries for line in gzip.decompress(body).decode().splitlines()]
    assert len(lines) == 5 * 400 + 5 * 90 + 3 * 300 + 4 * 120
    assert all("/2026/11/24/" in key for key, _ in deliveries)
    if log_format is LogFormat.WAF:
        clients = [json.loads(line)["httpRequest"]["clientIp"] for line in lines]
    else:
        clients = [line.split(" ")[3].rpartition(":")[0].strip("[]") for line in lines]
    assert clients.count("203.0.113.250") == 3 * 300


def test_any_number_of_objects_shares_all_lines() -> None:
    few, many = (
        sorted(line for _, body in busy_log(replace(TRAFFIC, minutes=5, objects=objects))
               for line in gzip.decompress(body).splitlines() if not line.startswith(b"#"))
        for objects in (1, 3)
    )  # fmt: skip
    assert few == many


def test_without_a_gateway_there_is_none() -> None:
    bodies = [gzip.decompress(body) for _, body in busy_log(replace(TRAFFIC, gateway_per_minute=0))]
    assert not any(GATEWAY.encode() in body for body in bodies)
