"""Bring the target as far as the log goes: copy what is not copied, restore what is not restored, the tail last."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.log_shipping import tsql
from include.log_shipping.chain import prove_recovery
from include.log_shipping.collecting import copy_needed, read_headers_of_copies
from include.log_shipping.copying import CopyError, copy_file
from include.log_shipping.fail_over.drill import proof_document
from include.log_shipping.fail_over.fencing import Fence, find_fence, patiently, renew
from include.log_shipping.fail_over.loss import Loss
from include.log_shipping.fail_over.recovery import source_seen
from include.log_shipping.fail_over.steps import FailOver, StepError
from include.log_shipping.failures import Reaction, SqlServerError
from include.log_shipping.fleet import look_at, seen_in
from include.log_shipping.header_book import HeaderBook, backup_files, load_book, save_book
from include.log_shipping.headers import BackupHeader, BackupType
from include.log_shipping.progress import next_for, read_standing
from include.log_shipping.server_state import DatabaseState, read_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.log_shipping.client import SqlServer
    from include.log_shipping.fail_over.plans import Move
    from include.log_shipping.next_restores import NextRestores


@dataclass(slots=True)
class Rest:
    """What was left to do, and what came of it."""

    book: HeaderBook
    copied: list[str] = field(default_factory=list)
    restored: list[BackupHeader] = field(default_factory=list)
    not_restored: list[str] = field(default_factory=list)


def restore_tail(work: FailOver, move: Move) -> tuple[str, dict[str, Any]]:
    """Copy and restore every log the target lacks; returns the proof and what would be lost.

    :raises StepError: the tail was taken and is not restored, or the database was recovered meanwhile.
    :raises CopyError: a file cannot be copied.
    """
    renew(work, move.database)
    fence = find_fence(work, move.database) or Fence()
    rest = Rest(load_book(work.workplace.store, move.database))
    with work.server(move.target) as server:
        if _state(server, move).is_writable:
            raise StepError(f"{move.database} is ONLINE on {move.target}: it was recovered, see its failover record.")
        _collect(work, move, server=server, rest=rest)
        _restore(work, move, server=server, rest=rest)
        state = _state(server, move)
    tail = next((header for header in rest.book.headers() if header.files[0] == fence.tail), None)
    restored = _restored(rest, state=state, tail=tail)
    owed = None if tail and brings_nothing(tail, state) else tail
    proof = prove_recovery(redo_lsn=state.redo_lsn, fork=state.redo_fork, restored=restored, tail=owed)
    if fence.tail and (tail is None or not proof.proven):
        why = proof.reason if tail else "its file was not found"
        raise StepError(f"{move.database}: the tail {fence.tail} is not restored on {move.target}: {why}")
    last = restored[-1] if restored else None
    evidence = {
        "copied": rest.copied,
        "restored": [header.files[0] for header in rest.restored],
        "proof": proof_document(proof, state=state),
        "loss": _loss(work, move, state=state, rest=rest, last=last, has_tail=tail is not None).to_dict(),
    }
    return f"{move.database}: {len(rest.restored)} log(s) restored up to LSN {state.redo_lsn}.", evidence


def losses_in(outcomes: Mapping[str, Any]) -> list[Loss]:
    """Return the losses that the outcomes of `restore_tail` or of a drill's restore hold."""
    return [Loss.from_dict(outcome.evidence["loss"]) for outcome in outcomes.values() if "loss" in outcome.evidence]


def _collect(work: FailOver, move: Move, *, server: SqlServer, rest: Rest) -> None:
    """Copy and read what the target may lack. The primary may be lost with its share, or the share may outlive it."""
    place = work.workplace
    settings = place.configuration.database(move.database)
    share = place.settings(move.source).backup_folder.worker
    if Path(share).is_dir():
        collected = copy_needed(
            place,
            settings,
            source=move.source,
            target=move.target,
            book=rest.book,
            redo_lsn=_state(server, move).redo_lsn,
        )
        rest.copied = sorted(collected.files)
    elif work.plan.mode.needs_source:
        raise StepError(f"{share} is not there: check that the share of {move.source} is mounted on the worker.")
    else:
        rest.not_restored.append(f"{share} is not there: what was not copied before is lost with it.")
    read_headers_of_copies(place, settings, server=server, book=rest.book)
    save_book(place.store, rest.book)


