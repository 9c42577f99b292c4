"""Fill `raw_connections`: millions of rows are summed while they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery.sources.filling import Plan, make_plan, tell_checks
from include.discovery.sources.staging import csv_relation
from include.discovery.tables import RAW

if TYPE_CHECKING:
    from include.discovery.sources.casting import Reading
    from include.discovery.sources.matching import Match
    from include.discovery.sources.settings import ReadingSettings
    from include.discovery.sources.staging import Stage
    from include.discovery.sources.text import TextSheet

_SUMS: Final = ("count", "first_seen", "last_seen")
_KEYS: Final = tuple(name for name in RAW["raw_connections"] if name not in ("source_id", "source_row", *_SUMS))
_GROUPS: Final = "discovery_connections"


def fill_connections(
    connection: Any, source_id: int, plan: Plan, stage: Stage, *, settings: ReadingSettings
) -> tuple[int, int]:
    """Sum the rows of a stage by client, server, port and protocol, and tell what does not fit."""
    values = {name: plan.values.get(name, "NULL") for name in (*_KEYS, *_SUMS)}
    inner = ", ".join(f'{sql} AS "{name}"' for name, sql in values.items())
    keys = ", ".join(f'"{name}"' for name in _KEYS)
    connection.execute(
        f"""INSERT INTO raw_connections BY NAME
        SELECT {source_id} AS source_id, min(row) AS source_row, {keys}, CAST(sum("count") AS BIGINT) AS "count",
        min(first_seen) AS first_seen, max(last_seen) AS last_seen
        FROM (SELECT row, {inner} FROM {stage.relation} WHERE {plan.kept})
        GROUP BY {keys} ORDER BY source_row""",
        list(stage.parameters),
    ).fetchall()
    return tell_checks(connection, source_id, plan, stage, settings=settings)


def fill_fast(connection: Any, source_id: int, sheet: TextSheet, found: Match, reading: Reading) -> int | None:
    """Sum a clean file whose numbers and times are plain; None when anything in it needs the careful way.

    Text is grouped as written and only the groups are looked at. A value that is odd anywhere sends the whole file to
    `fill_connections`, which names its row; nothing is kept of the attempt.
    """
    import duckdb

    types = _types(found)
    if not sheet.is_clean or types is None:
        return None
    relation = csv_relation(
        width=len(found.headers), delimiter=sheet.delimiter, header_row=found.header_row, types=types
    )
    try:
        connection.execute(_grouping(found, types, relation), [str(sheet.taken.path)]).fetchall()
    except duckdb.Error:
        return None
    plan = make_plan(found, reading)
    try:
        return _insert(connection, source_id, found, plan, types) if _is_plain(connection, found, plan, types) else None
    finally:
        connection.execute(f"DROP TABLE IF EXISTS {_GROUPS}").fetchall()


def _types(found: Match) -> dict[int, str] | None:
    """Return the type of each column that is no text; None when a column needs more than a cast."""
    kinds = {"integer": "BIGINT", "number": "DOUBLE", "time": "TIMESTAMPTZ"}
    types: dict[int, str] = {}
    for name, filling in found.fillings.items():
        if name not in RAW["raw_connections"] or filling.column.constant is not None:
            continue
        is_simple = len(filling.cells) == 1 and not (filling.column.add or filling.subtract_from or filling.percent_of)
        kind = kinds.get(filling.column.kind, "VARCHAR")
        if not is_simple or (name in _SUMS) != (kind in ("BIGINT", "TIMESTAMPTZ") and name in _SUMS):
            return None
        types[filling.cells[0].index] = kind
    return types


def _grouping(found: Match, types: dict[int, str], relation: str) -> str:
    sums = {
        found.fillings[name].cells[0].index for name in _SUMS if name in found.fillings and found.fillings[name].cells
    }
    keys = [f"c{index}" for index in types if index not in sums]
    parts = [*keys, "min(row) AS row", "count(*) AS rows"]
    for name in _SUMS:
        filling = found.fillings.get(name)
        if filling is None or not filling.cells:
            continue
        cell = f"c{filling.cells[0].index}"
        parts.append(f"count({cell}) AS has_{name}")
        if name == "count":
            parts += [f"sum(coalesce({cell}, 1)) AS total", f"min({cell}) AS least"]
        else:
            extreme = "min" if name == "first_seen" else "max"
            parts.append(f"{extreme}({cell}) AT TIME ZONE 'UTC' AS {name}")
    select = f"SELECT {', '.join(parts)} FROM {relation} GROUP BY {', '.join(keys)}"
    return f"CREATE OR REPLACE TEMP TABLE {_GROUPS} AS {select}"


def _is_plain(connection: Any, found: Match, plan: Plan, types: dict[int, str]) -> bool:
    """Whether every group's keys are canonical already, so that no row must be told and no two groups are one."""
    conditions = []
    if "count" in found.fillings and found.fillings["count"].cells:
        conditions.append("coalesce(least, 0) >= 0")
    for name in ("source_ip", "destination_ip"):
        if name in found.fillings and not _all_addresses(connection, found.fillings[name].cells[0].index):
            return False
    for name in ("source_ref", "destination_ref", "source_process", "destination_process", "protocol"):
        filling = found.fillings.get(name)
        if filling is None or not filling.cells:
            continue
        cell = f"c{filling.cells[0].index}"
        sql = f"""WITH words AS MATERIALIZED (SELECT DISTINCT {cell} FROM {_GROUPS})
            SELECT count(*) FILTER ({cell} <> discovery_text({cell})) + count(DISTINCT {cell})
            - count(DISTINCT {plan.values[name]}) FROM words"""
        if connection.execute(sql).fetchone()[0]:
            return False
    port = found.fillings.get("destination_port")
    if port is not None and port.cells:
        conditions.append(f"coalesce(c{port.cells[0].index} BETWEEN 0 AND 65535, true)")
    for side in ("source", "destination"):
        ends = [found.fillings[name].cells for name in (f"{side}_ip", f"{side}_ref") if name in found.fillings]
        conditions.append(" OR ".join(f"c{cells[0].index} IS NOT NULL" for cells in ends if cells) or "false")
    sql = " AND ".join(f"({condition})" for condition in conditions)
    return not connection.execute(f"SELECT count(*) FROM {_GROUPS} WHERE ({sql}) IS NOT TRUE").fetchone()[0]


