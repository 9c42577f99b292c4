"""The threat report names every live hit, the strongest first, and nothing that expired or was suppressed."""

import json
from datetime import timedelta

from include.ioc_refresh.changes import diff
from include.ioc_refresh.indicators import TableEntry
from include.ioc_refresh.keys import IocKey
from include.ioc_refresh.kinds import REASONS, Kind
from include.ioc_refresh.reports import IndicatorIndex, threat_report
from tests.include.ioc_refresh.table_entries import LATER, NOW, indicator, suppression, table

KEYS = [IocKey(kind, "evil.example") for kind in Kind]


def test_a_mail_without_a_hit_gets_a_clean_report() -> None:
    report = threat_report(KEYS, {}, now=NOW, mail_id="m1")
    assert report == {
        "ReportedOnUtc": "2026-03-01T12:00:00Z",
        "MailId": "m1",
        "Verdict": "clean",
        "Reason": None,
        "Identifier": None,
        "Hits": [],
        "Suppressed": [],
    }


def test_a_hit_shows_its_evidence_and_its_end() -> None:
    report = threat_report(KEYS, table(indicator()), now=NOW)
    assert (report["Verdict"], report["Reason"]) == ("suspicious", "realtimeSuspiciousOrganisationalDomain")
    assert report["Identifier"] == "evil.example"
    assert report["Hits"] == [
        {
            "Reason": "realtimeSuspiciousOrganisationalDomain",
            "Identifier": "evil.example",
            "Kind": "link_domain",
            "MaliciousMails": 3,
            "BenignMails": 0,
            "FirstSeen": "2026-02-01",
            "LastSeen": "2026-02-28",
            "ExpiresOnUtc": "2026-03-31T12:00:00Z",
            "QueryVersion": "link_domain-1",
        }
    ]


def test_every_kind_is_found_and_the_strongest_kind_comes_first() -> None:
    everything = table(*(indicator(kind=kind) for kind in Kind))
    report = threat_report(reversed(KEYS), everything, now=NOW)
    assert [hit["Reason"] for hit in report["Hits"]] == list(REASONS.values())


def test_of_one_kind_more_malicious_mails_come_first_then_the_value() -> None:
    found = [indicator("b.example"), indicator("a.example"), indicator("z.example", malicious=9)]
    keys = [IocKey(Kind.LINK_DOMAIN, one.value) for one in found]
    hits = threat_report(keys, table(*found), now=NOW)["Hits"]
    assert [hit["Identifier"] for hit in hits] == ["z.example", "a.example", "b.example"]


def test_a_key_that_comes_twice_is_one_hit() -> None:
    assert len(threat_report(KEYS * 2, table(indicator()), now=NOW)["Hits"]) == 1


def test_an_indicator_does_not_hit_from_its_last_second_on() -> None:
    entries = table(indicator(expires_at=NOW))
    assert threat_report(KEYS, entries, now=NOW)["Verdict"] == "clean"
    assert threat_report(KEYS, entries, now=NOW - timedelta(seconds=1))["Verdict"] == "suspicious"


def test_a_suppressed_indicator_is_listed_apart_without_naming_anybody() -> None:
    entries = {indicator().key: TableEntry(indicator(), suppression())}
    report = threat_report(KEYS, entries, now=NOW)
    assert (report["Verdict"], report["Hits"]) == ("clean", [])
    assert report["Suppressed"] == [
        {
            "Reason": "realtimeSuspiciousOrganisationalDomain",
            "Identifier": "evil.example",
            "Kind": "link_domain",
            "SuppressedUntilUtc": "2026-03-31T12:00:00Z",
        }
    ]
    assert "ana" not in json.dumps(report)
    assert "newsletter" not in json.dumps(report)


def test_a_suppressed_indicator_hits_again_when_the_suppression_ends() -> None:
    entries = {indicator().key: TableEntry(indicator(expires_at=LATER + timedelta(days=1)), suppression(LATER))}
    assert threat_report(KEYS, entries, now=LATER)["Verdict"] == "suspicious"


def test_an_expired_indicator_is_not_listed_as_suppressed() -> None:
    entries = {indicator().key: TableEntry(indicator(expires_at=NOW), suppression())}
    assert threat_report(KEYS, entries, now=NOW)["Suppressed"] == []


def test_the_index_reports_what_a_refresh_changed() -> None:
    index = IndicatorIndex.of([indicator()])
    index.apply(diff(index.entries, [indicator("new.example")], as_of=NOW))
    keys = [IocKey(Kind.LINK_DOMAIN, name) for name in ("evil.example", "new.example")]
    assert [hit["Identifier"] for hit in index.report(keys, now=NOW)["Hits"]] == ["new.example"]
