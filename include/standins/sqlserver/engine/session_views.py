"""Views of sessions and what they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.engine import view_shapes as shapes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from include.standins.sqlserver.engine.instance import LocalInstance
    from include.standins.sqlserver.engine.session import LocalSession, RunningRequest


def session_rows(instance: LocalInstance) -> Iterator[tuple[LocalSession, RunningRequest | None, int]]:
    """Every session with what it runs and the session that blocks it (0 for none)."""
    for session in instance.sessions():
        blocker = instance.waiting.blocker(session)
        yield session, session.request, getattr(blocker, "spid", 0)


def _database_id(session: LocalSession) -> int:
    return session.facts.database_id(session.database) or 0


def exec_session_rows(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    """sys.dm_exec_sessions."""
    del database
    rows = []
    for each, request, _ in session_rows(session.instance):
        values = {
            "session_id": each.spid,
            "login_time": each.login_time,
            "host_name": each.login.host,
            "program_name": each.login.application,
            "client_interface_name": each.login.interface[:32],
            "login_name": each.login.user,
            "original_login_name": each.login.user,
            "status": "running" if request is not None else "sleeping",
            "database_id": _database_id(each),
            "open_transaction_count": each.transaction.depth,
            "is_user_process": True,
            "last_request_start_time": request.started if request is not None else each.last_request,
            "last_request_end_time": each.last_request,
            "cpu_time": 0,
            "memory_usage": 0,
            "reads": 0,
            "writes": 0,
            "row_count": each.rowcount,
        }
        rows.append(shapes.by_name(shapes.SESSIONS, values))
    return rows


def exec_request_rows(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    """sys.dm_exec_requests."""
    del database
    now = session.instance.catalog.clock.now()
    rows = []
    for each, request, blocker in session_rows(session.instance):
        if request is None:
            continue
        elapsed = max(0, int((now - request.started).total_seconds() * 1000))
        percent = request.progress.percent if request.progress is not None else 0.0
        values = {
            "session_id": each.spid,
            "request_id": 0,
            "start_time": request.started,
            "status": "suspended" if blocker or request.wait else "running",
            "command": request.command[:32],
            "database_id": _database_id(each),
            "blocking_session_id": blocker,
            "wait_type": "LCK_M_X" if blocker else request.wait,
            "wait_time": elapsed if blocker or request.wait else 0,
            "percent_complete": percent,
            "estimated_completion_time": int(elapsed * (100 - percent) / percent) if percent else 0,
            "total_elapsed_time": elapsed,
            "cpu_time": 0,
            "open_transaction_count": each.transaction.depth,
            "transaction_id": each.transaction.descriptor,
            "sql_text": request.sql[:4000],
        }
        rows.append(shapes.by_name(shapes.REQUESTS, values))
    return rows


def exec_connection_rows(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    """sys.dm_exec_connections."""
    del database
    return [
        (each.spid, each.login_time, "TCP", "TSQL", None, "SQL", "127.0.0.1") for each in session.instance.sessions()
    ]


def process_rows(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    """sys.sysprocesses."""
    del database
    rows = []
    for each, request, blocker in session_rows(session.instance):
        values = {
            "spid": each.spid,
            "kpid": 0,
            "blocked": blocker,
            "waittime": 0,
            "lastwaittype": "MISCELLANEOUS",
            "dbid": _database_id(each),
            "uid": 1,
            "login_time": each.login_time,
            "last_batch": request.started if request is not None else each.last_request,
            "open_tran": each.transaction.depth,
            "status": "runnable" if request is not None else "sleeping",
            "hostname": each.login.host,
            "program_name": each.login.application,
            "cmd": request.command[:26] if request is not None else "AWAITING COMMAND",
            "loginame": each.login.user,
        }
        rows.append(shapes.by_name(shapes.PROCESSES, values))
    return rows
