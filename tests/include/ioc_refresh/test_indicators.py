"""What an entry of the indicator table is, and that DynamoDB's form of it loses nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given

from include.ioc_refresh.indicators import (
    Indicator,
    TableEntry,
    UnreadableEntryError,
    entry_key,
    entry_of,
    evidence_attributes,
    suppression_attributes,
)
from include.ioc_refresh.kinds import Kind
from tests.include.ioc_refresh.table_entries import LATER, NOW, indicator, indicators, suppression


@given(indicators)
def test_the_table_form_of_an_indicator_reads_back_as_the_same_indicator(one: Indicator) -> None:
    item = {"ioc": {"S": one.key}, **evidence_attributes(one), "delete_after": {"N": "1"}}
    assert entry_of(item) == TableEntry(one)


@given(indicators)
def test_the_json_form_of_an_indicator_reads_back_as_the_same_indicator(one: Indicator) -> None:
    assert Indicator.from_dict(one.to_dict()) == one


def test_a_row_of_the_candidates_table_is_an_indicator_with_utc_times() -> None:
    row = {
        "kind": "path_shape",
        "value": "/kit/0",
        "domain": None,
        "malicious": 2,
        "benign": 0,
        "first_day": date(2026, 2, 1),
        "last_day": date(2026, 2, 2),
        "expires_at": datetime(2026, 5, 1),  # noqa: DTZ001 - Parquet timestamps come without a zone
        "query_version": "path_shape-1",
    }
    found = Indicator.from_dict({**row, "refresh": 7})
    assert (found.kind, found.expires_at, found.refresh) == (Kind.PATH_SHAPE, datetime(2026, 5, 1, tzinfo=UTC), 7)


def test_a_suppression_without_evidence_is_an_entry_of_its_own() -> None:
    word = suppression()
    item = {"ioc": {"S": "link_domain#x.example"}, **suppression_attributes(word)}
    assert entry_of(item) == TableEntry(None, word)


def test_fractions_of_a_second_do_not_survive_in_the_end_of_life() -> None:
    assert indicator(expires_at=LATER + timedelta(milliseconds=900)) == indicator(expires_at=LATER)


def test_an_end_of_life_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        indicator(expires_at=datetime(2026, 5, 1))  # noqa: DTZ001 - the mistake itself


def test_a_value_with_a_number_sign_keeps_its_kind_apart() -> None:
    assert entry_key(Kind.PATH_SHAPE, "/a#b") == "path_shape#/a#b"


@pytest.mark.parametrize(
    ("entry", "live"),
    [
        (TableEntry(indicator()), True),
        (TableEntry(indicator(expires_at=NOW)), False),
        (TableEntry(indicator(expires_at=NOW + timedelta(seconds=1))), True),
        (TableEntry(indicator(), suppression(NOW + timedelta(seconds=1))), False),
        (TableEntry(indicator(), suppression(NOW)), True),
        (TableEntry(None, suppression()), False),
        (TableEntry(), False),
    ],
)
def test_an_entry_is_live_with_unexpired_evidence_that_nobody_suppresses(entry: TableEntry, live: bool) -> None:
    assert entry.is_live(NOW) is live


@pytest.mark.parametrize(
    "broken",
    [{"expires_at": {"N": "soon"}}, {"kind": {"S": "smell"}}, {"malicious": {"S": "many"}}, {"first_day": {"S": "x"}}],
)
def test_a_foreign_item_is_named_instead_of_crashing(broken: dict[str, dict[str, str]]) -> None:
    item = {"ioc": {"S": "link_domain#x"}, **evidence_attributes(indicator()), **broken}
    with pytest.raises(UnreadableEntryError, match="link_domain#x"):
        entry_of(item)
