"""The table in DynamoDB: whole reads, batched reads, conditional writes, and throttling that only delays."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from include.ioc_refresh.changes import Changes, Removal, RemovalReason, apply_to, diff
from include.ioc_refresh.indicators import Indicator, TableEntry, UnreadableEntryError, epoch
from include.ioc_refresh.table import IndicatorTable
from include.ioc_refresh.throttling import Backoff, ThrottledOutError
from tests.include.ioc_refresh.faulty_client import FaultyClient, throttled
from tests.include.ioc_refresh.moto_lake import moto_place
from tests.include.ioc_refresh.table_entries import LATER, NOW, indicator, suppression, table

KEY = indicator().key
DAY = timedelta(days=1)


@pytest.fixture
def stored() -> Iterator[IndicatorTable]:
    with moto_place() as place:
        yield place.table


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def faulty(stored: IndicatorTable, pauses: list[float]) -> IndicatorTable:
    """The same table through a client whose answers a test can spoil."""
    backoff = Backoff(tries=4, sleep=pauses.append, jitter=lambda: 1.0)
    return IndicatorTable(FaultyClient(stored.client), stored.table_name, backoff=backoff)


def add(*found: Indicator) -> Changes:
    return Changes(as_of=NOW, added=found)


def remove(*gone: Indicator) -> Changes:
    return Changes(as_of=NOW, removed=tuple(Removal(one, RemovalReason.POPULAR) for one in gone))


def raw(stored: IndicatorTable, key: str = KEY) -> dict[str, Any]:
    found: dict[str, Any] = stored.client.get_item(TableName=stored.table_name, Key={"ioc": {"S": key}})
    return dict(found.get("Item", {}))


def test_what_is_written_is_read_back_whole_and_by_key(stored: IndicatorTable) -> None:
    found = [indicator(), indicator("é#b.example", domain=None)]
    applied = stored.apply(add(*found), refresh=1)
    assert (applied.written, applied.removed, applied.newer) == (2, 0, ())
    assert stored.read_all() == table(*found)
    assert stored.read([KEY, KEY, "link_domain#absent"]) == table(indicator())


def test_applying_a_difference_gives_the_table_it_promised_and_no_second_difference(stored: IndicatorTable) -> None:
    stored.apply(add(indicator("a.example"), indicator("b.example"), indicator("c.example")), refresh=1)
    stored.suppress("link_domain#b.example", suppression())
    before = stored.read_all()
    wanted = [indicator("a.example", expires_at=LATER + DAY, refresh=2), indicator("d.example", refresh=2)]
    changes = diff(before, wanted, as_of=NOW)
    for _ in range(2):  # a killed worker applies again
        stored.apply(changes, refresh=2)
        assert stored.read_all() == apply_to(before, changes)
    assert diff(stored.read_all(), wanted, as_of=NOW).writes == 0


def test_an_older_refresh_overwrites_and_removes_nothing_of_a_newer_one(stored: IndicatorTable) -> None:
    newer = indicator(expires_at=LATER + DAY, refresh=5)
    stored.apply(add(newer), refresh=5)
    assert stored.apply(add(indicator()), refresh=4).newer == (KEY,)
    assert stored.apply(remove(newer), refresh=4).to_dict()["kept_newer"] == 1
    assert stored.read_all() == table(newer)


def test_a_refresh_that_writes_a_suppressed_entry_leaves_the_suppression(stored: IndicatorTable) -> None:
    stored.suppress(KEY, suppression())
    stored.apply(add(indicator()), refresh=1)
    assert stored.read_all() == {KEY: TableEntry(indicator(), suppression())}


def test_removing_a_suppressed_indicator_leaves_only_its_suppression(stored: IndicatorTable) -> None:
    stored.apply(add(indicator()), refresh=1)
    stored.suppress(KEY, suppression())
    assert stored.apply(remove(indicator()), refresh=2).removed == 1
    assert stored.read_all() == {KEY: TableEntry(None, suppression())}
    assert set(raw(stored)) == {
        *("ioc", "suppressed_until", "suppressed_by", "suppress_reason", "suppressed_at", "delete_after")
    }


def test_an_older_refresh_takes_no_evidence_from_a_suppressed_entry(stored: IndicatorTable) -> None:
    stored.apply(add(indicator(refresh=5)), refresh=5)
    stored.suppress(KEY, suppression())
    assert stored.apply(remove(indicator()), refresh=4).newer == (KEY,)
    assert stored.read_all() == {KEY: TableEntry(indicator(refresh=5), suppression())}


def test_ttl_never_takes_a_suppression_away_with_its_evidence(stored: IndicatorTable) -> None:
    stored.apply(add(indicator()), refresh=1)
    assert raw(stored)["delete_after"] == {"N": epoch(LATER + timedelta(days=7))}
    stored.suppress(KEY, suppression(LATER + 300 * DAY))
    assert "delete_after" not in raw(stored)
    stored.apply(add(indicator(expires_at=LATER + DAY)), refresh=2)
    assert "delete_after" not in raw(stored)
    stored.release(KEY)
    assert raw(stored)["delete_after"] == {"N": epoch(LATER + timedelta(days=8))}
    assert stored.read_all() == table(indicator(expires_at=LATER + DAY, refresh=2))


def test_a_suppression_without_evidence_is_swept_at_its_end(stored: IndicatorTable) -> None:
    stored.suppress(KEY, suppression())
    assert raw(stored)["delete_after"] == {"N": epoch(LATER)}
    stored.release(KEY)
    assert raw(stored) == {}


def test_a_domain_that_an_indicator_lost_does_not_stay(stored: IndicatorTable) -> None:
    stored.apply(add(indicator()), refresh=1)
    stored.apply(add(indicator(domain=None)), refresh=2)
    assert stored.read_all()[KEY].indicator == indicator(domain=None, refresh=2)


def test_more_keys_than_one_batch_takes_are_all_read(stored: IndicatorTable) -> None:
    found = [indicator(f"{number}.example") for number in range(130)]
    stored.apply(add(*found), refresh=1)
    calls = stored.consumed.calls
    assert len(stored.read(one.key for one in found)) == 130
    assert stored.consumed.calls == calls + 2


def test_a_scan_of_many_pages_is_whole(stored: IndicatorTable, faulty: IndicatorTable) -> None:
    stored.apply(add(*(indicator(f"{number}.example") for number in range(25))), refresh=1)
    faulty.client.limits["scan"] = 10
    assert len(faulty.read_all()) == 25


def test_unprocessed_keys_are_asked_again_until_all_are_read(stored: IndicatorTable, faulty: IndicatorTable) -> None:
    found = [indicator(f"{number}.example") for number in range(10)]
    stored.apply(add(*found), refresh=1)
    faulty.client.unprocessed = [4, 2]
    assert faulty.read(one.key for one in found) == table(*found)
    assert faulty.client.calls["batch_get_item"] == 3


def test_throttling_delays_a_read_with_growing_pauses(
    stored: IndicatorTable, faulty: IndicatorTable, pauses: list[float]
) -> None:
    stored.apply(add(indicator()), refresh=1)
    faulty.client.fail("batch_get_item", throttled(), times=3)
    assert faulty.read([KEY]) == table(indicator())
    assert pauses == [0.05, 0.1, 0.2]


def test_throttling_delays_writes_and_loses_none(stored: IndicatorTable, faulty: IndicatorTable) -> None:
    found = [indicator(f"{number}.example") for number in range(20)]
    faulty.client.fail("update_item", throttled(), times=3)
    assert faulty.apply(add(*found), refresh=1).written == 20
    assert stored.read_all() == table(*found)


@pytest.mark.parametrize("method", ["scan", "batch_get_item", "update_item", "delete_item"])
def test_throttling_without_end_is_given_up_by_name(faulty: IndicatorTable, method: str) -> None:
    faulty.client.fail(method, throttled(), times=99)
    actions = {
        "scan": faulty.read_all,
        "batch_get_item": lambda: faulty.read([KEY]),
        "update_item": lambda: faulty.apply(add(indicator()), refresh=1),
        "delete_item": lambda: faulty.apply(remove(indicator()), refresh=1),
    }
    with pytest.raises(ThrottledOutError, match=r"landfall_indicators failed 4 times"):
        actions[method]()


def test_keys_that_stay_unprocessed_are_given_up_by_name(faulty: IndicatorTable) -> None:
    faulty.client.unprocessed = [1] * 99
    with pytest.raises(ThrottledOutError, match="1 keys were left unprocessed"):
        faulty.read([KEY])


def test_a_write_given_up_leaves_the_others_done_and_applies_again(
    stored: IndicatorTable, faulty: IndicatorTable
) -> None:
    changes = add(indicator("a.example"), indicator("b.example"))
    faulty.client.fail("update_item", throttled(), times=4, where="a.example")
    with pytest.raises(ThrottledOutError):
        faulty.apply(changes, refresh=1)
    assert set(stored.read_all()) == {"link_domain#b.example"}
    faulty.apply(changes, refresh=1)
    assert stored.read_all() == table(indicator("a.example"), indicator("b.example"))


def test_a_foreign_item_stops_a_refresh_but_not_the_look_up_of_other_keys(stored: IndicatorTable) -> None:
    stored.apply(add(indicator()), refresh=1)
    foreign = {"ioc": {"S": "link_domain#odd"}, "expires_at": {"N": "1"}}
    stored.client.put_item(TableName=stored.table_name, Item=foreign)
    assert stored.read([KEY, "link_domain#odd"]) == table(indicator())
    with pytest.raises(UnreadableEntryError, match="link_domain#odd"):
        stored.read_all()


def test_a_write_costs_one_unit_and_a_refused_one_too(stored: IndicatorTable) -> None:
    assert stored.apply(add(indicator()), refresh=2).write_units == 1.0
    assert stored.apply(add(indicator()), refresh=1).write_units == 1.0
    assert stored.apply(Changes(as_of=NOW), refresh=3).write_units == 0.0


def test_an_empty_change_touches_no_entry(faulty: IndicatorTable) -> None:
    faulty.apply(Changes(as_of=NOW), refresh=1)
    assert not faulty.client.calls
