"""Stop the old primary for good: everybody out, then the tail of its log WITH NORECOVERY, which is the fence.

After it the old primary is RESTORING: nobody can write there, and all that was ever committed lies in a file.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from include.leases import take
from include.log_shipping import tsql
from include.log_shipping.fail_over.counting import count_rows, last_beat
from include.log_shipping.fail_over.plans import Mode, Move
from include.log_shipping.fail_over.readiness import RUN_LEASE
from include.log_shipping.fail_over.steps import FailOver, StepError
from include.log_shipping.failures import Reaction, SqlServerError
from include.log_shipping.fleet import look_at, seen_in
from include.log_shipping.names import FULL, LOG, backup_file_name, quoted
from include.log_shipping.roles import Unreachable
from include.log_shipping.server_state import DatabaseState, read_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from include.log_shipping.client import SqlServer
    from include.log_shipping.configuration import FilePair

TRIES: Final = 20
PAUSE_SECONDS: Final = 0.5
DAMAGED: Final = frozenset({"SUSPECT", "RECOVERY_PENDING", "EMERGENCY", "OFFLINE"})
"""States without usable data files; the log may still be read (BACKUP LOG ... WITH NO_TRUNCATE)."""
SHOWN_SESSIONS: Final = 20
SEAT_TAKEN: Final = 5064
NO_SUCH_SESSION: Final = 6106
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Fence:
    """What is known of the old primary at the moment it was stopped; kept before the tail is taken.

    :ivar tail: name of the tail's file in the source's backup folder; empty where there could be none.
    :ivar rows: rows per table after the last commit; None where nobody could count.
    :ivar beat: the last beat of the canary; None without one.
    """

    tail: str = ""
    rollback: str = ""
    sessions: tuple[str, ...] = ()
    rows: Mapping[str, int] | None = None
    beat: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "tail": self.tail,
            "rollback": self.rollback,
            "sessions": list(self.sessions),
            "rows": None if self.rows is None else dict(self.rows),
            "beat": self.beat,
        }


def find_fence(work: FailOver, database: str) -> Fence | None:
    """Return what this run wrote down before it took the tail, None when it took none."""
    found = work.workplace.store.find_json(_key(work, database))
    return None if found is None else Fence(**{**found, "sessions": tuple(found["sessions"])})


def fence_primary(
    work: FailOver, move: Move, *, pause: Callable[[float], None] = time.sleep
) -> tuple[str, dict[str, Any]]:
    """Stop the source of a move and take its tail; a source that is out of reach is told, and waits for its return.

    :raises StepError: the mode needs the source and it does not answer, or it is in no state to give its tail.
    """
    renew(work, move.database)
    seen = seen_in(look_at(work.workplace, move.source), move.database)
    if isinstance(seen, DatabaseState) and seen.takes_logs:
        return _fenced_before(work, move)
    if isinstance(seen, DatabaseState) and (seen.is_writable or seen.state in DAMAGED):
        return _fence(work, move, state=seen, pause=pause)
    if work.plan.mode is not Mode.DISASTER:
        why = seen.reason if isinstance(seen, Unreachable) else "it is not in a state that can be fenced"
        raise StepError(f"{move.source} does not give its tail: {why}; wait for it, or fail over in mode disaster.")
    reason = seen.reason if isinstance(seen, Unreachable) else f"it has no usable database {move.database}"
    return (
        f"{move.source} gives no tail ({reason}); should it return, it is fenced before anything is shipped.",
        {"fenced": False, **Fence().to_dict()},
    )


def renew(work: FailOver, database: str) -> None:
    """Hold the database for this run; raises LeaseHeldError when another run has it."""
    place = work.workplace
    take(
        place.store,
        database,
        owner=place.records.owner,
        purpose=f"{work.plan.mode} move",
        at=place.clock(),
        keep_for=RUN_LEASE,
        is_over=place.is_over,
    )


def _fenced_before(work: FailOver, move: Move) -> tuple[str, dict[str, Any]]:
    fence = find_fence(work, move.database)
    if fence is None:
        told = f"{move.source} was fenced before this run: the logs on its share are all there is."
        return told, {"fenced": True, **Fence().to_dict()}
    return f"{move.source} is fenced; its tail is {fence.tail}.", {"fenced": True, **fence.to_dict()}


def _fence(
    work: FailOver, move: Move, *, state: DatabaseState, pause: Callable[[float], None]
) -> tuple[str, dict[str, Any]]:
    with work.server(move.source) as server:
        fence = Fence(sessions=tuple(_session_lines(server, move.database)))
        damaged = state.state in DAMAGED
        if not damaged:
            _stop_activity(work, move, server=server, pause=pause)
        if work.plan.rollback_backup and not damaged:
            fence = _rollback_backup(work, move, server=server, fence=fence)
        _take_tail(work, move, server=server, fence=fence, damaged=damaged, pause=pause)
    found = find_fence(work, move.database) or fence
    told = f"{move.source} is fenced; {len(fence.sessions)} session(s) were ended, its tail is {found.tail}."
    return told, {"fenced": True, **found.to_dict()}


def _session_lines(server: SqlServer, database: str) -> list[str]:
    rows = server.run(tsql.sessions(database), doing=f"listing the sessions of {database}")
    lines = [f"{row['session_id']} {row['login_name']} {row['host_name']} {row['program_name']}" for row in rows]
    return lines[:SHOWN_SESSIONS]


def _stop_activity(work: FailOver, move: Move, *, server: SqlServer, pause: Callable[[float], None]) -> None:
    """Send everybody away and let nobody in but one."""

    def attempt() -> None:
        end_sessions(server, move.database)
        server.run(tsql.set_single_user(move.database), doing=f"SET SINGLE_USER on {move.database}")

    patiently(attempt, server=server, database=move.database, pause=pause)


def _counted(work: FailOver, move: Move, *, server: SqlServer, fence: Fence) -> Fence:
    """Count what has to be there after the recovery, at the last moment: the one seat may be a client's again."""
    settings = work.workplace.configuration.database(move.database)
    end_sessions(server, move.database)
    rows = count_rows(server, move.database)
    return replace(fence, rows=rows, beat=last_beat(server, move.database) if settings.canary else None)


