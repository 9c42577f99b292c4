"""Rehearsal: touched keys give what full evaluation gives, whatever the order of evidence."""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.rehearsal import Rehearsal
from include.ioc_refresh.verdicts import Evidence

START = datetime(2026, 3, 1, tzinfo=UTC)
POPULARITY = Popularity(frozenset({"popular.com"}), "test", "2026-03-01")

KEYS = [
    ("link_domain", "evil.work", "evil.work"),
    ("link_domain", "hacked.org", "hacked.org"),
    ("exact_url", "hacked.org/a.html", "hacked.org"),
    ("exact_url", "hacked.org/b.html", "hacked.org"),
    ("sender_domain", "evil.work", "evil.work"),
    ("path_shape", "/parcel/*", None),
    ("resource_url", "/kit/logo.png", None),
    ("link_domain", "popular.com", "popular.com"),
]

mails = st.builds(
    lambda number, verdict, hours, keys, reported: Evidence(
        f"mail-{number}",
        verdict,
        START + timedelta(hours=hours + reported),
        START + timedelta(hours=hours),
        tuple(dict.fromkeys(keys)),
    ),
    st.integers(0, 12),
    st.sampled_from(["malicious", "benign"]),
    st.integers(0, 24 * 120),
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=4),
    st.integers(0, 48),
)


def one_per_mail(batch: list[Evidence]) -> list[Evidence]:
    return list({row.mail_id: row for row in batch}.values())


def keys_of_first(batches: list[list[Evidence]]) -> list[list[Evidence]]:
    """A mail has one set of keys and one time however often it is reported: later reports carry the first ones."""
    first: dict[str, Evidence] = {}
    result = []
    for batch in batches:
        fixed = []
        for row in one_per_mail(batch):
            known = first.setdefault(row.mail_id, row)
            fixed.append(row._replace(keys=known.keys, received_at=known.received_at))
        result.append(fixed)
    return result


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(mails, max_size=5), min_size=1, max_size=4).map(keys_of_first))
def test_small_steps_within_a_day_give_the_table_of_one_full_evaluation(batches: list[list[Evidence]]) -> None:
    day = START + timedelta(days=121)
    stepwise, at_once = Rehearsal(POPULARITY), Rehearsal(POPULARITY)
    for hour, batch in enumerate(batches):
        stepwise.refresh(batch, as_of=day + timedelta(hours=hour))
        at_once.refresh(batch, as_of=day + timedelta(days=-200 + hour))
    at_once.refresh([], as_of=day)
    assert stepwise.table == at_once.table


def test_the_same_evidence_twice_changes_nothing() -> None:
    row = Evidence("mail-1", "malicious", START, START, (KEYS[0],))
    rehearsal = Rehearsal(POPULARITY)
    rehearsal.refresh([row], as_of=START + timedelta(hours=1))
    table = dict(rehearsal.table)
    changes = rehearsal.refresh([row], as_of=START + timedelta(hours=2))
    assert (rehearsal.table, changes) == (table, (0, 0, 0))


def test_a_correction_takes_the_indicator_back_and_an_older_report_does_not() -> None:
    row = Evidence("mail-1", "malicious", START + timedelta(hours=3), START, (KEYS[0],))
    rehearsal = Rehearsal(POPULARITY)
    rehearsal.refresh([row], as_of=START + timedelta(hours=4))
    older = row._replace(verdict="benign", reported_at=START + timedelta(hours=2))
    rehearsal.refresh([older], as_of=START + timedelta(hours=5))
    assert list(rehearsal.table) == [("link_domain", "evil.work")]
    newer = row._replace(verdict="benign", reported_at=START + timedelta(hours=5))
    assert rehearsal.refresh([newer], as_of=START + timedelta(hours=6)) == (0, 0, 1)
    assert rehearsal.table == {}


def test_a_new_sighting_renews_and_is_counted_as_a_write() -> None:
    rehearsal = Rehearsal(POPULARITY)
    rehearsal.refresh([Evidence("mail-1", "malicious", START, START, (KEYS[0],))], as_of=START)
    later = START + timedelta(days=3)
    changes = rehearsal.refresh([Evidence("mail-2", "malicious", later, later, (KEYS[0],))], as_of=later)
    assert changes == (0, 1, 0)
    assert rehearsal.table["link_domain", "evil.work"].expires_at == datetime(2026, 6, 3, tzinfo=UTC).replace(
        tzinfo=None
    )
