"""The gates of the scanner block, as Great Expectations judges them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.gates.result import Verdict
from include.gates.suites.scanner_block import blocks_suite, logs_suite, logs_summary
from include.gates.validate import validate


def source(**changes: Any) -> dict[str, Any]:
    sound = {"source": "shop", "objects": 3, "lines": 1000, "unreadable": 1, "clients": 40, "example": "x y"}
    return logs_summary(**{**sound, **changes})


def judged(*rows: dict[str, Any], share: float = 0.2) -> Any:
    return validate(pd.DataFrame([*rows]), logs_suite(unreadable_share=share)).result


def test_logs_that_can_be_read_pass() -> None:
    assert judged(source(), source(source="api")).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ({"unreadable": 200}, 0.2),
        ({"lines": 99, "unreadable": 99}, 0.0),
        ({"lines": 100, "unreadable": 100}, 1.0),
        ({"lines": 0, "unreadable": 0, "clients": 0}, 0.0),
    ],
)
def test_a_share_is_judged_from_100_lines_on(changes: dict[str, int], share: float) -> None:
    assert source(**changes)["judged_share"] == share


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"unreadable": 200}, Verdict.PASS),
        ({"unreadable": 201}, Verdict.BLOCK),
        ({"objects": 0, "lines": 0, "unreadable": 0, "clients": 0}, Verdict.PASS),
        ({"clients": -1}, Verdict.BLOCK),
    ],
)
def test_a_source_with_too_many_unreadable_lines_blocks(changes: dict[str, int], verdict: Verdict) -> None:
    assert judged(source(source="api"), source(**changes)).verdict is verdict


def test_a_blocked_run_tells_the_source_its_share_and_a_line() -> None:
    result = judged(source(source="api"), source(unreadable=900, example="2026-11-24 garbage"))
    assert "Sources of which more than a share of 0.2" in result.reasons[0]
    assert "shop 900 1000 0.9 2026-11-24 garbage" in result.reasons[0]
    assert "api" not in result.reasons[0]


def test_a_source_that_was_counted_twice_blocks() -> None:
    assert "counted twice: 2 rows" in judged(source(), source()).reasons[0]


def block(**changes: Any) -> dict[str, Any]:
    return {
        "client": "192.0.2.1",
        "source": "shop",
        "max_per_minute": 50,
        "threshold": 50,
        "is_approved": False,
        "is_own": False,
        "is_search_engine": False,
        "is_address": True,
        **changes,
    }


def blocks(*odd: dict[str, Any], limit: int = 10) -> Any:
    frame = pd.DataFrame([block(), block(client="2001:db8::/64", max_per_minute=51), *odd])
    return validate(frame, blocks_suite(ipset_limit=limit)).result


def test_blocks_of_offenders_pass() -> None:
    assert blocks().verdict is Verdict.PASS


def test_nothing_to_add_passes() -> None:
    frame = pd.DataFrame([block()]).iloc[:0]
    assert validate(frame, blocks_suite(ipset_limit=10)).result.verdict is Verdict.PASS


ODD = [
    ({"client": "192.0.2.11", "is_approved": True}, "approved addresses: 1 (192.0.2.11 shop)"),
    ({"client": "192.0.2.12", "is_own": True}, "company's own addresses: 1 (192.0.2.12 shop)"),
    ({"client": "192.0.2.13", "is_search_engine": True}, "search engine's names confirm: 1 (192.0.2.13 shop)"),
    ({"client": "not-an-address", "is_address": False}, "no address: 1 (not-an-address shop)"),
    ({"client": "192.0.2.14", "max_per_minute": 49}, "below their threshold: 1 (192.0.2.14 shop)"),
    ({"client": "192.0.2.1", "source": "api"}, "more than once: 2 rows (192.0.2.1 shop, 192.0.2.1 api)"),
    ({"client": None}, "New blocks without client: 1 of 10"),
    ({"client": "192.0.2.15", "is_approved": None}, "New blocks without is_approved: 1 of 10"),
]


@pytest.fixture(scope="module")
def reasons_of_odd_blocks() -> str:
    result = blocks(*(block(**odd) for odd, _ in ODD))
    assert result.verdict is Verdict.BLOCK
    return "\n".join(result.reasons)


@pytest.mark.parametrize("told", [told for _, told in ODD])
def test_every_reason_against_a_new_block_is_told_with_the_address(told: str, reasons_of_odd_blocks: str) -> None:
    assert told in reasons_of_odd_blocks


@pytest.mark.parametrize("flag", ["is_approved", "is_own", "is_search_engine"])
def test_one_address_that_must_not_be_blocked_stops_the_run(flag: str) -> None:
    assert blocks(block(client="198.51.100.7", **{flag: True})).verdict is Verdict.BLOCK


def test_more_than_the_sets_hold_is_not_added() -> None:
    assert blocks(limit=2).verdict is Verdict.PASS
    assert "2 addresses would be added, the sets hold 1" in blocks(limit=1).reasons[0]
