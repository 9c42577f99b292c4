"""Plan a restore: what to restore in which order, whether the chain is proven, and how far it reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.log_shipping.chain import ChainProof, Position, prove_chain
from include.log_shipping.header_fields import id_key
from include.log_shipping.headers import BackupHeader, BackupType
from include.log_shipping.next_restores import Gap, NextRestores, next_restores
from include.log_shipping.selection import database_names, select_differential, select_full, select_logs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["Gap", "NextRestores", "NothingToRestoreError", "Reach", "RestorePlan", "next_restores", "plan_restore"]


class NothingToRestoreError(ValueError):
    """No backup can be restored; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the proven part goes.

    :ivar lsn: LSN at which the restore stands after the last backup that fits.
    :ivar time: when that backup finished, or the asked time when it is earlier; None before any backup.
    """

    lsn: int
    time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePlan:
    """The backups in the order of their restore, the proof, and what is reached."""

    restores: tuple[BackupHeader, ...]
    chain: ChainProof
    reaches: Reach

    def to_document(self, *, to_text: str | None = None) -> dict[str, Any]:
        """Return the plan as JSON types; ids, LSNs and times in the spelling they were given in.

        :param to_text: the asked time as it was given.
        """
        reached = self.chain.reached
        lsn: Any = str(self.reaches.lsn)
        time: Any = self.reaches.time
        if reached is not None:
            lsn = reached.given.last_lsn
            time = reached.given.finished if time == reached.finished else to_text or time
        return {
            "restores": [header.given.id for header in self.restores],
            "chain": {"proven": self.chain.proven, "reason": self.chain.reason, "at": self.chain.at},
            "reaches": {"lsn": lsn, "time": _json_time(time)},
        }


def plan_restore(
    headers: Sequence[BackupHeader],
    *,
    to: datetime | None = None,
    ignore_logs: bool = False,
    ignore_diffs: bool = False,
    continue_from: int | None = None,
    fork: str | None = None,
) -> RestorePlan:
    """Plan the restore of one database.

    :param to: the time to reach, aware; None takes everything.
    :param continue_from: LSN where a database that is restoring already goes on; only logs follow then, as in
        dbatools, since a differential cannot be told to fit without its base.
    :param fork: the recovery fork of that database.
    :raises NothingToRestoreError: no backup can be restored.
    :raises ValueError: the headers are of several databases.
    """
    if not headers:
        raise NothingToRestoreError("Nothing can be restored: there are no backups.")
    names = database_names(headers)
    if len(names) > 1:
        raise ValueError(f"The backups are of {len(names)} databases ({', '.join(names)}): choose one of them.")
    if continue_from is not None:
        start = Position(continue_from, None if fork is None else id_key(fork))
        return _continued(headers, start=start, to=to, ignore_logs=ignore_logs)
    full = select_full(headers, to=to)
    if full is None:
        raise NothingToRestoreError(_no_full(headers, to=to))
    restores = [full]
    differential = None if ignore_diffs else select_differential(headers, full=full, to=to)
    if differential is not None:
        restores.append(differential)
    if not ignore_logs:
        anchor = Position(max(header.last_lsn for header in restores), full.first_fork)
        restores += select_logs(headers, anchor=anchor, to=to)
    chain = prove_chain(restores)
    return RestorePlan(restores=tuple(restores), chain=chain, reaches=_reach(chain, to=to, otherwise=0))


def _continued(
    headers: Sequence[BackupHeader], *, start: Position, to: datetime | None, ignore_logs: bool
) -> RestorePlan:
    if ignore_logs:
        raise NothingToRestoreError("Nothing can be restored: a restore goes on with logs, and these are ignored.")
    logs = select_logs(headers, anchor=start, to=to)
    if logs:
        chain = prove_chain(logs, position=start)
    else:
        chain = ChainProof(proven=False, reason=_no_log(headers, start=start), position=start)
    return RestorePlan(restores=tuple(logs), chain=chain, reaches=_reach(chain, to=to, otherwise=start.lsn))


def _reach(chain: ChainProof, *, to: datetime | None, otherwise: int) -> Reach:
    if chain.reached is None:
        return Reach(otherwise, None)
    finished = chain.reached.finished
    return Reach(chain.reached.last_lsn, finished if to is None else min(finished, to))


def _no_full(headers: Sequence[BackupHeader], *, to: datetime | None) -> str:
    fulls = [header.finished for header in headers if header.type is BackupType.DATABASE]
    if not fulls or to is None:
        return (
            f"Nothing can be restored: none of the {len(headers)} backups is a full one; "
            "add the full backup that the others build on."
        )
    return (
        f"Nothing can be restored: no full backup ended by {to.isoformat()}, the first ended at "
        f"{min(fulls).isoformat()}; ask for that time or a later one."
    )


def _no_log(headers: Sequence[BackupHeader], *, start: Position) -> str:
    logs = [header for header in headers if header.type is BackupType.LOG]
    if not logs:
        raise NothingToRestoreError("Nothing can be restored: no log backup is there to go on with.")
    mine = [log for log in logs if start.fork is None or log.first_fork in {None, start.fork}]
    if not mine:
        forks = ", ".join(sorted({str(log.first_fork) for log in logs}))
        return (
            f"No log backup belongs to recovery fork {start.fork}; those given belong to {forks}: read the database's "
            "redo_start_fork_guid again, or use the log backups of that fork."
        )
    last = max(log.last_lsn for log in mine)
    raise NothingToRestoreError(
        f"Nothing can be restored: the last log backup of this fork ends at LSN {last}, and the database stands at LSN "
        f"{start.lsn}; it has them all already."
    )


def _json_time(value: Any) -> Any:
    if isinstance(value, dict):
        value = value.get("value")
    return value.isoformat() if hasattr(value, "isoformat") else value
