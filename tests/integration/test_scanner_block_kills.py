"""An update that is killed at its calls to AWS, or that AWS fails, ends as an undisturbed one.

The same update (it blocks, sums a spread minute, lets go, spares, reads a damaged log) runs again and again from the
same starting point; the sets, the state, the counts and the ledger are compared.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from include.scanner_block.lake.carried import load_carried
from include.scanner_block.lake.counts_store import read_hours
from include.scanner_block.lake.journal import last_commit
from include.scanner_block.lake.ledger import load_ledger
from tests.integration.dag_runner import DagRunner, Run
from tests.integration.killed_workers import DEATH
from tests.integration.scanner_site import SETS, START, Site, lines, settings_for
from tests.local_aws import start_local_aws

pytestmark = pytest.mark.airflow

OLD, NEW, SPREAD, SIXTH, GATEWAY = "192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::6", "198.51.100.1"
VICTIMS = {"plan_update", "count_requests", "collect_counts", "decide_blocks", "write_sets", "commit_update"}
HOUR = timedelta(hours=1)


@dataclass
class StartingPoint:
    """A site after its first update, with new logs waiting."""

    site: Site
    objects: dict[str, bytes] = field(default_factory=dict)
    sets: dict[str, list[str]] = field(default_factory=dict)

    def keep(self) -> None:
        """Remember everything as it is."""
        store = self.site.store
        pages = store.client.get_paginator("list_objects_v2").paginate(Bucket=store.bucket)
        keys = [found["Key"] for page in pages for found in page.get("Contents", ())]
        self.objects = {key: store.get_bytes(key) for key in keys}
        self.sets = {name: self.site.set_addresses(name) for name in SETS}

    def again(self) -> None:
        """Forget everything since."""
        store = self.site.store
        self.site.aws.control("DELETE", "faults")
        pages = store.client.get_paginator("list_objects_v2").paginate(Bucket=store.bucket)
        now = {found["Key"] for page in pages for found in page.get("Contents", ())}
        for key in now - self.objects.keys():
            store.delete(key)
        for key in self.objects.keys() & now:
            if store.get_bytes(key) != self.objects[key]:
                store.put_bytes(key, self.objects[key])
        for name, addresses in self.sets.items():
            self.site.edit_by_hand(name, addresses)

    def update(self, **arguments: Any) -> Run:
        """Run the update at its time, which is when the first block is over."""
        self.site.clock = START + HOUR + timedelta(minutes=1)
        return self.site.update(minutes=0, **arguments)


@dataclass(frozen=True)
class End:
    """What an update leaves."""

    blocked: set[str]
    sources: Any
    sets: Any
    by_hand: Any
    counts: list[Any]
    read: list[Any]
    sequence: int


def end_of(site: Site) -> End:
    store = site.store
    last = last_commit(store)
    assert last is not None
    carried = load_carried(store, last.version)
    hours = {hour for _, hour, _ in carried.count_files}
    counts = read_hours(store, "web", hours, files=carried.count_files).to_pylist()
    ledger = load_ledger(store, last.ledger).table.to_pylist()
    return End(
        blocked=site.blocked(),
        sources=carried.sources,
        sets=carried.sets,
        by_hand=carried.by_hand,
        counts=sorted(counts, key=str),
        read=sorted((row["key"], row["etag"], row["twin"]) for row in ledger),
        sequence=last.sequence,
    )


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartingPoint]:
    home = tmp_path_factory.mktemp("scanner_kills")
    settings, environment = settings_for("scanner-kills")
    with start_local_aws(home / "aws") as aws, DagRunner(home, aws, settings=environment) as runner:
        site = Site(aws, runner, settings)
        site.approve([GATEWAY])
        site.deliver([*lines(OLD, START, count=30), *lines(SPREAD, START + timedelta(minutes=30), count=12)])
        first = site.update(minutes=31)
        assert first.state == "success", first.log[-6000:]
        assert site.blocked() == {OLD}
        site.deliver(
            [
                *lines(NEW, START + timedelta(minutes=40), count=30),
                *lines(SIXTH, START + timedelta(minutes=41), count=25),
                *lines(SPREAD, START + timedelta(minutes=30), count=8),
                *lines(GATEWAY, START + timedelta(minutes=40), count=90),
            ]
        )
        cut = gzip.compress("\n".join(lines("192.0.2.4", START + timedelta(minutes=42), count=400)).encode(), mtime=0)
        site.deliver([], body=cut[: len(cut) // 2])
        point = StartingPoint(site)
        point.keep()
        yield point


@pytest.fixture(scope="module")
def undisturbed(start: StartingPoint) -> End:
    """What a run leaves that nobody disturbs."""
    run = start.update()
    assert run.state == "success", run.log[-6000:]
    return end_of(start.site)


@pytest.fixture
def before(start: StartingPoint, undisturbed: End) -> Iterator[StartingPoint]:
    """The starting point, restored."""
    start.again()
    yield start
    start.site.aws.control("DELETE", "faults")


def test_the_undisturbed_update_blocks_sums_lets_go_and_spares(undisturbed: End) -> None:
    assert undisturbed.blocked == {NEW, SPREAD, SIXTH, "192.0.2.4"}
    assert undisturbed.sequence == 2


@pytest.mark.parametrize(
    ("cuts", "victims"),
    [
        (["1 not sent", "1 answer lost", "2 not sent"], VICTIMS),
        (["2 answer lost", "3 not sent", "4 answer lost"], {"collect_counts", "write_sets", "commit_update"}),
        (["3 answer lost", "5 not sent", "7 answer lost"], {"write_sets", "commit_update"}),
    ],
    ids=["at the first calls", "a few calls in", "further on"],
)
def test_an_update_whose_tasks_are_killed_at_their_writing_calls_ends_the_same(
    before: StartingPoint, undisturbed: End, cuts: list[str], victims: set[str]
) -> None:
    run = before.update(cuts=cuts)
    assert run.state == "success", run.log[-6000:]
    assert victims <= {task for task in run.states for cut in cuts if f"{DEATH} {cut}: {task}" in run.log}
    assert end_of(before.site) == undisturbed


@pytest.mark.parametrize("task", ["write_sets", "commit_update"])
def test_a_run_that_dies_for_good_leaves_nothing_that_the_next_one_takes_for_somebody_elses(
    before: StartingPoint, undisturbed: End, task: str
) -> None:
    failed = before.update(dying={task: 9})
    assert failed.state == "failed"
    run = before.update(conf={"note": "the next run"})
    assert run.state == "success", run.log[-6000:]
    after = end_of(before.site)
    assert (after.blocked, after.by_hand, after.counts) == (
        undisturbed.blocked,
        undisturbed.by_hand,
        undisturbed.counts,
    )


def test_throttling_a_cancelled_query_and_failing_writes_cost_nothing(before: StartingPoint, undisturbed: End) -> None:
    faults = [
        {"service": "s3", "operation": "PutObject", "kind": "fail", "times": 6},
        {"service": "athena", "kind": "query_cancel", "times": 1},
        {"service": "athena", "operation": "StartQueryExecution", "kind": "throttle", "times": 1},
        {"service": "wafv2", "operation": "UpdateIPSet", "kind": "throttle", "times": 9},
        {"service": "wafv2", "operation": "GetIPSet", "kind": "throttle", "times": 2},
        {"service": "cloudwatch", "operation": "PutMetricData", "kind": "throttle", "times": 2},
    ]
    for fault in faults:
        before.site.aws.control("POST", "faults", fault)
    run = before.update()
    assert run.state == "success", run.log[-6000:]
    assert before.site.aws.control("GET", "faults") == [], "a fault did not strike"
    assert end_of(before.site) == undisturbed


def test_nobody_approved_between_the_decision_and_the_write_is_blocked(before: StartingPoint) -> None:
    before.site.approve([GATEWAY, NEW])
    run = before.update()
    assert run.state == "success", run.log[-6000:]
    assert NEW not in before.site.blocked()
