"""quality.json and summary.json: what was counted, what was not believed, and what it all comes to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from include.discovery.delivery.confidence import confidence_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

_MOST: Final = 1_000
"""Entries of a list in quality.json; its count tells all."""

_COUNTS: Final = {
    "servers": "SELECT count(*) FROM servers",
    "servers_in_scope": "SELECT count(*) FROM servers WHERE in_scope",
    "powered_off": "SELECT count(*) FROM servers WHERE list_contains(marks, 'powered_off')",
    "templates": "SELECT count(*) FROM servers WHERE list_contains(marks, 'template')",
    "retired": "SELECT count(*) FROM servers WHERE list_contains(marks, 'retired')",
    "without_guest_os": "SELECT count(*) FROM servers WHERE list_contains(marks, 'without_guest_os')",
    "os_disagreements": "SELECT count(*) FROM servers WHERE list_contains(marks, 'os_disagreement')",
    "unknown_hosts": "SELECT count(*) FROM servers WHERE list_contains(marks, 'unknown_host')",
    "conflicts": "SELECT count(*) FROM conflicts",
    "servers_with_conflicts": "SELECT count(DISTINCT server_id) FROM conflicts",
    "quarantined": "SELECT count(*) FROM (SELECT DISTINCT source_id, source_row FROM quarantine)",
    "quarantined_values": "SELECT count(*) FROM quarantine",
    "refusals": "SELECT count(*) FROM refusals",
    "ignored_columns": "SELECT count(*) FROM ignored_columns",
    "unknown_addresses": "SELECT count(*) FROM unknown_addresses",
    "databases": "SELECT count(*) FROM databases",
    "shares": "SELECT count(*) FROM shares",
    "connections": "SELECT coalesce(sum(count), 0)::BIGINT FROM connections",
}
_SOURCES: Final = """
SELECT source_id, file, sheet, format, tool, fills, rows_read, rows_quarantined, bytes, sha256, encoding, delimiter,
  strftime(exported_at, '%Y-%m-%dT%H:%M:%SZ') AS exported_at FROM sources ORDER BY source_id"""
_REFUSALS: Final = "SELECT * FROM refusals ORDER BY ALL"
_QUARANTINE: Final = """
SELECT s.file, s.sheet, q.source_row AS row, q.field, q.value, q.sentence FROM quarantine q LEFT JOIN sources s USING
(source_id)
ORDER BY q.source_id, q.source_row, q.field, q.value, q.sentence"""
COUNTED: Final = tuple(_COUNTS)
"""Names of the counts that both files begin with."""
_IGNORED: Final = (
    "SELECT s.file, s.sheet, i.header FROM ignored_columns i JOIN sources s USING (source_id) ORDER BY ALL"
)
_MARKS: Final = """
SELECT mark, count(*) AS servers FROM (SELECT unnest(marks) AS mark FROM servers) GROUP BY mark ORDER BY mark"""
_GATES: Final = """
SELECT outcome, "check", verdict, round(value, 6) AS value, round("limit", 6) AS "limit", sentence FROM gate_results
ORDER BY ALL"""
_FIXES: Final = """
SELECT rank, field, outcome, servers, round(effect_usd, 2) AS effect_usd, round(effect_share, 6) AS effect_share,
sentence, examples
FROM fix_list ORDER BY ALL"""
_COSTS: Final = """
SELECT scenario, sum(monthly_usd)::DOUBLE AS monthly_usd, sum(low_usd)::DOUBLE AS low_usd, sum(high_usd)::DOUBLE AS
high_usd
FROM cost_lines GROUP BY scenario ORDER BY scenario"""
_ITEMS: Final = """
SELECT scenario, item, sum(monthly_usd)::DOUBLE AS monthly_usd FROM cost_lines GROUP BY scenario, item ORDER BY
scenario, item"""
_TOTALS: Final = """
SELECT scenario, low_usd::DOUBLE AS low_usd, high_usd::DOUBLE AS high_usd, blocked, retired, retained, note
FROM cost_totals ORDER BY scenario"""
_WAVES: Final = """
SELECT wave, min(starts)::VARCHAR AS starts, max(ends)::VARCHAR AS ends, sum(servers)::BIGINT AS servers,
  round(sum(storage_gib), 3) AS storage_gib, count(*) AS groups, bool_or(is_oversized) AS is_oversized
