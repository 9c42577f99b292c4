"""Reseed an old primary that went on by itself: keep its tail for salvage, then overwrite it from the new primary."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from include.log_shipping import tsql
from include.log_shipping.copying import copy_file
from include.log_shipping.fail_back import overwritten
from include.log_shipping.fail_over.approvals import OVERWRITE, is_approved
from include.log_shipping.fail_over.fencing import patiently, renew
from include.log_shipping.fail_over.steps import FailOver, RunRefusedError, StepError
from include.log_shipping.fleet import look, seen_in
from include.log_shipping.names import FULL, LOG, backup_file_name, quoted
from include.log_shipping.primaries import find_primary
from include.log_shipping.server_state import DatabaseState, read_state

if TYPE_CHECKING:
    from include.log_shipping.client import SqlServer
    from include.log_shipping.fail_over.plans import Move

SALVAGE = "salvage-"
"""Prefix of files that shipping must never take for its own."""


def overwrite_brief(work: FailOver) -> dict[str, Any]:
    """Return the `subject` and `brief` of the approval that a reseed needs: what is overwritten, by name."""
    states = look(work.workplace, [move.target for move in work.plan.moves])
    lines = []
    for move in work.plan.moves:
        settings = work.workplace.configuration.database(move.database)
        record = find_primary(work.workplace.store, move.database)
        lines.append(f"- {overwritten(settings, old=seen_in(states[move.target], move.database), record=record)}")
    targets = ", ".join(sorted({move.target for move in work.plan.moves}))
    return {
        "subject": f"Overwrite {len(lines)} database(s) on {targets}?",
        "brief": "\n".join(
            [f"Reason given: {work.plan.reason}", "", *lines, "", "Approving replaces them (RESTORE ... WITH REPLACE)."]
        ),
    }


def require_overwrite(work: FailOver) -> None:
    """Raise RunRefusedError unless a person approved what is overwritten."""
    if not is_approved(work.workplace.records, name=OVERWRITE):
        raise RunRefusedError("Nobody approved the overwriting: clear approve_overwrite and let a person answer.")


def reseed(work: FailOver, move: Move) -> tuple[str, dict[str, Any]]:
    """Overwrite the old primary with a full backup of the current one, WITH NORECOVERY; logs follow with the tail.

    A run that has done it does not do it again.
    """
    renew(work, move.database)
    store, key = work.workplace.store, work.workplace.records.key("reseeds", f"{quoted(move.database)}.json")
    with work.server(move.target) as server:
        state = read_state(server, move.database)
        done = store.find_json(key)
        if done is not None and state is not None and state.takes_logs:
            return f"{move.database} on {move.target} was reseeded from {done['full']}.", done
        salvage = _salvage(work, move, server=server, state=state)
        full = _full(work, move)
        _restore(work, move, server=server, full=full, exists=state is not None)
    evidence = {"full": full, "salvage": salvage}
    store.put_json(key, evidence)
    return f"{move.database} on {move.target} is reseeded from {full}.", evidence


def fence_returned(work: FailOver, move: Move, *, server: SqlServer) -> str:
    """Stop an old primary that returned ONLINE: its tail goes to a file for salvage, it is RESTORING after it.

    :returns: the file's name in that server's own backup folder.
    """
    name = _name(work, move, server_name=server.name, kind=LOG, prefix=SALVAGE)
    pair = work.workplace.settings(server.name).backup_folder.file(move.database, name)
    pair.worker_path.parent.mkdir(parents=True, exist_ok=True)
    statement = tsql.back_up_log(database=move.database, path=pair.server_path, no_recovery=True)

    def attempt() -> None:
        state = read_state(server, move.database)
        if state is not None and state.is_writable:
            server.run(tsql.set_single_user(move.database), doing=f"SET SINGLE_USER on {move.database}")
            server.run(statement, doing=f"BACKUP LOG {move.database} WITH NORECOVERY for salvage")

    patiently(attempt, server=server, database=move.database)
    return name


def _salvage(work: FailOver, move: Move, *, server: SqlServer, state: DatabaseState | None) -> str:
    if state is None or not state.is_writable:
        return ""
    return fence_returned(work, move, server=server)


def _full(work: FailOver, move: Move) -> str:
    place = work.workplace
    name = _name(work, move, server_name=move.source, kind=FULL)
    source = place.settings(move.source).backup_folder.file(move.database, name)
    target = place.settings(move.target).copy_folder.file(move.database, name)
    for path in (source.worker_path.parent, target.worker_path.parent):
        path.mkdir(parents=True, exist_ok=True)
    with work.server(move.source) as server:
        statement = tsql.back_up_database(database=move.database, path=source.server_path)
        server.run(statement, doing=f"BACKUP DATABASE {move.database}")
    copy_file(source.worker_path, target.worker_path)
    return name


def _restore(work: FailOver, move: Move, *, server: SqlServer, full: str, exists: bool) -> None:
    path = work.workplace.settings(move.target).copy_folder.file(move.database, full).server_path
    moves = _moves(work, move, server=server, path=path)
    statement = tsql.restore_database(database=move.database, path=path, moves=moves, replace=exists)
    doing = f"RESTORE DATABASE {move.database} WITH REPLACE"
    patiently(lambda: server.run(statement, doing=doing), server=server, database=move.database)
    state = read_state(server, move.database)
    if state is None or not state.takes_logs:
        raise StepError(f"{move.database} on {move.target} takes no logs after its reseed; see the server's error log.")


def _moves(work: FailOver, move: Move, *, server: SqlServer, path: str) -> dict[str, str]:
    """Put files where the overwritten database had them, else into the configured folder, else where they were."""
    ids = {
        row["database_id"]
        for row in server.run(tsql.database_states(), doing="reading sys.databases")
        if row["name"].lower() == move.database.lower()
    }
    files = server.run(tsql.master_files(), doing="reading sys.master_files")
    own = {row["name"]: row["physical_name"] for row in files if row["database_id"] in ids}
    folder = work.workplace.configuration.database(move.database).data_folder.get(move.target)
    moves = {}
    for row in server.run(tsql.file_list_only(path), doing=f"RESTORE FILELISTONLY for {move.database}"):
        name, physical = row["LogicalName"], row["PhysicalName"]
        if name in own:
            moves[name] = own[name]
        elif folder:
            separator = "/" if folder.startswith("/") else "\\"
            moves[name] = folder.rstrip("/\\") + separator + physical.replace("\\", "/").rpartition("/")[2]
    return moves


def _name(work: FailOver, move: Move, *, server_name: str, kind: str, prefix: str = "") -> str:
    at, short_id = work.workplace.clock(), uuid.uuid4().hex[:8]
    return prefix + backup_file_name(database=move.database, server=server_name, at=at, short_id=short_id, kind=kind)
