"""The proof that backups can be restored one after the other, by SQL Server's own rule.

A log fits when `FirstLSN <= redo <= LastLSN` on the fork that the restore stands on; a differential fits the full
backup whose checkpoint it names. What was *selected* (`selection`) may still not fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.log_shipping.headers import BackupHeader, BackupType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Position:
    """Where a restore stands: the LSN from which redo goes on, and its recovery fork, None when unknown."""

    lsn: int
    fork: str | None
    base: BackupHeader | None = None
    """The full backup that a differential must be based on; None when it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainProof:
    """Whether every backup fits where the one before it ends.

    :ivar reason: a sentence with both LSNs and what to do; None when proven.
    :ivar at: id of the first backup that does not fit, as it was given.
    :ivar reached: the last backup that fits; None when there is none.
    :ivar position: where the restore stands after it.
    """

    proven: bool
    reason: str | None = None
    at: Any = None
    reached: BackupHeader | None = None
    position: Position | None = None


def prove_chain(restores: Sequence[BackupHeader], *, position: Position | None = None) -> ChainProof:
    """Follow SQL Server through the backups in their order.

    :param position: where the database stands; None: nothing is restored yet, so the first must be a full backup.
    """
    reached: BackupHeader | None = None
    for header in restores:
        reason = misfit(header, position)
        if reason is not None:
            return ChainProof(proven=False, reason=reason, at=header.given.id, reached=reached, position=position)
        position, reached = after(header, position), header
    return ChainProof(proven=True, reached=reached, position=position)


def misfit(header: BackupHeader, position: Position | None) -> str | None:
    """Return why a backup cannot be restored where the restore stands, None when it can."""
    if header.type is BackupType.DATABASE:
        return None
    if position is None:
        return f"{header} comes first, but only a full backup can begin: add the full backup it builds on."
    if header.type is BackupType.DIFFERENTIAL:
        return _differential_misfit(header, position)
    return _fork_misfit(header, position) or _log_misfit(header, position)


def after(header: BackupHeader, position: Position | None) -> Position:
    """Return where the restore stands once a fitting backup is applied."""
    fork = header.recovery_fork or (position.fork if position else None)
    base = header if header.type is BackupType.DATABASE else position.base if position else None
    return Position(header.last_lsn, fork, base)


def _differential_misfit(header: BackupHeader, position: Position) -> str | None:
    base = position.base
    if base is None:
        return f"{header} cannot be told to fit: the full backup restored before is not known; begin with that one."
    based_on = header.database_backup_lsn
    if base.checkpoint_lsn != based_on:
        return (
            f"{header} builds on the full backup with checkpoint LSN {based_on}, but {base} has {base.checkpoint_lsn} "
            "(error 3136): restore the full backup it builds on, or leave the differential out."
        )
    if base.is_copy_only or header.differential_base_guid not in {None, base.key}:
        return (
            f"{header} at LSN {header.last_lsn} does not build on {base} with checkpoint LSN {base.checkpoint_lsn} "
            "(error 3136; a copy-only backup is never a base): restore the full backup it builds on."
        )
    if header.last_lsn < position.lsn:
        return (
            f"{header} ends at LSN {header.last_lsn}, but the restore stands at LSN {position.lsn} already: "
            "leave it out."
        )
    return None


def _log_misfit(header: BackupHeader, position: Position) -> str | None:
    if header.first_lsn > position.lsn:
        return (
            f"{header} begins at LSN {header.first_lsn}, but the restore stands at LSN {position.lsn} (error 4305): "
            "find the log backup between, or bridge with a later differential or full backup."
        )
    if header.last_lsn < position.lsn:
        return (
            f"{header} ends at LSN {header.last_lsn}, but the restore stands at LSN {position.lsn} already "
            "(error 4326): leave it out."
        )
    return None


def _fork_misfit(header: BackupHeader, position: Position) -> str | None:
    if position.fork is None or header.first_fork is None:
        return None
    point = header.fork_point_lsn
    if header.first_fork == position.fork:
        crosses = header.recovery_fork != header.first_fork
        if not crosses or point is None or position.lsn <= point:
            return None
        return (
            f"{header} leaves recovery fork {header.first_fork} at LSN {point}, but the restore stands behind that, at "
            f"LSN {position.lsn} (error 4330): both sides went on by themselves; a person decides which one is kept."
        )
    if header.recovery_fork == position.fork and point is not None and position.lsn >= point:
        return None
    return (
        f"{header} from LSN {header.first_lsn} belongs to recovery fork {header.first_fork}, but the restore stands on "
        f"fork {position.fork} at LSN {position.lsn} (error 4330): use the log backups of that fork."
    )


def prove_recovery(
    *, redo_lsn: int | None, fork: str | None, restored: Iterable[BackupHeader], tail: BackupHeader | None
) -> ChainProof:
    """Prove, before RECOVERY, that what a server has restored is one chain and ends with the tail.

    Fails closed: what is not known is not proven.

    :param redo_lsn: where the server says that its redo stands; `fork`: on which recovery fork.
    :param restored: the backups that were restored, in order; at least the last one.
    :param tail: the tail-log backup, None when there is none (the loss is then stated elsewhere).
    """
    chain = list(restored)
    if tail is not None and all(header.key != tail.key for header in chain):
        told = f"{tail} up to LSN {tail.last_lsn} is the tail and was not restored: restore it first."
        return ChainProof(proven=False, reason=told, at=tail.given.id)
    if redo_lsn is None or fork is None:
        told = "The server tells neither redo LSN nor recovery fork: it restores nothing now; read its state again."
        return ChainProof(proven=False, reason=told)
    if not chain:
        told = f"No restored backup is known, and the server stands at LSN {redo_lsn}: read the headers of the files."
        return ChainProof(proven=False, reason=told)
    unknown = next((header for header in chain if header.first_fork is None), None)
    if unknown is not None:
        return ChainProof(
            proven=False, reason=f"{unknown} tells no recovery fork: read its header again.", at=unknown.given.id
        )
    # what came before a full or differential backup that the server took plays no part any more
    begin = max((number for number, header in enumerate(chain) if header.type is not BackupType.LOG), default=0)
    proof = prove_chain(chain[begin + 1 :], position=after(chain[begin], None))
    if not proof.proven:
        return proof
    return _agrees_with_server(chain[-1], redo_lsn=redo_lsn, fork=fork, tail=tail)


def _agrees_with_server(last: BackupHeader, *, redo_lsn: int, fork: str, tail: BackupHeader | None) -> ChainProof:
    reached = Position(redo_lsn, fork.upper())
    # redo of a full or differential backup alone may stand anywhere inside it, of a log backup only at its end
    begins = last.last_lsn if last.type is BackupType.LOG else last.first_lsn
    if not begins <= redo_lsn <= last.last_lsn:
        reason = (
            f"The server stands at LSN {redo_lsn}, but {last}, the last one restored, ends at LSN {last.last_lsn}: "
            "read the server's state and the headers again."
        )
    elif last.recovery_fork != fork.upper():
        reason = f"The server stands on recovery fork {fork}, but {last} ends on {last.recovery_fork}: do not recover."
    elif tail is not None and tail.last_lsn > redo_lsn:
        reason = f"{tail} ends at LSN {tail.last_lsn}, behind LSN {redo_lsn}, where the server stands: restore it."
    else:
        return ChainProof(proven=True, reached=last, position=reached)
    return ChainProof(proven=False, reason=reason, at=last.given.id, position=reached)
