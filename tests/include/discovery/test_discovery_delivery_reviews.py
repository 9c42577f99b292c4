"""The review sheet: edits come back, win, keep their day, survive; malformed ones are told with their cell."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import xlsxwriter
from delivered_estate import AT, SETTINGS, PriceList, fill
from python_calamine import CalamineWorkbook

from include.discovery.delivery.review_sheet import COLUMNS, DATE_CELL, HEADER_ROW
from include.discovery.delivery.reviews import Edit, ReviewRefusedError, apply_review, earlier_review, read_review
from include.discovery.delivery.write import write_assessment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = date(2026, 12, 1)


@pytest.fixture
def estate() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    fill(connection, servers=30)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workbook of a first run, to be read only."""
    connection = duckdb.connect()
    fill(connection, servers=30)
    return deliver(connection, tmp_path_factory.mktemp("first") / "out")


def deliver(connection: duckdb.DuckDBPyConnection, out: Path, **settings: Any) -> Path:
    write_assessment(connection, out, settings={**SETTINGS, **settings}, at=AT, catalogue=PriceList())
    return out / "workbook.xlsx"


def rows_of(book: Path) -> list[list[Any]]:
    with CalamineWorkbook.from_path(str(book)) as opened:
        return [list(row) for row in opened.get_sheet_by_name("review").to_python(skip_empty_area=False)]


def edited(book: Path, target: Path, edits: dict[tuple[str, str], Any], *, day: Any = DAY) -> Path:
    """Write the review sheet anew, with cells changed by (server_id, column), as a spreadsheet program would."""
    with xlsxwriter.Workbook(str(target)) as made:
        sheet = made.add_worksheet("review")
        style = made.add_format({"num_format": "yyyy-mm-dd"})
        for number, row in enumerate(rows_of(book)):
            for column, value in enumerate(row):
                changed = edits.get((row[0], COLUMNS[column]), value) if number > HEADER_ROW else value
                if (number, column) == DATE_CELL:
                    changed = day
                if isinstance(changed, (date, datetime)):
                    sheet.write_datetime(number, column, datetime(changed.year, changed.month, changed.day), style)  # noqa: DTZ001 # Excel has no zones
                elif changed not in ("", None):
                    sheet.write(number, column, changed)
    return target


def test_an_untouched_workbook_has_no_edits(book: Path) -> None:
    assert read_review(book).edits == ()


def test_edits_come_back_with_the_day_of_the_review(book: Path, tmp_path: Path) -> None:
    changes = {
        ("vm-000003", "owner"): "Robin Marsh",
        ("vm-000004", "strategy"): "Retain",
        ("vm-000004", "wave"): 3,
        ("vm-000005", "comment"): "asks before Christmas",
    }
    review = read_review(edited(book, tmp_path / "review.xlsx", changes))
    assert [(edit.server_id, edit.field, edit.value, edit.dated) for edit in review.edits] == [
        ("vm-000003", "owner", "Robin Marsh", DAY),
        ("vm-000004", "strategy", "retain", DAY),
        ("vm-000004", "wave", "3", DAY),
        ("vm-000005", "comment", "asks before Christmas", DAY),
    ]


def test_edits_win_over_the_inventory_and_say_where_they_come_from(
    estate: duckdb.DuckDBPyConnection, book: Path, tmp_path: Path
) -> None:
    estate.execute("INSERT INTO server_values VALUES ('vm-000003', 'owner', 'Dana Reyes', 2, 9, true)").fetchall()
    review = read_review(
        edited(book, tmp_path / "r.xlsx", {("vm-000003", "owner"): "Robin Marsh", ("vm-000003", "wave"): 2})
    )
    assert apply_review(estate, review) == 2
    assert estate.execute("SELECT owner, wave FROM servers WHERE server_id = 'vm-000003'").fetchall() == [
        ("Robin Marsh", "2")
    ]
    assert estate.execute(
        "SELECT v.value, v.chosen, s.format, s.file FROM server_values v JOIN sources s USING (source_id) "
        "WHERE server_id = 'vm-000003' AND field = 'owner' ORDER BY chosen"
    ).fetchall() == [("Dana Reyes", False, "servicenow_servers", "cmdb.csv"), ("Robin Marsh", True, "review", "r.xlsx")]


def test_an_edit_survives_run_after_run_and_keeps_its_day(book: Path, tmp_path: Path) -> None:
    book = edited(book, tmp_path / "review.xlsx", {("vm-000003", "owner"): "Robin Marsh"})
    for number in range(2):  # each run reads the workbook of the one before
        again = duckdb.connect()
        fill(again, servers=30)
        apply_review(again, read_review(book))
        deliver(again, tmp_path / f"run{number}")
        found = earlier_review(tmp_path / f"run{number}")
        assert found is not None
        book = found
    assert [(edit.server_id, edit.value, edit.dated) for edit in read_review(book).edits] == [
        ("vm-000003", "Robin Marsh", DAY)
    ]
    later = edited(book, tmp_path / "later.xlsx", {("vm-000003", "owner"): "Sam Hill"}, day=date(2027, 1, 9))
    assert [(edit.value, edit.dated) for edit in read_review(later).edits] == [("Sam Hill", date(2027, 1, 9))]
    taken_back = edited(book, tmp_path / "back.xlsx", {("vm-000003", "owner"): ""})
    assert read_review(taken_back).edits == ()


