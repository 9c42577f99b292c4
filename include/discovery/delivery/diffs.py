"""Compare two assessments: what-if runs with other settings, or two snapshots of the same estate."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from include.discovery.delivery.counts import COUNTED, records
from include.discovery.delivery.csv_files import reading
from include.discovery.delivery.files import GROUPS, SIZING, WAVES
from include.discovery.delivery.placing import FolderRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from include.discovery.delivery.schemas import File

_TABLES: Final[dict[str, File]] = {"sizing": SIZING, "groups": GROUPS, "waves": WAVES}
_NEW: Final = (
    "SELECT server_id FROM {0}_servers WHERE server_id NOT IN (SELECT server_id FROM {1}_servers) ORDER BY server_id"
)
_RENAMED: Final = """
SELECT server_id, b.hostname AS before, a.hostname AS after FROM before_servers b JOIN after_servers a USING (server_id)
WHERE lower(b.hostname) <> lower(a.hostname) ORDER BY server_id"""
_REKEYED: Final = """
WITH gone AS (SELECT server_id, hostname, unnest(mac_addresses) AS mac FROM before_servers
    WHERE server_id NOT IN (SELECT server_id FROM after_servers)),
  new AS (SELECT server_id, hostname, unnest(mac_addresses) AS mac FROM after_servers
    WHERE server_id NOT IN (SELECT server_id FROM before_servers))
SELECT DISTINCT g.server_id AS before, n.server_id AS after, g.hostname AS hostname_before, n.hostname AS hostname_after
FROM gone g JOIN new n USING (mac) ORDER BY ALL"""
_SIZES: Final = """
SELECT server_id, a.hostname, b.instance_type AS before, a.instance_type AS after, round(b.hourly_usd::DOUBLE, 6) AS
hourly_before,
  round(a.hourly_usd::DOUBLE, 6) AS hourly_after, a.reason FROM before_sizing b JOIN after_sizing a USING (server_id)
WHERE b.instance_type IS DISTINCT FROM a.instance_type ORDER BY server_id"""
_MOVED: Final = """
WITH b AS (SELECT application_group, list(DISTINCT wave::INTEGER ORDER BY wave::INTEGER) AS waves FROM before_waves
GROUP BY 1),
  a AS (SELECT application_group, list(DISTINCT wave::INTEGER ORDER BY wave::INTEGER) AS waves, any_value(reason
  ORDER BY server_id) AS reason
    FROM after_waves GROUP BY 1)
