"""A recount leaves out what no refresh has read, and one difference is one too many."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from include.gates.result import Verdict
from include.ioc_refresh.rebases import difference_frame, difference_suite, open_rebase
from include.ioc_refresh.refreshes import commit_refresh, plan_refresh
from tests.include.ioc_refresh.moto_lake import Place, moto_place

AT = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


@pytest.fixture
def place() -> Iterator[Place]:
    with moto_place() as found:
        yield found


def put_verdicts(place: Place, hour: str, name: str) -> str:
    return place.lake.put_bytes(place.lake.settings.key("verdicts", f"dt={hour}", name), b"x")


def test_before_the_first_refresh_there_is_nothing_to_recount(place: Place) -> None:
    assert open_rebase(place.lake) == {}


def test_objects_that_came_after_the_refresh_are_open_and_earlier_ones_are_not(place: Place) -> None:
    put_verdicts(place, "2026-03-01-11", "counted.parquet")
    put_verdicts(place, "2026-02-20-11", "counted-long-ago.parquet")
    plan = plan_refresh(place.lake, run_id="r", as_of=AT)
    commit_refresh(place.lake, plan)
    late = put_verdicts(place, "2026-03-01-11", "late.parquet")
    new = put_verdicts(place, "2026-03-01-13", "new.parquet")
    opened = open_rebase(place.lake)
    assert opened["open_objects"] == [late, new]
    assert (opened["version"], opened["as_of"]) == (plan.version, AT.isoformat())
    assert opened["horizon"] == (AT.date() - timedelta(days=180)).isoformat()


@pytest.mark.parametrize(("differences", "verdict"), [(0, Verdict.PASS), (1, Verdict.BLOCK), (100, Verdict.BLOCK)])
def test_one_difference_blocks(differences: int, verdict: Verdict) -> None:
    from include.gates.validate import validate

    rows = [{"kind": "link_domain", "value": f"v{n}.example", "day": "2026-03-01"} for n in range(differences)]
    result = validate(difference_frame(rows), difference_suite()).result
    assert result.verdict is verdict
    if rows:
        assert "link_domain v0.example on 2026-03-01" in " ".join(result.reasons)