def _rollback_backup(work: FailOver, move: Move, *, server: SqlServer, fence: Fence) -> Fence:
    """Take a full backup as a way back; COPY_ONLY, so that it changes nothing for differentials."""
    name, pair = _new_file(work, move, kind=FULL)
    statement = tsql.back_up_database(database=move.database, path=pair.server_path, copy_only=True)
    server.run(statement, doing=f"BACKUP DATABASE {move.database} as a way back")
    return replace(fence, rollback=name)


def _take_tail(
    work: FailOver, move: Move, *, server: SqlServer, fence: Fence, damaged: bool, pause: Callable[[float], None]
) -> None:
    """Take the tail WITH NORECOVERY. Its file is written down first: a worker that dies here finds it again."""

    def attempt() -> None:
        state = read_state(server, move.database)
        if state is not None and state.takes_logs:
            return  # an earlier attempt whose answer was lost
        counted = fence if damaged else _counted(work, move, server=server, fence=fence)
        name, pair = _new_file(work, move, kind=LOG)
        work.workplace.store.put_json(_key(work, move.database), replace(counted, tail=name).to_dict())
        if not damaged:
            end_sessions(server, move.database)
        statement = tsql.back_up_log(
            database=move.database, path=pair.server_path, no_recovery=True, no_truncate=damaged
        )
        server.run(statement, doing=f"BACKUP LOG {move.database} WITH NORECOVERY")

    patiently(attempt, server=server, database=move.database, pause=pause)
    state = read_state(server, move.database)
    if state is None or not state.takes_logs:
        told = "gone" if state is None else state.describe()
        raise StepError(f"{move.database} is {told} on {move.source} after its tail was taken; see its error log.")


def end_sessions(server: SqlServer, database: str) -> None:
    """KILL who is inside; in SINGLE_USER an application that reconnects takes the only seat."""
    for row in server.run(tsql.sessions(database), doing=f"listing the sessions of {database}"):
        try:
            server.run(tsql.kill(row["session_id"]), doing=f"KILL {row['session_id']}")
        except SqlServerError as error:
            if error.number != NO_SUCH_SESSION:
                raise


def patiently(
    attempt: Callable[[], Answer], *, server: SqlServer, database: str, pause: Callable[[float], None] = time.sleep
) -> Answer:
    """Try again while somebody is just leaving (3101, 5061, 5064, 5070): a closed session lives on for a moment.

    Whoever is still inside is sent away; BACKUP WITH NORECOVERY and RESTORE need the database for themselves.
    """
    for _ in range(TRIES - 1):
        try:
            return attempt()
        except SqlServerError as error:
            if error.reaction not in {Reaction.RETRY, Reaction.IN_DOUBT} and error.number != SEAT_TAKEN:
                raise
            if error.reaction is not Reaction.IN_DOUBT:
                end_sessions(server, database)
            pause(PAUSE_SECONDS)
    return attempt()


def _new_file(work: FailOver, move: Move, *, kind: str) -> tuple[str, FilePair]:
    """Name a backup file of the source that nobody used before, and make its folder."""
    import uuid

    place = work.workplace
    name = backup_file_name(
        database=move.database, server=move.source, at=place.clock(), short_id=uuid.uuid4().hex[:8], kind=kind
    )
    pair = place.settings(move.source).backup_folder.file(move.database, name)
    pair.worker_path.parent.mkdir(parents=True, exist_ok=True)
    return name, pair


def _key(work: FailOver, database: str) -> str:
    return work.workplace.records.key("fences", f"{quoted(database)}.json")
