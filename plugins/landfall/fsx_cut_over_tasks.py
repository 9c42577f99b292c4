"""The tasks that lead clients over to a migration's target, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from include.fsx_migration.cut_over.cut_overs import LABEL
from landfall.fsx_migration_runs import held_workplace, let_go, workplace
from landfall.runs import run_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.fsx_migration.cut_over.cut_overs import CutOverRun

__all__ = [
    "LABEL",
    "check_frozen",
    "lead_back",
    "list_written_since",
    "probe_target",
    "record_answer",
    "state_evidence",
    "switch_back",
    "switch_name",
    "write_report",
]

_SUBJECTS = {"fsx_migration_cut_over": "cut-over", "fsx_migration_roll_back": "roll back"}


def run_at_work(context: Any = None) -> CutOverRun:
    """Return the running DAG run with what it works on."""
    from include.fsx_migration.cut_over.cut_overs import CutOverRun

    return CutOverRun(workplace(), run_name(context or get_current_context()))


def run_that_changes() -> CutOverRun:
    """Return the same for a step that changes something; refused while another run works on the migration."""
    from include.fsx_migration.cut_over.cut_overs import CutOverRun

    context: Any = get_current_context()
    return CutOverRun(held_workplace(context, "leading clients over or back"), run_name(context))


@task(multiple_outputs=False)
def check_frozen() -> dict[str, Any]:
    """Nobody writes to the source: two listings, some time apart, are the same; the name says what it should."""
    from include.fsx_migration.client_name.switching import require_clients_on_source, require_known
    from include.fsx_migration.cut_over import freezing
    from include.fsx_migration.resources.mounts import require_source_mount

    place = run_that_changes().place
    require_clients_on_source(place)
    require_known(place, place.migration.cut_over.old_value)
    require_source_mount(place)
    return freezing.check_frozen(place)


def require_clients_on_source(_context: Any) -> None:
    """Refuse the final passes once clients are led over, whoever clears them: they would delete clients' work."""
    from include.fsx_migration.client_name.switching import require_clients_on_source as require

    require(workplace())


@task(multiple_outputs=False)
def state_evidence() -> dict[str, str]:
    """Put together what the approver has to know."""
    from include.fsx_migration.cut_over import cut_overs

    return cut_overs.state_evidence(run_at_work())


def record_answer(context: Any, answer: Mapping[str, Any]) -> None:
    """Keep who answered, and to which evidence."""
    from include.fsx_migration.cut_over.cut_overs import record_answer as keep

    keep(run_at_work(context), answer)


@task(multiple_outputs=False)
def switch_name() -> dict[str, Any]:
    """Lead clients to the target, if a person approved and the source is still what was reconciled."""
    from include.fsx_migration.cut_over.cut_overs import switch_over

    return switch_over(run_that_changes()).to_dict()


@task.branch
def probe_target() -> str:
    """Write, read and remove a file on the target, and read files on both sides; go back when a client could not."""
    from include.fsx_migration.cut_over.cut_overs import keep_probe
    from include.fsx_migration.cut_over.probing import probe_target as probe

    work = run_that_changes()
    found = probe(work.place, label=LABEL, token=work.run)
    keep_probe(work, found)
    return "write_report" if found.went_well else "switch_back"


@task(multiple_outputs=False)
def switch_back() -> dict[str, Any]:
    """Lead clients back to the source, because the probe failed."""
    from include.fsx_migration.cut_over import cut_overs

    return cut_overs.switch_back(run_that_changes(), why="the probe failed").to_dict()


@task(multiple_outputs=False)
def list_written_since() -> dict[str, str]:
    """List what clients wrote on the target since they were led there; it is not on the source."""
    from include.fsx_migration.cut_over import roll_backs

    return roll_backs.list_written_since(run_at_work())


@task(multiple_outputs=False)
def lead_back() -> dict[str, Any]:
    """Lead clients back to the source, if a person approved what that leaves behind."""
    from include.fsx_migration.cut_over.cut_overs import require_approval, switch_back

    context: Any = get_current_context()
    work = run_that_changes()
    require_approval(work)
    return switch_back(work, why=context["params"]["reason"]).to_dict()


@task(multiple_outputs=False, trigger_rule=TriggerRule.ALL_DONE)
def write_report() -> dict[str, Any]:
    """Write the report and tell how it ended; the run is red unless clients are where they should be."""
    from include.fsx_migration.cut_over import cut_over_report
    from landfall.fsx_notices import tell_end

    context: Any = get_current_context()
    work, run = run_at_work(context), context["dag_run"]
    found = context["ti"].get_task_states(dag_id=run.dag_id, run_ids=[run.run_id]).get(run.run_id, {})
    states = {task_id: getattr(state, "value", state) or "" for task_id, state in found.items()}
    written = cut_over_report.write_report(work, states=states)
    let_go(work.place, context)
    told = f"{written['sentence']} Report: {written['page']}"
    tell_end(
        work.place, subject=_SUBJECTS[run.dag_id], went_well=written["complaint"] is None, what=told, context=context
    )
    if written["complaint"]:
        raise AirflowFailException(told)
    return written