def test_an_edit_of_a_server_that_is_gone_is_told_and_kept(book: Path, tmp_path: Path) -> None:
    book = edited(book, tmp_path / "r.xlsx", {("vm-000007", "owner"): "Robin Marsh"})
    smaller = duckdb.connect()
    fill(smaller, servers=5)
    assert apply_review(smaller, read_review(book)) == 0
    told = smaller.execute("SELECT sentence FROM quarantine WHERE value = 'Robin Marsh'").fetchall()
    assert len(told) == 1
    assert "no server has the id vm-000007" in told[0][0]
    kept = read_review(deliver(smaller, tmp_path / "smaller"))
    assert [(edit.server_id, edit.value, edit.dated) for edit in kept.edits] == [("vm-000007", "Robin Marsh", DAY)]


def test_edited_servers_are_in_the_sheet_however_small_its_cap_is(
    estate: duckdb.DuckDBPyConnection, book: Path, tmp_path: Path
) -> None:
    book = edited(book, tmp_path / "r.xlsx", {("vm-000029", "owner"): "Robin Marsh"})
    apply_review(estate, read_review(book))
    rows = rows_of(deliver(estate, tmp_path / "next", delivery={"workbook_rows": 2}))
    assert rows[HEADER_ROW + 1][0] == "vm-000029"
    assert len(rows) == HEADER_ROW + 1 + 3
    assert "The first 3 of 29 servers are here." in rows[0][0]


@pytest.mark.parametrize(
    ("changes", "day", "told"),
    [
        ({("vm-000001", "strategy"): "rehots"}, DAY, r"review.xlsx, sheet review, cell E\d+: 'rehots' is no strategy"),
        ({("vm-000001", "wave"): "soon"}, DAY, r"cell F\d+: 'soon' is no wave; write a whole number"),
        ({("vm-000001", "wave"): 2.5}, DAY, r"cell F\d+: '2.5' is no wave"),
        ({("vm-000001", "owner"): "Robin Marsh"}, "next week", r"cell B2: no day, and D\d+ is edited"),
        (
            {("vm-000001", "server_id"): "", ("vm-000001", "owner"): "Robin"},
            DAY,
            r"cell A\d+: is empty, but the row has edits",
        ),
        (
            {("vm-000001", "server_id"): "vm-000002", ("vm-000001", "wave"): 8, ("vm-000002", "wave"): 9},
            DAY,
            r"says '\d', row \d+ says '\d' for the same server",
        ),
    ],
)
def test_a_malformed_edit_is_told_with_its_cell(
    book: Path, tmp_path: Path, changes: dict[tuple[str, str], Any], day: Any, told: str
) -> None:
    changed = edited(book, tmp_path / "review.xlsx", changes, day=day)
    with pytest.raises(ReviewRefusedError, match=told):
        read_review(changed)


def test_every_malformed_edit_is_told_at_once(book: Path, tmp_path: Path) -> None:
    changes = {("vm-000001", "strategy"): "x", ("vm-000002", "wave"): "y", ("vm-000003", "wave"): -1}
    changed = edited(book, tmp_path / "review.xlsx", changes)
    with pytest.raises(ReviewRefusedError) as refused:
        read_review(changed)
    assert len(str(refused.value).splitlines()) == 3


@pytest.mark.parametrize(("content", "told"), [(b"a,b\n1,2\n", "is no .xlsx workbook"), (None, "does not exist")])
def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path, content: bytes | None, told: str) -> None:
    if content is not None:
        (tmp_path / "review.xlsx").write_bytes(content)
    with pytest.raises(ReviewRefusedError, match=told):
        read_review(tmp_path / "review.xlsx")


def test_a_workbook_without_the_sheet_is_refused(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "other.xlsx")) as book:
        book.add_worksheet("figures")
    with pytest.raises(ReviewRefusedError, match=r"other\.xlsx has no sheet named review"):
        read_review(tmp_path / "other.xlsx")


def test_edits_are_ordered_by_server_and_field() -> None:
    later, earlier = Edit("b", "owner", "x", DAY, 1), Edit("a", "wave", "1", DAY, 9)
    assert sorted([later, earlier]) == [earlier, later]


def test_the_summary_counts_a_review_as_a_source(estate: duckdb.DuckDBPyConnection, book: Path, tmp_path: Path) -> None:
    book = edited(book, tmp_path / "r.xlsx", {("vm-000003", "owner"): "Robin Marsh"})
    apply_review(estate, read_review(book))
    deliver(estate, tmp_path / "next")
    sources = json.loads((tmp_path / "next" / "quality.json").read_text())["sources"]
    assert [(row["file"], row["format"], row["exported_at"]) for row in sources][-1] == (
        "r.xlsx",
        "review",
        "2026-12-01T00:00:00Z",
    )
