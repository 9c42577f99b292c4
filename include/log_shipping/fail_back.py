"""May a database return to its old primary, and how: decided by forks before anything is tried.

After a failover the old primary either follows the new one (its log ends at or before the fork), or it went on by
itself: then it has diverged, a log of the new primary answers 4330 or, when it is short, 4326, and only a reseed helps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.log_shipping.fail_over.plans import Mode
from include.log_shipping.roles import Seen, Unreachable
from include.log_shipping.server_state import DatabaseState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.log_shipping.configuration import DatabaseSettings
    from include.log_shipping.primaries import PrimaryRecord

RESEED_HINT = "run log_shipping_fail_back with method reseed; it overwrites that side after an approval."


def divergence(old: DatabaseState, *, record: PrimaryRecord, current: DatabaseState) -> str | None:
    """Say why an old primary cannot follow the new one, or None when its restore can go on.

    The common history ends at `record.fork_lsn` on `record.forked_from`. An old side that stands behind that point on
    the old fork holds commits that the new primary never had.
    """
    if not old.takes_logs:
        return f"{old.name} is {old.describe()} on {record.former}: it went on by itself since LSN {record.fork_lsn}"
    if old.redo_fork is None or old.redo_lsn is None:
        return f"{record.former} does not tell where {old.name} stands"
    if old.redo_fork in {record.fork, current.recovery_fork}:
        return None
    if old.redo_fork != record.forked_from:
        return (
            f"{old.name} stands on recovery fork {old.redo_fork} on {record.former}, which is neither "
            f"{record.forked_from}, where both sides parted, nor {current.recovery_fork}, which {record.primary} writes"
        )
    if old.redo_lsn > record.fork_lsn:
        return (
            f"{old.name} stands at LSN {old.redo_lsn} on {record.former}, but the sides parted at LSN "
            f"{record.fork_lsn}: the log between holds commits that {record.primary} never had"
        )
    return None


def fail_back_refusal(
    mode: Mode, settings: DatabaseSettings, *, seen: Mapping[str, Seen], record: PrimaryRecord | None
) -> str | None:
    """Say why a database cannot return by `method: reverse` or `reseed`, or None when it can.

    :param seen: what the two servers of the database say, by name.
    """
    current, old = seen[settings.secondary], seen[settings.primary]
    if isinstance(current, Unreachable):
        return f"{settings.secondary} is out of reach ({current.reason}); wait for it."
    if isinstance(old, Unreachable):
        return f"{settings.primary} is out of reach ({old.reason}); wait for it."
    if not isinstance(current, DatabaseState) or not _was_primary(current, old=old):
        return f"it is not primary on {settings.secondary}; there is nothing to move back."
    if mode is Mode.RESEED:
        return None
    return _reverse_refusal(settings, current=current, old=old, record=record)


def _reverse_refusal(
    settings: DatabaseSettings, *, current: DatabaseState, old: DatabaseState | None, record: PrimaryRecord | None
) -> str | None:
    if old is None:
        return f"{settings.primary} has no such database; {RESEED_HINT}"
    if record is None:
        return f"there is no record of its failover, so nobody knows where both sides parted; {RESEED_HINT}"
    told = divergence(old, record=record, current=current)
    return None if told is None else f"{told}; {RESEED_HINT}"


def _was_primary(current: DatabaseState, *, old: DatabaseState | None) -> bool:
    """The side that is left writes, or an earlier try fenced it while the old side takes logs."""
    return current.is_writable or (current.takes_logs and _takes_logs(old))


def _takes_logs(seen: Seen) -> bool:
    return isinstance(seen, DatabaseState) and seen.takes_logs


def overwritten(settings: DatabaseSettings, *, old: Seen, record: PrimaryRecord | None) -> str:
    """Name what a reseed overwrites, for the approval."""
    if not isinstance(old, DatabaseState):
        return f"{settings.primary} has no database {settings.name}: nothing is overwritten."
    parted = "" if record is None else f" Both sides parted at LSN {record.fork_lsn}."
    stands = "" if old.redo_lsn is None else f", restored up to LSN {old.redo_lsn}"
    kept = " Its tail is backed up first and kept for salvage." if old.is_writable else ""
    return f"{settings.name} on {settings.primary} ({old.describe()}{stands}) is overwritten.{parted}{kept}"
