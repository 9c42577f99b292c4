"""The keys of a mail: what it teaches when a verdict comes, and what is looked up when it arrives.

One function serves both sides, so a mail is never looked up under another name than it was learned by.
Values are free of host names where the host is popular: a popular host is never an indicator.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from include.ioc_refresh.domains import Popularity, ip_literal, organisational_domain, parent_domains
from include.ioc_refresh.filenames import file_name_keys
from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.mails import Mail, Url
from include.ioc_refresh.shapes import is_distinctive, url_shape

KEY_VERSION = 1
"""Raise it with every change of meaning below: state of another version must be rebuilt from the mails."""

MAX_KEYS = 400
MAX_VALUE_LENGTH = 1024
MIN_OBJECT_PATH = 8

_EMBEDDED = re.compile(r"(?:https?:/{1,2}|/amp/(?:s/)?)([a-z0-9-]+(?:\.[a-z0-9-]+)+)", re.IGNORECASE)


class IocKey(NamedTuple):
    """Kind, value, and the organisational domain the popularity guard judges (None: the value names no host)."""

    kind: Kind
    value: str
    domain: str | None = None


def mail_keys(mail: Mail, popularity: Popularity) -> tuple[IocKey, ...]:
    """Return the distinct keys of a mail in a fixed order, at most `MAX_KEYS`."""
    found: dict[IocKey, None] = {}
    for key in _all_keys(mail, popularity):
        if 0 < len(key.value) <= MAX_VALUE_LENGTH:
            found[key] = None
        if len(found) == MAX_KEYS:
            break
    return tuple(found)


def lookup_keys(mail: Mail, popularity: Popularity) -> tuple[IocKey, ...]:
    """Return the keys to read for a mail: its own, and every parent of a linked host down to the organisation.

    Indicators written by hand or imported may stand at a host, generated ones stand at the organisational domain.
    """
    keys = dict.fromkeys(mail_keys(mail, popularity))
    for url in mail.urls:
        parts, host = split_url(url.url)
        if parts and host and not popularity.covers(host):
            organisation = organisational_domain(host)
            for name in parent_domains(host):
                keys.setdefault(IocKey(Kind.LINK_DOMAIN, name, organisation))
    return tuple(keys)[:MAX_KEYS]


def split_url(url: str) -> tuple[SplitResult | None, str | None]:
    """Split a URL; the host is lower case, in ASCII (punycode), addresses canonical; (None, None) if unreadable."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        if host and not host.isascii():
            host = host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return None, None
    if parts.scheme not in ("http", "https") or not host:
        return None, None
    return parts, ip_literal(host) or host.lower()


def _all_keys(mail: Mail, popularity: Popularity) -> Iterator[IocKey]:
    yield from _sender_keys(mail, popularity)
    for attachment in mail.attachments:
        if attachment.sha256:
            yield IocKey(Kind.ATTACHMENT_HASH, attachment.sha256)
        for pattern in file_name_keys(attachment.filename, attachment.mime_type):
            yield IocKey(Kind.FILE_NAME, pattern)
    for url in mail.urls:
        yield from _url_keys(url, popularity)


def _sender_keys(mail: Mail, popularity: Popularity) -> Iterator[IocKey]:
    """A name that failed its own check was forged: keyed, it would put the victim's domain into the table."""
    claimed = [
        (mail.sender_domain, mail.dmarc == "fail"),
        (mail.envelope_domain, mail.spf == "fail"),
        (mail.reply_to_domain, False),
    ]
    for name, forged in claimed:
        if not name or popularity.covers(name):
            continue
        organisation = organisational_domain(name)
        if organisation is None:
            if len(name) >= 4:  # a made-up name under no public suffix is telling; "pc" or "lan" is not
                yield IocKey(Kind.SENDER_DOMAIN, name)
        elif not forged:
            yield IocKey(Kind.SENDER_DOMAIN, organisation, organisation)


def _url_keys(url: Url, popularity: Popularity) -> Iterator[IocKey]:
    parts, host = split_url(url.url)
    if parts is None or host is None:
        return
    yield from _redirect_keys(parts, popularity)
    organisation = organisational_domain(host)
    if popularity.covers(host):
        # Anyone can put an object on a popular host: the object itself may be telling, its shape never is.
        if url.is_resource and len(parts.path) >= MIN_OBJECT_PATH and re.search(r"\d", parts.path):
            yield IocKey(Kind.RESOURCE_URL, _path_and_query(parts))
        return
    if organisation:
        yield IocKey(Kind.LINK_DOMAIN, organisation, organisation)
        if not url.is_resource:
            yield IocKey(Kind.EXACT_URL, host + _path_and_query(parts), organisation)
    shape = url_shape(parts.path, parts.query)
    if is_distinctive(shape):
        yield IocKey(Kind.RESOURCE_URL if url.is_resource else Kind.PATH_SHAPE, shape)


def _redirect_keys(parts: SplitResult, popularity: Popularity) -> Iterator[IocKey]:
    """Open redirectors carry the real target in their path or query: `/amp/evil.example`, `?url=https%3A%2F%2F...`."""
    if "%" not in parts.path + parts.query and "http" not in parts.path + parts.query and "/amp/" not in parts.path:
        return
    for match in _EMBEDDED.finditer(unquote(f"{parts.path}?{parts.query}")):
        target = match.group(1).lower()
        organisation = organisational_domain(target)
        if organisation and not popularity.covers(target):
            yield IocKey(Kind.LINK_DOMAIN, organisation, organisation)


def _path_and_query(parts: SplitResult) -> str:
    return parts.path + (f"?{parts.query}" if parts.query else "")
