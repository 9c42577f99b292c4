"""
# Block scanners and probes, and let go of those whose time is over

Reads the access logs that arrived since the last run through Athena, counts each client's errors per minute, and
brings the WAF IP sets to what follows: new offenders in, expired, released and approved ones out. Runs every five
minutes, with or without traffic, and at once when the queue announces a new log.

- **Changes:** the WAF IP sets (one update per set, none when nothing differs) and `scanner/` in the lake.
- **Undo:** `scanner_block_release` takes one client out; `scanner_block_roll_back` returns the sets of an earlier run.
- **If it fails:** the sets stay as they are, or only due clients leave; the next run reads the same logs again:
  `docs/runbooks/scanner_block_update.md`
- **Waits for a person:** `approve_mass_change`, when more clients would be blocked at once than the policy allows
  (4 h, then rejected). Meanwhile the runs go on and still let go of clients whose time is over.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    AssetOrTimeSchedule,
    AssetWatcher,
    CronTriggerTimetable,
    Param,
    TriggerRule,
    dag,
    get_current_context,
    task,
)

from include.gates.suites.scanner_block import logs_suite
from landfall import scanner_block_tasks as steps
from landfall.gates import check
from landfall.operators.approval import ANALYST, ONCALL, RecordedApprovalOperator
from landfall.operators.athena import AthenaQueryOperator
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags
from landfall.triggers.sqs import QueueEventTrigger

PARAMS = {
    "dry_run": Param(False, type="boolean", description="Decide and show what would change, but write nothing."),
    "use_bad_logs": Param(
        False,
        type="boolean",
        description="Use logs although too many of their lines are unreadable, when somebody has looked at them.",
    ),
    "note": Param(None, type=["null", "string"], maxLength=500, description="Why this run; kept in the journal."),
}


@task.short_circuit(multiple_outputs=False)
def plan_update() -> dict[str, Any]:
    """List the new log objects; a run without any, with nothing due and nothing edited, ends here."""
    return steps.plan_update(get_current_context())


@task(multiple_outputs=False)
def collect_counts() -> dict[str, Any]:
    """Take in what Athena counted; objects that it could not read are read here instead."""
    return steps.collect_counts(get_current_context())


@task(multiple_outputs=False)
def check_logs() -> dict[str, Any]:
    """Gate: logs whose lines cannot be read teach nothing."""
    context = get_current_context()
    frame, limit = steps.log_frame(context)
    if frame is None or context["params"]["use_bad_logs"]:
        return {"gate": None}
    verdict = check(lambda: frame, logs_suite(unreadable_share=limit), store=steps.gate_store())
    return {"gate": verdict.result.to_dict()}


@task(multiple_outputs=False, trigger_rule=TriggerRule.ALL_DONE)
def decide_blocks() -> dict[str, Any]:
    """Work out who is blocked until when; without readable logs only who leaves."""
    return steps.decide_blocks(get_current_context())


@task.branch
def check_blocks() -> list[str] | str | None:
    """Gate: nobody approved, own or a confirmed search engine; a mass change is put before a person."""
    return steps.check_blocks(get_current_context())


@task(multiple_outputs=False)
def write_sets() -> dict[str, Any]:
    """Bring each IP set to what was decided: one call for each that differs."""
    return steps.write_sets(get_current_context())


@task(multiple_outputs=False)
def commit_update() -> dict[str, Any]:
    """Keep the new state, publish metrics and the summary; say so when logs could not be used."""
    return steps.commit_update(get_current_context())


@task(multiple_outputs=False)
def allow_mass_change() -> dict[str, Any]:
    """Let the next run block the clients that were approved."""
    return steps.allow_mass_change(get_current_context())


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/5 * * * *", timezone="UTC"),
        assets=[
            Asset(
                "scanner_log_objects",
                watchers=[
                    AssetWatcher(name="new_log_objects", trigger=QueueEventTrigger(queue="landfall-scanner-logs"))
                ],
            )
        ],
    ),
    catchup=False,
    max_active_runs=2,  # one may wait for an answer while the other lets go of those whose time is over
    default_args=RETRYING,
    description="Block scanners and probes found in access logs, for a set time",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.SCANNER_BLOCK, Impact.CHANGES, Rerun.SAME_RESULT),
)
def scanner_block_update() -> None:
    count_requests = AthenaQueryOperator(task_id="count_requests", queries=steps.count_queries, tolerate_failed=True)
    approve_mass_change = RecordedApprovalOperator(
        task_id="approve_mass_change",
        subject="Block {{ ti.xcom_pull(task_ids='decide_blocks')['held_back'] }} clients at once?",
        body="{{ ti.xcom_pull(task_ids='decide_blocks')['brief'] }}",
        defaults="Reject",
        response_timeout=timedelta(hours=4),
        assigned_users=[ANALYST, ONCALL],
        record=steps.record_mass_change,
    )

    decided = check_blocks()
    plan_update() >> count_requests >> collect_counts() >> check_logs() >> decide_blocks() >> decided
    decided >> write_sets() >> commit_update()
    decided >> approve_mass_change >> allow_mass_change()


scanner_block_update()
