"""A snapshot is the same bytes for the same table, reads back whole, and its STIX is STIX."""

import gzip
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from include.ioc_refresh.changes import Changes, Removal, RemovalReason
from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.indicators import Indicator, UnreadableEntryError
from include.ioc_refresh.keys import mail_keys
from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.mails import Attachment, Mail, Url
from include.ioc_refresh.snapshots import CHANGES, INDICATORS, STIX, load_snapshot, read_snapshot, snapshot_objects
from include.ioc_refresh.stix import stix_bundle, stix_pattern
from tests.include.ioc_refresh.moto_lake import moto_place
from tests.include.ioc_refresh.table_entries import NOW, distinct_indicators, indicator

NOTHING = Changes(as_of=NOW)
VALUES = {
    Kind.LINK_DOMAIN: ["evil.example", "192.0.2.7", "2001:db8::1"],
    Kind.SENDER_DOMAIN: ["evil.example", "localhost"],
    Kind.EXACT_URL: ["evil.example/a?b=it's\\c", "evil.example/é"],
    Kind.PATH_SHAPE: ["/track/*?id&k", "/a'b\\c/kit0(1)/x.html"],
    Kind.RESOURCE_URL: ["/kit/logo0.png", "/proxy/AbC9?w=10&h=2"],
    Kind.ATTACHMENT_HASH: ["ab" * 32],
    Kind.FILE_NAME: ["invoice-0.pdf", "pdf is text/html", "rechnung-*.html"],
}
SAMPLES = [indicator(value, kind) for kind, values in VALUES.items() for value in values]
SHA_256 = "cd" * 32


@given(distinct_indicators)
def test_a_snapshot_reads_back_whole_and_in_key_order(found: list[Indicator]) -> None:
    body = snapshot_objects(found, NOTHING, sequence=1)[INDICATORS]
    assert read_snapshot(body) == sorted(found, key=lambda one: one.key)


def test_the_order_of_the_table_does_not_show_in_the_bytes() -> None:
    assert snapshot_objects(SAMPLES, NOTHING, sequence=1) == snapshot_objects(SAMPLES[::-1], NOTHING, sequence=1)


def test_no_object_carries_the_time_of_its_writing() -> None:
    for body in snapshot_objects(SAMPLES, NOTHING, sequence=1).values():
        assert body[4:8] == b"\0\0\0\0"  # gzip's MTIME, RFC 1952


def test_the_changes_are_in_the_snapshot() -> None:
    changes = Changes(as_of=NOW, added=(indicator(),), unchanged=4)
    assert Changes.from_jsonl(gzip.decompress(snapshot_objects([], changes, sequence=1)[CHANGES])) == changes


def test_a_published_snapshot_is_found_by_its_sequence() -> None:
    with moto_place() as place:
        for name, body in snapshot_objects(SAMPLES, NOTHING, sequence=7).items():
            place.lake.put_bytes(f"ioc/snapshots/00000007/{name}", body)
        assert load_snapshot(place.lake, 7) == sorted(SAMPLES, key=lambda one: one.key)
        with pytest.raises(place.lake.client.exceptions.NoSuchKey):
            load_snapshot(place.lake, 8)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"no gzip", "not a whole gzip file"),
        (gzip.compress(b"{}" * 999, mtime=0)[:20], "not a whole gzip file"),
        (gzip.compress(b'{"kind":"link_domain"}\n', mtime=0), "Line 1"),
        (gzip.compress(b"not json\n", mtime=0), "Line 1"),
        (gzip.compress(b"[]\n", mtime=0), "Line 1"),
    ],
)
def test_a_damaged_snapshot_is_refused_with_its_line(body: bytes, says: str) -> None:
    with pytest.raises(UnreadableEntryError, match=says):
        read_snapshot(body)


