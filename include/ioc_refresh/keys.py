"""The keys of a mail: what it teaches when a verdict comes, and what is looked up when it arrives.

One function serves both sides, so a mail is never looked up under another name than it was learned by.
Values are free of host names where the host is popular: a popular host is never an indicator.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from include.ioc_refresh.domains import Popularity, ip_literal, organisational_domain, parent_domains
from include.ioc_refresh.filenames import file_name_keys
from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.mails import Mail
from include.ioc_refresh.shapes import is_distinctive, url_shape

KEY_VERSION = 1
"""Raise it with every change of meaning below: state of another version must be rebuilt from the mails."""

MAX_KEYS = 400
MAX_VALUE_BYTES = 1024
MAX_TOTAL_BYTES = 150_000
"""Values of one mail, in UTF-8: its receipt, with domains and JSON, must fit into a DynamoDB item of 400 KB."""

MIN_OBJECT_PATH = 8

_PLAIN_URL = re.compile(r"https?://([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)((?:/[^?#\s]*)?)(?:\?([^#\s]*))?(?:#\S*)?")
_DIGIT = re.compile(r"\d")
_MAY_EMBED = re.compile(r"%|https?:|/amp/", re.IGNORECASE)
_EMBEDDED = re.compile(r"(?:https?:/{1,2}|/amp/(?:s/)?)([a-z0-9-]+(?:\.[a-z0-9-]+)+)", re.IGNORECASE)


class IocKey(NamedTuple):
    """Kind, value, and the organisational domain the popularity guard judges (None: the value names no host)."""

    kind: Kind
    value: str
    domain: str | None = None


def mail_keys(mail: Mail, popularity: Popularity) -> tuple[IocKey, ...]:
    """Return the distinct keys of a mail in a fixed order, at most `MAX_KEYS` with `MAX_TOTAL_BYTES` in their values.

    A value over `MAX_VALUE_BYTES` is left out: DynamoDB takes partition keys of 2,048 bytes at most.
    """
    found: dict[IocKey, None] = {}
    room = MAX_TOTAL_BYTES
    for key in _all_keys(mail, popularity):
        size = len(key.value) if key.value.isascii() else len(key.value.encode())
        if 0 < size <= min(MAX_VALUE_BYTES, room) and key not in found:
            found[key] = None
            room -= size
            if len(found) == MAX_KEYS:
                break
    return tuple(found)


def lookup_keys(mail: Mail, popularity: Popularity) -> tuple[IocKey, ...]:
    """Return the keys to read for a mail: its own, and every parent of a linked host down to the organisation.

    Indicators written by hand or imported may stand at a host, generated ones stand at the organisational domain.
    """
    keys = dict.fromkeys(mail_keys(mail, popularity))
    for url in mail.urls:
        link = split_url(url.url)
        if link:
            keys.update(dict.fromkeys(_parent_keys(link.host, popularity)))
    return tuple(keys)[:MAX_KEYS]


class Link(NamedTuple):
    """A readable URL: host in lower case and ASCII (punycode), an address in canonical form; fragment and port left."""

    host: str
    path: str
    query: str

    @property
    def path_and_query(self) -> str:
        """The path, with `?` and the query where there is one."""
        return f"{self.path}?{self.query}" if self.query else self.path


@lru_cache(maxsize=4096)
def split_url(url: str) -> Link | None:
    """Split an http or https URL; None when it is another scheme, has no host, or cannot be read."""
    plain = _PLAIN_URL.fullmatch(url)
    if plain:  # nine in ten URLs: four times faster than urlsplit, with its result
        host, path, query = plain.group(1).lower(), plain.group(2), plain.group(3) or ""
    else:
        try:
            parts = urlsplit(url)
            host, path, query = (parts.hostname or "").rstrip("."), parts.path, parts.query
            if host and not host.isascii():
                host = host.encode("idna").decode("ascii").lower()
        except (ValueError, UnicodeError):
            return None
        if parts.scheme not in ("http", "https") or not host:
            return None
    return Link(ip_literal(host) or host, path, query)


def _all_keys(mail: Mail, popularity: Popularity) -> Iterator[IocKey]:
    yield from _sender_keys(mail, popularity)
    for attachment in mail.attachments:
        if attachment.sha256:
            yield IocKey(Kind.ATTACHMENT_HASH, attachment.sha256)
        for pattern in file_name_keys(attachment.filename, attachment.mime_type):
            yield IocKey(Kind.FILE_NAME, pattern)
    for url in mail.urls:
        yield from _url_keys(url.url, url.is_resource, popularity)


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


@lru_cache(maxsize=4096)
def _parent_keys(host: str, popularity: Popularity) -> tuple[IocKey, ...]:
    if popularity.covers(host):
        return ()
    organisation = organisational_domain(host)
    return tuple(IocKey(Kind.LINK_DOMAIN, name, organisation) for name in parent_domains(host))


@lru_cache(maxsize=4096)
def _url_keys(url: str, is_resource: bool, popularity: Popularity) -> tuple[IocKey, ...]:
    link = split_url(url)
    return tuple(_link_keys(link, is_resource, popularity)) if link else ()


def _link_keys(link: Link, is_resource: bool, popularity: Popularity) -> Iterator[IocKey]:
    yield from _redirect_keys(link, popularity)
    if popularity.covers(link.host):
        # Anyone can put an object on a popular host: the object itself may be telling, its shape never is.
        if is_resource and len(link.path) >= MIN_OBJECT_PATH and _DIGIT.search(link.path):
            yield IocKey(Kind.RESOURCE_URL, link.path_and_query)
        return
    organisation = organisational_domain(link.host)
    if organisation:
        yield IocKey(Kind.LINK_DOMAIN, organisation, organisation)
        if not is_resource:
            yield IocKey(Kind.EXACT_URL, link.host + link.path_and_query, organisation)
    shape = url_shape(link.path, link.query)
    if is_distinctive(shape):
        yield IocKey(Kind.RESOURCE_URL if is_resource else Kind.PATH_SHAPE, shape)


def _redirect_keys(link: Link, popularity: Popularity) -> Iterator[IocKey]:
    """Open redirectors carry the real target in their path or query: `/amp/evil.example`, `?url=https%3A%2F%2F...`."""
    if not _MAY_EMBED.search(f"{link.path}?{link.query}"):
        return
    for match in _EMBEDDED.finditer(unquote(f"{link.path}?{link.query}")):
        target = match.group(1).lower()
        organisation = organisational_domain(target)
        if organisation and not popularity.covers(target):
            yield IocKey(Kind.LINK_DOMAIN, organisation, organisation)
