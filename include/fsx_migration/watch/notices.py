"""What people are told of a migration, once each: start, trouble, end."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.notify.messages import Message

if TYPE_CHECKING:
    from datetime import datetime

    from include.fsx_migration.workplace import Workplace
    from include.notify.messages import Publisher

RUNBOOK: Final = "docs/runbooks/{dag_id}.md"
_SUBJECT_LIMIT: Final = 100  # Amazon SNS API reference, Publish: Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell.

    :param key: its identity within the run, as `start` or the key of a trouble.
    :param what: one sentence: what happened, where.
    :param look: what to look at first; empty when nothing has to be done.
    """

    key: str
    subject: str
    what: str
    since: datetime
    look: str = ""


def tell_once(place: Workplace, publish: Publisher, notice: Notice, *, run: str) -> bool:
    """Publish a notice unless it went out before; False says that it did.

    A ledger entry is written after the message: a worker that is killed in between sends it again, with the same
    deduplication id. Nothing that has to be told is lost.

    :param run: `<dag id>/<run id>`.
    """
    name = hashlib.sha256(f"{run}\n{notice.key}".encode()).hexdigest()[:32]
    key = place.places.key("notices", f"{name}.json")
    if place.store.find_json(key) is not None:
        return False
    publish(message(place, notice, run=run, dedup_id=f"{place.migration.name}-{name}"))
    entry = {"key": notice.key, "run": run, "subject": notice.subject, "what": notice.what}
    return bool(place.store.put_if_absent(key, entry))


def message(place: Workplace, notice: Notice, *, run: str, dedup_id: str) -> Message:
    """Return the text: what, where, since when, first look, runbook, run."""
    dag_id, _, run_id = run.partition("/")
    lines = [
        notice.what,
        "",
        f"Migration: {place.migration.name}",
        f"Since: {notice.since:%Y-%m-%d %H:%M} UTC",
        f"First look: {notice.look}" if notice.look else "",
        f"Runbook: {RUNBOOK.format(dag_id=dag_id)}",
        f"Run: {dag_id}, {run_id}",
        f"Documents: s3://{place.store.bucket}/{place.places.key('passes')}/",
    ]
    subject = " ".join(f"[Landfall] {place.migration.name}: {notice.subject}".split())
    return Message(
        subject=subject[:_SUBJECT_LIMIT],
        body="\n".join(line for number, line in enumerate(lines) if line or number == 1),
        dedup_id=dedup_id,
        group=place.migration.name,
    )


def summary_text(found: dict[str, Any]) -> str:
    """Return the counts of a summary as a sentence."""
    moved = (
        f"{found.get('files', 0):,} files and {found.get('bytes', 0):,} bytes in {len(found.get('passes', ()))} passes"
    )
    return f"{moved}, {found.get('failed', 0):,} files failed."
