"""What the tasks of scanner blocking do; each may be killed at any line and run again."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.sdk.timezone import utcnow

from landfall.hooks.scanner_block import ScannerBlockHook
from landfall.runs import run_is_over, run_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.notify.messages import Message
    from include.scanner_block.desk import Desk
    from landfall.athena_queries import AthenaQuery
    from landfall.gates import EvidenceStore

log = logging.getLogger(__name__)

UPDATE: Final = "scanner update"
"""The update that is under way holds this lease until it has committed, so that no log is read twice."""
SETS: Final = "scanner sets"
"""Whoever writes the IP sets holds this lease, so that a release and an update never write beside each other."""
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
    with _skipping_when_overtaken():
        plan = open_plan(hook.desk, _version(context))
    policy = read_inputs(hook.desk, at=plan.as_of).policy
    return [hook.count_query(batch, policy) for batch in batches(plan, policy)]


def collect_counts(context: Any) -> dict[str, Any]:
    """Keep the counts by hour; returns what was read, by source, and what Athena scanned for it."""
    from include.scanner_block.desk import read_inputs
    from include.scanner_block.steps.collecting import collect
    from include.scanner_block.steps.updates import open_plan

    desk = ScannerBlockHook().desk
    with _skipping_when_overtaken():
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
    with _skipping_when_overtaken():
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
    with _holding_sets(desk, context), _skipping_when_overtaken():
        return write(desk, _version(context))


def commit_update(context: Any) -> dict[str, Any]:
    """Commit this run's draft and tell people; raises LogsNotUsedError afterwards when the logs are not in it."""
    from include.leases import release

    version = _version(context)
    written = context["ti"].xcom_pull(task_ids="write_sets")
    with _skipping_when_overtaken():
        done = _commit(context, version, note=context["params"]["note"], written=written)
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


def find_blocks(context: Any) -> dict[str, Any]:
    """Show the blocks of the client that is to be released."""
    from include.scanner_block.steps.releases import find_blocks as find

    return find(ScannerBlockHook().desk, context["params"]["client"], at=context["dag_run"].run_after)


def approve_client(context: Any) -> dict[str, Any]:
    """Put the client on the approved list, when the run says so."""
    from include.scanner_block.steps.releases import approve

    params, run = context["params"], context["dag_run"]
    if not params["approve"]:
        return {"approved": False}
    desk = ScannerBlockHook().desk
    place = approve(desk, params["client"], reason=params["reason"], by=_user(context), at=run.run_after)
    return {"approved": True, "list": place}


def release_client(context: Any) -> dict[str, Any]:
    """Take the client out and commit, under the lease of the sets."""
    from include.scanner_block.steps.releases import draft_release
    from include.scanner_block.steps.writing import write_sets as write

    desk, params, run = ScannerBlockHook().desk, context["params"], context["dag_run"]
    with _holding_sets(desk, context):
        if done := _committed(desk, context):
            return done
        draft = draft_release(
            desk,
            params["client"],
            run_id=run_name(context),
            at=run.run_after,
            reason=params["reason"],
            by=_user(context),
        )
        return _commit(context, draft.version, note=params["reason"], written=write(desk, draft.version))


def compare_sets(context: Any) -> dict[str, Any]:
    """Show what going back to an earlier run changes."""
    return _draft_roll_back(context)


def record_roll_back(context: Any, answer: Mapping[str, Any]) -> None:
    """Keep who asked and who answered."""
    store = ScannerBlockHook().desk.store
    name = run_name(context).replace("/", "_")
    store.put_json(store.key("audit", "roll_backs", f"{name}.json"), dict(answer))


def roll_back_sets(context: Any) -> dict[str, Any]:
    """Decide once more, for time has passed since the question, write, and commit."""
    from include.scanner_block.steps.writing import write_sets as write

    desk = ScannerBlockHook().desk
    with _holding_sets(desk, context):
        if done := _committed(desk, context):
            return done
        version = _draft_roll_back(context)["version"]
        return _commit(context, version, note=context["params"]["reason"], written=write(desk, version))


def _draft_roll_back(context: Any) -> dict[str, Any]:
    from include.scanner_block.steps.roll_backs import draft_roll_back

    params = context["params"]
    return draft_roll_back(
        ScannerBlockHook().desk,
        sequence=params["sequence"],
        run_id=run_name(context),
        at=context["dag_run"].run_after,
        reason=params["reason"],
        by=_user(context),
    )


def _commit(context: Any, version: str, *, note: str | None, written: Mapping[str, Any] | None) -> dict[str, Any]:
    """Commit a draft under the lease of the sets, and publish what people are told."""
    from include.scanner_block.steps.drafts import load_draft
    from include.scanner_block.steps.notices import update_message
    from include.scanner_block.steps.writing import commit_draft, news_of

    hook = ScannerBlockHook()
    with _holding_sets(hook.desk, context):
        done = commit_draft(hook.desk, version, note=note, written=written)
    message = update_message(news_of(done, load_draft(hook.desk.store, version), run=run_name(context)))
    if message:
        _tell_once(hook, message)
    return done


def _committed(desk: Desk, context: Any) -> dict[str, Any] | None:
    """Return what this run has committed, when a try before this one got that far."""
    from include.scanner_block.lake.journal import last_commit

    last = last_commit(desk.store)
    if last is None or last.run_id != run_name(context):
        return None
    return {"sequence": last.sequence, "version": last.version, **last.facts}


@contextmanager
def _skipping_when_overtaken() -> Iterator[None]:
    """End an update that a release, a roll-back or another update has overtaken: the next one decides anew."""
    from include.scanner_block.lake.journal import JournalTakenError
    from include.scanner_block.steps.updates import UpdateClosedError

    try:
        yield
    except (UpdateClosedError, JournalTakenError) as error:
        raise AirflowSkipException(str(error)) from error


@contextmanager
def _holding_sets(desk: Desk, context: Any) -> Iterator[None]:
    """Hold the lease of the sets; raises LeaseHeldError while another run works on them."""
    from include.leases import held

    with held(
        desk.store,
        SETS,
        owner=run_name(context),
        purpose=context["ti"].task_id,
        clock=utcnow,
        is_over=run_is_over(context),
    ) as check:
        yield
        check()


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
    _tell_once(hook, trouble_message(trouble, run=run_name(context), at=at))


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
    _tell_once(hook, trouble_message(trouble, run=run_name(context), at=at))


def _tell_once(hook: ScannerBlockHook, message: Message) -> None:
    """Publish a message unless one of its name went out before: a tick every five minutes must not repeat itself."""
    store = hook.desk.store
    told = store.key("told", f"{message.dedup_id}.json")
    if store.find_json(told) is None:
        hook.topic(message)
        store.put_json(told, {"subject": message.subject})


def _logs_passed(context: Any) -> bool:
    """Whether counts were collected and passed their gate, or a person let them pass."""
    return context["ti"].xcom_pull(task_ids="check_logs") is not None


def _version(context: Any) -> str:
    return str(context["ti"].xcom_pull(task_ids="plan_update")["version"])


def _user(context: Any) -> str:
    return str(context["dag_run"].triggering_user_name or "unknown")
