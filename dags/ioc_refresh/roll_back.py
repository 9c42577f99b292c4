"""
# Return the indicator table to a published snapshot

Makes the indicators what they were after an earlier refresh, without those that have expired since; suppressions stay.
The evidence counted since is kept, so refreshes are held for `hold_hours`: the next refresh after the hold (or with
`release_hold`) follows the evidence again and undoes the roll-back, unless its cause is mended by then.

- **Changes:** the indicator table, a new entry in the commit log, and a hold on `ioc_refresh_generate`.
- **Undo:** trigger `ioc_refresh_generate` with `release_hold` (it asks `approve_mass_change` if much comes back), or
  roll back to a later snapshot.
- **If it fails:** clear the failed task, except `approve_roll_back` after a wrong answer:
  `docs/runbooks/ioc_refresh_roll_back.md`
- **Waits for a person:** `approve_roll_back`, somebody other than the one who triggered the run (2 h, then rejected).
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from include.ioc_refresh import roll_backs
from landfall.hooks.ioc_refresh import IocRefreshHook
from landfall.operators.approval import ADMIN, ANALYST, ONCALL, RecordedApprovalOperator
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

PARAMS = {
    "snapshot": Param(
        type="integer",
        minimum=1,
        description="Number of the refresh to return to: the sequence in the XCom of its commit_refresh task, also the "
        "name of its folder under ioc/snapshots/ in the lake.",
    ),
    "reason": Param(
        type="string",
        minLength=10,
        maxLength=500,
        format="multiline",
        description="What is wrong with the table, in at least ten characters; the approver and the log read it.",
    ),
    "hold_hours": Param(
        24,
        type="integer",
        minimum=4,
        maximum=168,
        section="Hold",
        description="Hours from the start of this run while refreshes leave the table alone; mend the cause by then.",
    ),
}


def draft_of(context: Any) -> Any:
    """What `compare_snapshot` found."""
    return context["ti"].xcom_pull(task_ids="compare_snapshot")


def record_answer(context: Any, answer: Any) -> None:
    """Keep who asked and who answered."""
    ioc = IocRefreshHook()
    ioc.lake.put_json(ioc.settings.key("audit", "roll_backs", f"{draft_of(context)['version']}.json"), answer)


@task(multiple_outputs=False)
def compare_snapshot() -> dict[str, Any]:
    """Read the snapshot and show what going back to it changes."""
    ioc, context = IocRefreshHook(), get_current_context()
    run, params = context["dag_run"], context["params"]
    return roll_backs.draft_roll_back(
        ioc.lake,
        ioc.table,
        snapshot=params["snapshot"],
        run_id=run.run_id,
        at=run.run_after,
        reason=params["reason"],
        asked_by=run.triggering_user_name,
    )


@task(multiple_outputs=False)
def write_snapshot() -> dict[str, Any]:
    """Hold refreshes first, then write what differs."""
    ioc, context = IocRefreshHook(), get_current_context()
    hours, at = context["params"]["hold_hours"], context["dag_run"].run_after
    return roll_backs.write_roll_back(ioc.lake, ioc.table, draft_of(context), at=at, hold_hours=hours)


@task(multiple_outputs=False)
def commit_roll_back() -> dict[str, Any]:
    """Publish the result as a snapshot of its own and make the roll-back the last refresh."""
    ioc, context = IocRefreshHook(), get_current_context()
    written = context["ti"].xcom_pull(task_ids="write_snapshot")
    return roll_backs.commit_roll_back(ioc.lake, ioc.table, draft_of(context), written=written)


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=RETRYING,
    description="Return the indicator table to a published snapshot",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.IOC_REFRESH, Impact.CHANGES, Rerun.ASK_RUNBOOK),
)
def ioc_refresh_roll_back() -> None:
    approve_roll_back = RecordedApprovalOperator(
        task_id="approve_roll_back",
        subject="Return the indicator table to snapshot {{ params.snapshot }}?",
        body="{{ ti.xcom_pull(task_ids='compare_snapshot')['brief'] }}",
        defaults="Reject",
        response_timeout=timedelta(hours=2),
        assigned_users=[ANALYST, ONCALL, ADMIN],
        record=record_answer,
        four_eyes=True,
    )

    compare_snapshot() >> approve_roll_back >> write_snapshot() >> commit_roll_back()


ioc_refresh_roll_back()
