"""The approved list is read wholly or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.scanner_block.approved import MOST_BYTES, ApprovedListError, add_approved, read_approved

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)


def read(document: Any) -> list[str]:
    body = json.dumps(document).encode()
    return [entry.cidr for entry in read_approved(body, source="s3://b/approved.json").entries]


@pytest.mark.parametrize(
    "document",
    [
        ["192.0.2.1", "2001:db8::/32"],
        [{"cidr": "192.0.2.1"}, "2001:db8::7/32"],
        [{"ip": "192.0.2.1/32", "comment": "gateway"}, {"network": "2001:db8::/32", "by": "net", "at": "2026-11-24"}],
        {"approved": ["192.0.2.1", "2001:db8::/32"], "version": 3, "owner": "network team"},
        {"ipv4": ["::ffff:192.0.2.1"], "ipv6": [{"address": "2001:DB8::/32", "description": "office"}]},
        {"addresses": ["192.0.2.1"], "cidrs": ["2001:db8::/32"], "note": None},
    ],
)
def test_every_shape_approves_the_same(document: Any) -> None:
    assert read(document) == ["192.0.2.1/32", "2001:db8::/32"]


@pytest.mark.parametrize("document", [[], {"approved": []}, {"ipv4": [], "ipv6": []}])
def test_an_empty_list_is_readable_and_approves_nobody(document: Any) -> None:
    found = read_approved(json.dumps(document).encode(), source="here")
    assert (found.entries, len(found.networks)) == ((), 0)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (["192.0.2.1", "gateway"], "entry 2: 'gateway' is no address"),
        (["192.0.2.0/24", "192.0.2.0/33"], "prefix longer than 32"),
        (["192.0.2.1 "], "is no address"),
        ([""], "is no address"),
        ([3221225985], "entry 1 is neither a text nor an object"),
        ([None], "entry 1 is neither"),
        ([["192.0.2.1"]], "entry 1 is neither"),
        ([{"cdir": "192.0.2.1"}], "entry 1 names no network, or several"),
        ([{"cidr": "192.0.2.1", "ip": "192.0.2.2"}], "names no network, or several"),
        ([{"cidr": ["192.0.2.1"]}], "names no network, or several"),
        ([{"cidr": "192.0.2.1", "also": ["192.0.2.2"]}], "holds more than texts"),
        ([{"cidr": "192.0.2.1", "until": "tomorrow"}], "until is 'tomorrow'"),
        ([{"cidr": "192.0.2.1", "until": "2026-12-31T00:00:00"}], "with its zone"),
        ({}, "holds no list"),
        ({"approvd": ["192.0.2.1"]}, "holds no list"),
        ({"approved": ["192.0.2.1"], "others": ["192.0.2.2"]}, "'others' is not understood"),
        ({"approved": {"a": "192.0.2.1"}}, "'approved' is not understood"),
        ({"approved": None}, "'approved' is not understood"),
        ({"approved": "192.0.2.1"}, "'approved' is not understood"),
        ("192.0.2.1", "holds no list"),
        (None, "holds no list"),
    ],
)
def test_one_thing_that_is_not_understood_makes_the_whole_list_unreadable(document: Any, told: str) -> None:
    with pytest.raises(ApprovedListError, match=told) as caught:
        read(document)
    assert str(caught.value).startswith("s3://b/approved.json")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b'["192.0.2.1"] x',
        b"\xff\xfe[",
        b'["192.0.2.\xe9"]',
        b'{"approved": ["192.0.2.1"], "approved": []}',
        b'[{"cidr": "192.0.2.1", "cidr": "192.0.2.2"}]',
        b'{"approved": [], "n": NaN}',
        b"[" * 200_000,
        b'["192.0.2.1"]' + b" " * MOST_BYTES,
    ],
    ids=range(10),
)
def test_bytes_that_are_no_plain_json_are_unreadable(body: bytes) -> None:
    with pytest.raises(ApprovedListError, match=r"^here"):
        read_approved(body, source="here")


def test_a_byte_order_mark_costs_nothing() -> None:
    assert read_approved(b'\xef\xbb\xbf["192.0.2.1"]', source="here").networks.overlap("192.0.2.1")


def test_an_entry_ends_at_its_time_and_its_reason_is_kept() -> None:
    body = json.dumps([{"cidr": "192.0.2.1", "reason": "audit", "until": NOW.isoformat()}]).encode()
    found = read_approved(body, source="here", now=NOW)
    assert (found.entries[0].reason, found.entries[0].until) == ("audit", NOW)
    assert not found.networks.overlap("192.0.2.1")
    assert read_approved(body, source="here", now=NOW.replace(hour=5)).networks.overlap("192.0.2.1")
    assert read_approved(body, source="here").networks.overlap("192.0.2.1")


def add(document: Any, network: str = "198.51.100.7/24") -> Any:
    body = None if document is None else json.dumps(document).encode()
    return json.loads(add_approved(body, network=network, reason="partner", by="operator", at=NOW))


NEW = {"cidr": "198.51.100.0/24", "reason": "partner", "by": "operator", "at": "2026-11-24T06:00:00+00:00"}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (None, {"approved": [NEW]}),
        ([], [NEW]),
        (["192.0.2.1"], ["192.0.2.1", "198.51.100.0/24"]),
        ([{"ip": "192.0.2.1"}], [{"ip": "192.0.2.1"}, NEW]),
        ({"v": 1, "cidrs": []}, {"v": 1, "cidrs": [NEW]}),
        ({"ipv4": ["192.0.2.1"], "ipv6": []}, {"ipv4": ["192.0.2.1", "198.51.100.0/24"], "ipv6": []}),
        ({"ipv6": ["2001:db8::1"]}, {"ipv6": ["2001:db8::1"], "ipv4": [NEW]}),
    ],
)
def test_an_added_network_keeps_the_shape_of_the_file(document: Any, expected: Any) -> None:
    assert add(document) == expected


def test_a_network_that_is_there_for_good_changes_no_byte() -> None:
    body = b'[ "198.51.100.0/24" ]'
    assert add_approved(body, network="198.51.100.9/24", reason="again", by="operator", at=NOW) is body


def test_a_network_that_is_there_for_a_time_is_added_for_good() -> None:
    assert add([{"cidr": "198.51.100.0/24", "until": "2026-12-31T00:00:00Z"}])[1] == NEW


@pytest.mark.parametrize(
    "wrong", [{"network": "somewhere"}, {"reason": "  "}, {"by": ""}], ids=["network", "reason", "name"]
)
def test_nothing_is_approved_without_a_network_a_reason_and_a_name(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"is no address|without a reason"):
        add_approved(b"[]", **{"network": "192.0.2.1", "reason": "why", "by": "operator", "at": NOW, **wrong})


def test_nothing_is_added_to_a_list_that_cannot_be_read() -> None:
    with pytest.raises(ApprovedListError):
        add_approved(b'["gateway"]', network="192.0.2.1", reason="why", by="operator", at=NOW)


def test_a_list_does_not_grow_over_what_is_read() -> None:
    body = json.dumps([{"cidr": "192.0.2.1", "reason": "x" * (MOST_BYTES - 100)}]).encode()
    with pytest.raises(ApprovedListError, match="remove entries"):
        add_approved(body, network="192.0.2.2", reason="why", by="operator", at=NOW)


networks = st.sampled_from(["192.0.2.1", "192.0.2.0/25", "198.51.100.0/24", "2001:db8::/32", "2001:db8::1"])
plain = st.lists(networks | st.builds(lambda cidr: {"cidr": cidr, "reason": "grüße \ud800"}, networks), max_size=4)
documents = plain | st.dictionaries(st.sampled_from(["approved", "ipv4", "ipv6", "ips"]), plain, min_size=1)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(documents, networks)
def test_after_adding_everybody_from_before_and_the_new_one_are_approved(document: Any, network: str) -> None:
    body = json.dumps(document).encode()
    before = read_approved(body, source="here")
    after = read_approved(add_approved(body, network=network, reason="why", by="operator", at=NOW), source="here")
    assert {entry.cidr for entry in before.entries} <= {entry.cidr for entry in after.entries}
    assert after.networks == before.networks | read_approved(json.dumps([network]).encode(), source="x").networks
