"""The scanner block demo: two scanners in a busy log are blocked, the approved gateway is spared, one is let go."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import yaml

from include.cli.demo_runs import FinishedRun, follow, named_users, run_dag, switch_on
from include.cli.ioc import local_client
from include.cli.refusal import RefusalError
from include.scanner_block.lake.resources import ensure_resources
from include.scanner_block.policy import read_policy
from include.scanner_block.sample.busy_logs import GATEWAY, Traffic, busy_log
from include.scanner_block.sample.traffic import Scanner
from include.scanner_block.settings import ScannerSettings
from include.scanner_block.waf import IpSetWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from include.cli.demo_runs import Users
    from include.cli.settings import StackSettings
    from include.cli.stack import Announce
    from include.scanner_block.policy_model import Policy

UPDATE: Final = "scanner_block_update"
DAG_IDS: Final = (UPDATE, "scanner_block_release", "scanner_block_roll_back")
STEPS: Final = 5
PERIOD: Final = timedelta(minutes=30)
LEAVES_AFTER: Final = timedelta(seconds=70)
"""Long enough for the first run to block it before its time is over."""
LOG_MINUTES: Final = 34
EVENT_SECONDS, RUN_SECONDS = 25.0, 180.0
TRIES: Final = 3
PREFIX: Final = "cloudfront/E2EXAMPLE."


def demonstrate(settings: StackSettings, announce: Announce) -> dict[str, Any]:
    """Run the demo; returns what was logged, who was blocked, who was let go when, and where to look.

    :raises RefusalError: a run failed, or blocked somebody else than it should.
    """
    announce(0, "preparing the policy, the approved list, tables, the queue and the IP sets")
    clients, names = partial(local_client, endpoint=settings.aws_url), ScannerSettings()
    store, policy = names.store(clients("s3")), _policy(names)
    ensure_resources(clients, names, policy)
    store.put_bytes(names.policy_key, _policy_text(names).encode(), content_type="application/yaml")
    store.put_json(names.approved_key, {"approved": [{"cidr": f"{GATEWAY}/32", "reason": "our monitor"}]})
    with named_users(settings) as users:
        switch_on(users, DAG_IDS)
        _finish_running(users)
        seen = {str(run["dag_run_id"]) for run in users.analyst.runs(UPDATE)}
        announce(1, "delivering the logs of half an hour")
        now = datetime.now(UTC)
        leaving, staying = _scanners(now)
        due = now - PERIOD + LEAVES_AFTER
        log = list(busy_log(_traffic(now, due, leaving, staying), prefix=PREFIX))
        for key, body in log:
            store.client.put_object(Bucket=store.bucket, Key=key, Body=body)
        delivered = time.monotonic()
        first = _blocking_run(
            users,
            lambda: {leaving, staying} <= _sets(clients, policy),
            lambda text: announce(2, f"block: {text}"),
            seen,
        )
        blocked_after = time.monotonic() - delivered
        blocked = _sets(clients, policy)
        _require({leaving, staying} <= blocked and GATEWAY not in blocked, "the first run", blocked)
        done = users.analyst.xcom(UPDATE, first.run_id, "commit_update")
        counted = users.analyst.xcom(UPDATE, first.run_id, "collect_counts")
        ends = due + PERIOD
        while (left := (ends - datetime.now(UTC)).total_seconds()) > -1:
            announce(3, f"{leaving} is let go in {max(left, 0):.0f} s")
            time.sleep(0.5)
        second = run_dag(
            users, UPDATE, {"note": "landfall demo"}, on_progress=lambda text: announce(4, f"release: {text}")
        )
        after = _sets(clients, policy)
        _require(leaving not in after and staying in after, "the second run", after)
    announce(STEPS, "done")
    return {
        "objects": len(log),
        "bytes": sum(len(body) for _, body in log),
        "scanned_bytes": counted["scanned_bytes"],
        "sources": counted["sources"],
        "blocked_after_seconds": round(blocked_after, 1),
        "blocked": {block["client"]: block["reasons"] for block in done["new_blocks"]},
        "spared": GATEWAY,
        "released": leaving,
        "runs": [first.run_id, second.run_id],
        "calls": done["calls"],
        "look": _where_to_look(settings, first, done),
    }


def describe(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a person reads after the demo."""
    (reading,) = result["sources"].values()
    yield ""
    yield (
        f"Logs: {result['objects']} objects, {reading['lines']:,} lines, {reading['clients']:,} clients; Athena read "
        f"{result['scanned_bytes']:,} bytes, each object once"
    )
    yield f"Blocked {result['blocked_after_seconds']:.0f} s after the delivery, {result['calls']} calls of UpdateIPSet:"
    for client, reasons in result["blocked"].items():
        yield f"    {client}: {'; '.join(reasons)}"
    yield f"Spared: {result['spared']}, which made more errors than allowed, but is approved"
    yield f"Let go when its time was over: {result['released']}"
    yield "Where to look:"
    yield from (f"    {name}: {place}" for name, place in result["look"].items())


