"""Indicators as a STIX 2.1 bundle, for threat intelligence platforms.

Source: OASIS, STIX Version 2.1 (10 June 2021): 4.7 Indicator, 9 STIX Patterning. Plain documents are built, and held
against the stix2 library in the tests: its objects take a thousand times longer.
"""

import ipaddress
import re
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time
from typing import Any

from include.ioc_refresh.changes import Removal, RemovalReason
from include.ioc_refresh.indicators import Indicator
from include.ioc_refresh.kinds import Kind

NAMESPACE = uuid.UUID("5d6ad3c0-4c0f-5f0e-9d3b-6f1f1b0a7c11")
"""Of all ids made here: the same indicator has the same id in every bundle."""

IDENTITY_CREATED = "2026-01-01T00:00:00.000Z"
_FOLDED = "(?:[^/?#]{20,}|(?=[^/?#]*[A-Za-z])(?=[^/?#]*[0-9])[^/?#]+)"
"""What shapes.url_shape folds to `*`: a long segment, or one that mixes letters and digits."""

_SEPARATOR, _EDGE = r"[\s_.-]+", r"[\s_.-]*"


def stix_bundle(
    indicators: Iterable[Indicator], removed: Iterable[Removal] = (), *, as_of: datetime, sequence: int
) -> dict[str, Any]:
    """Return a bundle of the indicators as of a time, and as revoked those removed before their end of life.

    `created` and `valid_from` are the first day seen, `valid_until` the end of life. An expired indicator is not
    revoked: it was right while it was valid.
    """
    made_by = _id("identity", "landfall")
    identity = {
        "type": "identity",
        "spec_version": "2.1",
        "id": made_by,
        "created": IDENTITY_CREATED,
        "modified": IDENTITY_CREATED,
        "name": "Landfall IOC refresh",
        "identity_class": "system",
    }
    live = [_indicator(indicator, made_by, as_of) for indicator in indicators]
    gone = [
        {**_indicator(removal.indicator, made_by, as_of), "revoked": True}
        for removal in removed
        if removal.reason is not RemovalReason.EXPIRED
    ]
    ordered = sorted([*live, *gone], key=lambda document: str(document["id"]))
    return {"type": "bundle", "id": _id("bundle", f"{sequence}:{as_of.isoformat()}"), "objects": [identity, *ordered]}


def stix_pattern(kind: Kind, value: str) -> str:
    """Return the STIX pattern that matches what the indicator matches; folded parts become regular expressions."""
    return f"[{_COMPARISONS[kind](value)}]"


def _indicator(indicator: Indicator, made_by: str, as_of: datetime) -> dict[str, Any]:
    first = min(datetime.combine(indicator.first_day, time(), UTC), as_of)  # a mail's time may be an hour ahead
    ends = {"valid_until": _stamp(indicator.expires_at)} if indicator.expires_at > first else {}
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": _id("indicator", indicator.key),
        "created_by_ref": made_by,
        "created": _stamp(first),
        "modified": _stamp(as_of),
        "name": f"{indicator.kind}: {indicator.value}",
        "description": (
            f"{indicator.malicious} malicious and {indicator.benign} benign mails from {indicator.first_day} to "
            f"{indicator.last_day}, by query {indicator.query_version}."
        ),
        "indicator_types": ["malicious-activity"],
        "pattern": stix_pattern(indicator.kind, indicator.value),
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": _stamp(first),
        **ends,
        "labels": [str(indicator.kind)],
    }


def _domain(value: str) -> str:
    try:
        version = ipaddress.ip_address(value).version
    except ValueError:
        return f"domain-name:value = {_text(value)}"
    return f"ipv{version}-addr:value = {_text(value)}"


def _sender(value: str) -> str:
    return f"email-addr:value MATCHES {_text(f'(?i)[@.]{re.escape(value)}$')}"


def _exact_url(value: str) -> str:
    return f"url:value IN ({_text('https://' + value)}, {_text('http://' + value)})"


def _url_shape(value: str) -> str:
    """`0` stands for a number, `*` for a token; parameters stand sorted by name, in a URL in any order."""
    path, mark, query = value.partition("?")
    if "=" in query:  # not a shape: the very path and query of an object on a popular host
        return f"url:value MATCHES {_text(f'^https?://[^/?#]+{re.escape(value)}(#.*)?$')}"
    names = "".join(f"(?=[^#]*[?&]{re.escape(name)}(=|&|#|$))" for name in query.split("&") if mark)
    shape = _unfolded(path, {"*": _FOLDED, "0": r"\d+"})
    return f"url:value MATCHES {_text(f'(?i)^https?://[^/?#]+{names}{shape}([?#].*)?$')}"


def _file_name(value: str) -> str:
    extension, is_mismatch, detected = value.partition(" is ")
    if is_mismatch and "/" in detected:
        return f"file:name MATCHES {_text('(?i)' + _extension(extension))} AND file:mime_type = {_text(detected)}"
    stem, _, extension = value.rpartition(".")
    ending = _extension(extension)
    name = _unfolded(stem, {"*": "[0-9a-f]{8,}", "0": r"\d+", "-": _SEPARATOR})
    return f"file:name MATCHES {_text(f'(?i)^{_EDGE}{name}{_EDGE}{ending}')}"


def _extension(extension: str) -> str:
    return rf"\.{re.escape(extension)}$"


def _unfolded(text: str, marks: dict[str, str]) -> str:
    return "".join(marks.get(character) or re.escape(character) for character in text)


_COMPARISONS: dict[Kind, Callable[[str], str]] = {
    Kind.LINK_DOMAIN: _domain,
    Kind.SENDER_DOMAIN: _sender,
    Kind.EXACT_URL: _exact_url,
    Kind.PATH_SHAPE: _url_shape,
    Kind.RESOURCE_URL: _url_shape,
    Kind.ATTACHMENT_HASH: lambda value: f"file:hashes.'SHA-256' = {_text(value)}",
    Kind.FILE_NAME: _file_name,
}


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _id(kind: str, name: str) -> str:
    return f"{kind}--{uuid.uuid5(NAMESPACE, f'{kind}:{name}')}"


def _stamp(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
