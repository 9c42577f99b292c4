"""The daily proof that the incremental state equals a fresh count of the mails."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from include.gates.result import Severity
from include.gates.suite import ColumnKind, GateExpectation, GateSuite
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.queries import horizon
from include.ioc_refresh.refreshes import WATCH, hour_of, last_commit

MOST_DIFFERENCES = 100
"""Rows that sql/compare_state.sql returns at most."""


def open_rebase(lake: Lake) -> dict[str, Any]:
    """Name the version to recount, or return an empty dict before the first refresh.

    `open_objects` are verdict objects that arrived after the version was planned: the state does not know them yet.
    """
    last = last_commit(lake)
    if last is None:
        return {}
    as_of = datetime.fromisoformat(last["as_of"])
    first_hour, known = f"{as_of - WATCH:%Y-%m-%d-%H}", set(last["watched"].get("verdicts", ()))
    arrived = (key for key in lake.list_keys("verdicts/") if hour_of(key) > first_hour and key not in known)
    return {
        "sequence": last["sequence"],
        "version": last["version"],
        "as_of": last["as_of"],
        "horizon": horizon(as_of).isoformat(),
        "open_objects": [f"s3://{lake.settings.bucket}/{key}" for key in arrived],
    }


def difference_frame(differences: Sequence[Mapping[str, str | None]]) -> Any:
    """Return the one-row DataFrame that `difference_suite` judges; examples name kind, value and day."""
    import pandas as pd

    examples = "; ".join(f"{row['kind']} {row['value']} on {row['day']}" for row in differences[:5])
    return pd.DataFrame([{"differences": len(differences), "examples": examples or "none"}])


def difference_suite() -> GateSuite:
    """Block when a key has another count in the state than in the mails on any day."""
    return GateSuite(
        name="ioc_refresh_rebase",
        columns={"differences": ColumnKind.WHOLE_NUMBER, "examples": ColumnKind.TEXT},
        expectations=(
            GateExpectation(
                "ExpectColumnValuesToBeBetween",
                {"column": "differences", "min_value": 0, "max_value": 0},
                Severity.BLOCK,
                "State and mails differ (differences, examples): {examples}; see docs/runbooks/ioc_refresh_rebase.md.",
                "state and mails differ",
            ),
        ),
        identity=("differences", "examples"),
    )
