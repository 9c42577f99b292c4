"""The tasks that remove what a migration created: list, ask, delete what was shown, report."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule, get_current_context, task

from landfall.fsx_migration_runs import held_workplace, let_go, workplace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.fsx_migration.clean_up.clean_ups import CleanUpPlan

log = logging.getLogger(__name__)


@task.branch
def list_resources() -> str:
    """List what carries the migration's tag and what becomes of it; refuse unless everything may go."""
    from include.fsx_migration.clean_up.clean_up_records import keep_list, table
    from include.fsx_migration.clean_up.clean_ups import require_allowed

    context: Any = get_current_context()
    place, asked = workplace(), _asked(context)
    plan = _plan(asked)
    uri = keep_list(place, context["run_id"], plan, asked=asked)
    listed = table(plan)
    log.info("%s\n\n%s\n%s", uri, listed, "\n".join(plan.refusals))
    summary = {"delete": len(plan.doomed), "keep": len(plan.items) - len(plan.doomed), "refusals": len(plan.refusals)}
    context["ti"].xcom_push(key="list", value={**summary, "uri": uri})
    if asked["dry_run"]:
        return "write_report"
    require_allowed(plan)
    context["ti"].xcom_push(key="question", value=_question(place.migration.name, asked, listed, summary, uri))
    return "approve_clean_up"


def record_answer(context: Any, answer: Mapping[str, Any]) -> None:
    """Keep who answered, and which list they saw."""
    from include.fsx_migration.clean_up.clean_up_records import keep_answer

    keep_answer(workplace(context["params"]["migration"]), context["run_id"], answer)


@task(multiple_outputs=False)
def delete_resources() -> dict[str, int]:
    """Delete what was shown and approved, tasks first, the file system late."""
    from include.fsx_migration.clean_up.clean_up_records import remove_approved

    context: Any = get_current_context()
    return remove_approved(
        held_workplace(context, "clean-up"), context["run_id"], plan_now=lambda: _plan(_asked(context))
    )


@task(multiple_outputs=False, trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
def write_report() -> dict[str, Any]:
    """Write what was deleted and what is left."""
    from include.fsx_migration.clean_up import clean_up_records

    context: Any = get_current_context()
    asked = _asked(context)
    place, deleted = workplace(), context["ti"].xcom_pull(task_ids="delete_resources")
    let_go(place, context)
    return clean_up_records.write_report(place, context["run_id"], asked=asked, deleted=deleted, left=_plan(asked))


def _plan(asked: Mapping[str, Any]) -> CleanUpPlan:
    from include.fsx_migration.clean_up.clean_ups import CleanUpChoices, plan_clean_up

    choices = CleanUpChoices(
        file_system=asked["delete_file_system"],
        last_backup=asked["last_backup"],
        log_group=asked["delete_log_group"],
        documents=asked["delete_documents"],
    )
    return plan_clean_up(workplace(), choices)


def _asked(context: Any) -> dict[str, Any]:
    names = ("dry_run", "delete_file_system", "last_backup", "delete_log_group", "delete_documents", "reason")
    return {name: context["params"][name] for name in names}


def _question(
    migration: str, asked: Mapping[str, Any], listed: str, summary: Mapping[str, int], uri: str
) -> dict[str, str]:
    danger = ""
    if asked["delete_file_system"]:
        backup = "after a last backup" if asked["last_backup"] else "without a backup"
        danger = f"**The file system and every file in it are deleted**, {backup}.\n\n"
    body = f"{danger}{listed}\n\nReason: {asked['reason']}\n\nNothing of this can be undone. The list: {uri}"
    return {"subject": f"Delete {summary['delete']} resources of migration {migration}?", "body": body}
