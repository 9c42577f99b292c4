"""
# Fail databases over to their secondary, or rehearse it

`drill` restores a scratch copy of each database beside the secondary from the files a disaster would leave, proves it,
recovers it, checks it and drops it: it measures RPO and RTO and touches nothing. `planned` stops the primary, takes its
tail and loses nothing. `disaster` goes on without the primary if it must, and says first what that loses.

- **Changes:** the databases' primary, the names their clients follow, `log_shipping/failovers/` and
  `log_shipping/reports/` in the lake. A drill changes nothing but its own copies.
- **Undo:** before the approval reject it: the old primary is brought back. After it run `log_shipping_fail_back`.
- **If it fails:** clear the failed task; each finds what it did before: `docs/runbooks/log_shipping_fail_over.md`
- **Waits for a person:** `approve_planned` (30 min, then rejected and the old primary brought back), or
  `approve_disaster`, by somebody other than the one who asked (4 h, then rejected). A drill waits for nobody.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, TriggerRule, dag, get_current_context, task
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from include.log_shipping.fail_over.plans import Mode
from landfall import fail_over_tasks as tasks
from landfall.deadlines import tell_rto_missed
from landfall.operators.approval import ADMIN, ONCALL, RecordedApprovalOperator
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

RTO_MINUTES = 30
"""When somebody is told that a run takes too long; the report compares each database with its own `rto_minutes`."""
ASKED_AGAIN = timedelta(seconds=2)
"""Airflow may lose an answer that comes within seconds (3.3.2): the task asks again, and nobody writes meanwhile."""
PARAMS = {
    "mode": Param(
        "drill",
        type="string",
        enum=["drill", "planned", "disaster"],
        description="drill touches nothing in production, planned loses nothing, disaster goes on without the primary.",
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
    "rollback_backup": Param(
        True,
        type="boolean",
        section="Planned",
        description="Take a full COPY_ONLY backup after activity stopped, as a way back; it costs downtime.",
    ),
}


@task.branch
def check_readiness() -> str:
    """Look at both servers, refuse what cannot move, hold the databases, write the plan."""
    context: Any = get_current_context()
    mode = Mode(context["params"]["mode"])
    backup = mode is Mode.PLANNED and context["params"]["rollback_backup"]
    context["ti"].xcom_push(key="plan", value=tasks.check(mode, rollback_backup=backup))
    return "restore_copies" if mode is Mode.DRILL else "fence_primary"


@task(multiple_outputs=False)
def restore_copies() -> dict[str, Any]:
    """Drill: restore a scratch copy of each database beside the secondary."""
    from include.log_shipping.fail_over import drill

    return tasks.work_through("restore_copies", drill.restore_copy)


@task(multiple_outputs=False)
def prove_copies() -> dict[str, Any]:
    """Gate: the chain of each copy is proven."""
    return tasks.prove("prove_copies")


@task(multiple_outputs=False)
def recover_copies() -> dict[str, Any]:
    """Drill: recover the copies, check rows and pages, write; measure RPO and RTO."""
    from include.log_shipping.fail_over import drill

    return tasks.work_through("recover_copies", drill.recover_copy, after=["restore_copies", "prove_copies"])


@task.branch
def assess_loss() -> str:
    """State what recovering now would lose, and ask whom it concerns."""
    context: Any = get_current_context()
    context["ti"].xcom_push(key="loss", value=tasks.state_loss())
    return f"approve_{context['params']['mode']}"


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=RETRYING,
    description="Fail databases over to their secondary, or rehearse it",
    doc_md=__doc__,
    params=PARAMS,
    deadline=DeadlineAlert(
        name="rto",
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=RTO_MINUTES),
        callback=AsyncCallback(tell_rto_missed, kwargs={"target_minutes": RTO_MINUTES}),
    ),
    tags=tags(Family.LOG_SHIPPING, Impact.CANNOT_UNDO, Rerun.ASK_RUNBOOK),
)
def log_shipping_fail_over() -> None:
    approve_planned = RecordedApprovalOperator(
        task_id="approve_planned",
        subject="{{ ti.xcom_pull(task_ids='assess_loss', key='loss')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='assess_loss', key='loss')['brief'] }}",
        defaults="Reject",
        retry_delay=ASKED_AGAIN,
        response_timeout=timedelta(minutes=30),
        assigned_users=[ONCALL, ADMIN],
        record=tasks.record_answer,
    )
    approve_disaster = RecordedApprovalOperator(
        task_id="approve_disaster",
        subject="{{ ti.xcom_pull(task_ids='assess_loss', key='loss')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='assess_loss', key='loss')['brief'] }}",
        defaults="Reject",
        retry_delay=ASKED_AGAIN,
        response_timeout=timedelta(hours=4),
        assigned_users=[ONCALL, ADMIN],
        record=tasks.record_answer,
        four_eyes=True,
    )
    approvals = [approve_planned, approve_disaster]
    ready, restored, proven, stated = check_readiness(), tasks.restore_tail(), tasks.prove_chain(), assess_loss()
    recovered = tasks.recover_databases.override(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)()
    verified, led, copied = tasks.verify_databases(), tasks.check_redirection(), recover_copies()
    switched, ended = tasks.switch_jobs(), tasks.give_back()

    ready >> restore_copies() >> prove_copies() >> copied
    ready >> tasks.fence_primary() >> restored >> [proven, stated]
    stated >> approvals
    proven >> approvals  # nobody is asked about, and nothing recovers, what is not proven
    approvals >> recovered >> verified >> tasks.redirect_clients() >> led
    verified >> switched
    [copied, led, switched] >> ended >> tasks.write_report()


log_shipping_fail_over()
