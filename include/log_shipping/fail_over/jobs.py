"""SQL Server Agent jobs of a database: off on the old primary where it answers, on on the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.log_shipping import tsql
from include.log_shipping.failures import ServerUnreachableError, SqlServerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.log_shipping.fail_over.plans import Move
    from include.log_shipping.fail_over.steps import FailOver

NO_AGENT: Final = frozenset({208, 2812, 15281, 22022, 40515})
"""Unknown table or procedure, component switched off, Agent not running; 40515 is the local SQL Server's own."""


def switch_jobs(work: FailOver, move: Move) -> tuple[str, dict[str, Any]]:
    """Disable the database's jobs on the source and enable them on the target; what cannot be done is told."""
    names = work.workplace.configuration.database(move.database).jobs
    if not names:
        return f"{move.database} has no jobs.", {}
    off = _set(work, move.source, names, enabled=False)
    on = _set(work, move.target, names, enabled=True)
    return f"{move.source}: {off}. {move.target}: {on}.", {"off": off, "on": on}


def _set(work: FailOver, server_name: str, names: Sequence[str], *, enabled: bool) -> str:
    word = "on" if enabled else "off"
    try:
        with work.server(server_name) as server:
            found = {row["name"] for row in server.run(tsql.agent_jobs(names), doing="listing SQL Server Agent jobs")}
            for name in sorted(found):
                server.run(tsql.set_agent_job(name, enabled=enabled), doing=f"switching the job {name} {word}")
    except ServerUnreachableError:
        return f"out of reach, its jobs are not {word}; do it on its return"
    except SqlServerError as error:
        if error.number not in NO_AGENT:
            raise
        return "no SQL Server Agent"
    missing = sorted(set(names) - found)
    return f"{len(found)} job(s) {word}" + (f", not there: {', '.join(missing)}" if missing else "")
