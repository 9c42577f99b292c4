"""An analyst's word: checked, written under the name that look-ups use, effective at the next one, on record."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from include.ioc_refresh.changes import Changes
from include.ioc_refresh.indicators import TableEntry
from include.ioc_refresh.keys import IocKey
from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.reports import threat_report
from include.ioc_refresh.suppression import (
    SuppressionRefusedError,
    audit_name,
    normalised,
    release,
    suppress,
)
from include.ioc_refresh.table import IndicatorTable
from tests.include.ioc_refresh.moto_lake import moto_place
from tests.include.ioc_refresh.table_entries import LATER, NOW, indicator, suppression

REASON = "our own newsletter"
KEY = indicator().key
DIGEST = "ab" * 32


@pytest.fixture
def table() -> Iterator[IndicatorTable]:
    with moto_place() as place:
        place.table.apply(Changes(as_of=NOW, added=(indicator(),)), refresh=1)
        yield place.table


def order(**fields: Any) -> dict[str, Any]:
    return {"until": LATER, "by": "ana", "reason": REASON, "at": NOW} | fields


def verdict(table: IndicatorTable) -> str:
    return str(threat_report([IocKey(Kind.LINK_DOMAIN, "evil.example")], table.read([KEY]), now=NOW)["Verdict"])


def test_a_suppression_holds_at_the_next_look_up_and_a_release_ends_it(table: IndicatorTable) -> None:
    assert verdict(table) == "suspicious"
    suppress(table, Kind.LINK_DOMAIN, "evil.example", **order())
    assert verdict(table) == "clean"
    release(table, Kind.LINK_DOMAIN, "evil.example", by="ana", reason=REASON, at=NOW)
    assert verdict(table) == "suspicious"


def test_the_audit_record_tells_who_did_what_why_and_what_stood_there(table: IndicatorTable) -> None:
    record = suppress(table, Kind.LINK_DOMAIN, "hxxps://EVIL[.]example/login", **order())
    assert record == {
        "action": "suppress",
        "kind": "link_domain",
        "value": "evil.example",
        "ioc": KEY,
        "by": "ana",
        "reason": REASON,
        "at": "2026-03-01T12:00:00+00:00",
        "until": "2026-03-31T12:00:00+00:00",
        "had_evidence": True,
        "replaced": None,
    }


def test_a_second_suppression_replaces_the_first_and_records_it(table: IndicatorTable) -> None:
    suppress(table, Kind.LINK_DOMAIN, "evil.example", **order())
    record = suppress(table, Kind.LINK_DOMAIN, "evil.example", **order(until=LATER + timedelta(days=1), by="ben"))
    assert (record["replaced"]["by"], record["replaced"]["until"]) == ("ana", "2026-03-31T12:00:00+00:00")
    found = table.read([KEY])[KEY].suppression
    assert found is not None
    assert (found.by, found.until) == ("ben", LATER + timedelta(days=1))


def test_a_value_without_evidence_may_be_suppressed_before_it_comes(table: IndicatorTable) -> None:
    record = suppress(table, Kind.ATTACHMENT_HASH, DIGEST.upper(), **order())
    assert record["had_evidence"] is False
    word = table.read([f"attachment_hash#{DIGEST}"])[f"attachment_hash#{DIGEST}"]
    assert word == TableEntry(None, suppression(LATER).__class__(until=LATER, by="ana", reason=REASON, at=NOW))


def test_releasing_what_is_not_suppressed_is_refused(table: IndicatorTable) -> None:
    with pytest.raises(SuppressionRefusedError, match="not suppressed"):
        release(table, Kind.LINK_DOMAIN, "evil.example", by="ana", reason=REASON, at=NOW)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"until": NOW}, "until"),
        ({"until": NOW - timedelta(days=1)}, "until"),
        ({"until": NOW + timedelta(days=365, seconds=1)}, "until"),
        ({"reason": "too short"}, "reason"),
        ({"reason": "  short    "}, "reason"),
        ({"by": " "}, "by"),
    ],
)
def test_an_order_that_breaks_a_rule_changes_nothing(table: IndicatorTable, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(SuppressionRefusedError, match=rf"^{says}: "):
        suppress(table, Kind.LINK_DOMAIN, "evil.example", **order(**fields))
    assert verdict(table) == "suspicious"


def test_a_year_is_the_longest_suppression(table: IndicatorTable) -> None:
    record = suppress(table, Kind.LINK_DOMAIN, "evil.example", **order(until=NOW + timedelta(days=365)))
    assert record["until"] == "2027-03-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("kind", "pasted", "value"),
    [
        (Kind.LINK_DOMAIN, " Evil.Example. ", "evil.example"),
        (Kind.LINK_DOMAIN, "https://evil.example:8443/a?b#c", "evil.example"),
        (Kind.LINK_DOMAIN, "evil[.]example", "evil.example"),
        (Kind.LINK_DOMAIN, "bücher.example", "xn--bcher-kva.example"),
        (Kind.LINK_DOMAIN, "http://[2001:DB8::1]/x", "2001:db8::1"),
        (Kind.LINK_DOMAIN, "192.0.2.7", "192.0.2.7"),
        (Kind.SENDER_DOMAIN, "news@Evil.example", "evil.example"),
        (Kind.SENDER_DOMAIN, "localhost", "localhost"),
        (Kind.EXACT_URL, "hxxps://Evil.example/A?b=C#d", "evil.example/A?b=C"),
        (Kind.EXACT_URL, "evil.example/A?b=C", "evil.example/A?b=C"),
        (Kind.ATTACHMENT_HASH, DIGEST.upper(), DIGEST),
        (Kind.FILE_NAME, "Invoice_2026-03.pdf", "invoice-0-0.pdf"),
        (Kind.FILE_NAME, "invoice-0-0.pdf", "invoice-0-0.pdf"),
        (Kind.FILE_NAME, "PDF is text/html", "pdf is text/html"),
        (Kind.PATH_SHAPE, " /track/*?id&k ", "/track/*?id&k"),
        (Kind.RESOURCE_URL, "/kit/Logo0.png", "/kit/Logo0.png"),
    ],
)
def test_a_value_is_named_as_the_keys_of_mails_are(kind: Kind, pasted: str, value: str) -> None:
    assert normalised(kind, pasted) == value
    assert normalised(kind, value) == value


@pytest.mark.parametrize(
    ("kind", "pasted"),
    [
        *((kind, " ") for kind in Kind),
        (Kind.LINK_DOMAIN, "no such host"),
        (Kind.ATTACHMENT_HASH, "abc"),
        (Kind.FILE_NAME, "0.pdf"),
        (Kind.PATH_SHAPE, "/" + "é" * 600),
    ],
)
def test_what_is_no_value_of_its_kind_is_refused_with_the_field(kind: Kind, pasted: str) -> None:
    with pytest.raises(SuppressionRefusedError, match=r"^value: "):
        normalised(kind, pasted)


def test_audit_records_of_one_second_do_not_overwrite_each_other(table: IndicatorTable) -> None:
    first = suppress(table, Kind.LINK_DOMAIN, "a.example", **order())
    second = suppress(table, Kind.LINK_DOMAIN, "b.example", **order())
    assert audit_name(first).startswith("dt=2026-03-01/120000-suppress-")
    assert audit_name(first) != audit_name(second)
