"""The suites of the IOC refresh, run on the loads they were written for."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from include.gates.result import Verdict
from include.gates.suites.ioc_refresh import candidates_suite, change_suite, change_summary, new_mail_suite
from include.gates.validate import validate

ARRIVED = datetime(2026, 1, 31, 12, tzinfo=UTC)
MANY = 20


def mail(*, ahead=timedelta(0), **changes):
    """One sound mail, received `ahead` of its arrival's clock."""
    return {
        "mail_id": "m",
        "received_at": ARRIVED + ahead,
        "arrived_at": ARRIVED,
        "url_count": 2,
        "attachment_count": 0,
        "receiver_count": 1,
        "sender_domain": "sender.example",
        "duplicate": False,
        "lateness_hours": -ahead / timedelta(hours=1),
        "hours_ahead": ahead / timedelta(hours=1),
        **changes,
    }


def mails(*odd):
    sound = [mail(mail_id=f"sound-{number}") for number in range(MANY)]
    return pd.DataFrame([*sound, *odd])


def test_sound_mails_pass():
    assert validate(mails(), new_mail_suite()).result.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (mail(mail_id=None), "no id"),
        (mail(mail_id=""), "id longer than 200 characters or empty"),
        (mail(mail_id="x" * 201), "id longer than 200 characters or empty"),
        (mail(sender_domain="x" * 254), "sender domain of wrong length"),
        (mail(ahead=timedelta(days=-30, seconds=-1)), "received more than 30 days before it arrived"),
        (mail(ahead=timedelta(hours=1, seconds=1)), "received after it arrived"),
        (mail(received_at=None, lateness_hours=None, hours_ahead=None), "no time"),
        (mail(duplicate=True), "duplicate"),
        (mail(url_count=-1), "url_count out of range"),
        (mail(url_count=5_001), "url_count out of range"),
        (mail(receiver_count=5_001), "receiver_count out of range"),
        (mail(attachment_count=5_001), "attachment_count out of range"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_odd_mail_is_set_aside_alone_and_says_why(odd, reason):
    validation = validate(mails(odd), new_mail_suite())
    assert validation.result.verdict is Verdict.QUARANTINE
    assert validation.quarantined["_reasons"].tolist() == [[reason]]
    assert len(validation.good) == MANY


@pytest.mark.parametrize(
    "edge",
    [
        mail(ahead=timedelta(days=-30)),
        mail(ahead=timedelta(minutes=15)),
        mail(url_count=5_000),
        mail(mail_id="x" * 200),
        mail(sender_domain=None),
    ],
    ids=["30 days late", "15 min ahead", "5,000 URLs", "200 characters", "no sender domain"],
)
def test_a_mail_on_the_edge_of_a_rule_goes_on(edge):
    assert validate(mails(edge), new_mail_suite()).result.verdict is Verdict.PASS


def test_no_new_mail_blocks():
    assert validate(mails().iloc[:0], new_mail_suite()).result.blocked


def test_a_load_of_mostly_duplicates_blocks():
    suite = new_mail_suite(quarantine_limit=0.2, quarantine_rows=3)
    assert validate(mails(*[mail(duplicate=True)] * 6), suite).result.blocked


def test_times_that_arrive_as_text_block():
    frame = mails().assign(received_at="2026-01-31T12:00:00Z")
    result = validate(frame, new_mail_suite()).result
    assert result.reasons == ("Column received_at holds str but owes timestamps; mend the schema or the reader.",)


def candidate(**changes):
    return {
        "kind": "sender_domain",
        "value": "bad.example",
        "malicious": 3,
        "benign": 0,
        "popular": False,
        "infrastructure": False,
        "query_version": "1",
        "last_day": "2026-01-31",
        "expires_at": 1_800_000_000,
        **changes,
    }


def candidates(*odd):
    return pd.DataFrame([candidate(), candidate(kind="exact_url", value="http://bad.example/x"), *odd])


SUITE = candidates_suite(kinds=("sender_domain", "exact_url"))


def test_sound_candidates_pass():
    assert validate(candidates(), SUITE).result.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (candidate(value="popular.example", popular=True), "popular domains: 1 (sender_domain popular.example)"),
        (candidate(value="cdn.example", infrastructure=True), "shared infrastructure: 1 (sender_domain cdn.example)"),
        (candidate(value="c.example", benign=1), "benign mail: 1 (sender_domain c.example)"),
        (candidate(value="c.example", malicious=0), "without malicious mail: 1 (sender_domain c.example)"),
        (candidate(kind="colour"), "unknown kind: 1 (e.g. colour bad.example)"),
        (candidate(), "more than once: 2 rows (e.g. sender_domain bad.example)"),
        (candidate(value=None), "without value: 1 of 3"),
        (candidate(value=""), "empty or longer than 2048 characters: 1"),
        (candidate(value="x" * 2049), "empty or longer than 2048 characters: 1"),
        (candidate(value="c.example", query_version=None), "without query_version: 1 of 3"),
        (candidate(value="c.example", expires_at=None), "without expires_at: 1 of 3"),
        (candidate(value="c.example", popular=None), "without popular: 1 of 3"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_wrong_candidate_blocks_the_set_and_is_named(odd, words):
    result = validate(candidates(odd), SUITE).result
    assert result.verdict is Verdict.BLOCK
    assert words in " ".join(result.reasons)


def test_a_candidate_without_owed_evidence_blocks():
    suite = candidates_suite(kinds=("sender_domain", "exact_url"), evidence_columns=("mails",))
    assert "without mails: 1 of 2" in validate(candidates().assign(mails=["m1", None]), suite).result.reasons[0]


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"previous": 1000, "added": 150, "removed": 50}, Verdict.PASS),
        ({"previous": 1000, "added": 150, "removed": 51}, Verdict.BLOCK),
        ({"previous": 1000, "added": 0, "removed": 1000}, Verdict.BLOCK),
        ({"previous": 5, "added": 20, "removed": 0}, Verdict.PASS),
        ({"previous": 0, "added": 21, "removed": 0}, Verdict.BLOCK),
        ({"previous": 0, "added": 0, "removed": 0}, Verdict.PASS),
    ],
)
def test_a_change_of_the_set_is_bounded_by_its_share(change, verdict):
    validation = validate(pd.DataFrame([change_summary(**change)]), change_suite(max_change_share=0.2))
    assert validation.result.verdict is verdict


def test_a_blocked_change_tells_its_numbers():
    frame = pd.DataFrame([change_summary(previous=1000, added=900, removed=7)])
    assert "(previous, added, removed: 1000 900 7)" in validate(frame, change_suite()).result.reasons[0]


@pytest.mark.parametrize("rows", [0, 2])
def test_a_change_summary_of_any_other_size_than_one_row_blocks(rows):
    frame = pd.DataFrame([change_summary(previous=1000, added=1, removed=1)] * 2).iloc[:rows]
    assert validate(frame, change_suite()).result.blocked


def test_a_change_without_a_share_blocks():
    frame = pd.DataFrame([{"previous": 1, "added": 1, "removed": 1, "change_share": None}])
    assert validate(frame, change_suite()).result.blocked
