"""What a gate over one million mails costs, after import: judge, set rows aside, render the evidence.

The peer does the same work the way the Airflow provider for Great Expectations does it: a Checkpoint with COMPLETE
results, the row id as `unexpected_index_column_names` (without it a failing row cannot be named) and Data Docs built
on disk. Both get the same frame, in which one mail of a hundred is odd, and must find the same rows. Nothing is
uploaded by either.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from include.gates.evidence import EvidencePlace, evidence_of
from include.gates.expectations import gx_expectation
from include.gates.result import Severity
from include.gates.suite import GateExpectation, GateSuite
from include.gates.validate import validate

ROWS = 1_000_000
ROUNDS = 3
CHECKED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def run() -> Iterator[dict[str, object]]:
    """Measure both ways in turn and yield the medians as one line."""
    import great_expectations as gx

    frame, suite = mails(ROWS), gate_suite()
    ours, peer, found = [], [], set()
    for _ in range(ROUNDS):
        seconds, rows = _timed(lambda: _gate(frame, suite))
        ours.append(seconds)
        found.add(rows)
        seconds, rows = _timed(lambda: _checkpoint(gx, frame, suite))
        peer.append(seconds)
        found.add(rows)
    if len(found) != 1:
        raise AssertionError(f"The gate and the checkpoint found different numbers of odd mails: {sorted(found)}.")
    our_median, peer_median = statistics.median(ours), statistics.median(peer)
    yield {
        "name": "gate_seconds",
        "ours": our_median,
        "peer": peer_median,
        "ratio": our_median / peer_median,
        "unit": "s",
        "ours_worst": max(ours),
        "rows": ROWS,
        "odd_rows": found.pop(),
        "note": (
            f"{ROWS:,} rows x {len(frame.columns)} columns, {len(suite.expectations)} expectations, after import, "
            "with evidence; peer: Checkpoint, COMPLETE, unexpected_index_column_names, Data Docs (the provider's way)"
        ),
    }


def mails(rows: int) -> Any:
    """Return a frame of mails with ten columns; one of a hundred has too many links."""
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(20260101)
    number = np.arange(rows)
    arrived = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(draw.integers(0, 86_400, rows), unit="s")
    late_hours = draw.uniform(0, 700, rows)
    return pd.DataFrame(
        {
            "mail_id": pd.Series(number).map("mail-{:09d}".format),
            "received_at": arrived - pd.to_timedelta(late_hours, unit="h"),
            "arrived_at": arrived,
            "url_count": np.where(number % 100 == 0, 9_999, draw.integers(0, 50, rows)),
            "attachment_count": draw.integers(0, 5, rows),
            "receiver_count": draw.integers(1, 9, rows),
            "sender_domain": pd.Series(draw.integers(0, 50_000, rows)).map("sender{}.example".format),
            "duplicate": np.zeros(rows, dtype=bool),
            "lateness_hours": late_hours,
            "hours_ahead": -late_hours,
        }
    )


def gate_suite() -> GateSuite:
    """Return ten expectations: presence, lengths, ranges, a set, a pattern and uniqueness."""

    def rule(kind: str, **kwargs: Any) -> GateExpectation:
        return GateExpectation(f"ExpectColumn{kind}", kwargs, Severity.QUARANTINE, "{count} of {rows}", kind)

    return GateSuite(
        name="benchmark_mails",
        expectations=(
            rule("ValuesToNotBeNull", column="mail_id"),
            rule("ValueLengthsToBeBetween", column="mail_id", min_value=1, max_value=200),
            rule("ValuesToBeUnique", column="mail_id"),
            rule("ValuesToMatchRegex", column="sender_domain", regex=r"^[a-z0-9.-]+$"),
            rule("ValuesToBeInSet", column="duplicate", value_set=[False]),
            rule("ValuesToBeBetween", column="url_count", min_value=0, max_value=5_000),
            rule("ValuesToBeBetween", column="attachment_count", min_value=0, max_value=5_000),
            rule("ValuesToBeBetween", column="receiver_count", min_value=0, max_value=5_000),
            rule("ValuesToBeBetween", column="lateness_hours", max_value=720.0),
            rule("ValuesToBeBetween", column="hours_ahead", max_value=0.25),
        ),
        quarantine_limit=0.02,
        identity=("mail_id",),
    )


def _gate(frame: Any, suite: GateSuite) -> int:
    validation = validate(frame, suite)
    place = EvidencePlace(bucket="lake", suite=suite.name, dag_id="benchmark", run_id="1", task_id="gate")
    result, _ = evidence_of(validation, place=place, checked_at=CHECKED_AT)
    return result.unexpected_rows


def _checkpoint(gx: Any, frame: Any, suite: GateSuite) -> int:
    from great_expectations.checkpoint import UpdateDataDocsAction
    from great_expectations.data_context.types.base import ProgressBarsConfig

    with tempfile.TemporaryDirectory() as site:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": site}
        context.add_data_docs_site("site", {"class_name": "SiteBuilder", "store_backend": backend})
        asset = context.data_sources.add_pandas("mails").add_dataframe_asset("mails")
        expectations = [gx_expectation(rule, position=number) for number, rule in enumerate(suite.expectations)]
        definition = gx.ValidationDefinition(
            name="mails",
            data=asset.add_batch_definition_whole_dataframe("mails"),
            suite=context.suites.add(gx.ExpectationSuite(name=suite.name, expectations=expectations)),
        )
        checkpoint = gx.Checkpoint(
            name="mails",
            validation_definitions=[context.validation_definitions.add(definition)],
            actions=[UpdateDataDocsAction(name="docs", site_names=["site"])],
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["mail_id"]},
        )
        outcome = context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame})
        (validated,) = outcome.run_results.values()
        failing = [entry.result.get("unexpected_index_list") or [] for entry in validated.results]
        return len({row["mail_id"] for rows in failing for row in rows})


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    started = time.perf_counter()
    rows = work()
    return time.perf_counter() - started, rows


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
