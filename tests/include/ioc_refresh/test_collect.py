"""Plans are kept, closed refreshes stay closed, and a verdict is used, kept waiting or buried, never lost."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.ioc_refresh.collect import (
    RefreshClosedError,
    collect_verdicts,
    load_open_plan,
    load_plan,
    object_batches,
    open_refresh,
    read_parquet,
)
from include.ioc_refresh.refreshes import commit_refresh
from include.ioc_refresh.verdicts import Receipt
from tests.include.ioc_refresh.moto_lake import Place, moto_place

AT = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
KEYS = (("link_domain", "evil.example", "evil.example"), ("path_shape", "/a/9", None))


@pytest.fixture
def place() -> Iterator[Place]:
    with moto_place() as found:
        yield found


def open_one(place: Place, *, run_id: str = "run-1", at: datetime = AT) -> dict[str, Any]:
    return open_refresh(place.lake, run_id=run_id, at=at, backfill_days=30)


def news(place: Place, version: str, *verdicts: tuple[str, str], at: datetime = AT) -> None:
    rows = [
        {
            "mail_id": mail,
            "verdict": word,
            "reported_at": at.replace(tzinfo=None),
            "arrived_at": at.replace(tzinfo=None),
        }
        for mail, word in verdicts
    ]
    place.put_rows(f"news/version={version}/verdicts/part=0/x.parquet", rows)


def receipt(place: Place, mail_id: str) -> None:
    place.put_receipt(Receipt(mail_id, AT - timedelta(hours=2), AT - timedelta(hours=2), KEYS))


def collected(place: Place, version: str) -> dict[str, Any]:
    return collect_verdicts(place.lake, place.receipts, load_plan(place.lake, version))


def test_a_plan_is_read_back_as_it_was_kept(place: Place) -> None:
    opened = open_one(place)
    plan = load_plan(place.lake, opened["version"])
    assert (plan.sequence, plan.run_id, plan.as_of) == (1, "run-1", AT)
    assert opened["plan"] == place.lake.settings.uri("plans", f"{plan.version}.json")


def test_a_run_asked_again_opens_the_same_refresh(place: Place) -> None:
    assert open_one(place) == open_one(place)


def test_nothing_new_opens_nothing(place: Place) -> None:
    commit_refresh(place.lake, load_plan(place.lake, open_one(place)["version"]))
    assert open_one(place, run_id="run-2", at=AT + timedelta(minutes=5)) == {}


def test_a_run_cleared_days_later_does_not_turn_time_back(place: Place) -> None:
    commit_refresh(place.lake, load_plan(place.lake, open_one(place)["version"]), pending=1)
    opened = open_one(place, run_id="old", at=AT - timedelta(days=3))
    assert opened["as_of"] == AT.isoformat()


def test_a_committed_refresh_is_closed(place: Place) -> None:
    version = open_one(place)["version"]
    assert load_open_plan(place.lake, version).version == version
    commit_refresh(place.lake, load_plan(place.lake, version))
    with pytest.raises(RefreshClosedError, match="Refresh 1 is closed"):
        load_open_plan(place.lake, version)


def test_a_refresh_overtaken_by_another_is_closed(place: Place) -> None:
    slow, fast = open_one(place, run_id="slow")["version"], open_one(place, run_id="fast")["version"]
    commit_refresh(place.lake, load_plan(place.lake, fast))
    with pytest.raises(RefreshClosedError):
        load_open_plan(place.lake, slow)


def test_verdicts_of_known_mails_become_evidence(place: Place) -> None:
    version = open_one(place)["version"]
    news(place, version, ("m1", "malicious"), ("m2", "benign"))
    receipt(place, "m1")
    receipt(place, "m2")
    counts = collected(place, version)
    rows = read_parquet(place.lake, "evidence", f"version={version}", "")
    assert {(row["mail_id"], row["verdict"], row["received_day"]) for row in rows} == {
        ("m1", "malicious", date(2026, 3, 1)),
        ("m2", "benign", date(2026, 3, 1)),
    }
    assert [tuple(key.values()) for key in rows[0]["keys"]] == list(KEYS)
    assert (counts["evidence"], counts["pending"], counts["given_up"]) == (2, 0, 0)


def test_collecting_twice_writes_the_same_objects(place: Place) -> None:
    version = open_one(place)["version"]
    news(place, version, ("m1", "malicious"), ("gone", "malicious"), ("odd", "maybe"))
    receipt(place, "m1")
    first = collected(place, version)
    written = {key: place.lake.get_bytes(key) for key in place.keys("")}
    second = collected(place, version)
    assert {key: place.lake.get_bytes(key) for key in place.keys("")} == written
    assert first["evidence_digest"] == second["evidence_digest"]


def test_a_second_collection_without_evidence_leaves_none_behind(place: Place) -> None:
    version = open_one(place)["version"]
    news(place, version, ("m1", "malicious"))
    receipt(place, "m1")
    collected(place, version)
    place.lake.delete_prefix("news", "")
    assert collected(place, version)["evidence"] == 0
    assert place.keys("evidence", "") == []


def test_a_verdict_waits_for_its_mail_and_is_used_when_it_comes(place: Place) -> None:
    version = open_one(place)["version"]
    news(place, version, ("late", "malicious"))
    counts = collected(place, version)
    assert counts["pending"] == 1
    commit_refresh(place.lake, load_plan(place.lake, version), pending=counts["pending"])

    receipt(place, "late")
    later = open_one(place, run_id="run-2", at=AT + timedelta(minutes=5))
    assert later["pending_verdicts"] == 1
    assert collected(place, later["version"])["evidence"] == 1


def test_a_verdict_whose_mail_never_comes_is_buried_with_its_reason(place: Place) -> None:
    version = open_one(place)["version"]
    news(place, version, ("never", "malicious"), at=AT - timedelta(days=8))
    assert collected(place, version)["given_up"] == 1
    (key,) = place.keys("dead-letter", "dt=2026-03-01-12", "")
    letter = json.loads(place.lake.get_bytes(key))
    assert letter["reason"] == "no mail with this id arrived within 7 days"
    assert (letter["source"], letter["raw"]["mail_id"]) == ("verdict", "never")


def test_many_objects_are_asked_for_in_several_queries(place: Place) -> None:
    keys = [f"ioc/mails/dt=2026-03-01-{number % 24:02d}/{number}.parquet" for number in range(3_001)]
    batches = list(object_batches(place.lake, keys))
    assert [len(objects) for objects, _ in batches] == [1_500, 1_500, 1]
    assert [uri for objects, _ in batches for uri in objects] == [f"s3://landfall-lake/{key}" for key in keys]
    assert batches[2][1] == ["2026-03-01-00"]
    assert list(object_batches(place.lake, [])) == []
