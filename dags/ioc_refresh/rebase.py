"""
# Recount the indicators' evidence from the mails

Counts every key afresh from the mails and verdicts in the lake and compares the result with the state that refreshes
keep up to date. Any difference means that mails were counted twice, lost, or changed after they were counted.
Where there is none, working data of all but the newest fifty refreshes is removed.

- **Changes:** nothing that is read again: under `ioc/`, a recount and a report are written and old versions removed.
- **Undo:** not needed.
- **If it fails:** at `check_differences` the state is wrong or late: `docs/runbooks/ioc_refresh_rebase.md`.
  Red elsewhere: clear the task.
- **Waits for a person:** never.
"""

from datetime import date, datetime
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from include.ioc_refresh import housekeeping, queries, rebases
from landfall.gates import check
from landfall.hooks.ioc_refresh import IocRefreshHook
from landfall.operators.athena import AthenaQueryOperator
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

PARAMS = {
    "note": Param(None, type=["null", "string"], maxLength=500, description="Why this recount; kept in its report."),
}


def recount_queries(context: Any) -> Any:
    """Count the mails of every day the state keeps, by kind."""
    ioc, plan = IocRefreshHook(), context["ti"].xcom_pull(task_ids="plan_recount")
    select = queries.recount(
        as_of=datetime.fromisoformat(plan["as_of"]),
        horizon=date.fromisoformat(plan["horizon"]),
        open_objects=plan["open_objects"],
    )
    folder = ("recounted", f"version={plan['version']}")
    return [ioc.unload("recounted", select, *folder, partitioned_by="kind", inputs=context["run_id"])]


@task.short_circuit(multiple_outputs=False)
def plan_recount() -> dict[str, Any]:
    """Name the version to recount; before the first refresh there is none, and the rest is skipped."""
    return rebases.open_rebase(IocRefreshHook().lake)


@task(multiple_outputs=False)
def check_differences() -> dict[str, Any]:
    """Gate: no key may have another count in the state than in the mails."""
    ioc, context = IocRefreshHook(), get_current_context()
    plan = context["ti"].xcom_pull(task_ids="plan_recount")
    sql = queries.compare_state(version=plan["version"], horizon=date.fromisoformat(plan["horizon"]))
    found, outcomes = ioc.rows(ioc.query("compare_state", sql, inputs=context["run_id"]), context=context)
    report = {**plan, "differences": found, "note": context["params"]["note"], "run_id": context["run_id"]}
    uri = ioc.lake.put_json(ioc.settings.key("rebases", f"{plan['version']}.json"), report)
    verdict = check(lambda: rebases.difference_frame(found), rebases.difference_suite(), store=ioc.gate_store)
    return {"gate": verdict.result.to_dict(), "report": uri, "queries": outcomes}


@task(multiple_outputs=False)
def remove_old_versions() -> dict[str, Any]:
    """Delete the working data of refreshes nobody reads any more; snapshots and the commit log stay."""
    return housekeeping.remove_old_versions(IocRefreshHook().lake)


@dag(
    schedule="30 3 * * *",
    catchup=False,
    max_active_runs=1,
    default_args=RETRYING,
    description="Recount the evidence from the mails and compare",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.IOC_REFRESH, Impact.READS, Rerun.SAME_RESULT),
)
def ioc_refresh_rebase() -> None:
    recount = AthenaQueryOperator(task_id="recount", queries=recount_queries)

    # The evidence of a wrong state must not be cleared away: old versions go only once the state is proven.
    plan_recount() >> recount >> check_differences() >> remove_old_versions()


ioc_refresh_rebase()
