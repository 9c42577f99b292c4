"""What people read while a pass runs: `progress.json`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from include.fsx_migration.planning.bandwidth import limit_at, next_change
from include.fsx_migration.resources.tagging import agent_id
from include.fsx_migration.watch.eta import Sample, estimate_end
from include.fsx_migration.watch.watching import Board, Seen, moved_before, rate, watched_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.fsx_migration.definition_model import Bandwidth
    from include.fsx_migration.transfer.pass_model import Pass
    from include.fsx_migration.watch.watching import Watched


def progress_document(
    board: Board,
    *,
    now: datetime,
    bandwidth: Bandwidth,
    offline: Mapping[str, datetime],
    gates: Mapping[str, Any],
) -> dict[str, Any]:
    """Return how far a pass is: in all and by part, with the rate and when it will end (90 % interval).

    :param gates: what the CloudWatch gates measured.
    """
    totals, (byte_rate, file_rate) = board.totals(), rate(board)
    end = estimate_end(
        [Sample(*one) for one in board.samples],
        remaining_bytes=max(totals["of_bytes"] - totals["bytes"], 0),
        remaining_files=max(totals["of_files"] - totals["files"] - totals["failed"], 0),
        bandwidth=bandwidth,
        now=now,
    )
    limit, change = limit_at(bandwidth, now), next_change(bandwidth, now)
    return {
        "at": now.isoformat(),
        "totals": totals,
        "bytes_per_second": round(byte_rate),
        "files_per_second": round(file_rate, 1),
        "end": {name: _text(getattr(end, name)) for name in ("low", "likely", "high")} if end else None,
        "bandwidth": {"limit_bytes_per_second": limit, "until": _text(change)},
        "agents_offline": {agent_id(agent): since.isoformat() for agent, since in offline.items()},
        "gates": dict(gates),
        "executions": [_row(one, board.seen.get(one.arn)) for one in board.watched],
        "samples": [[moment.isoformat(), size, files] for moment, size, files in board.samples],
    }


def restore(document: Mapping[str, Any] | None, one: Pass) -> tuple[Board, dict[str, datetime]]:
    """Return the board of a pass as another watcher left it, and since when agents are offline (by id)."""
    board = Board(watched_of(one), moved_before(one))
    if not document:
        return board, {}
    known = {one.arn for one in board.watched}
    for row in document["executions"]:
        if row["arn"] in known and "seen" in row:
            board.seen[row["arn"]] = Seen.from_dict(row["seen"])
    board.samples = [(datetime.fromisoformat(moment), size, files) for moment, size, files in document["samples"]]
    offline = {agent: datetime.fromisoformat(since) for agent, since in document["agents_offline"].items()}
    return board, offline


def _row(one: Watched, seen: Seen | None) -> dict[str, Any]:
    row: dict[str, Any] = {"arn": one.arn, "part": one.part, "attempt": one.attempt, "agent": agent_id(one.agent)}
    return row | {"seen": seen.to_dict()} if seen else row


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
