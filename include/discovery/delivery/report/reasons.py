"""The "why?" of each server: one line of the page's table and what stands behind it, small enough for one page."""

from __future__ import annotations

from typing import Any, Final

from include.discovery.delivery.counts import one, records

COLUMNS: Final = (
    "server_id",
    "hostname",
    "system",
    "application_group",
    "wave",
    "strategy",
    "instance_type",
    "monthly_usd",
)
_SERVERS: Final = """
CREATE OR REPLACE TEMP TABLE page_servers AS
SELECT s.server_id, s.hostname, coalesce(s.os_product, s.os_name) AS system, g.application_group, v.wave, y.strategy,
z.instance_type,
  c.monthly_usd, z.reason AS size_reason, y.trace AS strategy_trace, y.is_override, v.reason AS wave_reason,
  g.confidence, g.tier, g.is_hub,
  s.cpu_cores, s.memory_mib, s.storage_gib, array_to_string(s.marks, ', ') AS marks
FROM servers s LEFT JOIN groups g USING (server_id) LEFT JOIN server_waves v USING (server_id) LEFT JOIN strategies y
USING (server_id)
LEFT JOIN sizing z USING (server_id) LEFT JOIN (SELECT server_id, sum(monthly_usd)::DOUBLE AS monthly_usd FROM
cost_lines
  WHERE scenario = 'right_sized' AND server_id IS NOT NULL GROUP BY server_id) c USING (server_id)
ORDER BY c.monthly_usd DESC NULLS LAST, s.server_id LIMIT {0}"""
_COSTS: Final = """
SELECT c.server_id, c.item, c.quantity, c.unit, c.unit_usd, c.monthly_usd::DOUBLE AS monthly_usd, c.rule FROM
cost_lines c
SEMI JOIN page_servers USING (server_id) WHERE c.scenario = 'right_sized' ORDER BY c.server_id, c.item, c.rule"""
_CONFLICTS: Final = """
SELECT server_id, field || ': ' || chosen_value || ' (' || chosen_source || ') instead of ' || other_value || ' (' ||
other_source || '): ' || rule AS told
FROM conflicts SEMI JOIN page_servers USING (server_id) ORDER BY ALL"""
_VALUES: Final = """
SELECT DISTINCT v.server_id, v.field || ' ' || v.value || ' from ' || s.file || coalesce(' ' || s.sheet, '') ||
' row ' || v.source_row AS told
FROM server_values v SEMI JOIN page_servers p ON p.server_id = v.server_id JOIN sources s USING (source_id)
WHERE v.chosen AND v.field IN ('cpu_cores', 'memory_mib', 'os_name', 'storage_gib', 'owner', 'strategy', 'wave')
ORDER BY ALL"""
_DATABASES: Final = """
SELECT t.server_id, t.database_id || ': ' || t.target || ' by ' || t.method || '. ' || t.trace AS told FROM
database_targets t
SEMI JOIN page_servers USING (server_id) ORDER BY ALL"""


def reasons_of(connection: Any, *, most: int) -> dict[str, Any]:
    """Return the page's data: `rows` by server_id, `texts` (sentences that repeat), `total` servers of the inventory.

    A row is [table columns..., {details}]; a detail that repeats is a number into `texts`. When there are more
    servers than
    `most`, the dearest are taken.
    """
    connection.execute(_SERVERS.format(int(most))).fetchall()
    texts: dict[str, int] = {}

    def number(sentence: str | None) -> int | None:
        return None if sentence is None else texts.setdefault(sentence, len(texts))

    told = {key: _by_server(connection, query) for key, query in (("x", _CONFLICTS), ("v", _VALUES), ("d", _DATABASES))}
    costs: dict[str, list[Any]] = {}
    for line in records(connection, _COSTS):
        amount = f"{line['quantity']:,.6g} {line['unit']} at ${line['unit_usd']:,.6g}"
        costs.setdefault(line["server_id"], []).append(
            [line["item"], amount, line["monthly_usd"], number(line["rule"])]
        )
    rows = []
    for server in records(connection, "SELECT * FROM page_servers ORDER BY server_id"):
        details = {
            "s": number(server["size_reason"]),
            "t": number(server["strategy_trace"]),
            "o": server["is_override"] or None,
            "w": number(server["wave_reason"]),
            "g": _group(server),
            "m": server["marks"] or None,
            "c": costs.get(server["server_id"]),
            **{key: found.get(server["server_id"]) for key, found in told.items()},
        }
        rows.append(
            [*(server[name] for name in COLUMNS), {key: value for key, value in details.items() if value is not None}]
        )
    return {
        "columns": list(COLUMNS),
        "rows": rows,
        "texts": list(texts),
        "total": int(one(connection, "SELECT count(*) FROM servers")),
    }


def _by_server(connection: Any, query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in records(connection, query):
        found.setdefault(row["server_id"], []).append(row["told"])
    return found


def _group(server: dict[str, Any]) -> str | None:
    if server["application_group"] is None:
        return None
    told = f"{server['application_group']}, tier {server['tier']}"
    if server["is_hub"]:
        return f"{told}; a shared service: its traffic was set aside"
    return (
        told
        if server["confidence"] is None
        else f"{told}; {server['confidence']:.0%} of its traffic stays in the group"
    )
