"""Dead letters are counted by exactly one refresh, with their reasons and without their contents."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from include.ioc_refresh.dead_letters import count_dead_letters
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.refreshes import commit_refresh, plan_refresh
from tests.include.ioc_refresh.moto_lake import moto_place

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def lake() -> Iterator[Lake]:
    with moto_place() as place:
        yield place.lake


def bury(lake: Lake, name: str, reason: str) -> None:
    key = lake.settings.key("dead-letter", f"dt={NOW:%Y-%m-%d-%H}", f"{name}.json")
    lake.put_json(key, {"reason": reason, "raw": "hostile"})


def test_a_refusal_is_counted_by_the_next_refresh_and_by_no_other(lake: Lake) -> None:
    bury(lake, "a", "time: 1970-01-01T00:00:00Z is not within 30 days before arrival")
    bury(lake, "b", "not JSON: Expecting value: line 1 column 1 (char 0)")
    bury(lake, "c", "time: 2027-01-01T00:00:00Z is not within 30 days before arrival")
    first = plan_refresh(lake, run_id="run-1", as_of=NOW)
    assert count_dead_letters(lake, first.dead_letters) == {
        "count": 3,
        "opened": 3,
        "reasons": {"time": 2, "not JSON": 1},
    }
    commit_refresh(lake, first)
    assert plan_refresh(lake, run_id="run-2", as_of=NOW + timedelta(minutes=5)).dead_letters == ()


def test_refusals_alone_start_no_refresh_but_wait_to_be_counted(lake: Lake) -> None:
    commit_refresh(lake, plan_refresh(lake, run_id="run-1", as_of=NOW))
    bury(lake, "a", "id: a text is required")
    later = plan_refresh(lake, run_id="run-2", as_of=NOW + timedelta(minutes=5))
    assert later.nothing_new
    assert len(later.dead_letters) == 1
