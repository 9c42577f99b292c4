"""The commit log: what is new, who may commit, and what a run that starts again sees."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from include.ioc_refresh.lake import Lake
from include.ioc_refresh.refreshes import (
    NO_VERSION,
    RefreshConflictError,
    RefreshPlan,
    commit_key,
    commit_refresh,
    last_commit,
    plan_refresh,
)
from tests.include.ioc_refresh.moto_lake import moto_place

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def lake() -> Iterator[Lake]:
    with moto_place() as place:
        yield place.lake


def land(lake: Lake, table: str, moment: datetime, name: str = "a") -> str:
    key = lake.settings.key(table, f"dt={moment:%Y-%m-%d-%H}", f"{name}.parquet")
    lake.put_bytes(key, b"x")
    return key


def plan(lake: Lake, run_id: str = "run-1", as_of: datetime = NOW, **more: int) -> RefreshPlan:
    return plan_refresh(lake, run_id=run_id, as_of=as_of, **more)


def test_the_first_refresh_reads_the_days_it_was_told_and_nothing_older(lake: Lake) -> None:
    old, young = land(lake, "mails", NOW - timedelta(days=8)), land(lake, "mails", NOW - timedelta(days=6))
    first = plan(lake, backfill_days=7)
    assert first.mail_objects == (young,)
    assert old not in first.mail_objects
    assert (first.sequence, first.previous_version) == (1, NO_VERSION)


def test_each_object_is_read_by_exactly_one_refresh_even_when_it_lands_in_a_past_hour(lake: Lake) -> None:
    early = land(lake, "verdicts", NOW - timedelta(hours=3))
    first = plan(lake)
    commit_refresh(lake, first)
    late = land(lake, "verdicts", NOW - timedelta(hours=20), name="late")
    second = plan(lake, "run-2", NOW + timedelta(minutes=5))
    assert (first.verdict_objects, second.verdict_objects) == ((early,), (late,))
    commit_refresh(lake, second)
    assert plan(lake, "run-3", NOW + timedelta(minutes=10)).verdict_objects == ()


def test_objects_stay_known_for_as_long_as_their_hour_is_searched(lake: Lake) -> None:
    land(lake, "mails", NOW - timedelta(hours=1))
    commit_refresh(lake, plan(lake))
    for hours in range(1, 60, 7):
        later = plan(lake, f"run-{hours}", NOW + timedelta(hours=hours))
        assert later.mail_objects == ()
        commit_refresh(lake, later)


def test_a_run_that_starts_again_before_its_commit_gets_the_same_version(lake: Lake) -> None:
    assert plan(lake).version == plan(lake).version
    assert plan(lake, "run-1").version != plan(lake, "run-2").version


def test_of_two_runs_at_once_only_one_commits_and_the_other_is_told_by_whom(lake: Lake) -> None:
    ours, theirs = plan(lake, "run-1"), plan(lake, "run-2")
    commit_refresh(lake, theirs)
    with pytest.raises(RefreshConflictError, match="'run-2'"):
        commit_refresh(lake, ours)
    assert last_commit(lake)["run_id"] == "run-2"


def test_committing_twice_keeps_the_first_entry(lake: Lake) -> None:
    ours = plan(lake)
    commit_refresh(lake, ours, pending=3)
    assert commit_refresh(lake, ours, pending=9)["pending"] == 3


def test_nothing_new_is_said_only_when_the_result_cannot_differ(lake: Lake) -> None:
    land(lake, "mails", NOW)
    first = plan(lake)
    assert not first.nothing_new
    commit_refresh(lake, first)
    assert plan(lake, "b", NOW + timedelta(hours=1)).nothing_new
    assert not plan(lake, "b", NOW + timedelta(hours=13)).nothing_new  # a new day: ageing
    land(lake, "verdicts", NOW)
    assert not plan(lake, "b", NOW + timedelta(hours=1)).nothing_new


def test_a_verdict_that_waits_for_its_mail_keeps_refreshes_coming(lake: Lake) -> None:
    commit_refresh(lake, plan(lake), pending=1)
    assert not plan(lake, "b", NOW + timedelta(minutes=5)).nothing_new


def test_a_plan_survives_its_stored_form(lake: Lake) -> None:
    land(lake, "mails", NOW)
    ours = plan(lake)
    assert RefreshPlan.from_dict(ours.to_dict()) == ours


def test_a_hint_that_is_behind_or_missing_does_not_hide_the_last_commit(lake: Lake) -> None:
    first = plan(lake)
    commit_refresh(lake, first)
    lake.put_json(commit_key(lake, 2), {"sequence": 2, "as_of": NOW.isoformat(), "version": "x", "pending": 0})
    assert last_commit(lake)["sequence"] == 2
    lake.client.delete_object(Bucket=lake.settings.bucket, Key=lake.settings.key("last-refresh-hint.json"))
    assert last_commit(lake)["sequence"] == 2
    lake.put_json(lake.settings.key("last-refresh-hint.json"), {"sequence": 99})
    assert last_commit(lake)["sequence"] == 2


def test_the_last_commit_is_the_one_with_the_highest_number(lake: Lake) -> None:
    for sequence in (1, 2, 9, 10, 11):
        lake.put_json(commit_key(lake, sequence), {"sequence": sequence})
    assert last_commit(lake) == {"sequence": 11}
