"""
# Refresh the indicators of compromise

Learns from the mails and verdicts that arrived since the last refresh, asks Athena which indicators follow, and writes
what differs to the indicator table. Runs every five minutes and whenever new mail partitions are announced; a run that
finds nothing new ends after its first task.

- **Changes:** the indicator table (only what differs, each removal with its reason) and `ioc/` in the lake.
- **Undo:** run `ioc_refresh_roll_back` with the number of the snapshot to return to.
- **If it fails:** clear the failed task; it finds its own queries and writes again:
  `docs/runbooks/ioc_refresh_generate.md`
- **Waits for a person:** `approve_mass_change`, when more than `max_change_share` of the indicators would come or go
  (4 h, then rejected).
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    Param,
    TriggerRule,
    dag,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.gates.suites.ioc_refresh import candidates_suite, new_mail_suite
from include.ioc_refresh import collect, drafts, holds, publishing
from include.ioc_refresh.kinds import Kind
from landfall.gates import check
from landfall.hooks.ioc_refresh import IocRefreshHook
from landfall.operators.approval import ANALYST, ONCALL, RecordedApprovalOperator
from landfall.operators.athena import AthenaQueryOperator
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

REPORTING_TASKS = ("check_new_mail", "collect_verdicts", "update_state", "find_candidates", "write_changes")
PARAMS = {
    "dry_run": Param(False, type="boolean", description="Compare and show what would change, but write nothing."),
    "release_hold": Param(
        False, type="boolean", description="End the hold of a roll-back or a rejection, and refresh."
    ),
    "note": Param(None, type=["null", "string"], maxLength=500, description="Why this run; kept in the commit log."),
    "max_change_share": Param(
        0.2,
        type="number",
        minimum=0,
        maximum=1,
        section="Limits",
        description="Ask a person when more than this share of the table would come or go (0.2 is 20 %).",
    ),
    "backfill_days": Param(
        30,
        type="integer",
        minimum=1,
        maximum=180,
        section="Limits",
        description="Days of mail that the very first refresh reads; later ones read only what is new.",
    ),
}


def state_queries(context: Any) -> Any:
    """The new state and ledger; both depend on the evidence, which their text does not show."""
    ioc, evidence = IocRefreshHook(), context["ti"].xcom_pull(task_ids="collect_verdicts")
    return ioc.state_queries(open_plan(ioc, context), inputs=evidence["evidence_digest"])


def candidate_queries(context: Any) -> Any:
    """The candidates that follow from the state `update_state` wrote."""
    ioc, written = IocRefreshHook(), context["ti"].xcom_pull(task_ids="update_state")
    return ioc.candidate_queries(open_plan(ioc, context), inputs=written["state"]["execution_id"])


def record_answer(context: Any, answer: Any) -> None:
    """Keep the answer; a rejection also holds refreshes for four hours."""
    version = context["ti"].xcom_pull(task_ids="plan_refresh")["version"]
    holds.record_mass_change(IocRefreshHook().lake, version=version, answer=answer)


def open_plan(ioc: IocRefreshHook, context: Any) -> Any:
    """This run's plan, as long as its refresh may still write."""
    return collect.load_open_plan(ioc.lake, context["ti"].xcom_pull(task_ids="plan_refresh")["version"])


@task.short_circuit(multiple_outputs=False)
def plan_refresh() -> dict[str, Any]:
    """Find what is new; nothing new, or a hold, skips the rest."""
    ioc, context = IocRefreshHook(), get_current_context()
    run, params = context["dag_run"], context["params"]
    if params["release_hold"]:
        holds.release_hold(ioc.lake)
    if hold := holds.standing_hold(ioc.lake, at=run.run_after):
        raise AirflowSkipException(hold.sentence())
    return collect.open_refresh(ioc.lake, run_id=run.run_id, at=run.run_after, backfill_days=params["backfill_days"])


@task(multiple_outputs=False)
def check_new_mail() -> dict[str, Any]:
    """Gate: what arrived must look like mail before it teaches anything."""
    ioc, context = IocRefreshHook(), get_current_context()
    plan = open_plan(ioc, context)
    if not plan.mail_objects:
        return {"gate": None, "queries": []}
    outcomes = ioc.run(ioc.new_mail_queries(plan), context=context)
    validation = check(lambda: collect.new_mail_frame(ioc.lake, plan.version), new_mail_suite(), store=ioc.gate_store)
    return {"gate": validation.result.to_dict(), "queries": outcomes}


