"""The decisions once more, row by row over dictionaries: slow, plain, and written apart from what it checks."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from include.scanner_block.blocking.state_model import Offence
from include.scanner_block.counts import counts_schema

if TYPE_CHECKING:
    from collections.abc import Iterable

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
START = int(NOW.timestamp()) - 3600
Row = tuple[int, int, str, str | None, str | None, int]


def counts_table(rows: Iterable[Row]) -> pa.Table:
    """Return rows (at, last, client, uri, path, requests) as a table of counts."""
    columns = list(zip(*rows, strict=True)) or [[]] * 6
    return pa.Table.from_arrays([pa.array(column) for column in columns], names=counts_schema().names).cast(
        counts_schema()
    )


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def model_offences(
    rows: list[Row], *, threshold: int, sliding: bool, distinct: int | None = None
) -> dict[str, Offence]:
    found: dict[str, Offence] = {}
    for client in {row[2] for row in rows}:
        own = [row for row in rows if row[2] == client]
        windows = [(at, at + 60) for at in {row[0] if sliding else row[0] // 60 * 60 for row in own}]
        counts = {w: sum(row[5] for row in own if w[0] <= row[0] < w[1]) for w in windows}
        times = [row[1] for w, count in counts.items() if count >= threshold for row in own if w[0] <= row[0] < w[1]]
        paths: dict[int, set[str]] = defaultdict(set)
        for at, _, _, _, path, _ in own:
            if path is not None:
                paths[at // 60].add(path)
        rich = {minute for minute, seen in paths.items() if distinct is not None and len(seen) >= distinct}
        times += [row[1] for row in own if row[0] // 60 in rich]
        if times:
            found[client] = Offence(
                max_per_minute=max(counts.values()),
                at=datetime.fromtimestamp(max(times), UTC),
                distinct_error_paths=max((len(paths[m]) for m in rich), default=None),
            )
    return found


def model_state(
    general: dict[str, dict[str, Any]], offences: dict[str, Offence], *, threshold: int, minutes: int, spared: set[str]
) -> dict[str, tuple[int, datetime]]:
    """Return who is blocked in general at `NOW`, for rules without repeat offenders or different paths."""
    state = {client: (entry["max_per_minute"], entry["updated_at"]) for client, entry in general.items()}
    for client, offence in offences.items():
        most, at = state.get(client, (0, offence.at))
        state[client] = max(most, offence.max_per_minute), max(at, offence.at)
    return {
        client: (most, at)
        for client, (most, at) in state.items()
        if client not in spared and most >= threshold and at + timedelta(minutes=minutes) > NOW
    }
