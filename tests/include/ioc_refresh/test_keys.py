"""A mail is looked up under the names it was learned by; popular hosts and forged senders never become one."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.keys import (
    MAX_KEYS,
    MAX_TOTAL_BYTES,
    MAX_VALUE_BYTES,
    IocKey,
    Link,
    lookup_keys,
    mail_keys,
    split_url,
)
from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.mails import Attachment, Mail, Url

POPULARITY = Popularity(frozenset({"popular.com", "mailer.com"}), "test", "2026-02-01")
DIGEST = "ab" * 32


def mail(*urls: str, kind: str = "link", **fields: Any) -> Mail:
    return Mail("m", datetime(2026, 3, 1, tzinfo=UTC), urls=tuple(Url(url, kind=kind) for url in urls), **fields)


def found(source: Mail) -> list[tuple[str, str]]:
    return [(str(key.kind), key.value) for key in mail_keys(source, POPULARITY)]


def test_a_link_gives_its_organisation_the_exact_url_and_its_shape() -> None:
    keys = mail_keys(mail("https://Login.Evil.co.uk:8443/parcel/X1y2?b=2&a=1#top"), POPULARITY)
    assert keys == (
        IocKey(Kind.LINK_DOMAIN, "evil.co.uk", "evil.co.uk"),
        IocKey(Kind.EXACT_URL, "login.evil.co.uk/parcel/X1y2?b=2&a=1", "evil.co.uk"),
        IocKey(Kind.PATH_SHAPE, "/parcel/*?a&b"),
    )


def test_a_resource_gives_its_organisation_and_its_shape_as_a_resource() -> None:
    assert found(mail("https://evil.com/parcel/letterhead9.png", kind="res")) == [
        ("link_domain", "evil.com"),
        ("resource_url", "/parcel/*.png"),
    ]


def test_a_popular_host_gives_no_key_but_an_object_with_a_number_on_it() -> None:
    assert found(mail("https://www.popular.com/parcel/7")) == []
    assert found(mail("https://www.popular.com/parcel/logo.png", kind="res")) == []
    assert found(mail("https://cdn.popular.com/parcel/7.png?s=1", kind="res")) == [
        ("resource_url", "/parcel/7.png?s=1")
    ]


@pytest.mark.parametrize(
    "url",
    [
        "https://www.popular.com/url?q=https%3A%2F%2FEvil.com%2Fx",
        "https://www.popular.com/url?q=HTTPS://evil.com",
        "https://www.popular.com/amp/s/evil.com/x",
        "https://www.popular.com/r/http:/evil.com",
    ],
)
def test_the_target_of_an_open_redirector_is_a_key(url: str) -> None:
    assert found(mail(url)) == [("link_domain", "evil.com")]


def test_a_redirection_to_a_popular_host_or_to_no_host_gives_no_key() -> None:
    assert (
        found(mail("https://popular.com/u?q=https://www.mailer.com/", "https://popular.com/u?q=https://pc.lan")) == []
    )


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ({"sender_domain": "news.evil.com"}, ["evil.com"]),
        ({"sender_domain": "news.evil.com", "dmarc": "fail"}, []),
        ({"envelope_domain": "b.evil.com"}, ["evil.com"]),
        ({"envelope_domain": "b.evil.com", "spf": "fail"}, []),
        ({"reply_to_domain": "evil.com", "spf": "fail", "dmarc": "fail"}, ["evil.com"]),
        ({"sender_domain": "evil.com", "envelope_domain": "x.evil.com"}, ["evil.com"]),
        ({"sender_domain": "mail.popular.com"}, []),
        ({"sender_domain": "made-up-host", "dmarc": "fail"}, ["made-up-host"]),
        ({"sender_domain": "lan"}, []),
        ({"sender_domain": None}, []),
    ],
)
def test_a_sender_is_a_key_unless_it_is_popular_or_was_forged(fields: dict[str, Any], values: list[str]) -> None:
    assert found(mail(**fields)) == [("sender_domain", value) for value in values]


def test_an_attachment_gives_its_hash_its_name_and_its_contradiction() -> None:
    attachments = (Attachment(DIGEST, 1, "Bill_7.pdf", "text/html", 5), Attachment(None, 1, None, None, None))
    assert found(mail(attachments=attachments)) == [
        ("attachment_hash", DIGEST),
        ("file_name", "bill-0.pdf"),
        ("file_name", "pdf is text/html"),
    ]


def test_a_look_up_asks_for_the_mails_own_keys_and_every_parent_of_a_linked_host() -> None:
    source = mail("https://a.b.evil.com/parcel/", "https://www.popular.com/", sender_domain="x.sender.com")
    keys = lookup_keys(source, POPULARITY)
    own = mail_keys(source, POPULARITY)
    assert keys[: len(own)] == own
    assert [key.value for key in keys[len(own) :]] == ["a.b.evil.com", "b.evil.com"]
    assert {key.domain for key in keys[len(own) :]} == {"evil.com"}


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://BÜCHER.com/", "xn--bcher-kva.com"),
        ("http://xn--bcher-kva.com/", "xn--bcher-kva.com"),
        ("http://user:secret@evil.com./", "evil.com"),
        ("http://192.0.2.7:80/", "192.0.2.7"),
        ("http://[2001:DB8::1]:8080/", "2001:db8::1"),
        ("HTTPS://Evil.com", "evil.com"),
        ("http://\uff45\uff56\uff49\uff4c.com/", "evil.com"),
    ],
)
def test_a_host_has_one_spelling(url: str, host: str) -> None:
    link = split_url(url)
    assert link is not None
    assert link.host == host


@pytest.mark.parametrize(
    "url",
    [
        "",
        "evil.com/x",
        "mailto:a@evil.com",
        "ftp://evil.com/",
        "http://",
        "http:///x",
        "http://[bad/",
        "http://\udcff/",
    ],
)
def test_what_is_no_web_address_gives_no_key(url: str) -> None:
    assert split_url(url) is None
    assert found(mail(url)) == []


@given(
    st.from_regex(r"https?://[A-Za-z0-9.:@_-]{0,12}([/?#][a-z/?#&=%é\t \n\x1f]{0,20})?", fullmatch=True)
    | st.text(max_size=30).map("https://a.com/{}".format)
)
@example("http://a.com?q#f")
@example("http://1.2.3.4.")
@example("http://a..b/")
def test_the_quick_way_to_split_a_url_gives_what_urllib_gives(url: str) -> None:
    try:
        parts = urlsplit(url)
        wanted = Link((parts.hostname or "").rstrip("."), parts.path, parts.query)
    except ValueError:
        wanted = Link("", "", "")
    link = split_url(url)
    assert (link or Link("", "", "")) == (wanted if wanted.host else Link("", "", ""))


def test_at_most_so_many_keys_come_from_one_mail() -> None:
    many = mail(*(f"https://h{number}.com/parcel/{number}" for number in range(500)))
    assert len(mail_keys(many, POPULARITY)) == len(lookup_keys(many, POPULARITY)) == MAX_KEYS


def test_a_value_that_the_table_cannot_hold_is_left_out_whatever_its_script() -> None:
    short, long = "é" * (MAX_VALUE_BYTES // 2 - 20), "é" * (MAX_VALUE_BYTES // 2)
    values = [value for _, value in found(mail(f"https://a.com/{short}", f"https://b.com/{long}"))]
    assert f"a.com/{short}" in values
    assert not any(len(value.encode()) > MAX_VALUE_BYTES for value in values)


def test_the_keys_of_one_mail_fit_into_its_receipt() -> None:
    huge = mail(*(f"https://h{number}.com/{'é' * 480}" for number in range(400)))
    keys = mail_keys(huge, POPULARITY)
    assert sum(len(key.value.encode()) for key in keys) <= MAX_TOTAL_BYTES
    assert len(keys) > 150


def test_a_key_is_listed_once() -> None:
    twice = mail("https://evil.com/parcel/1", "https://evil.com/parcel/1", sender_domain="evil.com")
    assert len(found(twice)) == len(set(found(twice)))