@task(multiple_outputs=False)
def collect_verdicts() -> dict[str, Any]:
    """Join new and waiting verdicts to the keys of their mails."""
    ioc, context = IocRefreshHook(), get_current_context()
    plan = open_plan(ioc, context)
    outcomes = ioc.run(ioc.new_verdict_queries(plan), context=context)
    return {**collect.collect_verdicts(ioc.lake, ioc.receipts, plan), "queries": outcomes}


@task(multiple_outputs=False)
def check_candidates() -> dict[str, Any]:
    """Gate: no popular or shared name, no benign sighting, evidence for each, before anything is compared."""
    ioc, context = IocRefreshHook(), get_current_context()
    plan = open_plan(ioc, context)
    suite = candidates_suite(kinds=list(Kind), owed_rows_at_least=drafts.owed_candidates(ioc.lake))
    validation = check(
        lambda: drafts.candidate_frame(ioc.lake, plan.version, ioc.popularity), suite, store=ioc.gate_store
    )
    return {"gate": validation.result.to_dict()}


@task.branch
def diff_table() -> str | None:
    """Compare with the table; a mass change goes to a person first, a dry run ends here."""
    ioc, context = IocRefreshHook(), get_current_context()
    draft = drafts.draft_changes(ioc.lake, ioc.table, open_plan(ioc, context), ioc.popularity)
    context["ti"].xcom_push(key="draft", value=draft)
    if context["params"]["dry_run"]:
        return None
    return "approve_mass_change" if draft["share"] > context["params"]["max_change_share"] else "write_changes"


@task(multiple_outputs=False, trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
def write_changes() -> dict[str, Any]:
    """Write what differs, conditionally, and nothing while refreshes are held."""
    ioc, context = IocRefreshHook(), get_current_context()
    if hold := holds.standing_hold(ioc.lake, at=context["dag_run"].run_after):
        raise AirflowFailException(hold.sentence())
    plan = open_plan(ioc, context)
    return drafts.write_draft(ioc.lake, ioc.table, version=plan.version, sequence=plan.sequence)


@task(multiple_outputs=False)
def commit_refresh() -> dict[str, Any]:
    """Publish the snapshot and make this refresh the last one."""
    ioc, context = IocRefreshHook(), get_current_context()
    plan = collect.load_plan(ioc.lake, context["ti"].xcom_pull(task_ids="plan_refresh")["version"])
    results = {name: context["ti"].xcom_pull(task_ids=name) for name in REPORTING_TASKS}
    return publishing.commit(ioc.lake, ioc.table, plan, results=results, note=context["params"]["note"])


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/5 * * * *", timezone="UTC"), assets=[Asset("ioc_mail_partitions")]
    ),
    catchup=False,
    max_active_runs=1,
    default_args=RETRYING,
    description="Refresh the indicators of compromise from new mail and verdicts",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.IOC_REFRESH, Impact.CHANGES, Rerun.SAME_RESULT),
)
def ioc_refresh_generate() -> None:
    approve_mass_change = RecordedApprovalOperator(
        task_id="approve_mass_change",
        subject="Change {{ ti.xcom_pull(task_ids='diff_table', key='draft')['changed'] }} indicators at once?",
        body="{{ ti.xcom_pull(task_ids='diff_table', key='draft')['brief'] }}",
        defaults="Reject",
        response_timeout=timedelta(hours=4),
        assigned_users=[ANALYST, ONCALL],
        record=record_answer,
    )
    update_state = AthenaQueryOperator(task_id="update_state", queries=state_queries)
    find_candidates = AthenaQueryOperator(task_id="find_candidates", queries=candidate_queries)
    compared, written = diff_table(), write_changes()

    plan_refresh() >> check_new_mail() >> collect_verdicts() >> update_state >> find_candidates
    find_candidates >> check_candidates() >> compared  # the gate stands before everything that touches the table
    compared >> approve_mass_change >> written
    compared >> written >> commit_refresh()  # a commit that came first would hide a half-written table


ioc_refresh_generate()
