"""Mail metadata: read what a mail service posts, keep the good part, refuse the rest with a sentence."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

MAX_BODY_BYTES = 1_000_000
"""Firehose takes records of at most 1,000 KiB before encoding; a lake row stays below its own mail."""

MAX_URLS = 500
MAX_URL_LENGTH = 4096
MAX_ATTACHMENTS = 200
MAX_TEXT = 512
OLDEST = timedelta(days=30)
NEWEST = timedelta(hours=1)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_HOST = re.compile(r"[a-z0-9_.:\[\]-]{1,253}")


class MailRejectedError(ValueError):
    """A record that cannot be used as a mail; the message says which field and why."""


@dataclass(frozen=True, slots=True)
class Url:
    """One URL of a mail; a resource is loaded with the mail (image, style sheet), a link waits for a click."""

    url: str
    classification: int | None = None
    kind: str = "link"

    @property
    def is_resource(self) -> bool:
        """Whether the mail program loads it without a click."""
        return self.kind == "res"


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment: SHA-256 in lower-case hex, size in bytes."""

    sha256: str | None
    classification: int | None
    filename: str | None
    mime_type: str | None
    size: int | None


@dataclass(frozen=True, slots=True)
class Mail:
    """The readable part of one mail's metadata; `notes` names each part that was left out."""

    mail_id: str
    received_at: datetime
    sender_domain: str | None = None
    envelope_domain: str | None = None
    reply_to_domain: str | None = None
    receiver_domains: tuple[str, ...] = ()
    receiver_count: int = 0
    spf: str | None = None
    dkim: str | None = None
    dmarc: str | None = None
    urls: tuple[Url, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    notes: tuple[str, ...] = field(default=())


def read_record(body: bytes) -> dict[str, Any]:
    """Decode one posted body to a JSON object; bytes that are not UTF-8 become U+FFFD.

    Raises MailRejectedError for a body over `MAX_BODY_BYTES`, for text that is not JSON and for anything but an object.
    """
    record = read_json(body)
    if not isinstance(record, dict):
        raise MailRejectedError(f"a JSON object is expected, not {type(record).__name__}")
    return record


def read_json(body: bytes) -> Any:
    """Decode one posted body to any JSON value, as `read_record` does for an object."""
    if len(body) > MAX_BODY_BYTES:
        raise MailRejectedError(f"the record has {len(body)} bytes; at most {MAX_BODY_BYTES} are taken")
    try:
        return json.loads(body.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError) as error:
        raise MailRejectedError(f"not JSON: {error}") from error


def parse_mail(record: Mapping[str, Any], *, arrived_at: datetime | None) -> Mail:
    """Read the mail of a record; parts that cannot be read are left out and named in `notes`.

    Raises MailRejectedError when the id or the time is missing or unusable. With `arrived_at`, a time more than 30 days
    before or one hour after it is refused; None (a labelled history) takes any time.
    """
    notes: list[str] = []
    mail_id = record.get("id")
    if not isinstance(mail_id, str) or not 0 < len(mail_id) <= 200:
        raise MailRejectedError("id: a text of 1 to 200 characters is required")
    received_at = parse_time(record.get("time"), field_name="time")
    if arrived_at is not None and not arrived_at - OLDEST <= received_at <= arrived_at + NEWEST:
        raise MailRejectedError(f"time: {received_at:%Y-%m-%dT%H:%M:%SZ} is not within 30 days before arrival")
    sender, receiver, auth = (_section(record, name, notes) for name in ("sender", "receiver", "auth"))
    domains = _items(receiver, "domains", 100, notes)
    count = _integer(receiver.get("count"))
    return Mail(
        mail_id=clean_text(mail_id),
        received_at=received_at,
        sender_domain=_host(sender, "domain", notes),
        envelope_domain=_host(sender, "envelope_domain", notes),
        reply_to_domain=_host(sender, "reply_to_domain", notes),
        receiver_domains=tuple(
            clean_text(text.lower()) for text in domains if isinstance(text, str) and len(text) <= MAX_TEXT
        ),
        receiver_count=len(domains) if count is None or count < 0 else count,
        **{name: _word(auth, name) for name in ("spf", "dkim", "dmarc")},
        urls=tuple(url for item in _items(record, "Urls", MAX_URLS, notes) if (url := _url(item, notes))),
        attachments=tuple(
            found
            for item in _items(record, "Attachments", MAX_ATTACHMENTS, notes)
            if (found := _attachment(item, notes))
        ),
        notes=tuple(dict.fromkeys(notes)),
    )


def parse_time(value: object, *, field_name: str) -> datetime:
    """Read an ISO 8601 time as UTC, cut to milliseconds as the lake keeps it; without zone it is taken as UTC.

    Raises MailRejectedError for anything else.
    """
    if not isinstance(value, str):
        raise MailRejectedError(f"{field_name}: an ISO 8601 text is required")
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError as error:
        raise MailRejectedError(f"{field_name}: {value[:40]!r} is not an ISO 8601 time") from error
    parsed = whole_milliseconds(parsed)
    try:
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except OverflowError as error:
        raise MailRejectedError(f"{field_name}: {value[:40]!r} is outside the calendar") from error


def whole_milliseconds(moment: datetime) -> datetime:
    """Cut a time to milliseconds: lake and receipts must hold the same instant."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _section(record: Mapping[str, Any], name: str, notes: list[str]) -> Mapping[str, Any]:
    value = record.get(name)
    if isinstance(value, dict):
        return value
    if value is not None:
        notes.append(f"{name}: not an object, left out")
    return {}


def _items(record: Mapping[str, Any], name: str, limit: int, notes: list[str]) -> list[Any]:
    value = record.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        notes.append(f"{name}: not a list, left out")
        return []
    if len(value) > limit:
        notes.append(f"{name}: {len(value)} items, the first {limit} used")
    return value[:limit]


def _integer(value: object, *, bits: int = 31) -> int | None:
    is_integer = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**bits
    return int(str(value)) if is_integer else None


def _word(section: Mapping[str, Any], name: str) -> str | None:
    value = section.get(name)
    return clean_text(value.lower()[:32]) if isinstance(value, str) else None


def _host(section: Mapping[str, Any], name: str, notes: list[str]) -> str | None:
    value = section.get(name)
    if value is None or value == "":
        return None
    try:
        host = value.strip().rstrip(".").lower() if isinstance(value, str) else ""
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        host = ""
    if _HOST.fullmatch(host):
        return host
    notes.append(f"sender.{name}: not a host name, left out")
    return None


def _url(item: object, notes: list[str]) -> Url | None:
    text = item.get("Url") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(text, str) or not text.strip():
        notes.append("Urls: an item without Url, left out")
        return None
    if len(text) > MAX_URL_LENGTH:
        notes.append(f"Urls: a URL over {MAX_URL_LENGTH} characters, cut")
    kind = "res" if item.get("Kind") == "res" else "link"
    return Url(clean_text(text.strip()[:MAX_URL_LENGTH]), _integer(item.get("Classification")), kind)


def _attachment(item: object, notes: list[str]) -> Attachment | None:
    if not isinstance(item, dict):
        notes.append("Attachments: an item that is not an object, left out")
        return None
    digest = item.get("Sha256Hash")
    digest = digest.lower() if isinstance(digest, str) else None
    if digest is not None and not _SHA256.fullmatch(digest):
        notes.append("Attachments: a Sha256Hash that is not 64 hexadecimal digits, left out")
        digest = None
    name, mime = item.get("Filename"), item.get("DetectedMimeType")
    return Attachment(
        sha256=digest,
        classification=_integer(item.get("Classification")),
        filename=clean_text(name[:MAX_TEXT]) if isinstance(name, str) else None,
        mime_type=clean_text(mime[:MAX_TEXT].lower()) if isinstance(mime, str) else None,
        size=_integer(item.get("Size"), bits=63),
    )


def clean_text(text: str) -> str:
    """Replace lone surrogates, which JSON may carry and UTF-8 cannot, by U+FFFD."""
    return text.encode("utf-8", errors="replace").decode("utf-8") if not text.isascii() else text
