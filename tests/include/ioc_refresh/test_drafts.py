"""The guards see again what the queries should have left out, and a draft says why each indicator goes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.ioc_refresh.changes import Changes, Removal, RemovalReason
from include.ioc_refresh.collect import keep_plan
from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.drafts import (
    NewerRefreshError,
    candidate_frame,
    draft_changes,
    keep_draft,
    owed_candidates,
    removal_reasons,
    write_draft,
)
from include.ioc_refresh.indicators import Indicator, TableEntry
from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.publishing import TableDiffersError, commit, require_written
from include.ioc_refresh.refreshes import RefreshPlan, commit_refresh, plan_refresh
from tests.include.ioc_refresh.moto_lake import Place, moto_place

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
POPULAR = Popularity(frozenset({"popular.work"}), "test", "2026-03")


@pytest.fixture
def place() -> Iterator[Place]:
    with moto_place() as found:
        yield found


def row(value: str, *, kind: Kind = Kind.LINK_DOMAIN, domain: str | None = None, days: int = 9) -> dict[str, Any]:
    return {
        "kind": str(kind),
        "value": value,
        "domain": domain,
        "malicious": 2,
        "benign": 0,
        "first_day": date(2026, 2, 1),
        "last_day": date(2026, 2, 27),
        "expires_at": (AT + timedelta(days=days)).replace(tzinfo=None),
        "query_version": f"{kind}-1",
    }


def indicator(value: str, **changed: Any) -> Indicator:
    return Indicator.from_dict({**row(value, domain=value), "refresh": 1, **changed})


def planned(place: Place, *rows: dict[str, Any], run_id: str = "r") -> RefreshPlan:
    plan = plan_refresh(place.lake, run_id=run_id, as_of=AT)
    keep_plan(place.lake, plan)
    if rows:
        place.put_rows(f"candidates/version={plan.version}/x.parquet", list(rows))
    return plan


@pytest.mark.parametrize(
    ("candidate", "guards"),
    [
        (row("evil.work", domain="evil.work"), (False, False)),
        (row("popular.work", domain="popular.work"), (True, False)),
        (row("/a/b", kind=Kind.EXACT_URL, domain="popular.work"), (True, False)),
        (row("popular.work", kind=Kind.SENDER_DOMAIN), (True, False)),
        (row("github.io"), (False, True)),
        (row("co.uk"), (False, True)),
        (row("192.0.2.7", domain="192.0.2.7"), (False, False)),
        (row("/login/*", kind=Kind.PATH_SHAPE), (False, False)),
    ],
)
def test_the_gate_sees_popular_and_shared_names(
    place: Place, candidate: dict[str, Any], guards: tuple[bool, bool]
) -> None:
    plan = planned(place, candidate)
    (found,) = candidate_frame(place.lake, plan.version, POPULAR).to_dict("records")
    assert (found["popular"], found["infrastructure"]) == guards


def test_no_candidate_is_a_frame_with_columns_and_no_row(place: Place) -> None:
    frame = candidate_frame(place.lake, planned(place).version, POPULAR)
    assert len(frame) == 0
    assert {"kind", "popular", "infrastructure"} <= set(frame.columns)


def test_candidates_are_owed_once_some_were_published(place: Place) -> None:
    assert owed_candidates(place.lake) == 0
    commit_refresh(place.lake, planned(place), indicators=3)
    assert owed_candidates(place.lake) == 1


def test_the_first_fill_is_no_mass_change_and_the_next_is_measured(place: Place) -> None:
    plan = planned(place, *(row(f"d{number}.work", domain=f"d{number}.work") for number in range(50)))
    draft = draft_changes(place.lake, place.table, plan, POPULAR)
    assert (draft["added"], draft["share"], draft["change_share"]) == (50, 0.0, 0.5)
    write_draft(place.lake, place.table, version=plan.version, sequence=plan.sequence)
    commit(place.lake, place.table, plan, results={"collect_verdicts": {"pending": 2}})
    second = planned(place, row("new.work", domain="new.work"), run_id="second")
    assert second.pending == 2
    draft = draft_changes(place.lake, place.table, second, POPULAR)
    assert (draft["added"], draft["removed"], draft["share"]) == (1, 50, 0.51)


def test_reasons_of_removal_prefer_the_benign_report() -> None:
    entries = [TableEntry(indicator(value)) for value in ("a.work", "popular.work", "b.work")] + [TableEntry()]
    benign = frozenset({"link_domain#a.work", "link_domain#never-there.work"})
    assert removal_reasons(entries, benign, POPULAR) == {
        "link_domain#a.work": RemovalReason.BENIGN_REPORT,
        "link_domain#popular.work": RemovalReason.POPULAR,
    }


def test_an_old_draft_never_writes_over_a_newer_refresh(place: Place) -> None:
    newer = indicator("a.work", expires_at=AT + timedelta(days=99))
    place.table.apply(Changes(as_of=AT, added=(newer,)), refresh=7)
    keep_draft(place.lake, "old", Changes(as_of=AT, added=(indicator("a.work"),)))
    with pytest.raises(NewerRefreshError, match=r"link_domain#a\.work"):
        write_draft(place.lake, place.table, version="old", sequence=6)
    assert place.table.read_all()["link_domain#a.work"].indicator == Indicator.from_dict(
        {**newer.to_dict(), "refresh": 7}
    )


def test_a_half_written_table_is_never_published(place: Place) -> None:
    one, two = indicator("a.work"), indicator("b.work")
    plan = planned(place)
    keep_draft(place.lake, plan.version, Changes(as_of=AT, added=(one, two)))
    place.table.apply(Changes(as_of=AT, added=(one,)), refresh=1)
    with pytest.raises(TableDiffersError, match=r"link_domain#b\.work"):
        commit(place.lake, place.table, plan, results={})
    assert place.keys("snapshots", "") == []
    assert place.keys("refreshes/") == []


def test_a_removed_indicator_that_still_stands_is_noticed() -> None:
    gone = indicator("a.work")
    changes = Changes(as_of=AT, removed=(Removal(gone, RemovalReason.EXPIRED),))
    require_written({}, changes)
    with pytest.raises(TableDiffersError):
        require_written({gone.key: TableEntry(gone)}, changes)


def test_cost_counts_every_query_wherever_its_outcome_stands(place: Place) -> None:
    plan = planned(place)
    keep_draft(place.lake, plan.version, Changes(as_of=AT))
    outcome = {"scanned_bytes": 5, "state": "SUCCEEDED"}
    results = {"check_new_mail": {"queries": [outcome, outcome]}, "update_state": {"state": outcome, "ledger": outcome}}
    cost = commit(place.lake, place.table, plan, results={**results, "find_candidates": None})["cost"]
    assert (cost["queries"], cost["scanned_bytes"]) == (4, 20)
