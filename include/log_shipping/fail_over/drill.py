"""The drill: a scratch copy beside the secondary, from the files a disaster would leave; production is not touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.log_shipping import tsql
from include.log_shipping.chain import ChainProof, prove_recovery
from include.log_shipping.collecting import read_headers_of_copies
from include.log_shipping.copying import copy_file
from include.log_shipping.fail_over.counting import beats_have_holes, count_rows, last_beat_at
from include.log_shipping.fail_over.loss import Loss
from include.log_shipping.fail_over.steps import FailOver, StepError
from include.log_shipping.fail_over.verification import token_of, write_and_read_back
from include.log_shipping.failures import ServerUnreachableError
from include.log_shipping.header_book import backup_files, load_book
from include.log_shipping.headers import BackupType
from include.log_shipping.names import FULL, backup_file_name
from include.log_shipping.plans import NothingToRestoreError, RestorePlan, plan_restore
from include.log_shipping.server_state import DatabaseState, read_state, read_states

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.log_shipping.client import SqlServer
    from include.log_shipping.fail_over.plans import Move
    from include.log_shipping.header_book import HeaderBook
    from include.log_shipping.headers import BackupHeader


@dataclass(frozen=True, slots=True)
class CopyFiles:
    """What a scratch copy is restored from: the plan, and whether a full backup had to be taken for it."""

    plan: RestorePlan
    fresh_full: str = ""


def restore_copy(work: FailOver, move: Move) -> tuple[str, dict[str, Any]]:
    """Restore the scratch copy of a database up to its last log, WITH NORECOVERY.

    A copy that an earlier try of this run left is dropped first: it may be half restored.

    :raises StepError: no chain of files is proven and the primary does not answer either.
    """
    with work.server(move.target) as server:
        before = standing(server, move.database)
        drop_copy_on(server, move.copy)
        files = _files_for(work, move, server=server, production=before)
        restores = files.plan.restores
        for number, header in enumerate(restores):
            path = _path(work, move, header)
            _restore(server, move, header, path=path, moves=None if number else _moves(server, move, path=path))
        state = read_state(server, move.copy)
    if state is None or not state.takes_logs:
        raise StepError(f"{move.copy} was restored on {move.target} and takes no logs; see the server's error log.")
    proof = prove_recovery(redo_lsn=state.redo_lsn, fork=state.redo_fork, restored=restores, tail=None)
    last = restores[-1]
    evidence = {
        "production": before,
        "fresh_full": files.fresh_full,
        "files": [header.files[0] for header in restores],
        "proof": proof_document(proof, state=state),
        "loss": _drill_loss(work, move, last=last, state=state).to_dict(),
    }
    return f"{move.copy} is restored from {len(restores)} files up to LSN {state.redo_lsn}.", evidence


def recover_copy(work: FailOver, move: Move) -> tuple[str, dict[str, Any]]:
    """Recover the scratch copy, check it by DBCC CHECKDB, rows and a write, and measure what it lacks.

    RPO is the age of the newest commit in the copy: of the canary's last beat, else of the last log backup's start.
    """
    with work.server(move.target) as server:
        state = read_state(server, move.copy)
        if state is None:
            raise StepError(f"{move.copy} is gone from {move.target}; clear restore_copies.")
        if not state.is_writable:
            server.run(tsql.recover(move.copy), doing=f"RESTORE DATABASE {move.copy} WITH RECOVERY")
            server.run(tsql.set_multi_user(move.copy), doing=f"SET MULTI_USER on {move.copy}")
        write_and_read_back(server, move.copy, token=token_of(work, move))
        writable_at = work.workplace.clock()
        rows, beat_at = count_rows(server, move.copy), last_beat_at(server, move.copy)
        if beats_have_holes(server, move.copy):
            raise StepError(f"{move.copy}: beats of the canary are missing in the middle; its rows are not whole.")
        server.run(tsql.check_database(move.copy), doing=f"DBCC CHECKDB of {move.copy}")
        now = server.now()
    return f"{move.copy} takes writes; {sum(rows.values()):,} rows in {len(rows)} tables; DBCC CHECKDB is clean.", {
        "rows": rows,
        "beat_at": None if beat_at is None else beat_at.isoformat(),
        "rpo_seconds": None if beat_at is None else round((now - beat_at.replace(tzinfo=None)).total_seconds(), 3),
        "rto_seconds": round((writable_at - work.plan.asked_at).total_seconds(), 3),
    }


def drop_copy(work: FailOver, move: Move, *, before: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
    """Drop the scratch copy, and make sure that production is what it was.

    :param before: what `standing` said before the drill; None when it did not get that far.
    :raises StepError: production changed in a way that shipping does not explain.
    """
    with work.server(move.target) as server:
        dropped = drop_copy_on(server, move.copy)
        after = standing(server, move.database)
    told = disturbed(before, after) if before is not None else ""
    if told:
        raise StepError(f"{move.database} on {move.target} is not what it was before the drill: {told}.")
    return f"{move.copy} {'is dropped' if dropped else 'was gone'}; {move.database} is as it was.", {"after": after}


def drop_copy_on(server: SqlServer, copy: str) -> bool:
    """Drop a scratch copy; False when there is none."""
    if not copy or read_state(server, copy) is None:
        return False
    server.run(tsql.drop_database(copy), doing=f"DROP DATABASE {copy}")
    return True


def standing(server: SqlServer, database: str) -> dict[str, Any]:
    """Return what must not change about production on the secondary; its redo LSN may only grow."""
    state = read_states(server).get(database.lower())
    return {} if state is None else state.to_dict()


def disturbed(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Say what changed between two standings that shipping alone does not change; empty when nothing did."""
    told = [
        f"{key} was {before.get(key)}, is {after.get(key)}"
        for key in ("state", "recovery_model", "user_access", "recovery_fork")
        if before.get(key) != after.get(key)
    ]
    first, later = before.get("redo_lsn"), after.get("redo_lsn")
    if first is not None and (later is None or int(later) < int(first)):
        told.append(f"redo_lsn was {first}, is {later}")
    return "; ".join(told)