SELECT application_group, b.waves AS before, a.waves AS after, a.reason FROM b JOIN a USING (application_group)
WHERE b.waves <> a.waves ORDER BY application_group"""
_REGROUPED: Final = """
SELECT server_id, b.application_group AS before, a.application_group AS after FROM before_groups b JOIN after_groups
a USING (server_id)
WHERE b.application_group <> a.application_group ORDER BY server_id"""
_STRATEGIES: Final = """
SELECT server_id, b.strategy AS before, a.strategy AS after FROM before_waves b JOIN after_waves a USING (server_id)
WHERE b.strategy <> a.strategy ORDER BY server_id"""


def is_comparable(folder: Path) -> bool:
    """Whether a folder is an assessment that this version of Landfall can compare with."""
    try:
        _summary(folder)
    except FolderRefusedError:
        return False
    return True


def compare_assessments(before: Path, after: Path) -> dict[str, Any]:
    """Return what differs between two folders of assessments, as plain data in a fixed order.

    Keys: `servers` (new, gone, renamed: same id with another host name, rekeyed: another id with the same MAC address),
    `sizes`, `moved` (application groups in other waves), `regrouped`, `strategies`, `costs` (by scenario and item),
    `totals`, `counts` and `settings`.

    :raises FolderRefusedError: when a folder lacks a file of an assessment.
    """
    import duckdb

    one, other = _summary(before), _summary(after)
    connection = duckdb.connect()
    try:
        for side, folder in (("before", before), ("after", after)):
            _load(connection, side, folder)
        servers = {
            "before": one["servers"],
            "after": other["servers"],
            "new": [row["server_id"] for row in records(connection, _NEW.format("after", "before"))],
            "gone": [row["server_id"] for row in records(connection, _NEW.format("before", "after"))],
            "renamed": records(connection, _RENAMED),
            "rekeyed": records(connection, _REKEYED),
        }
        return {
            "before": one["at"],
            "after": other["at"],
            "servers": servers,
            "sizes": records(connection, _SIZES),
            "moved": records(connection, _MOVED),
            "regrouped": records(connection, _REGROUPED),
            "strategies": records(connection, _STRATEGIES),
            "costs": _changes(_items(one), _items(other), "item"),
            "totals": _changes(_totals(one), _totals(other), "scenario"),
            "counts": _changes(_counts(one), _counts(other), "count"),
            "settings": _changes(_flat(one["settings"]), _flat(other["settings"]), "setting"),
        }
    finally:
        connection.close()


def describe_comparison(found: Mapping[str, Any], *, most: int = 20) -> str:
    """Return a comparison as text for people, at most `most` entries of each kind."""
    servers = found["servers"]
    opening = (
        f"{found['before']} to {found['after']}: {servers['before']:,} to {servers['after']:,} servers, "
        f"{len(servers['new'])} new, {len(servers['gone'])} gone, {len(servers['renamed'])} renamed."
    )
    lines = [opening]
    lines += [
        f"{row['scenario']}: {_dollars(row['before'])} to {_dollars(row['after'])} a month." for row in found["totals"]
    ]
    sections = (
        ("Settings", found["settings"], lambda row: f"{row['setting']}: {row['before']} to {row['after']}"),
        ("Cost by item", found["costs"], lambda row: f"{row['item']}: {_dollars(row['delta'], signed=True)}"),
        (
            "Applications in other waves",
            found["moved"],
            lambda row: f"{row['application_group']}: {_waves(row['before'])} to {_waves(row['after'])}",
        ),
        ("Other sizes", found["sizes"], lambda row: f"{row['server_id']}: {row['before']} to {row['after']}"),
        ("Other strategies", found["strategies"], lambda row: f"{row['server_id']}: {row['before']} to {row['after']}"),
        ("In another group", found["regrouped"], lambda row: f"{row['server_id']}: {row['before']} to {row['after']}"),
        ("New servers", servers["new"], str),
        ("Gone servers", servers["gone"], str),
    )
    for title, rows, told in sections:
        if rows:
            lines += [f"{title} ({len(rows):,}):", *(f"  {told(row)}" for row in rows[:most])]
            lines += [f"  and {len(rows) - most:,} more"] if len(rows) > most else []
    return "\n".join(lines) + "\n"


def _summary(folder: Path) -> dict[str, Any]:
    needed = ["summary.json", "servers.parquet", *(file.path for file in _TABLES.values())]
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        raise FolderRefusedError(f"{folder} is no folder of an assessment: {', '.join(missing)} is missing.")
    try:
        found: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise FolderRefusedError(f"{folder}/summary.json is no JSON ({error}); assess anew.") from error
    if lacking := [name for name in COUNTED if name not in found]:
        raise FolderRefusedError(
            f"{folder}/summary.json has no {', '.join(lacking)}: another version of Landfall wrote it; assess anew."
        )
    return found


def _load(connection: Any, side: str, folder: Path) -> None:
    connection.execute(
        f"CREATE TABLE {side}_servers AS SELECT server_id, hostname, mac_addresses FROM read_parquet(?)",
        [str(folder / "servers.parquet")],
    ).fetchall()
    for name, file in _TABLES.items():
        connection.execute(
            f"CREATE TABLE {side}_{name} AS SELECT * FROM {reading(folder / file.path, file.names)}"  # own names
        ).fetchall()


def _counts(summary: dict[str, Any]) -> dict[str, Any]:
    return {name: summary[name] for name in COUNTED}


def _items(summary: dict[str, Any]) -> dict[str, float]:
    return {
        f"{scenario}, {item}": usd
        for scenario, row in summary["costs_monthly"].items()
        for item, usd in row.get("items", {}).items()
    }


def _totals(summary: dict[str, Any]) -> dict[str, float]:
    return {scenario: row["monthly_usd"] for scenario, row in summary["costs_monthly"].items()}


def _changes(one: Mapping[str, Any], other: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return {name, before, after[, delta]} for every key whose values differ."""
    rows = []
    for key in sorted({*one, *other}):
        before, after = one.get(key), other.get(key)
        if before == after:
            continue
        row = {name: key, "before": before, "after": after}
        if all(isinstance(value, (int, float)) or value is None for value in (before, after)):
            row["delta"] = round((after or 0) - (before or 0), 2)
        rows.append(row)
    return rows


def _flat(settings: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(settings, dict):
        return {path: settings}
    return {
        key: value
        for name, below in settings.items()
        for key, value in _flat(below, f"{path}.{name}".strip(".")).items()
    }


def _waves(waves: list[int]) -> str:
    return f"wave{'s' if len(waves) > 1 else ''} {', '.join(str(wave) for wave in waves)}"


def _dollars(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return "nothing"
    sign = "-" if value < 0 else "+" if signed else ""
    return f"{sign}${abs(value):,.2f}"
