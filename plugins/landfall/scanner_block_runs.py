"""What updates, releases and roll-backs share: the lease of the sets, the commit, and telling people once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.exceptions import AirflowSkipException
from airflow.sdk.timezone import utcnow

from landfall.hooks.scanner_block import ScannerBlockHook
from landfall.runs import run_is_over, run_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.notify.messages import Message
    from include.scanner_block.desk import Desk

SETS: Final = "scanner sets"
"""Whoever writes the IP sets holds this lease, so that a release and an update never write beside each other."""


def commit(context: Any, version: str, *, note: str | None, written: Mapping[str, Any] | None) -> dict[str, Any]:
    """Commit a draft under the lease of the sets, and publish what people are told."""
    from include.scanner_block.steps.drafts import load_draft
    from include.scanner_block.steps.notices import update_message
    from include.scanner_block.steps.writing import commit_draft, news_of

    hook = ScannerBlockHook()
    with holding_sets(hook.desk, context):
        done = commit_draft(hook.desk, version, note=note, written=written)
    message = update_message(news_of(done, load_draft(hook.desk.store, version), run=run_name(context)))
    if message:
        tell_once(hook, message)
    return done


def committed(desk: Desk, context: Any) -> dict[str, Any] | None:
    """Return what this run has committed, when a try before this one got that far."""
    from include.scanner_block.lake.journal import last_commit

    last = last_commit(desk.store)
    if last is None or last.run_id != run_name(context):
        return None
    return {"sequence": last.sequence, "version": last.version, **last.facts}


@contextmanager
def skipping_when_overtaken() -> Iterator[None]:
    """End an update that a release, a roll-back or another update has overtaken: the next one decides anew."""
    from include.scanner_block.lake.journal import JournalTakenError
    from include.scanner_block.steps.updates import UpdateClosedError

    try:
        yield
    except (UpdateClosedError, JournalTakenError) as error:
        raise AirflowSkipException(str(error)) from error


@contextmanager
def holding_sets(desk: Desk, context: Any) -> Iterator[None]:
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


def tell_once(hook: ScannerBlockHook, message: Message) -> None:
    """Publish a message unless one of its name went out before: a tick every five minutes must not repeat itself."""
    store = hook.desk.store
    told = store.key("told", f"{message.dedup_id}.json")
    if store.find_json(told) is None:
        hook.topic(message)
        store.put_json(told, {"subject": message.subject})


def triggered_by(context: Any) -> str:
    """Return the user who triggered the run."""
    return str(context["dag_run"].triggering_user_name or "unknown")
