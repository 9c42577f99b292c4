"""
# Lead the clients of a migrated file share over to FSx

Proves that nobody writes to the source, moves the last delta, compares source and target row by row, asks a person with
the evidence, switches the name that clients follow, and probes the target as a client does. A probe that fails leads
clients back at once.

- **Changes:** the last delta on the target, the name's CNAME in Route 53 or its parameter in Systems Manager, and
  `fsx_migration/<migration>/cut_over/` in the lake.
- **Undo:** reject the approval: nothing is switched. After it run `fsx_migration_roll_back`.
- **If it fails:** clear the failed task; none switches twice: `docs/runbooks/fsx_migration_cut_over.md`
- **Waits for a person:** `approve_cut_over`, somebody other than the one who triggered the run (4 h, then rejected).
"""

from datetime import timedelta

from airflow.sdk import Param, dag

from landfall import fsx_cut_over_tasks as tasks
from landfall.fsx_reconcile import reconcile_task
from landfall.operators.approval import ADMIN, ONCALL, RecordedApprovalOperator
from landfall.operators.fsx_migration import TransferPassesOperator
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

ASKED_AGAIN = timedelta(seconds=2)
"""Airflow may lose an answer that comes within seconds (3.3.2): the task asks again, and nothing is switched before."""
PARAMS = {
    "migration": Param(
        type="string",
        pattern="^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$",
        description="Name of the migration, as its definition has it; fsx_migration_migrate must have moved it.",
    ),
    "reason": Param(
        type="string",
        minLength=10,
        maxLength=500,
        format="multiline",
        description="Why now, in at least ten characters; the approver and the report read it.",
    ),
}


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=16,  # one at a time per migration: its lease
    default_args=RETRYING,
    description="Lead the clients of a migrated file share over to FSx",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.FSX_MIGRATION, Impact.CHANGES, Rerun.ASK_RUNBOOK),
)
def fsx_migration_cut_over() -> None:
    final = TransferPassesOperator(
        task_id="final_passes",
        kinds="final",
        on_cancel="leave",
        linger=timedelta(seconds=20),
        pre_execute=tasks.require_clients_on_source,
    )
    compared = reconcile_task(task_id="reconcile_trees", label=tasks.LABEL, frozen=True)
    approved = RecordedApprovalOperator(
        task_id="approve_cut_over",
        subject="{{ ti.xcom_pull(task_ids='state_evidence')['subject'] }}",
        body="{{ params.reason }}\n\n{{ ti.xcom_pull(task_ids='state_evidence')['body'] }}",
        defaults="Reject",
        retry_delay=ASKED_AGAIN,
        response_timeout=timedelta(hours=4),
        assigned_users=[ONCALL, ADMIN],
        record=tasks.record_answer,
        four_eyes=True,
    )
    probed, reported = tasks.probe_target(), tasks.write_report()

    # nobody is asked before both trees are proven the same, and nothing is switched before somebody said yes
    tasks.check_frozen() >> final >> compared >> tasks.state_evidence() >> approved >> tasks.switch_name() >> probed
    probed >> tasks.switch_back() >> reported  # the way back, when a client could not work
    probed >> reported


fsx_migration_cut_over()
