"""Addresses of clients: one spelling for each, networks as merged ranges, and patterns for SQL."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_network
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network

_MAPPED: Final = b"\0" * 10 + b"\xff\xff"
_FIRST_BYTES: Final = b"\0" * 12
_PORT: Final = re.compile(r"0|[1-9][0-9]{0,4}")
_PREFIX_LENGTH: Final = re.compile(r"0|[1-9][0-9]{0,2}")
_LAST_PORT: Final = 65_535

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_GROUP: Final = "[0-9A-Fa-f]{1,4}"

V4_PATTERN: Final = rf"(?:(?:{_OCTET}[.]){{3}}{_OCTET})"
"""Exactly the IPv4 addresses that Python's ipaddress reads; RE2 syntax, not anchored."""

_END: Final = f"(?:{_GROUP}:{_GROUP}|{V4_PATTERN})"  # the last 32 bits, RFC 3986's ls32

V6_PATTERN: Final = (
    "(?:"
    + "|".join(
        [
            f"(?:{_GROUP}:){{6}}{_END}",
            f"::(?:{_GROUP}:){{5}}{_END}",
            f"(?:{_GROUP})?::(?:{_GROUP}:){{4}}{_END}",
            f"(?:(?:{_GROUP}:){{0,1}}{_GROUP})?::(?:{_GROUP}:){{3}}{_END}",
            f"(?:(?:{_GROUP}:){{0,2}}{_GROUP})?::(?:{_GROUP}:){{2}}{_END}",
            f"(?:(?:{_GROUP}:){{0,3}}{_GROUP})?::{_GROUP}:{_END}",
            f"(?:(?:{_GROUP}:){{0,4}}{_GROUP})?::{_END}",
            f"(?:(?:{_GROUP}:){{0,5}}{_GROUP})?::{_GROUP}",
            f"(?:(?:{_GROUP}:){{0,6}}{_GROUP})?::",
        ]
    )
    + ")"
)
"""Exactly the IPv6 addresses without a scope id that Python's ipaddress reads, mapped IPv4 among them; RE2 syntax, not
anchored. The alternatives are those of IPv6address in RFC 3986, section 3.2.2."""


def canonical(text: str) -> str | None:
    """Return the one spelling of an address, or None where the text is none.

    Read are `192.0.2.1`, `192.0.2.1:port`, IPv6 in any spelling, `[v6]` and `[v6]:port`. IPv6 comes back as RFC 5952
    says, an IPv4-mapped address as its IPv4. Scope ids, leading zeros of IPv4, blanks and all else are refused.
    """
    found = _plain(text)
    if found is not None:
        return found
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        ended = bracket and (not rest or (rest[0] == ":" and _is_port(rest[1:])))
        return _plain(address) if ended and ":" in address else None
    address, colon, port = text.partition(":")
    return _plain_v4(address) if colon and _is_port(port) else None


def alb_client(text: str) -> str | None:
    """Return the client of an ALB log's `client:port`, or None.

    Without brackets the last group of an IPv6 is the port if the rest is an address, else the whole text is tried.
    """
    address, colon, port = text.rpartition(":")
    if colon and not text.startswith("[") and _is_port(port):
        found = _plain(address)
        if found is not None:
            return found
    return canonical(text)


def client_key(address: str, *, ipv6_prefix: int) -> str:
    """Return what is counted for a canonical address: itself, or its IPv6 network as `2001:db8:1:2::/64`."""
    if ipv6_prefix == 128 or ":" not in address:
        return address
    return str(IPv6Network((address, ipv6_prefix), strict=False))


def cidr(client: str) -> str:
    """Return a client as WAF writes it: `192.0.2.1/32`, `2001:db8::1/128`; networks stay."""
    if "/" in client:
        return client
    return f"{client}/{128 if ':' in client else 32}"


def is_ipv6(client: str) -> bool:
    """Say whether a client (an address or a network) is IPv6."""
    return ":" in client


def address_order(client: str) -> tuple[int, int, int]:
    """Return a key that sorts clients by number, IPv4 first: version, first address, last address.

    :raises ValueError: it is neither an address nor a network.
    """
    return _range(client)


