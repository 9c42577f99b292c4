"""`restore_logs` of a ship run for one database: the lease, the restore, the canary, old files; one outcome."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from include.leases import LeaseHeldError, held
from include.log_shipping import shipping, tsql
from include.log_shipping.cleaning import delete_old_files
from include.log_shipping.configuration_model import DatabaseSettings, RestoreMode
from include.log_shipping.fleet import Workplace, roles_now
from include.log_shipping.header_book import load_book
from include.log_shipping.monitor_rows import write_monitor_rows
from include.log_shipping.outcomes import Outcome, Status
from include.log_shipping.restoring import Restored, RestoreStoppedError, Restoring

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.log_shipping.client import SqlServer

STEP: Final = "restore_logs"
EXPECTED: Final = (*shipping.EXPECTED, RestoreStoppedError)


def restore_logs(workplace: Workplace, name: str, *, pause: Callable[[float], None] = time.sleep) -> Outcome:
    """Restore what the gate let through for one database; keeps and returns the outcome."""
    settings, started = workplace.configuration.database(name), workplace.clock()
    done, more = Restored(), dict[str, Any]()
    status, reason = Status.DONE, ""
    try:
        with held(
            workplace.store,
            settings.name,
            owner=workplace.records.owner,
            purpose="shipping: restore",
            clock=workplace.clock,
            is_over=workplace.is_over,
        ) as check:
            status, reason = _restore(workplace, settings, done=done, more=more, check=check, pause=pause)
    except LeaseHeldError as error:
        status, reason = Status.WAITING, str(error)
    except EXPECTED as error:
        status, reason = Status.FAILED, str(error)
    outcome = Outcome(
        database=settings.name,
        step=STEP,
        status=status,
        reason=reason,
        started=started,
        finished=workplace.clock(),
        evidence=done.evidence() | more,
    )
    workplace.records.put(outcome)
    return outcome


def _restore(
    workplace: Workplace,
    settings: DatabaseSettings,
    *,
    done: Restored,
    more: dict[str, Any],
    check: Callable[[], None],
    pause: Callable[[float], None],
) -> tuple[Status, str]:
    roles, _ = roles_now(workplace, settings)
    if not roles.can_restore:
        return Status.FAILED, roles.sentence
    book = load_book(workplace.store, settings.name)
    with workplace.server(roles.target) as target:
        Restoring(
            workplace=workplace,
            settings=settings,
            source=roles.source,
            server=target,
            book=book,
            check=check,
            done=done,
            pause=pause,
        ).run()
        more["canary"] = read_canary(target, settings)
        more["monitor"] = write_monitor_rows(workplace, settings, roles=roles, target=target, book=book, done=done)
    check()
    more["deleted"] = delete_old_files(
        workplace,
        settings,
        source=roles.source,
        target=roles.target,
        book=book,
        redo_lsn=done.redo_lsn,
        fork=done.redo_fork,
    )
    return Status.DONE, ""


def read_canary(server: SqlServer, settings: DatabaseSettings) -> dict[str, int] | None:
    """Return the heartbeats on a readable standby (`beats`, `first_beat`, `last_beat`); None where nobody can read."""
    if settings.restore_mode is not RestoreMode.STANDBY or not settings.canary:
        return None
    row = server.one(tsql.read_canary(settings.name), doing=f"reading the canary of {settings.name}")
    return {name: int(row[name] or 0) for name in ("beats", "first_beat", "last_beat")} if row else None
