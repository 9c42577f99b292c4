"""What the tasks of an update of the block list do; each may be killed at any line and run again."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.timezone import utcnow

from landfall.hooks.scanner_block import ScannerBlockHook
from landfall.runs import run_is_over, run_name
from landfall.scanner_block_runs import commit, holding_sets, skipping_when_overtaken, tell_once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landfall.athena_queries import AthenaQuery
    from landfall.gates import EvidenceStore

log = logging.getLogger(__name__)

UPDATE: Final = "scanner update"
"""The update that is under way holds this lease until it has committed, so that no log is read twice."""
LONGEST_UPDATE: Final = timedelta(hours=1)


class LogsNotUsedError(AirflowFailException):
    """The sets are right but for new offenders: this run's logs could not be used; the next run reads them again."""


def gate_store() -> EvidenceStore:
    """Return where the gates keep their evidence."""
    return ScannerBlockHook().gate_store


def plan_update(context: Any) -> dict[str, Any]:
    """List what is new; an unreadable approved list or policy changes nothing and tells people."""
    from include.leases import LeaseHeldError, take
    from include.scanner_block.approved import ApprovedListError
    from include.scanner_block.policy import PolicyRefusedError
    from include.scanner_block.steps import updates

    hook, owner = ScannerBlockHook(), run_name(context)
    desk, is_over = hook.desk, run_is_over(context)
    try:
        take(desk.store, UPDATE, owner=owner, purpose="update", at=utcnow(), keep_for=LONGEST_UPDATE, is_over=is_over)
        return updates.plan_update(desk, run_id=owner, at=context["dag_run"].run_after)
    except LeaseHeldError as error:
        log.warning("Another update is under way, so this run ends: %s", error)
        return {}
    except (ApprovedListError, PolicyRefusedError) as error:
        _tell_trouble(hook, error, context=context)
        raise


def count_queries(context: Any) -> list[AthenaQuery]:
    """Return the queries over exactly the objects of this run's plan."""
    from include.scanner_block.desk import read_inputs
    from include.scanner_block.steps.collecting import batches
    from include.scanner_block.steps.updates import open_plan

    hook = ScannerBlockHook()
    with skipping_when_overtaken():
        plan = open_plan(hook.desk, _version(context))
    policy = read_inputs(hook.desk, at=plan.as_of).policy
    return [hook.count_query(batch, policy) for batch in batches(plan, policy)]


def collect_counts(context: Any) -> dict[str, Any]:
    """Keep the counts by hour; returns what was read, by source, and what Athena scanned for it."""
    from include.scanner_block.desk import read_inputs
    from include.scanner_block.steps.collecting import collect
    from include.scanner_block.steps.updates import open_plan

    desk = ScannerBlockHook().desk
    with skipping_when_overtaken():
        plan = open_plan(desk, _version(context))
    policy = read_inputs(desk, at=plan.as_of).policy
    outcomes: Mapping[str, Any] = context["ti"].xcom_pull(task_ids="count_requests") or {}
    failed = {name: outcome["reason"] for name, outcome in outcomes.items() if outcome["state"] != "SUCCEEDED"}
    for name, reason in failed.items():
        log.warning("%s failed, so its objects are read here, one by one: %s", name, reason)
    tallies = collect(desk.store, plan, policy, failed=failed)
    return {
        "sources": {name: tally.to_document() for name, tally in tallies.items()},
        "scanned_bytes": sum(outcome["scanned_bytes"] for outcome in outcomes.values()),
        "object_bytes": sum(found.size for found in plan.new.objects),
    }


def log_frame(context: Any) -> tuple[Any, float]:
    """Return the frame that the gate of logs judges, None where no log is new, and the limit."""
    from include.gates.suites.scanner_block import logs_summary
    from include.scanner_block.desk import read_inputs
    from include.scanner_block.steps.collecting import load_tallies
    from include.scanner_block.steps.gate_rows import log_rows

    desk = ScannerBlockHook().desk
    limit = read_inputs(desk, at=context["dag_run"].run_after).policy.limits.unreadable_share
    rows = log_rows(load_tallies(desk.store, _version(context)))
    if not rows:
        return None, limit
    import pandas as pd

    return pd.DataFrame([logs_summary(**row) for row in rows]), limit


def decide_blocks(context: Any) -> dict[str, Any]:
    """Decide and keep the draft; when logs could not be read or passed, only who leaves."""
    from include.scanner_block.steps.told import mass_change_brief
    from include.scanner_block.steps.updates import decide_update

    plan = context["ti"].xcom_pull(task_ids="plan_update")
    if not plan:
        raise AirflowFailException("plan_update failed, so nothing is decided and nobody is let go.")
    with skipping_when_overtaken():
        told = decide_update(ScannerBlockHook().desk, plan["version"], use_logs=_logs_passed(context))
    return {**told, "brief": mass_change_brief(told) if told["held_back"] else ""}


