"""A hold keeps refreshes away for a stated time, and no shorter hold cuts it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from include.ioc_refresh.holds import put_hold, read_hold, release_hold, standing_hold
from include.ioc_refresh.lake import Lake
from tests.include.ioc_refresh.moto_lake import moto_place

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def lake() -> Iterator[Lake]:
    with moto_place() as place:
        yield place.lake


def hold(lake: Lake, *, at: datetime = AT, hours: float = 4) -> None:
    put_hold(lake, at=at, hours=hours, by="oncall", reason="the mass change was rejected.")


def test_without_a_hold_nothing_stands(lake: Lake) -> None:
    assert standing_hold(lake, at=AT) is None
    assert release_hold(lake) is None


def test_a_hold_stands_until_its_end_and_no_longer(lake: Lake) -> None:
    hold(lake)
    assert standing_hold(lake, at=AT + 4 * HOUR - timedelta(seconds=1))
    assert standing_hold(lake, at=AT + 4 * HOUR) is None


def test_a_run_that_was_due_before_the_hold_is_held_too(lake: Lake) -> None:
    hold(lake)
    assert standing_hold(lake, at=AT - HOUR)


def test_a_shorter_hold_does_not_cut_a_longer_one(lake: Lake) -> None:
    hold(lake, hours=24)
    hold(lake, hours=1)
    assert standing_hold(lake, at=AT + 23 * HOUR)


def test_a_hold_can_be_lengthened_to_a_week_at_most(lake: Lake) -> None:
    hold(lake)
    hold(lake, hours=10_000)
    found = read_hold(lake)
    assert found is not None
    assert found.until == AT + timedelta(days=7)


def test_a_released_hold_is_gone(lake: Lake) -> None:
    hold(lake)
    assert release_hold(lake) is not None
    assert standing_hold(lake, at=AT) is None


def test_the_sentence_says_until_when_by_whom_why_and_what_to_do(lake: Lake) -> None:
    hold(lake)
    found = read_hold(lake)
    assert found is not None
    assert found.sentence() == (
        "Refreshes are held until 2026-03-01 16:00 UTC by oncall: the mass change was rejected. "
        "To end the hold, trigger ioc_refresh_generate with release_hold switched on."
    )
