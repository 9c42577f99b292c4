"""
# Bring databases back to their old primary

`reverse` stops the current primary, restores the rest of its log on the old one and recovers there: nothing is lost,
nothing is reseeded. An old primary that went on by itself after the failover is refused with the facts; `reseed`
overwrites it first, after an approval that names what is overwritten. Afterwards shipping runs in the original
direction by itself.

- **Changes:** the databases' primary, the names their clients follow, `log_shipping/failovers/` and
  `log_shipping/reports/` in the lake; `reseed` also replaces the databases of the old primary.
- **Undo:** before `approve_fail_back` reject it: the current primary is brought back. After it run
  `log_shipping_fail_over` with mode planned.
- **If it fails:** clear the failed task; each finds what it did before: `docs/runbooks/log_shipping_fail_back.md`
- **Waits for a person:** `approve_overwrite` before a reseed, by somebody other than the one who asked (4 h, then
  rejected), and `approve_fail_back` (30 min, then rejected and the current primary brought back).
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, TriggerRule, dag, get_current_context, task

from include.log_shipping.fail_over.plans import Mode
from landfall import fail_over_tasks as tasks
from landfall.log_shipping_runs import records_of
from landfall.operators.approval import ADMIN, ONCALL, RecordedApprovalOperator
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

ASKED_AGAIN = timedelta(seconds=2)
"""Airflow may lose an answer that comes within seconds (3.3.2): the task asks again, and nobody writes meanwhile."""
PARAMS = {
    "method": Param(
        "reverse",
        type="string",
        enum=["reverse", "reseed"],
        description="reverse restores the rest of the log on the old primary; reseed overwrites the old primary first.",
    ),
    "databases": Param(
        [],
        type="array",
        items={"type": "string", "minLength": 1, "maxLength": 128},
        description="Names of the databases, one per line; none means all of the configuration.",
    ),
    "reason": Param(
        type="string",
        minLength=10,
        maxLength=500,
        format="multiline",
        description="Why, in at least ten characters; the approver and the report read it.",
    ),
}


def record_overwrite(context: Any, answer: Any) -> None:
    """Keep who allowed the overwriting."""
    from include.log_shipping.fail_over.approvals import OVERWRITE, record_answer

    record_answer(records_of(context), answer, name=OVERWRITE)


@task.branch
def check_readiness() -> str:
    """Look at both servers and their forks, refuse what cannot return, hold the databases, write the plan."""
    context: Any = get_current_context()
    mode = Mode(context["params"]["method"])
    context["ti"].xcom_push(key="plan", value=tasks.check(mode))
    if mode is Mode.REVERSE:
        return "fence_primary"
    from include.log_shipping.fail_back_reseed import overwrite_brief

    context["ti"].xcom_push(key="overwrite", value=overwrite_brief(tasks.fail_over()))
    return "approve_overwrite"


@task(multiple_outputs=False)
def reseed_databases() -> dict[str, Any]:
    """Keep the old primary's tail for salvage and overwrite it from a full backup of the current one."""
    from include.log_shipping import fail_back_reseed

    fail_back_reseed.require_overwrite(tasks.fail_over())
    return tasks.work_through("reseed_databases", fail_back_reseed.reseed)


@task(multiple_outputs=False)
def assess_loss() -> dict[str, Any]:
    """State what recovering now would lose: nothing, since the current primary is fenced."""
    return tasks.state_loss()


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=RETRYING,
    description="Bring databases back to their old primary",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.LOG_SHIPPING, Impact.CANNOT_UNDO, Rerun.ASK_RUNBOOK),
)
def log_shipping_fail_back() -> None:
    approve_overwrite = RecordedApprovalOperator(
        task_id="approve_overwrite",
        subject="{{ ti.xcom_pull(task_ids='check_readiness', key='overwrite')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='check_readiness', key='overwrite')['brief'] }}",
        defaults="Reject",
        retry_delay=ASKED_AGAIN,
        response_timeout=timedelta(hours=4),
        assigned_users=[ONCALL, ADMIN],
        record=record_overwrite,
        four_eyes=True,
    )
    approve_fail_back = RecordedApprovalOperator(
        task_id="approve_fail_back",
        subject="{{ ti.xcom_pull(task_ids='assess_loss')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='assess_loss')['brief'] }}",
        defaults="Reject",
        retry_delay=ASKED_AGAIN,
        response_timeout=timedelta(minutes=30),
        assigned_users=[ONCALL, ADMIN],
        record=tasks.record_answer,
    )
    ready, reseeded, stated = check_readiness(), reseed_databases(), assess_loss()
    fenced = tasks.fence_primary.override(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)()
    verified, led, switched = tasks.verify_databases(), tasks.check_redirection(), tasks.switch_jobs()

    ready >> approve_overwrite >> reseeded >> fenced  # nothing is overwritten before somebody said so
    ready >> fenced >> tasks.restore_tail() >> [tasks.prove_chain(), stated] >> approve_fail_back
    approve_fail_back >> tasks.recover_databases() >> verified >> tasks.redirect_clients() >> led
    verified >> switched
    [led, switched] >> tasks.give_back() >> tasks.write_report()


log_shipping_fail_back()
