"""Verdicts find their mails, wait for them, or are given up with a reason; none is lost."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from include.ioc_refresh.verdicts import (
    Receipt,
    Verdict,
    receipt_item,
    receipt_of,
    resolve,
    verdict_of,
    verdict_to_dict,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
KEYS = (("link_domain", "evil.work", "evil.work"), ("path_shape", "/parcel/*", None))


def receipt(mail_id: str, *, late: timedelta = timedelta(minutes=5)) -> Receipt:
    return Receipt(mail_id, NOW - timedelta(days=1) - late, NOW - timedelta(days=1), KEYS)


def verdict(mail_id: str, *, word: str = "malicious", reported: datetime = NOW, arrived: datetime = NOW) -> Verdict:
    return Verdict(mail_id, word, reported, arrived)


def test_a_verdict_takes_the_keys_of_its_mail() -> None:
    result = resolve([verdict("a")], receipts=lambda ids: {"a": receipt("a")}, as_of=NOW)
    assert [(row.mail_id, row.keys) for row in result.evidence] == [("a", KEYS)]


def test_a_verdict_before_its_mail_waits_a_week_and_is_then_given_up_with_the_reason() -> None:
    waiting = verdict("unseen", arrived=NOW - timedelta(days=7))
    result = resolve([waiting], receipts=lambda ids: {}, as_of=NOW)
    assert (result.pending, result.given_up) == ((waiting,), ())
    later = resolve([waiting], receipts=lambda ids: {}, as_of=NOW + timedelta(seconds=1))
    assert later.given_up == ((waiting, "no mail with this id arrived within 7 days"),)


def test_a_mail_with_an_absurd_time_never_teaches() -> None:
    result = resolve([verdict("old")], receipts=lambda ids: {"old": receipt("old", late=timedelta(days=31))}, as_of=NOW)
    assert result.evidence == ()
    assert "30 days" in result.given_up[0][1]


def test_of_several_verdicts_the_last_counts_and_of_two_at_once_the_malicious_one() -> None:
    rows = [
        verdict("a", word="malicious", reported=NOW - timedelta(hours=1)),
        verdict("a", word="benign", reported=NOW),
        verdict("b", word="malicious", reported=NOW),
        verdict("b", word="benign", reported=NOW),
    ]
    result = resolve(rows, receipts=lambda ids: {name: receipt(name) for name in ids}, as_of=NOW)
    assert [(row.mail_id, row.verdict) for row in result.evidence] == [("a", "benign"), ("b", "malicious")]


def test_a_word_that_is_no_verdict_is_given_up() -> None:
    result = resolve([verdict("a", word="maybe")], receipts=lambda ids: {"a": receipt("a")}, as_of=NOW)
    assert "'maybe'" in result.given_up[0][1]


@given(
    st.lists(
        st.builds(
            verdict,
            st.sampled_from("abcdef"),
            word=st.sampled_from(["malicious", "benign", "?"]),
            reported=st.integers(0, 100).map(lambda hours: NOW - timedelta(hours=hours)),
            arrived=st.integers(0, 400).map(lambda hours: NOW - timedelta(hours=hours)),
        )
    ),
    st.sets(st.sampled_from("abcdef")),
)
def test_every_mail_id_ends_in_exactly_one_place(rows: list[Verdict], known: set[str]) -> None:
    result = resolve(rows, receipts=lambda ids: {name: receipt(name) for name in known}, as_of=NOW)
    places = [row.mail_id for row in result.evidence]
    places += [row.mail_id for row in result.pending] + [row.mail_id for row, _ in result.given_up]
    assert sorted(places) == sorted({row.mail_id for row in rows})


def test_receipts_and_verdicts_survive_their_stored_form() -> None:
    assert receipt_of(receipt_item(receipt("a"))) == receipt("a")
    assert verdict_of(verdict_to_dict(verdict("a"))) == verdict("a")


def test_a_receipt_outlives_the_days_a_verdict_may_take() -> None:
    expires = int(receipt_item(receipt("a"))["expires_at"]["N"])
    assert expires == int((NOW - timedelta(days=1) + timedelta(days=35)).timestamp())
