"""The gates before and after a plan fail closed."""

from typing import Any

from include.gates.result import Verdict
from include.gates.suites.fsx_listing import TOLD, listing_suite, plan_suite
from include.gates.validate import validate

LISTING = {
    "listing": "s3://lake/l.parquet",
    "is_readable": True,
    "refusal": "",
    "files": 2,
    "directories": 1,
    "symlinks": 1,
    "bytes": 10,
    "movable": 3,
}


def judged(suite: Any, *rows: dict[str, Any]) -> Any:
    import pandas as pd

    return validate(pd.DataFrame(list(rows), columns=list(suite.columns)), suite).result


def test_a_listing_with_files_passes() -> None:
    assert judged(listing_suite(), LISTING).verdict is Verdict.PASS


def test_a_refused_listing_blocks_with_its_reason_whatever_is_in_it() -> None:
    refusal = "l.parquet, row 7 ('{a}'): its size is negative."
    row = LISTING | {"is_readable": False, "refusal": refusal, "files": 0, "movable": 0}
    result = judged(listing_suite(refusal=refusal), row)
    assert result.verdict is Verdict.BLOCK
    assert result.reasons == (f"The listing is refused: {refusal}",)


def test_a_listing_without_files_blocks() -> None:
    result = judged(listing_suite(), LISTING | {"files": 0, "symlinks": 0, "movable": 0})
    assert result.verdict is Verdict.BLOCK
    assert "names no file and no link" in result.reasons[0]


def test_no_listing_at_all_blocks() -> None:
    assert judged(listing_suite()).verdict is Verdict.BLOCK


def finding(severity: str, sentence: str = "It is so.") -> dict[str, str]:
    return {"code": "some", "severity": severity, "sentence": sentence}


def test_a_plan_with_warnings_passes() -> None:
    assert judged(plan_suite(), finding("note"), finding("warn")).verdict is Verdict.PASS


def test_one_finding_that_blocks_stops_the_plan_with_its_sentence() -> None:
    result = judged(plan_suite(blocks=["It does not {fit}."]), finding("note"), finding("block", "It does not {fit}."))
    assert result.verdict is Verdict.BLOCK
    assert "Findings that block: 1. It does not {fit}." in result.reasons[0]


def test_a_severity_that_nobody_knows_stops_the_plan() -> None:
    assert judged(plan_suite(), finding("fatal")).verdict is Verdict.BLOCK


def test_the_message_has_the_first_findings_only() -> None:
    blocks = [f"Reason {number}." for number in range(TOLD + 3)]
    result = judged(plan_suite(blocks=blocks), *(finding("block", told) for told in blocks))
    assert f"Reason {TOLD - 1}." in result.reasons[0]
    assert f"Reason {TOLD}." not in result.reasons[0]
