"""One spelling for each address, and networks that know whom they hold."""

from __future__ import annotations

import re
import string
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.scanner_block.addresses import (
    V4_PATTERN,
    V6_PATTERN,
    Networks,
    address_order,
    alb_client,
    canonical,
    cidr,
    client_key,
    is_ipv6,
    network_of,
)

PROPERTY = settings(derandomize=True, deadline=None, max_examples=150)
THOROUGH = settings(PROPERTY, max_examples=300)

v4_numbers = st.integers(0, 2**32 - 1)
# Whole addresses, and those with zero groups where spelling is hard.
v6_numbers = st.integers(0, 2**128 - 1) | st.lists(
    st.sampled_from((0, 0, 0, 1, 0xFFFF, 0xDB8)), min_size=8, max_size=8
).map(lambda groups: sum(group << (16 * place) for place, group in enumerate(groups)))
number_texts = v4_numbers.map(lambda n: str(IPv4Address(n))) | v6_numbers.map(lambda n: str(IPv6Address(n)))
spellings = (
    number_texts
    | v6_numbers.map(lambda n: IPv6Address(n).exploded.upper())
    | st.tuples(v6_numbers, v4_numbers).map(
        lambda pair: ":".join(IPv6Address(pair[0]).exploded.split(":")[:6]) + f":{IPv4Address(pair[1])}"
    )
    | v4_numbers.map(lambda n: f"::ffff:{IPv4Address(n)}")
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """An address with a few letters put in, taken out or changed."""
    text = draw(spellings)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        letters = draw(
            st.sampled_from(("", ":", "::", ".", "0", "00", "1", "25", "256", "f", "g", " ", "%", "\n", "٣"))
        )
        text = text[:place] + letters + text[place + draw(st.integers(0, 2)) :]
    return text


def by_the_book(text: str) -> str | None:
    """The same by Python's ipaddress."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.scope_id is not None:
            return None
        return str(found.ipv4_mapped or found)
    return str(found)


@THOROUGH
@given(mutated() | spellings)
def test_the_spelling_is_that_of_ipaddress_and_mapped_addresses_are_ipv4(text: str) -> None:
    if re.fullmatch(r"[0-9.]+:[0-9]+", text):
        return  # with a port, which ipaddress does not read
    assert canonical(text) == by_the_book(text)


@THOROUGH
@given(mutated() | spellings | st.text(alphabet=string.hexdigits + ":.", max_size=40))
def test_the_patterns_accept_what_ipaddress_accepts_and_nothing_else(text: str) -> None:
    version = None
    if "%" not in text:
        try:
            version = ip_address(text).version
        except ValueError:
            version = None
    assert (re.fullmatch(V4_PATTERN, text) is not None) == (version == 4)
    assert (re.fullmatch(V6_PATTERN, text) is not None) == (version == 6)


def test_the_patterns_use_only_what_re2_knows() -> None:
    for pattern in (V4_PATTERN, V6_PATTERN):
        assert not re.search(r"\(\?[^:]|\\[1-9]|[*+?}][+]", pattern)


@PROPERTY
@given(spellings)
def test_a_canonical_address_stays_as_it_is(text: str) -> None:
    once = canonical(text)
    assert once is not None
    assert canonical(once) == once


@PROPERTY
@given(spellings, st.integers(0, 65_535))
def test_a_port_and_brackets_change_no_address(text: str, port: int) -> None:
    expected = canonical(text)
    written = f"[{text}]" if ":" in text else text
    assert canonical(f"{written}:{port}") == expected
    assert alb_client(f"{written}:{port}") == expected
    assert alb_client(f"{text}:{port}") == expected  # older ALBs write IPv6 without brackets


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "192.0.2.01",
        "192.0.2.1 ",
        " 192.0.2.1",
        "192.0.2.1/32",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.1:",
        "192.0.2.1:65536",
        "192.0.2.1:080",
        "192.0.2.1\x00",
        "[192.0.2.1]",
        "[192.0.2.1]:80",
        "fe80::1%eth0",
        "[fe80::1%eth0]:80",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]80",
        "[2001:db8::1]:",
        "[2001:db8::1]:x",
        "[]",
        "[[2001:db8::1]]",
        "2001:db8::1::",
        "1.2.3.4.5",
        "0x7f.0.0.1",
        "3221225985",
        "\ud800",
        "example.com:443",
    ],
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert canonical(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:c000:201]:443", "192.0.2.1"),
        ("::c000:201", "::c000:201"),
        ("192.0.2.1:443", "192.0.2.1"),
        ("2001:db8::1:443", "2001:db8::1:443"),
    ],
)
def test_spellings_of_rfc_5952(text: str, expected: str) -> None:
    assert canonical(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1:2817", "192.0.2.1"),
        ("2001:db8::1:443", "2001:db8::1"),
        ("2001:db8:0:0:0:0:0:1:443", "2001:db8::1"),
        ("2001:db8:::443", "2001:db8::"),
        ("2001:db8::abcd", "2001:db8::abcd"),
        ("2001:db8::99999", None),
        ("::1", "::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("192.0.2.1", "192.0.2.1"),
        ("-", None),
    ],
)
def test_the_port_of_an_alb_log_comes_off(text: str, expected: str | None) -> None:
    assert alb_client(text) == expected


def test_ipv6_is_grouped_by_64_and_ipv4_never() -> None:
    assert client_key("2001:db8:1:2:3::4", ipv6_prefix=64) == "2001:db8:1:2::/64"
    assert client_key("2001:db8:1:2:3::4", ipv6_prefix=128) == "2001:db8:1:2:3::4"
    assert client_key("192.0.2.1", ipv6_prefix=64) == "192.0.2.1"


def test_a_client_becomes_a_cidr_as_waf_writes_it() -> None:
    assert [cidr(one) for one in ("192.0.2.1", "2001:db8::1", "2001:db8::/64")] == [
        "192.0.2.1/32",
        "2001:db8::1/128",
        "2001:db8::/64",
    ]
    assert [is_ipv6(one) for one in ("192.0.2.1", "2001:db8::1", "2001:db8::/64")] == [False, True, True]


def test_clients_are_sorted_by_number_ipv4_first() -> None:
    wanted = ["192.0.2.9", "192.0.2.10", "198.51.100.7", "2001:db8::", "2001:db8::/64", "2001:db8::9", "2001:db8::10"]
    assert sorted(sorted(wanted), key=address_order) == wanted


prefixes = st.tuples(v4_numbers, st.integers(0, 32)).map(lambda pair: f"{IPv4Address(pair[0])}/{pair[1]}") | st.tuples(
    v6_numbers, st.integers(97, 128)
).map(lambda pair: f"{IPv6Address(pair[0])}/{pair[1]}")
near = st.integers(0, 255).map(lambda n: f"192.0.2.{n}") | st.integers(0, 255).map(lambda n: f"2001:db8::{n:x}")
near_networks = st.tuples(st.integers(0, 255), st.integers(24, 32)).map(lambda pair: f"192.0.2.{pair[0]}/{pair[1]}") | (
    st.tuples(st.integers(0, 255), st.integers(112, 128)).map(lambda pair: f"2001:db8::{pair[0]:x}/{pair[1]}")
)


@PROPERTY
@given(st.lists(near | near_networks | prefixes, max_size=12), near | near_networks)
def test_networks_overlap_as_ipaddress_says(networks: list[str], client: str) -> None:
    one = ip_network(client, strict=False)
    others = [ip_network(str(network_of(network))) for network in networks]
    expected = any(one.version == other.version and one.overlaps(other) for other in others)
    assert Networks.of(networks).overlap(client) is expected


@PROPERTY
@given(st.lists(near | near_networks, max_size=8), st.lists(near | near_networks, max_size=8))
def test_the_union_is_that_of_all_networks(some: list[str], others: list[str]) -> None:
    union = Networks.of(some) | Networks.of(others)
    assert union == Networks.of([*others, *some])
    assert len(union) <= len(some) + len(others)


def test_neighbours_are_one_range_and_nobody_is_in_an_empty_one() -> None:
    assert len(Networks.of(["192.0.2.0/25", "192.0.2.128/25"])) == 1
    assert len(Networks()) == 0
    assert not Networks().overlap("192.0.2.1")


def test_mapped_networks_are_ipv4_and_ipv6_networks_hold_no_ipv4() -> None:
    assert Networks.of(["::ffff:192.0.2.0/120"]).overlap("192.0.2.77")
    assert Networks.of(["192.0.2.0/24"]).overlap("::ffff:192.0.2.77")
    assert not Networks.of(["::/0"]).overlap("192.0.2.1")
    assert str(network_of("::ffff:192.0.2.1/64")) == "::/64"


@pytest.mark.parametrize(
    "text",
    ["192.0.2.0/33", "2001:db8::/129", "192.0.2.0/255.255.255.0", "192.0.2.0/", "192.0.2.0/024", "fe80::1%1/64", "any"],
)
def test_a_network_that_is_none_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        Networks.of(["192.0.2.1", text])