def check_blocks(context: Any) -> list[str] | None:
    """Judge who would be added; returns the tasks that follow: none in a dry run."""
    from include.gates.suites.scanner_block import blocks_suite
    from include.scanner_block.desk import read_inputs
    from include.scanner_block.steps.drafts import load_draft
    from include.scanner_block.steps.gate_rows import addition_rows
    from landfall.gates import check

    hook = ScannerBlockHook()
    draft = load_draft(hook.desk.store, _version(context))
    inputs = read_inputs(hook.desk, at=draft.as_of)
    rows, names = addition_rows(draft, inputs), inputs.policy.ip_sets
    if rows:  # Great Expectations takes seconds to load, and most runs add nobody
        import pandas as pd

        room = inputs.policy.rules.ipset_limit * len((*names.ipv4, *names.ipv6))
        check(lambda: pd.DataFrame(rows), blocks_suite(ipset_limit=room), store=hook.gate_store, context=context)
    if context["params"]["dry_run"]:
        return None
    return ["write_sets", *(["approve_mass_change"] if draft.told["asks"] else [])]


def write_sets(context: Any) -> dict[str, Any]:
    """Write the sets of this run's draft."""
    from include.scanner_block.steps.writing import write_sets as write

    desk = ScannerBlockHook().desk
    with holding_sets(desk, context), skipping_when_overtaken():
        return write(desk, _version(context))


def commit_update(context: Any) -> dict[str, Any]:
    """Commit this run's draft and tell people; raises LogsNotUsedError afterwards when the logs are not in it."""
    from include.leases import release

    version = _version(context)
    written = context["ti"].xcom_pull(task_ids="write_sets")
    with skipping_when_overtaken():
        done = commit(context, version, note=context["params"]["note"], written=written)
    release(ScannerBlockHook().desk.store, UPDATE, owner=run_name(context))
    if not done["counts_in"]:
        _tell_unused_logs(context)
        raise LogsNotUsedError(
            "The logs of this run could not be used (see collect_counts and check_logs): nobody new was blocked, who "
            "was due is let go, and the next run reads the logs again."
        )
    return done


def record_mass_change(context: Any, answer: Mapping[str, Any]) -> None:
    """Keep the answer; a rejection pardons the clients for what they did until now."""
    from include.scanner_block.lake.permissions import record_answer

    record_answer(ScannerBlockHook().desk.store, version=_version(context), answer=answer)


def allow_mass_change(context: Any) -> dict[str, Any]:
    """Say until when the next runs may block the clients that were approved."""
    from include.scanner_block.lake.permissions import PERMITTED_FOR, standing

    at = utcnow()
    allowed = standing(ScannerBlockHook().desk.store, at=at)
    return {"clients": len(allowed.clients), "until": (at + PERMITTED_FOR).isoformat()}


def _tell_trouble(hook: ScannerBlockHook, error: Exception, *, context: Any) -> None:
    from include.scanner_block.approved import ApprovedListError
    from include.scanner_block.steps.notices import Trouble, trouble_message

    is_list, at = isinstance(error, ApprovedListError), context["dag_run"].run_after
    trouble = Trouble(
        cause="approved list" if is_list else "settings",
        what=str(error),
        where=hook.settings.uri("approved.json" if is_list else "policy.yaml"),
        to_do="Restore or mend the file, then clear plan_update.",
        since=at,
    )
    tell_once(hook, trouble_message(trouble, run=run_name(context), at=at))


def _tell_unused_logs(context: Any) -> None:
    from include.scanner_block.steps.notices import Trouble, trouble_message

    hook, at = ScannerBlockHook(), context["dag_run"].run_after
    trouble = Trouble(
        cause="logs",
        what="Logs could not be used: too many of their lines cannot be read, or they could not be counted.",
        where="the tasks collect_counts and check_logs of the run",
        to_do="Compare the logs with the source's format in the policy, or run with use_bad_logs.",
        since=at,
        meanwhile="Nobody new is blocked until then; clients whose time is over are let go.",
    )
    tell_once(hook, trouble_message(trouble, run=run_name(context), at=at))


def _logs_passed(context: Any) -> bool:
    """Whether counts were collected and passed their gate, or a person let them pass."""
    return context["ti"].xcom_pull(task_ids="check_logs") is not None


def _version(context: Any) -> str:
    return str(context["ti"].xcom_pull(task_ids="plan_update")["version"])
