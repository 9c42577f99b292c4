"""Bytes that a tick of the scanner block reads, beside asking Athena for the whole block period each time.

Both run on the local Athena over the same objects: hourly logs of a week, then ticks with one new object each. Ours is
the bytes scanned by the tick's queries; the naive way runs the same query over every object of the block period. The
last tick is measured for a period of five minutes and of seven days; a tick of ours must not depend on it.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks.stand_in import stand_in
from include.scanner_block.athena.queries import OBJECTS_PER_QUERY, count_objects, unload
from include.scanner_block.desk import Desk, read_inputs
from include.scanner_block.lake.plans import find_plan
from include.scanner_block.lake.resources import ensure_resources
from include.scanner_block.policy import read_policy
from include.scanner_block.sample.busy_logs import Traffic, busy_log
from include.scanner_block.settings import ScannerSettings
from include.scanner_block.steps import updates, writing
from include.scanner_block.steps.collecting import batches, collect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.stand_in import StandIn

HOURS = int(os.environ.get("LANDFALL_BENCH_LOG_HOURS", str(7 * 24)))
TICKS = 3
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS)  # metrics are of today
PERIODS = {"5 minutes": 5, "7 days": 7 * 24 * 60}


def run() -> Iterator[dict[str, object]]:
    """Measure both, and yield bytes_per_run."""
    with tempfile.TemporaryDirectory(prefix="landfall-bytes-") as folder, stand_in(Path(folder)) as aws:
        measured = {name: _Lake(aws, name, minutes).measure() for name, minutes in PERIODS.items()}
    (short, short_naive, new), (long, long_naive, _) = (measured[name] for name in PERIODS)
    yield {
        "name": "bytes_per_run",
        "ours": long,
        "peer": long_naive,
        "ratio": round(long / long_naive, 5),
        "unit": "bytes",
        "note": f"last of {TICKS} ticks with one new object each after {HOURS} hourly ones, local Athena; block period "
        f"of 7 days; with 5 minutes ours {short:,} and naive {short_naive:,}; bytes of the new object {new:,}",
    }


class _Lake:
    """One deployment, driven without Airflow."""

    def __init__(self, aws: StandIn, name: str, minutes: int) -> None:
        self._aws, self._minutes = aws, minutes
        word = name.replace(" ", "-")
        self.settings = ScannerSettings(bucket=f"bytes-{word}", database=f"bytes_{minutes}", workgroup=word, queue=word)
        source = {"name": "web", "format": "cloudfront", "bucket": self.settings.bucket, "prefix": "cf/E2EXAMPLE."}
        sets = {"ipv4": [f"v4-{minutes}"], "ipv6": [f"v6-{minutes}"]}
        self.text = yaml.safe_dump(
            {
                "block_period_minutes": minutes,
                "late_hours": 24 * 30,
                "sources": [source],
                "ip_sets": sets,
                "spare_search_engines": False,
                "limits": {"change_share": 1.0, "client_share": 1.0},
            }
        )
        self.policy = read_policy(self.text, source="benchmark")
        store = self.settings.store(self.client("s3"))
        self.desk = Desk(settings=self.settings, store=store, clients=self.client)
        store.client.create_bucket(Bucket=self.settings.bucket)
        ensure_resources(self.client, self.settings, self.policy)
        store.put_bytes(self.settings.policy_key, self.text.encode())

    def client(self, service: str, **_place: str) -> Any:
        return self._aws.client(service)

    def measure(self) -> tuple[int, int, int]:
        """Return the bytes of our last tick, of the naive way at that time, and of the new object."""
        traffic = Traffic(start=START, minutes=HOURS * 60, requests_per_minute=10, clients=500, objects=1, seed=3)
        log = list(busy_log(traffic, every_minutes=60, prefix="cf/E2EXAMPLE."))
        first, later = log[:-TICKS], log[-TICKS:]
        self._put(first)
        self._tick(START + timedelta(hours=HOURS - TICKS))
        ours = 0
        for number, delivery in enumerate(later, 1):
            self._put([delivery])
            now = START + timedelta(hours=HOURS - TICKS + number)
            ours = self._tick(now)
        window = timedelta(minutes=self._minutes)
        hours = max(1, int(window / timedelta(hours=1)))  # a whole object holds the five minutes, too
        naive = self._scan([f"s3://{self.settings.bucket}/{key}" for key, _ in log[-hours:]])
        return ours, naive, len(later[-1][1])

    def _put(self, log: Sequence[tuple[str, bytes]]) -> None:
        for key, body in log:
            self.desk.store.client.put_object(Bucket=self.settings.bucket, Key=key, Body=body)

    def _tick(self, now: datetime) -> int:
        planned = updates.plan_update(self.desk, run_id=now.isoformat(), at=now)
        version = planned["version"]
        plan, policy = find_plan(self.desk.store, version), read_inputs(self.desk, at=now).policy
        scanned = 0
        for batch in batches(plan, policy):
            scanned += self._scan([found.uri for found in batch.objects], folder=batch.folder)
        collect(self.desk.store, plan, policy, failed=())
        updates.decide_update(self.desk, version, use_logs=True)
        writing.commit_draft(self.desk, version, note=None, written=writing.write_sets(self.desk, version))
        return scanned

    def _scan(self, objects: Sequence[str], *, folder: tuple[str, ...] = ("naive",)) -> int:
        athena, scanned = self.client("athena"), 0
        source = self.policy.sources[0]
        for start in range(0, len(objects), OBJECTS_PER_QUERY):
            part = objects[start : start + OBJECTS_PER_QUERY]
            select = count_objects(source, table=source.name, objects=part, rules=self.policy.rules)
            place = folder if folder[0] != "naive" else (*folder, f"{start}")
            asked = athena.start_query_execution(
                QueryString=unload(select, to=self.settings.uri(*place) + "/"),
                QueryExecutionContext={"Database": self.settings.database},
                WorkGroup=self.settings.workgroup,
            )["QueryExecutionId"]
            while (found := athena.get_query_execution(QueryExecutionId=asked)["QueryExecution"])["Status"][
                "State"
            ] in (
                "QUEUED",
                "RUNNING",
            ):
                time.sleep(0.05)
            if found["Status"]["State"] != "SUCCEEDED":
                raise RuntimeError(found["Status"])
            scanned += found["Statistics"]["DataScannedInBytes"]
        return scanned
