"""
# Transfer a file tree to FSx in passes

Provisions or adopts the file system, makes DataSync's locations and tasks, then moves: everything by the plan's
manifests, then what changed, pass after pass, until what is left fits the cut-over window. A last pass brings empty
directories and their metadata and removes what the source no longer has; then source and target are compared row by
row. Clients keep working on the source all the time.

- **Changes:** the file system and its files, DataSync locations and tasks, a log group with metric filters, and
  `fsx_migration/<migration>/` in the lake. The source is only read.
- **Undo:** `fsx_migration_clean_up` removes what was made; clients still use the source.
- **If it fails:** clear the failed task; executions that run are found again: `docs/runbooks/fsx_migration_migrate.md`
- **Waits for a person:** `approve_without_convergence`, only when passes no longer help (7 days, then rejected: nothing
  is closed).
"""

from datetime import timedelta

from airflow.sdk import Param, TriggerRule, dag

from landfall import fsx_migrate_tasks as tasks
from landfall.fsx_reconcile import reconcile_task
from landfall.operators.approval import ADMIN, ONCALL, RecordedApprovalOperator
from landfall.operators.fsx_migration import TransferPassesOperator
from landfall.operators.fsx_provision import ProvisionFileSystemOperator
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

ASKED_AGAIN = timedelta(seconds=2)
"""Airflow may lose an answer that comes within seconds (3.3.2): the task asks again, and nothing runs meanwhile."""
PARAMS = {
    "migration": Param(
        type="string",
        pattern="^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$",
        description="Name of the migration, as its definition has it; fsx_migration_plan must have planned it.",
    ),
    "on_cancel": Param(
        "cancel",
        type="string",
        enum=["cancel", "leave"],
        description="What becomes of running executions when somebody clears or marks a waiting pass.",
    ),
    "passes_at_most": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        maximum=100,
        description="Incremental passes of this run at most; empty takes the definition's number.",
    ),
}
ON_CANCEL = "{{ params.on_cancel }}"
LINGER = timedelta(seconds=20)


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=16,  # one at a time per migration: its lease
    default_args=RETRYING,
    description="Transfer a file tree to FSx in passes, and compare both",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.FSX_MIGRATION, Impact.CHANGES, Rerun.SAME_RESULT),
)
def fsx_migration_migrate() -> None:
    provisioned = ProvisionFileSystemOperator(task_id="prepare_file_system", deferrable=True)
    full = TransferPassesOperator(
        task_id="full_pass", kinds="full", on_cancel=ON_CANCEL, linger=LINGER, tells_start=True
    )
    incremental = TransferPassesOperator(
        task_id="incremental_passes",
        kinds="incremental",
        on_cancel=ON_CANCEL,
        linger=LINGER,
        passes_at_most="{{ params.passes_at_most }}",
    )
    approved = RecordedApprovalOperator(
        task_id="approve_without_convergence",
        subject="{{ ti.xcom_pull(task_ids='choose_closing', key='question')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='choose_closing', key='question')['body'] }}",
        defaults="Reject",
        retry_delay=ASKED_AGAIN,
        response_timeout=timedelta(days=7),
        assigned_users=[ONCALL, ADMIN],
        record=tasks.record_answer,
    )
    closing = TransferPassesOperator(
        task_id="closing_pass",
        kinds="closing",
        on_cancel=ON_CANCEL,
        linger=LINGER,
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    )
    chosen, compared = tasks.choose_closing(), reconcile_task(task_id="reconcile_trees", label=tasks.RECONCILIATION)

    tasks.check_plan() >> provisioned >> tasks.prepare_transfer() >> full >> incremental >> chosen
    chosen >> approved >> closing
    chosen >> closing >> compared >> tasks.write_report()


fsx_migration_migrate()