def _all_addresses(connection: Any, index: int) -> bool:
    sql = f"""WITH words AS MATERIALIZED (SELECT DISTINCT c{index} AS x FROM {_GROUPS})
        SELECT count(*) FROM words WHERE x IS NOT NULL AND NOT discovery_is_address(x)"""
    return not connection.execute(sql).fetchone()[0]


def _insert(connection: Any, source_id: int, found: Match, plan: Plan, types: dict[int, str]) -> int:
    values = {"source_id": str(source_id), "source_row": "row", "count": "CAST(rows AS BIGINT)"}
    for name in _KEYS:
        filling = found.fillings.get(name)
        if filling is None or name not in plan.values:
            continue
        is_typed = bool(filling.cells) and types[filling.cells[0].index] == "BIGINT"
        is_address = name.endswith("_ip")
        values[name] = f"c{filling.cells[0].index}" if is_typed or is_address else plan.values[name]
    if "count" in found.fillings and found.fillings["count"].cells:
        values["count"] = "CAST(total AS BIGINT)"
    seen = ("first_seen", "last_seen")
    values.update({name: name for name in seen if name in found.fillings and found.fillings[name].cells})
    sql = ", ".join(f'{value} AS "{name}"' for name, value in values.items())
    connection.execute(f"INSERT INTO raw_connections BY NAME SELECT {sql} FROM {_GROUPS} ORDER BY row").fetchall()
    return int(connection.execute(f"SELECT coalesce(sum(rows), 0) FROM {_GROUPS}").fetchone()[0])