def proof_document(proof: ChainProof, *, state: DatabaseState) -> dict[str, Any]:
    """Return a proof with the state it was given for, as JSON types."""
    return {
        "proven": proof.proven,
        "reason": proof.reason,
        "redo_lsn": None if state.redo_lsn is None else str(state.redo_lsn),
        "fork": state.redo_fork,
    }


def _files_for(work: FailOver, move: Move, *, server: SqlServer, production: Mapping[str, Any]) -> CopyFiles:
    """Plan from the files the secondary has; where they do not lead to where it stands, from a fresh full backup.

    After a failover and back, what the other side wrote meanwhile is in no file of the copy folder. While the primary
    is lost, files that are proven but end early are rehearsed all the same; the measured RPO says so.
    """
    book = load_book(work.workplace.store, move.database)  # read only: the drill holds no lease
    plan, why = _proven(_headers(work, move, server=server, book=book))
    why = why or _falls_short(plan, production)
    if plan is not None and not why:
        return CopyFiles(plan)
    try:
        name = _fresh_full(work, move, why=why)
    except StepError:
        if plan is None:
            raise
        return CopyFiles(plan)
    headers = [header for header in _headers(work, move, server=server, book=book) if header.files[0] == name]
    plan, why = _proven(headers)
    if plan is None:
        raise StepError(f"{move.database}: the fresh full backup {name} cannot be restored: {why}")
    return CopyFiles(plan, fresh_full=name)


def _falls_short(plan: RestorePlan | None, production: Mapping[str, Any]) -> str:
    """Say when a plan ends before the LSN up to which the secondary itself is restored; empty when it does not."""
    redo_lsn = production.get("redo_lsn")
    if plan is None or redo_lsn is None or plan.restores[-1].last_lsn >= int(redo_lsn):
        return ""
    return f"its files lead to LSN {plan.restores[-1].last_lsn}, and it stands at LSN {redo_lsn} already"


