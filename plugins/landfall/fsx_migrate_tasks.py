"""The tasks of a run that migrates, besides its passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from landfall.fsx_migration_runs import held_workplace, let_go, workplace
from landfall.runs import run_name

if TYPE_CHECKING:
    from collections.abc import Mapping

RECONCILIATION = "migrate"
"""The label of the reconciliation that a run of fsx_migration_migrate makes."""


@task(multiple_outputs=False)
def check_plan() -> dict[str, Any]:
    """The plan is current, made from the definition as it is, and nothing in it blocks; workers see the source."""
    from include.fsx_migration.planning.plans import require_current
    from include.fsx_migration.resources.mounts import require_source_mount

    place = held_workplace(get_current_context(), "transfer")
    plan = require_current(place.places)
    require_source_mount(place)
    return {"plan_id": plan.plan_id, "parts": len(plan.parts), "files": plan.files, "bytes": plan.bytes}


@task(multiple_outputs=False)
def prepare_transfer() -> dict[str, Any]:
    """Agents can work; locations, tasks, log group and metric filters are there; workers see the target."""
    from include.fsx_migration.resources.agents import check_agents
    from include.fsx_migration.resources.error_filters import ensure_error_filters
    from include.fsx_migration.resources.mounts import ensure_target_mount
    from include.fsx_migration.resources.transfer_resources import ensure_transfer_resources

    place = held_workplace(get_current_context(), "transfer")
    agents = check_agents(place)
    found = ensure_transfer_resources(place)
    ensure_target_mount(place, found.file_system)
    if found.log_group == place.migration.transfer.log_group:
        # the group of Enhanced tasks is DataSync's own, and may not be there before the first line
        ensure_error_filters(place.clients("logs"), log_group=found.log_group, migration=place.migration.name)
    return {
        "file_system": found.file_system.id,
        "agents": len(agents),
        "tasks": len(found.tasks),
        "notes": list(found.notes),
    }


@task.branch
def choose_closing() -> str:
    """Go on when the passes converged; else ask a person, with the numbers."""
    context: Any = get_current_context()
    verdict = context["ti"].xcom_pull(task_ids="incremental_passes")
    if verdict["answer"] == "converged":
        return "closing_pass"
    place = workplace()
    context["ti"].xcom_push(key="question", value=_question(place, verdict))
    return "approve_without_convergence"


@task(multiple_outputs=False, trigger_rule=TriggerRule.ALL_DONE)
def write_report() -> dict[str, Any]:
    """Write what the run did and tell its end; the run is red when a task before is."""
    from include.fsx_migration.watch.migration_report import keep_report, migration_report, sentence_of
    from landfall.fsx_notices import tell_end

    context: Any = get_current_context()
    place, states = workplace(), _states(context)
    summary = place.store.find_json(place.places.reconciliation(RECONCILIATION, "summary.json"))
    report = migration_report(
        place,
        run=run_name(context),
        states=states,
        reconciliation=summary if states.get("reconcile_trees") in ("success", "failed") else None,
    )
    kept, sentence = keep_report(place, report), sentence_of(report)
    let_go(place, context)
    tell_end(
        place,
        subject="transfer",
        went_well=report["went_well"],
        what=f"{sentence} Report: {kept['page']}",
        context=context,
    )
    if not report["went_well"]:
        raise AirflowFailException(f"{sentence} Report: {kept['page']}")
    return {**kept, "failed": report["failed"]["files"], "passes": len(report["passes"])}


def record_answer(context: Any, answer: Mapping[str, Any]) -> None:
    """Keep who answered, and the question."""
    place, run = workplace(), context["dag_run"]
    question = context["ti"].xcom_pull(task_ids="choose_closing", key="question")
    key = place.places.key("answers", f"{run.dag_id}__{run.run_id}.json".replace(":", "-"))
    place.store.put_json(key, {"question": question, "answer": dict(answer)})


def _question(place: Any, verdict: Mapping[str, Any]) -> dict[str, str]:
    body = (
        f"{verdict['sentence']}\n\n"
        f"- Cut-over window: {place.migration.convergence.window_minutes} min\n"
        f"- The last delta would take: {verdict['needed_seconds'] / 60:,.1f} min\n"
        f"- Files that failed so far: {verdict['failed']:,}; suspect: {verdict['suspects']:,}\n\n"
        "Approve to close and reconcile as it is; the final delta at the cut-over will be about as large. Reject to "
        "leave everything as it is: trigger the DAG again for more passes, or widen the window in the definition."
    )
    return {"subject": f"Close migration {place.migration.name} although it does not converge?", "body": body}


def _states(context: Any) -> dict[str, str]:
    run = context["dag_run"]
    found = context["ti"].get_task_states(dag_id=run.dag_id, run_ids=[run.run_id]).get(run.run_id, {})
    return {task_id: getattr(state, "value", state) or "" for task_id, state in found.items()}
