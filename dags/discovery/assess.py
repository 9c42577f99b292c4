"""
# Assess an estate for its migration

Reads what discovery tools delivered, merges it into one inventory with the source of every value, and makes sizing,
cost, strategy, database targets, application groups, priorities and waves of it. Three gates say which outcome the
data carry: the snapshot, the cost comparison, the wave plan. Without exports in the inbox a scheduled run ends at once.

- **Changes:** nothing outside the lake; a folder under `discovery/runs/<run>/assessment/` and, for each outcome that
  passes, which run is the newest.
- **Undo:** assess again with the settings of an earlier run (`discovery/runs/<run>/settings.yaml`).
- **If it fails:** a red gate names what the data lack, every other task what to correct; then trigger it again:
  `docs/runbooks/discovery_assess.md`
- **Waits for a person:** never.
"""

from typing import Any

from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable, Param, TriggerRule, dag, task

from landfall import discovery_tasks as tasks
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

OUTCOMES = ["snapshot", "tco", "wave_plan"]
PARAMS = {
    "sources": Param(
        None,
        type=["null", "array"],
        items={"type": "string", "pattern": "^s3://[^/]+/.+$"},
        description="Where the exports are, one address a line: s3://bucket/folder/ or s3://bucket/file. Earlier ones "
        "win where nothing else decides. Empty takes discovery/inbox/.",
    ),
    "settings": Param(
        None,
        type=["null", "string"],
        format="multiline",
        maxLength=1_000_000,
        description="Settings as YAML, or their address s3://bucket/key (docs/discovery/settings.md). Empty takes "
        "discovery/settings.yaml, else the defaults.",
    ),
    "review": Param(
        None,
        type=["null", "string"],
        pattern="^s3://[^/]+/.+$",
        description="A workbook.xlsx of an earlier run whose review sheet was edited: its owners, strategies and waves "
        "win.",
    ),
    "outcomes": Param(
        OUTCOMES,
        type="array",
        items={"type": "string", "enum": OUTCOMES},
        examples=OUTCOMES,
        description="Outcomes that must pass for the run to be green. The others are published too, when they pass.",
    ),
}


@task(multiple_outputs=False)
def collect_inventory() -> dict[str, Any]:
    """Read every source, and merge rows into machines; contradictions are told, not overwritten."""
    return tasks.collect_inventory()


@task(multiple_outputs=False)
def gate_inventory() -> dict[str, Any]:
    """Gate: every machine stands once and has values that a machine can have."""
    return tasks.gate_inventory()


@task(multiple_outputs=False)
def score_estate() -> dict[str, Any]:
    """Size, find applications, choose strategies and targets, count costs, rank, plan waves."""
    return tasks.score_estate()


@task(multiple_outputs=False)
def write_deliverables() -> dict[str, Any]:
    """Write tables, report, workbook and hand-over files, each validated first."""
    return tasks.write_deliverables()


@task(multiple_outputs=False)
def gate_snapshot() -> dict[str, Any]:
    """Gate: the data carry a picture of the estate."""
    return tasks.gate_outcome("snapshot")


@task(multiple_outputs=False)
def gate_tco() -> dict[str, Any]:
    """Gate: the data carry a comparison of costs."""
    return tasks.gate_outcome("tco")


@task(multiple_outputs=False)
def gate_wave_plan() -> dict[str, Any]:
    """Gate: the data carry a plan of waves."""
    return tasks.gate_outcome("wave_plan")


@task(multiple_outputs=False, trigger_rule=TriggerRule.ALL_DONE)
def publish_outcomes() -> dict[str, Any]:
    """Make this run the newest of every outcome that passed; red when a wanted one did not."""
    return tasks.publish_outcomes()


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 5 * * 1", timezone="UTC"), assets=[Asset("discovery_exports")]
    ),
    catchup=False,
    max_active_runs=1,
    default_args=RETRYING,
    description="Turn what discovery tools delivered into sizing, cost, applications and waves",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.DISCOVERY, Impact.READS, Rerun.SAME_RESULT),
)
def discovery_assess() -> None:
    # nothing is scored from an inventory that cannot be meant, and no outcome is published that its gate blocks
    delivered, published = write_deliverables(), publish_outcomes()
    collect_inventory() >> gate_inventory() >> score_estate() >> delivered
    delivered >> [gate_snapshot(), gate_tco(), gate_wave_plan()] >> published


discovery_assess()
