"""workbook.xlsx: the assessment for people who filter and pivot, and the sheet whose edits are read back."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from include.discovery.delivery.counts import COUNTED, records
from include.discovery.delivery.review_sheet import write_review_sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_SERVERS: Final = """
SELECT s.server_id, s.hostname, s.environment, s.os_product, s.power_state, s.cpu_cores, s.memory_mib, s.storage_gib,
  array_to_string(s.marks, '; ') AS marks, s.in_scope, g.application_group, g.tier, v.wave, y.strategy, z.instance_type,
  z.lift_instance_type, c.monthly_usd, s.owner, z.reason AS why_this_size, y.trace AS why_this_strategy
FROM servers s LEFT JOIN groups g USING (server_id) LEFT JOIN server_waves v USING (server_id) LEFT JOIN strategies y
USING (server_id)
LEFT JOIN sizing z USING (server_id) LEFT JOIN (SELECT server_id, sum(monthly_usd)::DOUBLE AS monthly_usd FROM
cost_lines
  WHERE scenario = 'right_sized' GROUP BY server_id) c USING (server_id)
ORDER BY c.monthly_usd DESC NULLS LAST, s.server_id"""
_WAVES: Final = """
SELECT wave, application_group, starts, ends, servers, storage_gib, is_oversized, is_pinned, reason FROM waves
ORDER BY wave, application_group"""
_DATABASES: Final = """
SELECT d.database_id, d.server_id, d.engine_family, d.engine_version, d.engine_edition, d.size_gib, t.target, t.path,
t.method, t.blockers,
  t.trace FROM databases d LEFT JOIN database_targets t USING (database_id) ORDER BY d.size_gib DESC NULLS LAST,
  d.database_id"""
_FIXES: Final = (
    "SELECT rank, field, outcome, servers, effect_usd, effect_share, sentence, examples FROM fix_list ORDER BY ALL"
)
_BY_GROUP: Final = """
SELECT g.application_group, count(DISTINCT g.server_id) AS servers, {cells} FROM groups g LEFT JOIN cost_lines c
USING (server_id)
GROUP BY g.application_group ORDER BY {last} DESC NULLS LAST, g.application_group"""
_BY_ITEM: Final = "SELECT item, {cells} FROM cost_lines c GROUP BY item ORDER BY item"


def write_workbook(connection: Any, path: Path, *, summary: Mapping[str, Any], at: date, rows: int) -> None:
    """Write the workbook: sheets summary, review, servers, waves, costs, costs by group, databases, fix list.

    :param rows: rows of a sheet at most; a sheet that has more says so in its first line.
    """
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"title": "Landfall assessment", "created": datetime(at.year, at.month, at.day)})  # noqa: DTZ001 # Excel has no zones
        _summary_sheet(book, summary)
        write_review_sheet(connection, book, at=at, rows=rows)
        scenarios = sorted(summary["costs_monthly"], key=_scenario_order)
        for name, query in (
            ("servers", _SERVERS),
            ("waves", _WAVES),
            ("costs", _BY_ITEM.format(cells=_cells(scenarios))),
            ("costs by group", _BY_GROUP.format(cells=_cells(scenarios), last=_last(scenarios))),
            ("databases", _DATABASES),
            ("fix list", _FIXES),
        ):
            _table_sheet(connection, book, name, query, rows=rows)


def _cells(scenarios: Sequence[str]) -> str:
    cells = [
        f"sum(c.monthly_usd) FILTER (c.scenario = '{name.replace(chr(39), chr(39) * 2)}')::DOUBLE AS \"{name}\""
        for name in scenarios
    ]
    return ", ".join(cells or ["NULL AS no_costs"])


def _last(scenarios: Sequence[str]) -> str:
    return f'"{scenarios[-1]}"' if scenarios else "servers"


def _scenario_order(name: str) -> tuple[int, str]:
    known = ("on_premises", "lift_and_shift", "right_sized")
    return (known.index(name) if name in known else len(known), name)


def _summary_sheet(book: Any, summary: Mapping[str, Any]) -> None:
    sheet = book.add_worksheet("summary")
    bold, money = book.add_format({"bold": True, "font_size": 14}), book.add_format({"num_format": "$#,##0.00"})
    head = book.add_format({"bold": True, "bottom": 1})
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 4, 20)
    sheet.write_string(0, 0, f"Assessment of {summary['at']}", bold)
    prices = summary["prices"]
    sheet.write_string(1, 0, f"Prices of {prices['region']} on {prices['date']}, US dollars a month.")
    row = 3
    for column, name in enumerate(("scenario", "monthly_usd", "low_usd", "high_usd")):
        sheet.write_string(row, column, name, head)
    for scenario in sorted(summary["costs_monthly"], key=_scenario_order):
        row += 1
        costs = summary["costs_monthly"][scenario]
        sheet.write_string(row, 0, scenario)
        for column, name in enumerate(("monthly_usd", "low_usd", "high_usd"), start=1):
            sheet.write_number(row, column, costs[name], money)
    row += 2
    sheet.write_string(row, 0, "counted", head)
    sheet.write_string(row, 1, "", head)
    for name in (*COUNTED, "groups", "waves"):
        row += 1
        sheet.write_string(row, 0, name)
        sheet.write_number(row, 1, summary[name])
    row += 2
    sheet.write_string(row, 0, "what blocks", head)
    for sentence in summary["blockers"] or ["Nothing blocks an outcome."]:
        row += 1
        sheet.write_string(row, 0, sentence)


def _table_sheet(connection: Any, book: Any, name: str, query: str, *, rows: int) -> None:
    found = records(connection, f"SELECT *, count(*) OVER () AS all_rows FROM ({query}) LIMIT {rows}")  # own SQL
    connection.execute(f"SELECT * FROM ({query}) LIMIT 0")  # own SQL
    names = [column[0] for column in connection.description]
    total = found[0]["all_rows"] if found else 0
    told = f"All {total:,} rows." if total <= rows else f"The first {rows:,} of {total:,} rows; the CSV files have all."
    sheet = book.add_worksheet(name)
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    money = book.add_format({"num_format": "#,##0.00"})
    for column, title in enumerate(names):
        sheet.set_column(column, column, 60 if title.startswith(("why", "reason", "trace", "sentence")) else 18)
    sheet.write_string(0, 0, told)
    for column, title in enumerate(names):
        sheet.write_string(1, column, title, head)
    for number, row in enumerate(found, start=2):
        for column, title in enumerate(names):
            _write(sheet, number, column, row[title], day=day, money=money)
    sheet.freeze_panes(2, 1)
    sheet.autofilter(1, 0, max(len(found) + 1, 2), len(names) - 1)


def _write(sheet: Any, row: int, column: int, value: Any, *, day: Any, money: Any) -> None:  # a cell and its formats
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_string(row, column, "yes" if value else "no")
    elif isinstance(value, float):
        sheet.write_number(row, column, round(value, 6), money)
    elif isinstance(value, int):
        sheet.write_number(row, column, value)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), day)  # noqa: DTZ001 # a day
    else:
        sheet.write_string(row, column, str(value)[:32_000])
