"""The gates of an assessment, as Great Expectations judges them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.gates.result import Verdict
from include.gates.suites.discovery import inventory_suite, outcome_suite
from include.gates.validate import validate


def machines(**changes: Any) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "server_id": [f"s{number}" for number in range(40)],
            "os_family": ["linux"] * 40,
            "cpu_cores": [4.0] * 40,
            "memory_mib": [8192.0] * 40,
            "storage_gib": [None] + [100.0] * 39,
        }
    )
    for column, value in changes.items():
        frame.loc[3, column] = value
    return frame


def test_machines_that_can_be_pass() -> None:
    assert validate(machines(), inventory_suite()).result.verdict is Verdict.PASS


@pytest.mark.parametrize("changes", [{"cpu_cores": 0.0}, {"memory_mib": 16.0}, {"storage_gib": -1.0}])
def test_a_machine_that_cannot_be_is_set_aside_by_name(changes: dict[str, float]) -> None:
    result = validate(machines(**changes), inventory_suite()).result
    assert result.verdict is Verdict.QUARANTINE


@pytest.mark.parametrize("changes", [{"server_id": "s4"}, {"os_family": "amiga"}])
def test_machines_that_stand_twice_or_run_nothing_known_block(changes: dict[str, str]) -> None:
    assert validate(machines(**changes), inventory_suite()).result.verdict is Verdict.BLOCK


def test_too_many_impossible_machines_block() -> None:
    frame = machines()
    frame.loc[:4, "cpu_cores"] = 0.0
    assert validate(frame, inventory_suite()).result.verdict is Verdict.BLOCK


def test_an_empty_inventory_blocks() -> None:
    assert validate(machines().head(0), inventory_suite()).result.verdict is Verdict.BLOCK


def checks(*verdicts: str) -> pd.DataFrame:
    names = [f"check_{number}" for number in range(len(verdicts))]
    return pd.DataFrame({"check": names, "verdict": list(verdicts), "sentence": ["told"] * len(verdicts)})


def test_one_check_that_is_not_met_blocks_its_outcome_and_says_why() -> None:
    assert validate(checks("pass", "pass", "pass"), outcome_suite("tco")).result.verdict is Verdict.PASS
    suite = outcome_suite("wave_plan", blocking=["Servers with an owner: 3 {odd} %."])
    result = validate(checks("pass", "block", "pass"), suite).result
    assert result.verdict is Verdict.BLOCK
    assert "wave plan" in str(result.to_dict())
    assert "Servers with an owner: 3 {odd} %." in str(result.to_dict())


def test_an_outcome_that_was_never_checked_blocks() -> None:
    assert validate(checks(), outcome_suite("tco")).result.verdict is Verdict.BLOCK
