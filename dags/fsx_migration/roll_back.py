"""
# Lead the clients of a migrated file share back to the source

Lists what clients wrote on the target since they were led there, asks a person with the list, and makes the name say
what it said before. Files are not copied back: the list says which ones are not on the source.

- **Changes:** the name's CNAME in Route 53 or its parameter in Systems Manager, and
  `fsx_migration/<migration>/cut_over/` in the lake. Neither source nor target.
- **Undo:** run `fsx_migration_cut_over` again; it moves what clients wrote on the source meanwhile.
- **If it fails:** clear the failed task; none switches twice: `docs/runbooks/fsx_migration_roll_back.md`
- **Waits for a person:** `approve_roll_back`, also by the one who triggered the run (4 h, then rejected).
"""

from datetime import timedelta

from airflow.sdk import Param, dag

from landfall import fsx_cut_over_tasks as tasks
from landfall.operators.approval import ADMIN, ONCALL, RecordedApprovalOperator
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

ASKED_AGAIN = timedelta(seconds=2)
"""Airflow may lose an answer that comes within seconds (3.3.2): the task asks again, and nothing is switched before."""
PARAMS = {
    "migration": Param(
        type="string",
        pattern="^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$",
        description="Name of the migration whose clients were led over by fsx_migration_cut_over.",
    ),
    "reason": Param(
        type="string",
        minLength=10,
        maxLength=500,
        format="multiline",
        description="Why, in at least ten characters; the approver and the report read it.",
    ),
}


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=16,  # one at a time per migration: its lease
    default_args=RETRYING,
    description="Lead the clients of a migrated file share back to the source",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.FSX_MIGRATION, Impact.CHANGES, Rerun.ASK_RUNBOOK),
)
def fsx_migration_roll_back() -> None:
    approved = RecordedApprovalOperator(
        task_id="approve_roll_back",
        subject="{{ ti.xcom_pull(task_ids='list_written_since')['subject'] }}",
        body="{{ params.reason }}\n\n{{ ti.xcom_pull(task_ids='list_written_since')['body'] }}",
        defaults="Reject",
        retry_delay=ASKED_AGAIN,
        response_timeout=timedelta(hours=4),
        assigned_users=[ONCALL, ADMIN],
        record=tasks.record_answer,
    )

    # nobody is led back before somebody saw what stays behind
    tasks.list_written_since() >> approved >> tasks.lead_back() >> tasks.write_report()


fsx_migration_roll_back()