FROM waves GROUP BY wave ORDER BY wave"""
_STRATEGIES: Final = "SELECT strategy, count(*) AS servers FROM strategies GROUP BY strategy ORDER BY strategy"
_TARGETS: Final = (
    "SELECT target, path, count(*) AS databases FROM database_targets GROUP BY target, path ORDER BY target, path"
)
_TYPES: Final = """
SELECT instance_type, count(*) AS servers FROM sizing GROUP BY instance_type ORDER BY servers DESC, instance_type
NULLS LAST LIMIT 20"""
_BASES: Final = "SELECT basis, is_fallback, count(*) AS servers FROM sizing GROUP BY ALL ORDER BY ALL"
_UNPRICED: Final = "SELECT count(DISTINCT server_id) FROM cost_lines WHERE quantity = 0 AND rule LIKE 'no price%'"
_WAVE_QUALITY: Final = "SELECT name, round(value, 6) AS value, note FROM wave_quality ORDER BY ALL"
_GROUP_QUALITY: Final = """
SELECT resolution, groups, largest, round(agreement_f1, 6) AS agreement_f1, round(precision, 6) AS precision,
  round(recall, 6) AS recall FROM group_quality WHERE chosen ORDER BY ALL"""


def quality_of(connection: Any) -> dict[str, Any]:
    """Return what quality.json holds: counts, sources, refusals, quarantine, gates, fix list."""
    quarantine = records(connection, f"{_QUARANTINE} LIMIT {_MOST}")
    return {
        **counted(connection),
        "marks": {row["mark"]: row["servers"] for row in records(connection, _MARKS)},
        "sources": records(connection, _SOURCES),
        "refused": records(connection, _REFUSALS),
        "quarantine": quarantine,
        "quarantine_shown": len(quarantine),
        "ignored": records(connection, _IGNORED),
        "gates": records(connection, _GATES),
        "confidence": confidence_of(records(connection, _GATES)),
        "fix_list": records(connection, _FIXES),
    }


def summary_of(connection: Any, *, settings: Mapping[str, Any], at: date, catalogue: Any) -> dict[str, Any]:
    """Return what summary.json holds: counts and totals, with the date and the Region of the prices."""
    gates = records(connection, _GATES)
    costs = {row.pop("scenario"): row for row in records(connection, _COSTS)}
    for row in optional(connection, "cost_totals", _TOTALS):
        costs[row.pop("scenario")].update(row)
    for row in records(connection, _ITEMS):
        costs[row["scenario"]].setdefault("items", {})[row["item"]] = row["monthly_usd"]
    waves = records(connection, _WAVES)
    return {
        "at": at.isoformat(),
        "prices": {"date": catalogue.price_date, "region": catalogue.region, "currency": "USD"},
        **counted(connection),
        "costs_monthly": costs,
        "unpriced_servers": one(connection, _UNPRICED),
        "sizing": {"bases": records(connection, _BASES), "types": records(connection, _TYPES)},
        "strategies": {row["strategy"]: row["servers"] for row in records(connection, _STRATEGIES)},
        "database_targets": records(connection, _TARGETS),
        "groups": one(connection, "SELECT count(DISTINCT application_group) FROM groups"),
        "group_quality": next(iter(records(connection, _GROUP_QUALITY)), None),
        "hubs": one(connection, "SELECT count(*) FROM hubs"),
        "waves": len(waves),
        "wave_list": waves,
        "wave_quality": records(connection, _WAVE_QUALITY),
        "confidence": confidence_of(gates),
        "blockers": [row["sentence"] for row in gates if row["verdict"] == "block"],
        "settings": settings,
    }


def counted(connection: Any) -> dict[str, int]:
    """Return the counts that both files share."""
    return {name: int(one(connection, query)) for name, query in _COUNTS.items()}


def records(connection: Any, query: str, parameters: list[Any] | dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return a query's rows as mappings."""
    connection.execute(query, parameters or [])
    names = [column[0] for column in connection.description]
    return [dict(zip(names, row, strict=True)) for row in connection.fetchall()]


def optional(connection: Any, table: str, query: str) -> list[dict[str, Any]]:
    """Return a query's rows, none when the step that makes the table did not run."""
    found = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [table]).fetchone()
    return records(connection, query) if found[0] else []


def one(connection: Any, query: str) -> Any:
    """Return the one value of a query."""
    return connection.execute(query).fetchone()[0]


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a mapping as JSON, keys as given; numbers that JSON does not know are refused."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    path.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    if hasattr(value, "items"):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