def _headers(work: FailOver, move: Move, *, server: SqlServer, book: HeaderBook) -> list[BackupHeader]:
    """Return the headers of the files that lie in the secondary's copy folder."""
    place = work.workplace
    read_headers_of_copies(place, place.configuration.database(move.database), server=server, book=book)
    there = backup_files(place.settings(move.target).copy_folder, move.database)
    return [header for header in book.headers() if header.files[0] in there]


def _path(work: FailOver, move: Move, header: BackupHeader) -> str:
    return work.workplace.settings(move.target).copy_folder.file(move.database, header.files[0]).server_path


def _proven(headers: Sequence[BackupHeader]) -> tuple[RestorePlan | None, str]:
    try:
        plan = plan_restore(headers)
    except NothingToRestoreError as error:
        return None, str(error)
    return (plan, "") if plan.chain.proven else (None, plan.chain.reason or "the chain is not proven.")


def _fresh_full(work: FailOver, move: Move, *, why: str) -> str:
    """Take a COPY_ONLY full backup of the primary and copy it; it changes nothing for shipping."""
    import uuid

    place = work.workplace
    name = backup_file_name(
        database=move.database, server=move.source, at=place.clock(), short_id=uuid.uuid4().hex[:8], kind=FULL
    )
    source = place.settings(move.source).backup_folder.file(move.database, name)
    target = place.settings(move.target).copy_folder.file(move.database, name)
    for path in (source.worker_path.parent, target.worker_path.parent):
        path.mkdir(parents=True, exist_ok=True)
    try:
        with work.server(move.source) as server:
            statement = tsql.back_up_database(database=move.database, path=source.server_path, copy_only=True)
            server.run(statement, doing=f"BACKUP DATABASE {move.database} for the drill")
    except ServerUnreachableError as error:
        raise StepError(f"{move.database} cannot be restored from files ({why}) and {error}") from error
    copy_file(source.worker_path, target.worker_path)
    return name


def _moves(server: SqlServer, move: Move, *, path: str) -> dict[str, str]:
    """Place each file of the copy beside where the database's own lie, under the copy's name."""
    rows = server.run(tsql.file_list_only(path), doing=f"RESTORE FILELISTONLY for {move.copy}")
    own = {row["name"]: row["physical_name"] for row in _own_files(server, move.database)}
    moves = {}
    for row in rows:
        place = own.get(row["LogicalName"]) or row["PhysicalName"]
        moves[row["LogicalName"]] = beside(place, copy=move.copy, logical_name=row["LogicalName"])
    return moves


def _own_files(server: SqlServer, database: str) -> list[dict[str, Any]]:
    files = server.run(tsql.master_files(), doing="reading sys.master_files")
    states = server.run(tsql.database_states(), doing="reading sys.databases")
    ids = {row["database_id"] for row in states if row["name"].lower() == database.lower()}
    return [row for row in files if row["database_id"] in ids]


def beside(path: str, *, copy: str, logical_name: str) -> str:
    """Return a path in the same folder whose file is named for the copy; the ending stays."""
    separator = "/" if path.startswith("/") else "\\"
    folder, _, name = path.rpartition(separator)
    ending = name.rpartition(".")[2] if "." in name else "dat"
    kept = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in f"{copy}_{logical_name}")
    return f"{folder}{separator}{kept}.{ending}"


def _restore(
    server: SqlServer, move: Move, header: BackupHeader, *, path: str, moves: Mapping[str, str] | None
) -> None:
    position = header.position
    if header.type is BackupType.LOG:
        statement = tsql.restore_log(database=move.copy, path=path, file=position)
    else:
        statement = tsql.restore_database(database=move.copy, path=path, moves=moves, file=position)
    server.run(statement, doing=f"RESTORE of {header.files[0]} onto {move.copy}")


def _drill_loss(work: FailOver, move: Move, *, last: BackupHeader, state: DatabaseState) -> Loss:
    return Loss(
        database=move.database,
        with_tail=False,
        restored_lsn=state.redo_lsn or 0,
        fork=state.redo_fork or "",
        certain_until=last.started,
        restored_until=last.finished,
        counted_until=max(work.plan.asked_at, last.finished),
        source_seen="",
    )
