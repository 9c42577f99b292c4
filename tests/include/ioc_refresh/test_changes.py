"""Only what differs is written, each removal has its reason, and a suppression survives everything."""

from datetime import timedelta

import pytest
from hypothesis import given

from include.ioc_refresh.changes import (
    Changes,
    DuplicateCandidateError,
    Removal,
    RemovalReason,
    Renewal,
    apply_to,
    diff,
)
from include.ioc_refresh.indicators import Indicator, TableEntry, UnreadableEntryError
from include.ioc_refresh.kinds import Kind
from tests.include.ioc_refresh.table_entries import (
    LATER,
    NOW,
    distinct_indicators,
    indicator,
    suppression,
    table,
    tables,
)

DAY = timedelta(days=1)


def rule(entries: dict[str, TableEntry]) -> dict[str, tuple[object, ...]]:
    """What the look-ups depend on: which indicators stand there, until when, and from which query."""
    standing = [entry.indicator for entry in entries.values() if entry.indicator]
    return {one.key: (one.expires_at, one.query_version) for one in standing}


@given(tables(), distinct_indicators)
def test_applying_the_difference_gives_exactly_the_wanted_indicators(
    current: dict[str, TableEntry], wanted: list[Indicator]
) -> None:
    after = apply_to(current, diff(current, wanted, as_of=NOW))
    assert rule(after) == rule(table(*(one for one in wanted if one.expires_at > NOW)))


@given(tables(), distinct_indicators)
def test_a_second_difference_after_the_first_is_empty(current: dict[str, TableEntry], wanted: list[Indicator]) -> None:
    after = apply_to(current, diff(current, wanted, as_of=NOW))
    assert diff(after, wanted, as_of=NOW).writes == 0


@given(tables(), distinct_indicators)
def test_suppressions_survive_every_change(current: dict[str, TableEntry], wanted: list[Indicator]) -> None:
    after = apply_to(current, diff(current, wanted, as_of=NOW))
    before = {key: entry.suppression for key, entry in current.items() if entry.suppression}
    assert {key: entry.suppression for key, entry in after.items() if entry.suppression} == before


@given(tables(), distinct_indicators)
def test_every_indicator_is_added_renewed_or_unchanged_and_written_once(
    current: dict[str, TableEntry], wanted: list[Indicator]
) -> None:
    changes = diff(current, wanted, as_of=NOW)
    living = [one for one in wanted if one.expires_at > NOW]
    assert len(changes.added) + len(changes.renewed) + changes.unchanged == len(living)
    written = [one.key for one in changes.added] + [one.indicator.key for one in changes.renewed]
    gone = [one.indicator.key for one in changes.removed]
    assert len(set(written + gone)) == changes.writes


@given(tables(), distinct_indicators)
def test_the_order_of_candidates_changes_nothing(current: dict[str, TableEntry], wanted: list[Indicator]) -> None:
    backwards = dict(reversed(current.items()))
    assert diff(backwards, reversed(wanted), as_of=NOW) == diff(current, wanted, as_of=NOW)


@given(tables(), distinct_indicators)
def test_a_change_list_reads_back_as_the_same_changes(current: dict[str, TableEntry], wanted: list[Indicator]) -> None:
    changes = diff(current, wanted, as_of=NOW)
    assert Changes.from_jsonl(changes.to_jsonl()) == changes


def test_more_mails_alone_are_no_reason_to_write() -> None:
    changes = diff(table(indicator(malicious=3)), [indicator(malicious=9, refresh=2)], as_of=NOW)
    assert (changes.writes, changes.unchanged) == (0, 1)


@pytest.mark.parametrize("after", [{"expires_at": LATER + DAY}, {"query_version": "link_domain-2"}])
def test_a_new_end_of_life_or_query_renews(after: dict[str, object]) -> None:
    changes = diff(table(indicator()), [indicator(**after)], as_of=NOW)
    assert changes.renewed == (Renewal(indicator(**after), LATER, "link_domain-1"),)


@pytest.mark.parametrize(
    ("standing", "given_reason", "reason"),
    [
        (indicator(), None, RemovalReason.NO_LONGER_A_CANDIDATE),
        (indicator(expires_at=NOW), None, RemovalReason.EXPIRED),
        (indicator(), RemovalReason.BENIGN_REPORT, RemovalReason.BENIGN_REPORT),
        (indicator(), RemovalReason.POPULAR, RemovalReason.POPULAR),
        (indicator(expires_at=NOW), RemovalReason.ROLLED_BACK, RemovalReason.ROLLED_BACK),
    ],
)
def test_a_removal_names_its_reason(
    standing: Indicator, given_reason: RemovalReason | None, reason: RemovalReason
) -> None:
    reasons = {standing.key: given_reason} if given_reason else {}
    assert diff(table(standing), [], as_of=NOW, reasons=reasons).removed == (Removal(standing, reason),)


def test_an_expired_candidate_is_not_wanted() -> None:
    changes = diff(table(indicator()), [indicator(expires_at=NOW)], as_of=NOW)
    assert [one.reason for one in changes.removed] == [RemovalReason.NO_LONGER_A_CANDIDATE]


def test_a_suppressed_value_without_evidence_is_added_beside_its_suppression() -> None:
    current = {indicator().key: TableEntry(None, suppression())}
    changes = diff(current, [indicator()], as_of=NOW)
    assert changes.added == (indicator(),)
    assert apply_to(current, changes) == {indicator().key: TableEntry(indicator(), suppression())}


def test_one_key_wanted_twice_changes_nothing_and_names_the_key() -> None:
    with pytest.raises(DuplicateCandidateError, match=r"link_domain#evil\.example"):
        diff({}, [indicator(), indicator(malicious=4)], as_of=NOW)


def test_the_share_counts_what_comes_and_goes_but_not_renewals() -> None:
    current = table(*(indicator(f"{number}.example") for number in range(10)))
    wanted = [indicator(f"{number}.example", expires_at=LATER + DAY) for number in range(2, 11)]
    changes = diff(current, wanted, as_of=NOW)
    assert len(changes.renewed) == 8
    assert changes.share(10) == pytest.approx(0.3)


@pytest.mark.parametrize(("wanted", "share"), [([], 0.0), ([indicator()], 1.0)])
def test_any_change_of_an_empty_table_is_a_whole_one(wanted: list[Indicator], share: float) -> None:
    assert diff({}, wanted, as_of=NOW).share(0) == share


def test_the_summary_counts_by_kind_and_by_reason() -> None:
    current = table(indicator("old.example", expires_at=NOW), indicator("same.example"))
    wanted = [indicator("same.example"), indicator("/kit/9", Kind.PATH_SHAPE)]
    assert diff(current, wanted, as_of=NOW).summary() == {
        "added": 1,
        "renewed": 0,
        "removed": 1,
        "unchanged": 1,
        "writes": 2,
        "by_kind": {"added": {"path_shape": 1}, "renewed": {}, "removed": {"link_domain": 1}},
        "removed_because": {"expired": 1},
    }


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"as_of":"2026-03-01T00:00:00+00:00","unchanged":0}\n{"x":1}'])
def test_a_damaged_change_list_is_refused_by_name(text: bytes) -> None:
    with pytest.raises(UnreadableEntryError):
        Changes.from_jsonl(text)