def _policy(names: ScannerSettings) -> Policy:
    return read_policy(_policy_text(names), source="the demo's policy")


def _policy_text(names: ScannerSettings) -> str:
    policy = {
        "error_threshold": 50,
        "block_period_minutes": int(PERIOD.total_seconds() // 60),
        "ignored_suffixes": [".css", ".js", ".png"],
        "sources": [{"name": "web", "format": "cloudfront", "bucket": names.bucket, "prefix": PREFIX}],
    }
    return yaml.safe_dump(policy, sort_keys=False)


def _scanners(now: datetime) -> tuple[str, str]:
    """Return the scanner whose time ends during the demo, and the one that goes on; others than in earlier demos.

    The IPv4 one is of the network for benchmarks (RFC 2544), which the sample's people have no part of.
    """
    number = int(now.timestamp()) % 65_000
    return f"198.18.{number // 250}.{number % 250 + 1}", f"2001:db8:bad::{number:x}"


def _traffic(now: datetime, due: datetime, first: str, second: str) -> Traffic:
    start = now.replace(second=0, microsecond=0) - timedelta(minutes=LOG_MINUTES)
    leaves = Scanner(address=first, starts=due - timedelta(minutes=2), ends=due)
    stays = Scanner(address=second, starts=now - timedelta(minutes=9), ends=now, per_minute=120)
    return Traffic(
        start=start,
        minutes=LOG_MINUTES,
        requests_per_minute=800,
        scanners=(leaves, stays),
        seed=int(now.timestamp()),
    )


def _finish_running(users: Users) -> None:
    """Wait for a run that the schedule has begun: what it plans now would lack half of the delivery."""
    deadline = time.monotonic() + RUN_SECONDS
    while any(run["state"] in ("queued", "running") for run in users.analyst.runs(UPDATE)):
        if time.monotonic() > deadline:
            raise RefusalError(f"A run of {UPDATE} does not end: look at it in the web UI.")
        time.sleep(0.5)


def _blocking_run(
    users: Users, is_blocked: Callable[[], bool], on_progress: Callable[[str], None], seen: set[str]
) -> FinishedRun:
    """Follow the runs that the new objects and the schedule start, until one has blocked; without an event start one.

    :param seen: runs from before the delivery.
    :raises RefusalError: three runs blocked nobody.
    """
    for _ in range(TRIES):
        run_id = _next_run(users, seen, on_progress) or users.analyst.trigger(UPDATE, {"note": "landfall demo"})
        seen.add(run_id)
        run = follow(users, UPDATE, run_id, on_progress=on_progress)
        if is_blocked():
            return run
    raise RefusalError(f"{TRIES} runs of {UPDATE} did not block the scanners: look at their logs in the web UI.")


def _next_run(users: Users, seen: set[str], on_progress: Callable[[str], None]) -> str | None:
    deadline = time.monotonic() + EVENT_SECONDS
    while time.monotonic() < deadline:
        new = [str(run["dag_run_id"]) for run in users.analyst.runs(UPDATE) if str(run["dag_run_id"]) not in seen]
        if new:
            return new[0]
        on_progress("waiting for the event of the new objects")
        time.sleep(0.5)
    return None


def _sets(clients: Any, policy: Policy) -> set[str]:
    """Return the single addresses in the sets."""
    writer = IpSetWriter(clients("wafv2"), scope=policy.ip_sets.scope)
    names = (*policy.ip_sets.ipv4, *policy.ip_sets.ipv6)
    return {cidr.partition("/")[0] for name in names for cidr in writer.read(name).addresses}


def _require(is_right: bool, when: str, sets: set[str]) -> None:
    if not is_right:
        raise RefusalError(f"After {when} the IP sets hold {json.dumps(sorted(sets))}: look at {UPDATE} in the web UI.")


def _where_to_look(settings: StackSettings, run: FinishedRun, done: Mapping[str, Any]) -> dict[str, str]:
    journal = ScannerSettings().key("journal", f"{done['sequence']:08d}.json")
    return {
        "DAG": f"{settings.ui_url}/dags/{UPDATE}",
        "run": run.address(settings),
        "journal": f"{settings.aws_url}/{ScannerSettings().bucket}/{journal}",
        "runbook": f"docs/runbooks/{UPDATE}.md",
    }