def test_the_bundle_is_read_by_the_stix_library_with_every_kind() -> None:
    import stix2

    removed = [Removal(indicator("gone.example"), RemovalReason.BENIGN_REPORT)]
    body = snapshot_objects(SAMPLES, Changes(as_of=NOW, removed=tuple(removed)), sequence=1)[STIX]
    bundle = stix2.parse(gzip.decompress(body).decode(), allow_custom=False, version="2.1")
    kinds = [found.type for found in bundle.objects]
    assert (kinds[0], kinds.count("indicator")) == ("identity", len(SAMPLES) + 1)
    found = {each.name: each for each in bundle.objects[1:]}
    assert found["link_domain: gone.example"].revoked
    live = found["link_domain: evil.example"]
    assert not live.revoked
    assert (live.valid_from.isoformat(), live.valid_until) == ("2026-02-01T00:00:00+00:00", indicator().expires_at)
    assert live.created_by_ref == bundle.objects[0].id


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: one.key[:40])
def test_every_pattern_is_a_valid_stix_pattern(sample: Indicator) -> None:
    from stix2patterns.validator import run_validator

    assert run_validator(stix_pattern(sample.kind, sample.value), stix_version="2.1") == []


def test_an_indicator_keeps_its_id_from_bundle_to_bundle() -> None:
    first = stix_bundle([indicator()], as_of=NOW, sequence=1)
    later = stix_bundle([indicator(malicious=8)], as_of=NOW + timedelta(days=1), sequence=2)
    assert first["objects"][1]["id"] == later["objects"][1]["id"]
    assert first["objects"][1]["modified"] < later["objects"][1]["modified"]
    assert first["id"] != later["id"]


def test_an_expired_indicator_is_not_called_a_mistake() -> None:
    gone = [Removal(indicator(expires_at=NOW), RemovalReason.EXPIRED)]
    assert len(stix_bundle([], gone, as_of=NOW, sequence=1)["objects"]) == 1


def test_a_first_day_ahead_of_the_clock_does_not_start_after_the_bundle() -> None:
    tomorrow = (NOW + timedelta(days=1)).date()
    found = stix_bundle([indicator(first_day=tomorrow)], as_of=NOW, sequence=1)["objects"][1]
    assert found["created"] == found["modified"] == found["valid_from"]


def folded_keys(kind: Kind, **parts: Any) -> list[str]:
    mail = Mail("m", NOW, **parts)
    popularity = Popularity(frozenset({"popular.example"}), "test", "2026")
    return [key.value for key in mail_keys(mail, popularity) if key.kind is kind]


def expression(pattern: str) -> re.Pattern[str]:
    """The regular expression of a MATCHES comparison, its STIX escapes undone."""
    text = re.search(r"MATCHES '((?:[^'\\]|\\.)*)'", pattern)
    assert text
    return re.compile(re.sub(r"\\(.)", r"\1", text.group(1)))


@pytest.mark.parametrize(
    ("kind", "url", "unlike"),
    [
        (Kind.PATH_SHAPE, "https://a.example/parcel/3UjVBV46?k=7&id=x", "https://a.example/parcel/3UjVBV46?id=7"),
        (Kind.PATH_SHAPE, "https://a.example/verify-account/step2/Index.HTML", "https://a.example/verify/step2"),
        (
            Kind.PATH_SHAPE,
            "https://a.example/parcel/it's(a)+[trap]/99?x=1",
            "https://a.example/parcel/its-a-trap/99?x=1",
        ),
        (Kind.RESOURCE_URL, "https://a.example/parcel/kit12/logo.png", "https://a.example/parcel/kit/logo.png"),
        (Kind.RESOURCE_URL, "https://popular.example/p/AbC90?w=1", "https://popular.example/p/AbC90?w=12"),
    ],
)
def test_a_folded_url_pattern_matches_the_url_it_was_folded_from(kind: Kind, url: str, unlike: str) -> None:
    (value,) = folded_keys(kind, urls=(Url(url, kind="res" if kind is Kind.RESOURCE_URL else "link"),))
    found = expression(stix_pattern(kind, value))
    assert found.search(url)
    assert not found.search(unlike)


@pytest.mark.parametrize("name", ["Invoice_2026-03.pdf", "scan 0f3a9b2c77 final.PDF", "_rechnung.teil.1.html"])
def test_a_folded_file_name_pattern_matches_the_name_it_was_folded_from(name: str) -> None:
    (value,) = folded_keys(Kind.FILE_NAME, attachments=(Attachment(SHA_256, None, name, None, 1),))
    assert expression(stix_pattern(Kind.FILE_NAME, value)).search(name)
    assert not expression(stix_pattern(Kind.FILE_NAME, value)).search("holiday.pdf")


def test_the_summary_bytes_are_json_documents() -> None:
    bundle = json.loads(gzip.decompress(snapshot_objects(SAMPLES, NOTHING, sequence=1)[STIX]))
    assert bundle["type"] == "bundle"
