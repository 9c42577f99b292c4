"""The discovery demo: a sample estate in three formats is assessed, and every planted contradiction is found."""

from __future__ import annotations

import json
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.cli.demo_estate import write_estate
from include.cli.demo_estate_activity import BEGIN, DAYS
from include.cli.demo_runs import FinishedRun, named_users, run_dag, switch_on
from include.cli.ioc import local_client
from include.discovery.lake import DiscoverySettings
from include.gates.evidence import docs_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.cli.settings import StackSettings
    from include.cli.stack import Announce

ASSESS = "discovery_assess"
STEPS = 3
OUTCOMES = ["snapshot", "tco", "wave_plan"]


def demonstrate(settings: StackSettings, announce: Announce) -> dict[str, Any]:
    """Run the demo; returns what was read, found and planned, and where to look.

    :raises RefusalError: the run failed, with its failed tasks.
    """
    announce(0, "writing a sample estate: a workbook, a CMDB, CSV files")
    client = local_client("s3", endpoint=settings.aws_url)
    store = DiscoverySettings().store(client)
    with tempfile.TemporaryDirectory(prefix="landfall-") as folder:
        facts = write_estate(Path(folder))
        keys = [
            (path, store.key("demo", path.relative_to(folder).as_posix())) for path in sorted(Path(folder).rglob("*"))
        ]
        if store.bucket not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=store.bucket)
        for path, key in keys:
            if path.is_file():
                client.upload_file(str(path), store.bucket, key)
    with named_users(settings) as users:
        switch_on(users, (ASSESS,))
        day = (BEGIN + timedelta(days=DAYS)).date()  # an estate whose samples end there is not stale on that day
        conf = {"sources": [store.uri("demo", "")], "outcomes": OUTCOMES, "settings": f"as_of: {day}"}
        run = run_dag(users, ASSESS, conf, on_progress=lambda text: announce(1, f"assess: {text}"))
        delivered = users.analyst.xcom(run.dag_id, run.run_id, "write_deliverables")
        published = users.analyst.xcom(run.dag_id, run.run_id, "publish_outcomes")
    base = delivered["report"].split("/", 3)[3].removesuffix("report.html")
    summary, quality = (json.loads(store.get_bytes(f"{base}{name}.json")) for name in ("summary", "quality"))
    announce(STEPS, "done")
    return {
        "planted": facts.to_dict(),
        "summary": summary,
        "quality": quality,
        "published": published["published"],
        "run": run._asdict(),
        "look": {**_where_to_look(settings, run, delivered), "runbook": f"docs/runbooks/{ASSESS}.md"},
    }


def describe(result: dict[str, Any]) -> Iterator[str]:
    """Yield what the demo found, as lines for people."""
    summary = result["summary"]
    yield ""
    yield f"Estate: {summary['servers']:,} servers of three formats; published: {', '.join(result['published'])}"
    yield (
        f"Found: {summary['conflicts']:,} contradictions, {summary['os_disagreements']:,} disagreements about "
        f"the operating system, {summary['templates']:,} templates, {summary['powered_off']:,} powered off, "
        f"{summary['unknown_hosts']:,} on unknown hosts, {summary['quarantined']:,} rows set aside"
    )
    yield "Where to look:"
    for name, place in result["look"].items():
        yield f"    {name}: {place}"


def _where_to_look(settings: StackSettings, run: FinishedRun, delivered: dict[str, Any]) -> dict[str, str]:
    return {
        "DAG": f"{settings.ui_url}/dags/{ASSESS}",
        "run": run.address(settings),
        "report": docs_url(delivered["report"], settings.aws_url),
        "workbook": docs_url(delivered["report"].replace("report.html", "workbook.xlsx"), settings.aws_url),
    }
