"""What the front door makes of a record: its row for the lake, its receipt, its verdict, or its dead letter."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from include.ioc_refresh.keys import KEY_VERSION, IocKey
from include.ioc_refresh.mails import NEWEST, Mail, MailRejectedError, clean_text, parse_time
from include.ioc_refresh.verdicts import RECEIPT_DAYS, WORDS, Verdict

MAX_ROW_BYTES = 1_000 * 1024
"""A Firehose record before base64 (Amazon Data Firehose quotas)."""

KEPT_BYTES = 64 * 1024
"""Of a refused record this much is kept, with its size and digest: enough to see whose mistake it is."""

OLDEST_REPORT = timedelta(days=RECEIPT_DAYS)


class VerdictRejectedError(ValueError):
    """A report that cannot be used as a verdict; the message says which field and why."""


def lake_row(mail: Mail, keys: Sequence[IocKey], *, arrived_at: datetime) -> dict[str, Any]:
    """Return a mail as a row of the table `mails`, without its partition."""
    return {
        "mail_id": mail.mail_id,
        "received_at": lake_time(mail.received_at),
        "arrived_at": lake_time(arrived_at),
        "sender_domain": mail.sender_domain,
        "envelope_domain": mail.envelope_domain,
        "reply_to_domain": mail.reply_to_domain,
        "receiver_domains": list(mail.receiver_domains),
        "receiver_count": mail.receiver_count,
        "spf": mail.spf,
        "dkim": mail.dkim,
        "dmarc": mail.dmarc,
        "urls": [asdict(url) for url in mail.urls],
        "attachments": [asdict(attachment) for attachment in mail.attachments],
        "keys": [{"kind": str(key.kind), "value": key.value, "domain": key.domain} for key in keys],
        "key_version": KEY_VERSION,
        "notes": list(mail.notes),
    }


def verdict_row(verdict: Verdict) -> dict[str, str]:
    """Return a verdict as a row of the table `verdicts`, without its partition."""
    return {
        "mail_id": verdict.mail_id,
        "verdict": verdict.verdict,
        "reported_at": lake_time(verdict.reported_at),
        "arrived_at": lake_time(verdict.arrived_at),
    }


def encoded_row(row: dict[str, Any]) -> bytes:
    """Return a row as one JSON line that Firehose takes; URLs, then attachments, are halved until it fits.

    The keys, from which indicators are made, always stay; a note tells what was left out.
    """
    line = _json_line(row)
    for name in ("urls", "attachments"):
        count = len(row.get(name, ()))
        while len(line) > MAX_ROW_BYTES and row[name]:
            kept = row[name][: len(row[name]) // 2]
            note = f"{name}: only the first {len(kept)} of {count} kept, the record was too large"
            row = {**row, name: kept, "notes": [*(old for old in row["notes"] if not _is_cut(old, name)), note]}
            line = _json_line(row)
    return line


def parse_verdict(item: object, *, arrived_at: datetime) -> Verdict:
    """Read one report: `id`, `verdict` (malicious or benign) and `reported_at`.

    Raises VerdictRejectedError for missing or wrong fields, and for a time more than 35 days before arrival, when the
    mail's receipt is gone, or one hour after it.
    """
    if not isinstance(item, dict):
        raise VerdictRejectedError(f"a JSON object is expected, not {type(item).__name__}")
    mail_id, word = item.get("id"), item.get("verdict")
    if not isinstance(mail_id, str) or not 0 < len(mail_id) <= 200:
        raise VerdictRejectedError("id: a text of 1 to 200 characters is required")
    if word not in WORDS:
        raise VerdictRejectedError(f"verdict: {json.dumps(word)[:40]} is neither malicious nor benign")
    try:
        reported_at = parse_time(item.get("reported_at"), field_name="reported_at")
    except MailRejectedError as error:
        raise VerdictRejectedError(str(error)) from error
    if not arrived_at - OLDEST_REPORT <= reported_at <= arrived_at + NEWEST:
        raise VerdictRejectedError(
            f"reported_at: {reported_at:%Y-%m-%dT%H:%M:%SZ} is not within {RECEIPT_DAYS} days before arrival"
        )
    return Verdict(clean_text(mail_id), word, reported_at, arrived_at)


def dead_letter(
    raw: bytes, *, reason: str, source: str, arrived_at: datetime, keep: int | None = KEPT_BYTES
) -> tuple[str, dict[str, Any]]:
    """Return a record's object name below `dead-letter/` and its document; `keep` None keeps all of it.

    The name holds the record's id, where it has a harmless one, and its digest: the same record is the same object.
    """
    digest = hashlib.sha256(raw).hexdigest()
    kept = raw[:keep]
    try:
        text, encoding = kept.decode(), "utf-8"
    except UnicodeDecodeError:
        text, encoding = base64.b64encode(kept).decode(), "base64"
    document = {
        "reason": reason,
        "arrived_at": arrived_at.isoformat(),
        "source": source,
        "raw": text,
        "raw_encoding": encoding,
        "raw_bytes": len(raw),
        "raw_sha256": digest,
    }
    hour = arrived_at.astimezone(UTC).strftime("%Y-%m-%d-%H")
    return f"dt={hour}/{_readable_id(raw)}{digest[:16]}.json", document


def lake_time(moment: datetime) -> str:
    """Return a time as Athena's JSON reader takes a timestamp: UTC, milliseconds."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"


def _readable_id(raw: bytes) -> str:
    found = re.search(rb'"id"\s*:\s*"([A-Za-z0-9_@-]{1,100})"', raw[:KEPT_BYTES])
    return f"{found.group(1).decode()}-" if found else ""


def _json_line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _is_cut(note: str, name: str) -> bool:
    return note.startswith(f"{name}: only the first")
