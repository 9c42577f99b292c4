"""Canonical addresses, cards and tags: for the few values that SQL does not see as plain already."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

_SPLIT: Final = re.compile(r"[,;|\s]+")
_MAC_SPLIT: Final = re.compile(r"[,;|\s]+(?=[0-9A-Fa-f]{2}[:.\-]|[0-9A-Fa-f]{4}\.|[0-9A-Fa-f]{12}\b)|[,;|]+")
_NOT_HEX: Final = re.compile(r"[^0-9a-f]")


def address(text: str) -> str | None:
    """Return an IP address as canonical text: without mask, zone, brackets or leading zeros; None when it is none."""
    bare = text.strip("[]()'\"").split("/", 1)[0].split("%", 1)[0]
    parts = bare.split(".")
    if len(parts) == 4 and all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        bare = ".".join(str(int(part)) for part in parts)
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return None if found.is_unspecified else str(found)


def addresses(text: str | None) -> list[str] | None:
    """Return the addresses in a cell, each once, in order; None when there is none."""
    found = dict.fromkeys(one for part in _SPLIT.split(text or "") if part and (one := address(part)))
    return list(found) or None


def not_addresses(text: str | None) -> str | None:
    """Return what in the cell is no address; None when all are."""
    odd = [part for part in _SPLIT.split(text or "") if part and address(part) is None]
    return " ".join(odd) or None


def mac(text: str) -> str | None:
    """Return a MAC address in lower case with colons; None when it is none."""
    digits = _NOT_HEX.sub("", text.lower())
    if len(digits) != 12 or digits == "0" * 12:
        return None
    return ":".join(digits[start : start + 2] for start in range(0, 12, 2))


def macs(text: str | None) -> list[str] | None:
    """Return the MAC addresses in a cell, each once, in order; None when there is none."""
    found = dict.fromkeys(one for part in _MAC_SPLIT.split(text or "") if part and (one := mac(part)))
    return list(found) or None


def tags(text: str | None) -> dict[str, str] | None:
    """Return `name:value` or `name=value` pairs, separated by comma, semicolon or bar; the first of a name counts."""
    found: dict[str, str] = {}
    for part in re.split(r"[,;|]", text or ""):
        name, sign, value = part.partition(":" if ":" in part else "=")
        if name.strip():
            found.setdefault(name.strip(), value.strip() if sign else "")
    return found or None
