"""
# Remove what a migration created

Lists everything that carries the migration's tag: DataSync tasks and locations, log group, file system, documents; then
deletes it in reverse order of its creation. A dry run, the default, only shows the list. Before the cut-over was signed
off, or while executions run, nothing is deleted. The file system stays unless `delete_file_system` is on, and always
when it was adopted or clients were led to it.

- **Changes:** deletes tasks and locations of DataSync; the log group, listings, task reports and file system only on
  request. A dry run changes nothing.
- **Undo:** not possible. Tasks and locations are made again by `fsx_migration_migrate`; a deleted file system leaves a
  last backup, unless `last_backup` was off.
- **If it fails:** clear the failed task, it goes on with what is left: `docs/runbooks/fsx_migration_clean_up.md`
- **Waits for a person:** `approve_clean_up`, by somebody other than the one who asked (24 h, then rejected). A dry run
  waits for nobody.
"""

from datetime import timedelta

from airflow.sdk import Param, dag

from landfall import fsx_clean_up_tasks as tasks
from landfall.operators.approval import ADMIN, ONCALL, RecordedApprovalOperator
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

ASKED_AGAIN = timedelta(seconds=2)
"""Airflow may lose an answer that comes within seconds (3.3.2): the task asks again."""
PARAMS = {
    "migration": Param(
        type="string",
        pattern="^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$",
        description="Name of the migration, as its definition has it.",
    ),
    "dry_run": Param(True, type="boolean", description="Only show what would be deleted; delete nothing."),
    "delete_file_system": Param(
        False,
        type="boolean",
        description="Delete the file system with all its files too, if this migration created it and nobody uses it.",
    ),
    "last_backup": Param(
        True,
        type="boolean",
        description="Take a backup of the file system before it is deleted; it is the only way back.",
    ),
    "delete_log_group": Param(
        False,
        type="boolean",
        description="Delete the log group too, if this migration created it and no other task logs into it.",
    ),
    "delete_documents": Param(
        False,
        type="boolean",
        description="Delete listings and task reports too; plans, passes, evidence and records of decisions stay.",
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
    description="Delete tasks, locations and, on request, the file system of a migration",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.FSX_MIGRATION, Impact.CANNOT_UNDO, Rerun.SAME_RESULT),
)
def fsx_migration_clean_up() -> None:
    approved = RecordedApprovalOperator(
        task_id="approve_clean_up",
        subject="{{ ti.xcom_pull(task_ids='list_resources', key='question')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='list_resources', key='question')['body'] }}",
        defaults="Reject",
        retry_delay=ASKED_AGAIN,
        response_timeout=timedelta(hours=24),
        assigned_users=[ONCALL, ADMIN],
        record=tasks.record_answer,
        four_eyes=True,
    )
    listed, reported = tasks.list_resources(), tasks.write_report()
    listed >> approved >> tasks.delete_resources() >> reported
    listed >> reported


fsx_migration_clean_up()
