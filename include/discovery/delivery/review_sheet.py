"""The review sheet of the workbook: what is decided for each server, to be edited by people.

Columns A to G are for people. Columns after them are hidden: what the run wrote into owner, strategy, wave and
comment, so
that an edit is told from a value, and the days of earlier edits (`owner=2026-05-31; wave=2026-06-02`), so that they
last.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from include.discovery.delivery.counts import one, records
from include.discovery.delivery.files import STRATEGIES

SHEET: Final = "review"
DATE_CELL: Final = (1, 1)
HEADER_ROW: Final = 3
FIELDS: Final = ("owner", "strategy", "wave", "comment")
COLUMNS: Final = (
    "server_id", "hostname", "application_group", "owner", "strategy", "wave", "comment",
    "was_owner", "was_strategy", "was_wave", "was_comment", "edited",
)  # fmt: skip
_ROWS: Final = """
WITH edits AS (
  SELECT v.server_id, v.field, any_value(v.value ORDER BY s.exported_at DESC, v.source_row) AS value,
    max(s.exported_at) AS day FROM server_values v JOIN sources s USING (source_id) WHERE s.format = 'review' GROUP
    BY ALL
), held AS (
  SELECT server_id, string_agg(field || '=' || strftime(day, '%Y-%m-%d'), '; ' ORDER BY field) AS edited,
    any_value(value) FILTER (field = 'owner') AS owner, any_value(value) FILTER (field = 'strategy') AS strategy,
    any_value(value) FILTER (field = 'wave') AS wave, any_value(value) FILTER (field = 'comment') AS comment
  FROM edits GROUP BY server_id
)
SELECT coalesce(s.server_id, h.server_id) AS server_id,
  CASE WHEN s.server_id IS NULL THEN '(not in this inventory)' ELSE s.hostname END AS hostname, g.application_group,
  coalesce(h.owner, s.owner) AS owner, coalesce(h.strategy, y.strategy) AS strategy,
  coalesce(h.wave, CAST(v.wave AS VARCHAR)) AS wave, h.comment, h.edited
FROM (SELECT * FROM servers WHERE in_scope OR server_id IN (SELECT server_id FROM edits)) s
FULL JOIN held h ON h.server_id = s.server_id
LEFT JOIN groups g ON g.server_id = s.server_id LEFT JOIN server_waves v ON v.server_id = s.server_id
LEFT JOIN strategies y ON y.server_id = s.server_id
ORDER BY h.edited IS NULL, v.wave NULLS LAST, g.application_group NULLS LAST, 1"""
_EDITED: Final = """
SELECT count(DISTINCT v.server_id) FROM server_values v JOIN sources s USING (source_id) WHERE s.format = 'review'"""


def write_review_sheet(connection: Any, book: Any, *, at: date, rows: int) -> None:
    """Write the sheet: servers with earlier edits first, then by wave and group, at most `rows` besides the edited
    ones."""
    edited = int(one(connection, _EDITED))
    total = int(one(connection, f"SELECT count(*) FROM ({_ROWS})"))  # own SQL
    shown = records(connection, f"{_ROWS} LIMIT {edited + rows}")
    sheet = book.add_worksheet(SHEET)
    head = book.add_format({"bold": True, "bottom": 1})
    day = book.add_format({"num_format": "yyyy-mm-dd", "bg_color": "#fff2cc", "border": 1})
    open_cell = book.add_format({"bg_color": "#fffbea"})
    for first, last, width in ((0, 2, 28), (3, 3, 26), (4, 5, 14), (6, 6, 50)):
        sheet.set_column(first, last, width, open_cell if first > 2 else None)
    sheet.set_column(7, len(COLUMNS) - 1, None, None, {"hidden": True})
    told = "" if len(shown) == total else f" The first {len(shown):,} of {total:,} servers are here."
    sheet.write_string(
        0, 0, "Edit owner, strategy, wave and comment; give this workbook to the next run as its review." + told
    )
    sheet.write_string(1, 0, "Day of your review (dates your edits)")
    sheet.write_datetime(*DATE_CELL, datetime(at.year, at.month, at.day), day)  # noqa: DTZ001 # a day
    for column, name in enumerate(COLUMNS):
        sheet.write_string(HEADER_ROW, column, name, head)
    for number, row in enumerate(shown, start=HEADER_ROW + 1):
        _write_row(sheet, number, row, open_cell)
    last = HEADER_ROW + max(len(shown), 1)
    _validate(sheet, last)
    sheet.freeze_panes(HEADER_ROW + 1, 2)
    sheet.autofilter(HEADER_ROW, 0, last, len(COLUMNS) - 1)


def _write_row(sheet: Any, number: int, row: dict[str, Any], open_cell: Any) -> None:
    for column, name in enumerate(COLUMNS):
        value = row[name.removeprefix("was_")]
        style = open_cell if 3 <= column <= 6 else None
        if value is None:
            continue
        if name.removeprefix("was_") == "wave" and str(value).isdigit():
            sheet.write_number(number, column, int(value), style)
        else:
            sheet.write_string(number, column, str(value)[:32_000], style)


def _validate(sheet: Any, last: int) -> None:
    first = HEADER_ROW + 1
    sheet.data_validation(
        first, 4, last, 4,
        {"validate": "list", "source": list(STRATEGIES), "error_title": "No strategy",
         "error_message": "Take one of the list."},
    )  # fmt: skip
    sheet.data_validation(
        first, 5, last, 5,
        {"validate": "integer", "criteria": "between", "minimum": 1, "maximum": 10_000, "error_title": "No wave",
         "error_message": "Write the number of a wave, 1 for the first."},
    )  # fmt: skip
    sheet.data_validation(
        *DATE_CELL, *DATE_CELL,
        {"validate": "date", "criteria": ">", "value": date(2000, 1, 1), "error_title": "No day",
         "error_message": "Write a day."},
    )  # fmt: skip
