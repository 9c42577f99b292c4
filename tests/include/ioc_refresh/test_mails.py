"""Any posted bytes give a mail or one sentence, and of a half-broken mail the good half is used."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.keys import lookup_keys
from include.ioc_refresh.mails import (
    MAX_BODY_BYTES,
    MAX_TEXT,
    MAX_URL_LENGTH,
    MAX_URLS,
    Attachment,
    MailRejectedError,
    Url,
    parse_mail,
    parse_time,
    read_json,
    read_record,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
POPULARITY = Popularity(frozenset({"popular.com"}), "test", "2026-02-01")
MAIL: dict[str, Any] = {"id": "m1", "time": "2026-03-01T11:00:00Z"}

texts = st.text() | st.text(st.characters(categories=("Cs", "Cc", "Lo")), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
FIELDS = {
    "sender": ["domain", "envelope_domain", "reply_to_domain"],
    "receiver": ["domains", "count"],
    "auth": ["spf", "dkim", "dmarc"],
}
URL_FIELDS, ATTACHMENT_FIELDS = (
    ["Url", "Classification", "Kind"],
    ["Sha256Hash", "Filename", "DetectedMimeType", "Size"],
)
hosts = st.sampled_from(["evil.com", "bücher.com", "[::1]", "192.0.2.1", "a..b", "xn--", "co.uk", "\udcff", "x" * 300])
url_texts = texts | st.builds("{}://{}/{}".format, st.sampled_from(["http", "https", "ftp", ""]), hosts | texts, texts)


def objects(names: list[str], field: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values | st.fixed_dictionaries({}, optional=dict.fromkeys(names, field))


records = st.fixed_dictionaries(
    {"id": st.just("m1") | values, "time": st.just(MAIL["time"]) | values},
    optional={
        **{name: objects(names, values | hosts) for name, names in FIELDS.items()},
        "Urls": values | st.lists(objects(URL_FIELDS, url_texts | values), max_size=4),
        "Attachments": values | st.lists(objects(ATTACHMENT_FIELDS, texts | values), max_size=4),
    },
)


@given(records)
def test_any_record_is_a_mail_that_can_be_stored_and_looked_up_or_is_rejected(record: dict[str, Any]) -> None:
    try:
        mail = parse_mail(record, arrived_at=NOW)
    except MailRejectedError:
        return
    assert 0 < len(mail.mail_id) <= 200
    repr(mail).encode()
    for key in lookup_keys(mail, POPULARITY):
        assert 0 < len(f"{key.kind}#{key.value}".encode()) <= 2_048


@given(st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_an_object_or_are_rejected(body: bytes) -> None:
    with contextlib.suppress(MailRejectedError):
        assert isinstance(read_record(body), dict)


def test_a_whole_mail_is_read() -> None:
    record = {
        **MAIL,
        "sender": {"domain": "Sender.COM.", "envelope_domain": "bücher.com", "reply_to_domain": ""},
        "receiver": {"domains": ["Us.example", 5], "count": 7},
        "auth": {"spf": "Pass", "dkim": None},
        "Urls": [{"Url": " https://a.com/ ", "Classification": 2}, {"Url": "https://a.com/i.png", "Kind": "res"}],
        "Attachments": [
            {"Sha256Hash": "AB" * 32, "Classification": 1, "Filename": "A.pdf", "DetectedMimeType": "Text/X", "Size": 9}
        ],
    }
    mail = parse_mail(record, arrived_at=NOW)
    assert (mail.sender_domain, mail.envelope_domain, mail.reply_to_domain) == (
        *("sender.com", "xn--bcher-kva.com"),
        None,
    )
    assert (mail.receiver_domains, mail.receiver_count) == (("us.example",), 7)
    assert (mail.spf, mail.dkim, mail.dmarc) == ("pass", None, None)
    assert mail.urls == (Url("https://a.com/", 2, "link"), Url("https://a.com/i.png", None, "res"))
    assert [url.is_resource for url in mail.urls] == [False, True]
    assert mail.attachments == (Attachment("ab" * 32, 1, "A.pdf", "text/x", 9),)
    assert mail.notes == ()


@pytest.mark.parametrize(
    ("hours", "taken"), [(-30 * 24, True), (1, True), (-30 * 24 - 0.01, False), (1.01, False), (-24 * 365 * 56, False)]
)
def test_a_mail_is_taken_up_to_thirty_days_late_and_an_hour_early(hours: float, taken: bool) -> None:
    record = {**MAIL, "time": (NOW + timedelta(hours=hours)).isoformat()}
    if taken:
        parse_mail(record, arrived_at=NOW)
    else:
        with pytest.raises(MailRejectedError, match=r"^time: .* is not within 30 days before arrival$"):
            parse_mail(record, arrived_at=NOW)


def test_a_labelled_history_may_be_of_any_age() -> None:
    assert parse_mail({**MAIL, "time": "1970-01-01"}, arrived_at=None).received_at == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T12:00:00+02:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T12:00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00.123987Z", datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)),
    ],
)
def test_times_are_utc_to_the_millisecond(text: str, moment: datetime) -> None:
    assert parse_time(text, field_name="time") == moment


@pytest.mark.parametrize("value", [None, 5, "", "noon", "2026-13-01", "0001-01-01T00:00:00+14:00", "9" * 9_999])
def test_what_is_no_time_is_rejected_with_its_field_and_a_short_excerpt(value: object) -> None:
    with pytest.raises(MailRejectedError, match=r"^seen: ") as refused:
        parse_time(value, field_name="seen")
    assert len(str(refused.value)) < 120


@pytest.mark.parametrize("count", [-1, True, "7", 2**31, 1.5, None])
def test_a_count_of_receivers_that_is_none_is_replaced_by_their_domains(count: object) -> None:
    mail = parse_mail({**MAIL, "receiver": {"domains": ["a.com", "b.com"], "count": count}}, arrived_at=NOW)
    assert mail.receiver_count == 2


def test_of_a_thousand_urls_the_first_five_hundred_are_used_and_it_is_noted() -> None:
    urls = [{"Url": f"https://a.com/{number}"} for number in range(1_000)]
    mail = parse_mail({**MAIL, "Urls": urls}, arrived_at=NOW)
    assert len(mail.urls) == MAX_URLS
    assert mail.notes == ("Urls: 1000 items, the first 500 used",)


def test_long_texts_are_cut() -> None:
    record = {
        **MAIL,
        "Urls": [{"Url": "https://a.com/" + "x" * 9_999}],
        "Attachments": [{"Filename": "y" * 9_999, "DetectedMimeType": "z" * 9_999}],
    }
    mail = parse_mail(record, arrived_at=NOW)
    (attachment,) = mail.attachments
    assert len(mail.urls[0].url) == MAX_URL_LENGTH
    assert (len(attachment.filename or ""), len(attachment.mime_type or "")) == (MAX_TEXT, MAX_TEXT)


@pytest.mark.parametrize("digest", ["", "ab" * 31, "zz" * 32, "ab" * 33, "ab" * 31 + "\n\n", "é" * 64])
def test_a_hash_of_the_wrong_form_is_left_out_and_noted_but_the_name_stays(digest: str) -> None:
    mail = parse_mail({**MAIL, "Attachments": [{"Sha256Hash": digest, "Filename": "a.pdf"}]}, arrived_at=NOW)
    assert (mail.attachments[0].sha256, mail.attachments[0].filename) == (None, "a.pdf")
    assert mail.notes == ("Attachments: a Sha256Hash that is not 64 hexadecimal digits, left out",)


@pytest.mark.parametrize("host", ["a b.com", "a\n.com", "ü" * 300, "<script>", 5, ["a.com"], "x" * 254])
def test_a_sender_that_is_no_host_name_is_left_out_and_noted(host: object) -> None:
    mail = parse_mail({**MAIL, "sender": {"domain": host}}, arrived_at=NOW)
    assert (mail.sender_domain, mail.notes) == (None, ("sender.domain: not a host name, left out",))


def test_lone_surrogates_never_reach_the_lake() -> None:
    text = "a\ud800"
    record = {
        **MAIL,
        "id": text,
        "receiver": {"domains": [text]},
        "auth": {"spf": text},
        "Urls": [{"Url": f"https://a.com/{text}"}],
        "Attachments": [{"Filename": text, "DetectedMimeType": text}],
    }
    repr(parse_mail(record, arrived_at=NOW)).encode()


def test_the_same_complaint_is_noted_once() -> None:
    assert len(parse_mail({**MAIL, "Urls": [None] * 9}, arrived_at=NOW).notes) == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 99_999, "not JSON"),
        (b"9" * 9_999, "not JSON"),
        (b'"text"', "an object is expected|JSON object"),
        (b" " * (MAX_BODY_BYTES + 1), f"{MAX_BODY_BYTES + 1} bytes"),
    ],
)
def test_what_is_no_record_is_rejected_with_the_reason(body: bytes, says: str) -> None:
    with pytest.raises(MailRejectedError, match=says):
        read_record(body)


def test_a_list_is_json_but_no_record() -> None:
    assert read_json(b"[1]") == [1]


def test_bytes_outside_utf_8_become_marks() -> None:
    assert read_record(b'{"id": "\xff"}') == {"id": "\ufffd"}
