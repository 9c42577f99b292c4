"""Write the folder of an assessment: every file made beside, held against its schema, then put in place as a whole."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables
from include.discovery.delivery.counts import quality_of, summary_of, write_json
from include.discovery.delivery.csv_files import write_csv
from include.discovery.delivery.diffs import compare_assessments
from include.discovery.delivery.files import FILES, SERVER_WAVES
from include.discovery.delivery.handover import write_handover
from include.discovery.delivery.parquet import write_servers
from include.discovery.delivery.placing import replaced
from include.discovery.delivery.report.facts import gather
from include.discovery.delivery.report.page import write_report
from include.discovery.delivery.settings import from_plain
from include.discovery.delivery.workbook import write_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

_NEEDED: Final = (
    *("sources", "refusals", "quarantine", "ignored_columns"),
    *tables.INVENTORY,
    *tables.RESULTS,
)


def write_assessment(
    connection: Any,
    out: Path,
    *,
    settings: Mapping[str, Any],
    at: date,
    catalogue: Any,
    previous: Path | None = None,
) -> None:
    """Write every file of an assessment into the folder `out`, or none.

    :param settings: the whole settings as plain data; they are part of summary.json.
    :param at: the day of the assessment; there is no other clock in the files.
    :param catalogue: gives `price_date` and `region`.
    :param previous: folder of an earlier assessment, for the trend; may be `out` itself.
    :raises OutputInvalidError: when a file breaks its schema; the old folder stays as it was.
    :raises FolderRefusedError: when `out` holds something else, or `previous` is no assessment.
    """
    tables.create(connection, *_NEEDED)
    chosen = from_plain(settings)
    connection.execute(SERVER_WAVES).fetchall()
    summary = summary_of(connection, settings=settings, at=at, catalogue=catalogue)
    with replaced(out) as folder, connection.cursor() as second, ThreadPoolExecutor(1) as aside:
        # Python writes the workbook, the query engine the CSV files: each leaves a core to the other
        second.execute("SET TimeZone = 'UTC'").fetchall()
        second.execute(SERVER_WAVES).fetchall()
        place = folder / "workbook.xlsx"
        book = aside.submit(write_workbook, second, place, summary=summary, at=at, rows=chosen.workbook_rows)
        write_servers(connection, folder)
        for file in FILES:
            write_csv(connection, folder, file)
        write_handover(connection, folder / "handover", settings=chosen, region=catalogue.region)
        quality = quality_of(connection)
        write_json(folder / "summary.json", summary)
        write_json(folder / "quality.json", quality)
        trend = compare_assessments(previous, folder) if previous is not None else None
        write_report(
            folder / "report.html",
            gather(connection, summary=summary, quality=quality, trend=trend, page_servers=chosen.page_servers),
        )
        book.result()
