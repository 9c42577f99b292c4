"""An analyst takes an indicator out of the look-ups until a date, or lets it back; each with a reason."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from include.ioc_refresh.domains import ip_literal
from include.ioc_refresh.filenames import file_name_keys
from include.ioc_refresh.indicators import Suppression, entry_key
from include.ioc_refresh.keys import MAX_VALUE_BYTES, split_url
from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.table import IndicatorTable

LONGEST = timedelta(days=365)
SHORTEST_REASON = 10

_DEFANGED = (("hxxp", "http"), ("[.]", "."), ("(.)", "."), ("[:]", ":"))
_SHA256 = re.compile(r"[0-9a-f]{64}")


class SuppressionRefusedError(ValueError):
    """A request to suppress or release that cannot be carried out; the message names the field and what to give."""


def suppress(
    table: IndicatorTable, kind: Kind, value: str, *, until: datetime, by: str, reason: str, at: datetime
) -> dict[str, Any]:
    """Keep a value from hitting any mail until a time, evidence or not, from the next look-up on.

    A suppression that stands already is replaced. Returns the audit record, to be stored under `audit_name`. Raises
    SuppressionRefusedError for an end that is past or more than 365 days ahead, a reason under ten characters, no
    user, or a value that is none of its kind.
    """
    if not at < until <= at + LONGEST:
        raise SuppressionRefusedError(
            f"until: {until:%Y-%m-%d %H:%M} is not in the {LONGEST.days} days after {at:%Y-%m-%d %H:%M}; "
            "give an end within a year."
        )
    _check_words(by, reason)
    name = normalised(kind, value)
    suppression = Suppression(until=until, by=by.strip(), reason=reason.strip(), at=at)
    before = table.suppress(entry_key(kind, name), suppression)
    return {
        **_record("suppress", kind, name, by=by, reason=reason, at=at),
        "until": _iso(until),
        "had_evidence": before.indicator is not None,
        "replaced": _document(before.suppression),
    }


def release(table: IndicatorTable, kind: Kind, value: str, *, by: str, reason: str, at: datetime) -> dict[str, Any]:
    """Let a suppressed value hit mails again, where its evidence still stands.

    Returns the audit record. Raises SuppressionRefusedError when nothing suppresses the value, and as `suppress` does.
    """
    _check_words(by, reason)
    name = normalised(kind, value)
    key = entry_key(kind, name)
    entry = table.read([key]).get(key)
    if entry is None or entry.suppression is None:
        raise SuppressionRefusedError(f"value: {kind} {name!r} is not suppressed; check kind and spelling.")
    before = table.release(key)
    return {
        **_record("release", kind, name, by=by, reason=reason, at=at),
        "had_evidence": before.indicator is not None,
        "replaced": _document(before.suppression),
    }


def normalised(kind: Kind, value: str) -> str:
    """Return a value as the keys of mails are written, whichever way an analyst pasted it.

    Accepts defanged text (`hxxp://evil[.]example`), a whole URL where a domain is asked, and a
    file name where its pattern is asked. Raises SuppressionRefusedError for what is no value of the kind.
    """
    text = value.strip()
    name = _NORMALISERS.get(kind, str)(text)
    if not name or len(name.encode()) > MAX_VALUE_BYTES:
        raise SuppressionRefusedError(
            f"value: {text[:80]!r} is no {kind.replace('_', ' ')}; give the Identifier of the threat report."
        )
    return name


def audit_name(record: dict[str, Any]) -> str:
    """Return an object name for an audit record: its day, time and digest, so that none overwrites another."""
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:12]
    moment = datetime.fromisoformat(record["at"])
    return f"dt={moment:%Y-%m-%d}/{moment:%H%M%S}-{record['action']}-{digest}.json"


def _domain(text: str) -> str:
    """A sender's made-up name under no public suffix is a key too, so any host is taken."""
    host_like = _refanged(text).partition("://")[2] or _refanged(text)
    address = ip_literal(host_like)
    if address:
        return address
    link = split_url("http://" + host_like.rpartition("@")[2])
    return link.host if link and re.fullmatch(r"[a-z0-9_.:-]+", link.host) else ""


def _exact_url(text: str) -> str:
    rest = _refanged(text)
    link = split_url(rest if "://" in rest else "http://" + rest)
    return link.host + link.path_and_query if link else ""


def _hash(text: str) -> str:
    return text.lower() if _SHA256.fullmatch(text.lower()) else ""


def _file_name(text: str) -> str:
    if re.fullmatch(r"[a-z0-9]{1,8} is \S+/\S+", text.lower()):
        return text.lower()
    return next(iter(file_name_keys(text, None)), "")


def _refanged(text: str) -> str:
    for written, meant in _DEFANGED:
        text = text.replace(written, meant)
    return text


_NORMALISERS: dict[Kind, Callable[[str], str]] = {
    Kind.LINK_DOMAIN: _domain,
    Kind.SENDER_DOMAIN: _domain,
    Kind.EXACT_URL: _exact_url,
    Kind.ATTACHMENT_HASH: _hash,
    Kind.FILE_NAME: _file_name,
}
"""Path shapes and resource URLs are taken as they stand: only the report shows how they are written."""


def _check_words(by: str, reason: str) -> None:
    if len(reason.strip()) < SHORTEST_REASON:
        raise SuppressionRefusedError(f"reason: give at least {SHORTEST_REASON} characters that tell why.")
    if not by.strip():
        raise SuppressionRefusedError("by: a user name is required.")


def _record(action: str, kind: Kind, value: str, *, by: str, reason: str, at: datetime) -> dict[str, Any]:
    who = {"by": by.strip(), "reason": reason.strip(), "at": _iso(at)}
    return {"action": action, "kind": str(kind), "value": value, "ioc": entry_key(kind, value), **who}


def _document(suppression: Suppression | None) -> dict[str, str] | None:
    if suppression is None:
        return None
    return {
        "until": _iso(suppression.until),
        "by": suppression.by,
        "reason": suppression.reason,
        "at": _iso(suppression.at),
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
