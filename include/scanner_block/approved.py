"""The approved list: addresses and networks that are never blocked, from one JSON file; read wholly or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from include.scanner_block.addresses import Networks, network_of

MOST_BYTES: Final = 1024 * 1024
LIST_KEYS: Final = ("approved", "addresses", "cidrs", "networks", "ips", "ipv4", "ipv6")
"""Keys of an object that may hold lists; new entries go to the first that is there."""
ADDRESS_KEYS: Final = ("cidr", "address", "ip", "network")
REASON_KEYS: Final = ("reason", "description", "comment")


class ApprovedListError(ValueError):
    """The list cannot be read, so nobody knows who is approved: nothing may be blocked or unblocked."""


@dataclass(frozen=True, slots=True)
class ApprovedEntry:
    """An approved network as a CIDR without host bits, why, and until when (None: for good)."""

    cidr: str
    reason: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Approved:
    """Who is approved; `entries` has all lines of the file, `networks` the union of those in force."""

    networks: Networks
    entries: tuple[ApprovedEntry, ...] = ()


def read_approved(body: bytes, *, source: str, now: datetime | None = None) -> Approved:
    """Read the list: JSON texts and objects in a list, or lists under the keys of LIST_KEYS in an object.

    An object names its network under one of ADDRESS_KEYS; it may have a reason (REASON_KEYS) and `until` (ISO 8601 with
    a zone). An empty list is readable and approves nobody.

    :param source: the place of the file, for messages.
    :param now: entries whose `until` has come are not in force; without it all are.
    :raises ApprovedListError: anything in it is not understood; what and where is told.
    """
    document = _document(body, source=source)
    found = [_entry(item, where=f"{source}, {place}") for place, item in _items(document, source=source)]
    in_force = (entry.cidr for entry in found if now is None or entry.until is None or entry.until > now)
    return Approved(Networks.of(in_force), tuple(found))


def add_approved(body: bytes | None, *, network: str, reason: str, by: str, at: datetime) -> bytes:
    """Return the file with one more network; what is in it stays, and a network that is there for good is not doubled.

    A list that holds texts only gets a text, so that others who read the file still can; else an object with `cidr`,
    `reason`, `by` and `at` is added. Without a file there will be `{"approved": [...]}`.

    :raises ApprovedListError: the file cannot be read, or would grow over 1 MiB.
    :raises ValueError: the network is none, or there is no reason or name.
    """
    cidr = str(network_of(network))
    if not reason.strip() or not by.strip():
        raise ValueError(f"{cidr} is approved without a reason or a name; give both.")
    document: Any = {"approved": []} if body is None else _document(body, source="the approved list")
    entries = [] if body is None else read_approved(body, source="the approved list").entries
    if body is not None and any(entry.cidr == cidr and entry.until is None for entry in entries):
        return body
    target = _list_for(document, is_ipv6=":" in cidr)
    texts_only = bool(target) and all(isinstance(item, str) for item in target)
    target.append(cidr if texts_only else {"cidr": cidr, "reason": reason, "by": by, "at": at.isoformat()})
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    grown = text.encode(errors="backslashreplace")  # JSON escapes a lone surrogate in the same way
    if len(grown) > MOST_BYTES:
        raise ApprovedListError(f"The approved list would have {len(grown)} bytes of {MOST_BYTES}; remove entries.")
    return grown


def _list_for(document: Any, *, is_ipv6: bool) -> list[Any]:
    if isinstance(document, list):
        return document
    own, other = ("ipv6", "ipv4") if is_ipv6 else ("ipv4", "ipv6")
    for key in (own, *LIST_KEYS):
        if key in document and key != other:
            return _list_at(document, key)
    return _list_at(document, own)


def _list_at(document: dict[str, Any], key: str) -> list[Any]:
    found: list[Any] = document.setdefault(key, [])
    return found


def _document(body: bytes, *, source: str) -> Any:
    if len(body) > MOST_BYTES:
        raise ApprovedListError(f"{source} has {len(body)} bytes; at most {MOST_BYTES} are read, join its networks.")
    try:
        text = body.decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ApprovedListError(f"{source} is no JSON that can be read ({error}); restore its last version.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _items(document: Any, *, source: str) -> list[tuple[str, Any]]:
    if isinstance(document, list):
        return [(f"entry {number}", item) for number, item in enumerate(document, 1)]
    lists = [key for key in LIST_KEYS if isinstance(document, dict) and key in document]
    if not lists:
        raise ApprovedListError(f"{source} holds no list; write a JSON list of addresses, or one under `approved`.")
    for key, value in document.items():
        if isinstance(value, list) != (key in LIST_KEYS) or isinstance(value, dict):
            raise ApprovedListError(f"{source}: what stands under {key!r} is not understood; lists are {LIST_KEYS}.")
    return [(f"{key} {number}", item) for key in lists for number, item in enumerate(document[key], 1)]


def _entry(item: Any, *, where: str) -> ApprovedEntry:
    if isinstance(item, str):
        return ApprovedEntry(_cidr(item, where=where))
    if not isinstance(item, dict):
        raise ApprovedListError(f"{where} is neither a text nor an object; write an address or a CIDR in quotes.")
    named = [key for key in ADDRESS_KEYS if key in item]
    if len(named) != 1 or not isinstance(item[named[0]], str):
        raise ApprovedListError(f"{where} names no network, or several; give one text under `cidr`.")
    if any(isinstance(value, list | dict) for value in item.values()):
        raise ApprovedListError(f"{where} holds more than texts; write one object for each network.")
    reason = next((str(item[key]) for key in REASON_KEYS if item.get(key)), None)
    return ApprovedEntry(_cidr(item[named[0]], where=where), reason, _until(item.get("until"), where=where))


def _cidr(text: str, *, where: str) -> str:
    try:
        return str(network_of(text))
    except ValueError as error:
        raise ApprovedListError(f"{where}: {error}") from None


def _until(value: Any, *, where: str) -> datetime | None:
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ApprovedListError(f"{where}: until is {value!r}; write a time with its zone, as 2026-12-31T00:00:00Z.")
    return found
