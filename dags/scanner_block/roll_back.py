"""
# Return the block list to that of an earlier run

Brings the WAF IP sets back to who was blocked after an earlier run, without those whose time has ended since and
without approved clients. Clients blocked since then are pardoned: only a new offence blocks them again.

- **Changes:** the WAF IP sets and `scanner/` in the lake.
- **Undo:** roll back to a later run: the journal keeps every one.
- **If it fails:** clear the failed task, except `approve_roll_back` after a wrong answer:
  `docs/runbooks/scanner_block_roll_back.md`
- **Waits for a person:** `approve_roll_back`, somebody other than the one who triggered the run (2 h, then rejected).
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from landfall import scanner_block_release_tasks as steps
from landfall.operators.approval import ADMIN, ANALYST, ONCALL, RecordedApprovalOperator
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

PARAMS = {
    "sequence": Param(
        type="integer",
        minimum=1,
        description="Number of the run to return to: the sequence in the XCom of its commit_update task, also the name "
        "of its file under scanner/journal/ in the lake.",
    ),
    "reason": Param(
        type="string",
        minLength=10,
        maxLength=500,
        format="multiline",
        description="What is wrong with the block list, in at least ten characters, for the approver.",
    ),
}


@task(multiple_outputs=False)
def compare_sets() -> dict[str, Any]:
    """Show what going back would change."""
    return steps.compare_sets(get_current_context())


@task(multiple_outputs=False)
def roll_back_sets() -> dict[str, Any]:
    """Write the earlier sets, as they stand today, and keep them as the newest."""
    return steps.roll_back_sets(get_current_context())


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=RETRYING,
    description="Return the block list to that of an earlier run",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.SCANNER_BLOCK, Impact.CHANGES, Rerun.ASK_RUNBOOK),
)
def scanner_block_roll_back() -> None:
    approve_roll_back = RecordedApprovalOperator(
        task_id="approve_roll_back",
        subject="Return the block list to that of run {{ params.sequence }}?",
        body="{{ ti.xcom_pull(task_ids='compare_sets')['brief'] }}",
        defaults="Reject",
        response_timeout=timedelta(hours=2),
        assigned_users=[ANALYST, ONCALL, ADMIN],
        record=steps.record_roll_back,
        four_eyes=True,
    )

    compare_sets() >> approve_roll_back >> roll_back_sets()


scanner_block_roll_back()