def _restore(work: FailOver, move: Move, *, server: SqlServer, rest: Rest) -> None:
    following = _following(work, move, server=server, rest=rest)
    for header in following.apply:
        _apply(work, move, server=server, header=header)
        rest.restored.append(header)
    if following.gap is not None:
        rest.not_restored.append(str(following.gap))
    if following.diverged is not None:
        rest.not_restored.append(f"{following.diverged.files[0]} is of another recovery path.")


def _following(work: FailOver, move: Move, *, server: SqlServer, rest: Rest) -> NextRestores:
    standing = read_standing(server, move.database)
    present = backup_files(work.workplace.settings(move.target).copy_folder, move.database)
    following = next_for(standing, rest.book, present=present) if standing else None
    if following is None:
        raise StepError(f"{move.target} does not say where {move.database} stands; look at its state there.")
    return following


def _apply(work: FailOver, move: Move, *, server: SqlServer, header: BackupHeader) -> None:
    """Restore one log; a damaged copy is copied once more, an answer that was lost is read from the state."""
    name = header.files[0]
    path = work.workplace.settings(move.target).copy_folder.file(move.database, name).server_path
    statement = tsql.restore_log(database=move.database, path=path, file=header.position)
    doing = f"RESTORE LOG {move.database} from {name}"

    def attempt() -> None:
        if _is_applied(header, _state(server, move)):
            return
        try:
            server.run(statement, doing=doing)
        except SqlServerError as error:
            if error.reaction is not Reaction.DAMAGED:
                raise
            _copy_again(work, move, name=name, error=error)
            server.run(statement, doing=doing)

    patiently(attempt, server=server, database=move.database)


def _copy_again(work: FailOver, move: Move, *, name: str, error: SqlServerError) -> None:
    place = work.workplace
    source = place.settings(move.source).backup_folder.file(move.database, name).worker_path
    target = place.settings(move.target).copy_folder.file(move.database, name).worker_path
    try:
        copy_file(source, target, again=True)
    except CopyError as failed:
        raise StepError(f"{error} Another copy could not be made: {failed}") from failed


def _is_applied(header: BackupHeader, state: DatabaseState) -> bool:
    if state.redo_lsn is None or header.type is not BackupType.LOG:
        return False
    return header.last_lsn <= state.redo_lsn and header.recovery_fork in {None, state.redo_fork}


def brings_nothing(tail: BackupHeader, state: DatabaseState) -> bool:
    """Whether a tail is empty and begins where the target stands: nothing was written since the last log backup.

    It may even cross to the fork of a recovery that nobody wrote on, which the target then never enters.
    """
    forks = {tail.first_fork, tail.recovery_fork}
    return tail.is_empty_log and tail.last_lsn == state.redo_lsn and state.redo_fork in forks


def _restored(rest: Rest, *, state: DatabaseState, tail: BackupHeader | None) -> list[BackupHeader]:
    """Return what was restored now, or else the backup that an earlier restore ended with, as the proof wants it."""
    if rest.restored:
        return rest.restored
    here = [header for header in rest.book.headers() if header.last_lsn == state.redo_lsn]
    here = [header for header in here if header.recovery_fork in {None, state.redo_fork}]
    return [tail] if tail in here and tail is not None else here[-1:]


def _loss(
    work: FailOver, move: Move, *, state: DatabaseState, rest: Rest, last: BackupHeader | None, has_tail: bool
) -> Loss:
    source = seen_in(look_at(work.workplace, move.source), move.database)
    fenced = isinstance(source, DatabaseState) and source.takes_logs
    # an earlier run's fence left no name here: then both sides must stand at the same LSN
    same = isinstance(source, DatabaseState) and source.redo_lsn == state.redo_lsn is not None
    return Loss(
        database=move.database,
        with_tail=fenced and (has_tail or same),
        restored_lsn=state.redo_lsn or 0,
        fork=state.redo_fork or "",
        certain_until=last.started if last else None,
        restored_until=last.finished if last else None,
        counted_until=max(work.plan.asked_at, last.finished) if last else work.plan.asked_at,
        source_seen=source_seen(source),
        not_restored=tuple(rest.not_restored),
    )


def _state(server: SqlServer, move: Move) -> DatabaseState:
    state = read_state(server, move.database)
    if state is None:
        raise StepError(f"{move.target} has no database {move.database} any more; find out who dropped it.")
    return state