@dataclass(frozen=True, slots=True)
class Networks:
    """Addresses as merged, sorted ranges; `len` counts the ranges, so it is 0 for none.

    IPv4 and IPv6 are apart: `::/0` holds no IPv4 address, while `::ffff:192.0.2.0/120` is `192.0.2.0/24`.
    """

    v4: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    v6: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())

    @classmethod
    def of(cls, networks: Iterable[str]) -> Networks:
        """Return the union of addresses and CIDRs; host bits are allowed.

        :raises ValueError: one is neither; it is named.
        """
        found = [_range(network) for network in networks]
        return cls(*(_merged((first, last) for its, first, last in found if its == version) for version in (4, 6)))

    def overlap(self, client: str) -> bool:
        """Say whether an address or a network has an address in common with these.

        :raises ValueError: the client is neither an address nor a network.
        """
        version, first, last = _range(client)
        firsts, lasts = self.v4 if version == 4 else self.v6
        before = bisect_right(firsts, last)
        return before > 0 and lasts[before - 1] >= first

    def __or__(self, other: Networks) -> Networks:
        pairs = ((self.v4, other.v4), (self.v6, other.v6))
        return Networks(*(_merged([*zip(*mine, strict=True), *zip(*theirs, strict=True)]) for mine, theirs in pairs))

    def __len__(self) -> int:
        return len(self.v4[0]) + len(self.v6[0])


def network_of(text: str) -> IPv4Network | IPv6Network:
    """Return an address or a CIDR as a network, without its host bits; mapped IPv6 is IPv4.

    :raises ValueError: it is neither; network masks, scope ids and blanks are refused as well.
    """
    address, slash, length = text.partition("/")
    found = _plain(address)
    if found is None or (slash and not _PREFIX_LENGTH.fullmatch(length)):
        raise ValueError(f"{text!r} is no address and no network; write it as 192.0.2.0/24 or 2001:db8::/32.")
    written, bits = (128, int(length or 128)) if ":" in address else (32, int(length or 32))
    shortened = written == 128 and ":" not in found
    if bits > written:
        raise ValueError(f"{text!r} has a prefix longer than {written} bits; shorten it.")
    if not shortened:
        return ip_network((found, bits), strict=False)
    if bits >= 96:
        return ip_network((found, bits - 96), strict=False)
    return IPv6Network((address, bits), strict=False)


def _plain(text: str) -> str | None:
    """Return the one spelling of an address without port or brackets."""
    if ":" not in text:
        return _plain_v4(text)
    try:
        packed = inet_pton(AF_INET6, text)
    except (OSError, ValueError):
        return None
    start = packed[:12]
    if start == _MAPPED:
        return inet_ntop(AF_INET, packed[12:])
    if start == _FIRST_BYTES:  # the C library writes `::1.2.3.4` here, RFC 5952 groups
        return str(IPv6Address(packed))
    return inet_ntop(AF_INET6, packed)


def _plain_v4(text: str) -> str | None:
    try:
        inet_pton(AF_INET, text)
    except (OSError, ValueError):
        return None
    return text


def _is_port(text: str) -> bool:
    return _PORT.fullmatch(text) is not None and int(text) <= _LAST_PORT


def _range(client: str) -> tuple[int, int, int]:
    """Return version, first and last address; addresses take the short way, networks the thorough one."""
    if "/" not in client:
        try:
            if ":" not in client:
                number = int.from_bytes(inet_pton(AF_INET, client), "big")
                return 4, number, number
            packed = inet_pton(AF_INET6, client)
        except (OSError, ValueError):
            raise ValueError(f"{client!r} is no address and no network; write it as 192.0.2.1.") from None
        mapped = packed[:12] == _MAPPED
        number = int.from_bytes(packed[12:] if mapped else packed, "big")
        return 4 if mapped else 6, number, number
    network = network_of(client)
    return network.version, int(network.network_address), int(network.broadcast_address)


def _merged(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    firsts: list[int] = []
    lasts: list[int] = []
    for first, last in sorted(ranges):
        if lasts and first <= lasts[-1] + 1:
            lasts[-1] = max(lasts[-1], last)
        else:
            firsts.append(first)
            lasts.append(last)
    return tuple(firsts), tuple(lasts)
