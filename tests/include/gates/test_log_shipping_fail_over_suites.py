"""The gates of a failover fail closed."""

from typing import Any

import pytest

from include.gates.result import Verdict
from include.gates.suites.log_shipping_fail_over import proof_suite, redirection_suite
from include.gates.validate import validate

PROVEN = {
    "database": "Sales",
    "restored_on": "EC2SQL02",
    "takes_logs": True,
    "chain_is_proven": True,
    "redo_lsn": "34000000016700004",
    "lsn_is_as_proven": True,
    "fork_is_as_proven": True,
    "why_not": "",
}
LED = {"database": "Sales", "leads_right": True, "reads_back": True, "old_side_refuses": True, "told": "fine"}


def judged(suite: Any, *rows: dict[str, Any]) -> Any:
    import pandas as pd

    return validate(pd.DataFrame(list(rows), columns=list(suite.columns)), suite).result


def test_proven_databases_pass() -> None:
    assert judged(proof_suite(), PROVEN, PROVEN | {"database": "HR"}).verdict is Verdict.PASS


@pytest.mark.parametrize("claim", ["takes_logs", "chain_is_proven", "lsn_is_as_proven", "fork_is_as_proven"])
def test_one_unproven_claim_stops_a_planned_move(claim: str) -> None:
    result = judged(proof_suite(), PROVEN, PROVEN | {"database": "HR", claim: False, "why_not": "a gap"})
    assert result.verdict is Verdict.BLOCK
    assert "HR" in result.reasons[0]


def test_after_a_disaster_the_proven_ones_go_on_but_never_none() -> None:
    suite, bad = proof_suite(some_may_stay=True), PROVEN | {"database": "HR", "chain_is_proven": False}
    assert judged(suite, PROVEN, bad).verdict is Verdict.QUARANTINE
    assert judged(suite, bad).verdict is Verdict.BLOCK


def test_no_database_at_all_is_no_proof() -> None:
    assert judged(proof_suite()).verdict is Verdict.BLOCK
    assert judged(redirection_suite()).verdict is Verdict.BLOCK


@pytest.mark.parametrize("claim", ["leads_right", "reads_back", "old_side_refuses"])
def test_one_wrong_lead_blocks(claim: str) -> None:
    assert judged(redirection_suite(), LED).verdict is Verdict.PASS
    assert judged(redirection_suite(), LED, LED | {claim: False}).verdict is Verdict.BLOCK
