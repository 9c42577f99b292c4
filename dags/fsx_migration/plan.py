"""
# Plan a migration to FSx

Checks the definition line by line, takes or makes the listing of the source, splits it into balanced manifests, looks
at the target, and says before anything is transferred what stands in the way, how long it takes and what it costs. The
page of the plan is for the person who decides.

- **Changes:** nothing in AWS; documents under `fsx_migration/<migration>/` in the lake: the listing, manifests, the
  plan and its page, and, when nothing blocks, which plan and definition the other DAGs follow.
- **Undo:** run it again with the definition of before (`fsx_migration/<migration>/plans/*/definition.yaml`).
- **If it fails:** the red task says what to correct, by line or by row; then trigger it again:
  `docs/runbooks/fsx_migration_plan.md`
- **Waits for a person:** never.
"""

from typing import Any

from airflow.sdk import Param, dag, task

from landfall import fsx_plan_tasks as tasks
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

PARAMS = {
    "migration": Param(
        type="string",
        pattern="^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$",
        description="Name of the migration, as in its definition: lower case letters, digits, hyphens.",
    ),
    "definition": Param(
        None,
        type=["null", "string"],
        format="multiline",
        maxLength=1_000_000,
        description="The definition as YAML (docs/fsx_migration.md). Empty plans anew from the kept one.",
    ),
    "listing": Param(
        None,
        type=["null", "string"],
        pattern="^s3://[^/]+/.+$",
        description="Where a listing of the source is: s3://bucket/key of Parquet or CSV, as `landfall fsx scan` "
        "writes. Empty scans the source's mount on the worker.",
    ),
    "parts": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        maximum=20_000,
        description="Manifests of the full pass. Empty takes what the definition says, else one for each agent.",
    ),
    "window_hours": Param(
        None,
        type=["null", "number"],
        exclusiveMinimum=0,
        maximum=87_600,
        description="Hours that the full pass may take. A file system or calendar that cannot do it blocks the plan.",
    ),
    "prices": Param(
        None,
        type=["null", "string"],
        pattern="^s3://[^/]+/.+$",
        description="Your own dated price file: s3://bucket/key. Empty takes the one that comes with Landfall.",
    ),
}


@task(multiple_outputs=False)
def read_definition() -> dict[str, Any]:
    """Check the definition and name everything wrong in it by line and path."""
    return tasks.read_definition()


@task(multiple_outputs=False)
def gate_listing() -> dict[str, Any]:
    """Gate: the listing of the source is read, or made by a scan, and can be meant in every row."""
    return tasks.gate_listing()


@task(multiple_outputs=False)
def make_plan() -> dict[str, Any]:
    """Profile the tree, deal it over agents, look at the target, estimate time and cost, draw the page."""
    return tasks.make_plan()


@task(multiple_outputs=False)
def gate_plan() -> dict[str, Any]:
    """Gate: no finding of the plan blocks."""
    return tasks.gate_plan()


@task(multiple_outputs=False)
def publish_plan() -> dict[str, Any]:
    """Make it the plan, and its definition the one, that the other DAGs follow."""
    return tasks.publish_plan()


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=16,  # one at a time per migration: its lease
    default_args=RETRYING,
    description="Say before a migration what stands in its way, how long it takes and what it costs",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.FSX_MIGRATION, Impact.READS, Rerun.SAME_RESULT),
)
def fsx_migration_plan() -> None:
    # nothing is planned from a listing that cannot be meant, and nobody follows a plan that blocks
    read_definition() >> gate_listing() >> make_plan() >> gate_plan() >> publish_plan()


fsx_migration_plan()
