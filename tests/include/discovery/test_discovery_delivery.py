"""The folder of an assessment: its files, their schemas, their bytes, and what a kill leaves."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from delivered_estate import AT, SETTINGS, PriceList, fill, permute
from hypothesis import given, settings
from hypothesis import strategies as st

from include.discovery.delivery import placing, write
from include.discovery.delivery.counts import COUNTED
from include.discovery.delivery.csv_files import OutputInvalidError, check_csv, copy_csv, write_csv
from include.discovery.delivery.files import CONFLICTS, FILES, GROUPS, WAVES
from include.discovery.delivery.handover import split_csv
from include.discovery.delivery.placing import FolderRefusedError, read_manifest
from include.discovery.delivery.schemas import FORMULA_STARTS
from include.discovery.delivery.write import write_assessment

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
DELIVERED = {
    "servers.parquet", "sizing.csv", "costs.csv", "databases.csv", "groups.csv", "priorities.csv", "waves.csv",
    "conflicts.csv", "unknown_addresses.csv", "quality.json", "summary.json", "report.html", "workbook.xlsx",
    "handover/mgn_import.csv", "handover/cmf_intake.csv",
    "handover/migration_hub_import-001.csv", "handover/konveyor.csv",
    "handover/jira.csv", "manifest.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def estate() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    fill(connection)
    yield connection
    connection.close()


@pytest.fixture
def small() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    fill(connection, servers=30)
    yield connection
    connection.close()


def deliver(connection: duckdb.DuckDBPyConnection, out: Path, **more: object) -> Path:
    write_assessment(connection, out, settings=SETTINGS, at=AT, catalogue=PriceList(), **more)  # type: ignore[arg-type]
    return out


def files_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture(scope="module")
def folder(estate: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deliver(estate, tmp_path_factory.mktemp("delivery") / "out")


def test_the_folder_holds_every_file_that_is_promised(folder: Path) -> None:
    assert set(files_of(folder)) == DELIVERED


def test_the_same_rows_in_another_order_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    turned = duckdb.connect(config={"threads": 1})
    fill(turned)
    permute(turned)
    assert files_of(deliver(turned, tmp_path / "elsewhere")) == files_of(folder)


def test_counts_are_those_of_the_tables(folder: Path, estate: duckdb.DuckDBPyConnection) -> None:
    quality = json.loads((folder / "quality.json").read_text())
    summary = json.loads((folder / "summary.json").read_text())
    assert {name: quality[name] for name in COUNTED} == {name: summary[name] for name in COUNTED}
    needed = "servers powered_off templates without_guest_os os_disagreements unknown_hosts conflicts quarantined"
    assert set(needed.split()) <= set(quality)
    assert quality["servers"] == 600
    assert quality["templates"] == len(range(0, 600, 97))
    assert quality["powered_off"] == len(range(0, 600, 29))
    assert (quality["quarantined"], quality["refusals"], quality["unknown_addresses"]) == (4, 1, 25)
    (total,) = estate.execute("SELECT sum(monthly_usd) FROM cost_lines WHERE scenario = 'right_sized'").fetchone() or (
        0,
    )
    assert summary["costs_monthly"]["right_sized"]["monthly_usd"] == float(total)
    assert summary["prices"] == {"date": "2026-07-20", "region": "us-east-1", "currency": "USD"}


def test_cost_lines_of_the_file_add_up_to_the_summary_to_the_cent(folder: Path) -> None:
    cents: dict[str, int] = {}
    for row in rows_of(folder / "costs.csv"):
        cents[row["scenario"]] = cents.get(row["scenario"], 0) + round(float(row["monthly_usd"]) * 100)
    summary = json.loads((folder / "summary.json").read_text())["costs_monthly"]
    assert cents == {name: round(row["monthly_usd"] * 100) for name, row in summary.items()}


def test_no_file_names_its_folder(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            assert str(folder).encode() not in path.read_bytes(), path.name


def test_every_server_of_a_split_group_is_in_exactly_one_of_its_waves(
    small: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    small.execute("UPDATE waves SET servers = 5 WHERE application_group = 'payments'").fetchall()
    small.execute(
        "INSERT INTO waves SELECT application_group, 7, starts, ends, 6, storage_gib, is_oversized, is_pinned, reason "
        "FROM waves WHERE application_group = 'payments'"
    ).fetchall()
    rows = [
        row for row in rows_of(deliver(small, tmp_path / "out") / "waves.csv") if row["application_group"] == "payments"
    ]
    (servers,) = small.execute("SELECT count(*) FROM groups WHERE application_group = 'payments'").fetchone() or (0,)
    assert len(rows) == len({row["server_id"] for row in rows}) == servers
    assert [row["wave"] for row in rows].count("1") == 5


def test_text_that_begins_like_a_formula_is_escaped_and_numbers_are_not(
    small: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    evil = [f'{start}HYPERLINK("http://x")' for start in FORMULA_STARTS]
    small.execute(
        "UPDATE groups SET application_group = $evil[1 + (hash(server_id) % 11)::BIGINT], tier = $evil[1]",
        {"evil": evil},
    ).fetchall()
    small.execute("UPDATE cost_lines SET monthly_usd = -1.5").fetchall()
    out = deliver(small, tmp_path / "out")
    used = {row["application_group"] for row in rows_of(out / "groups.csv")}
    assert len(used) > 5
    assert used <= {f"'{text}" for text in evil}
    assert {row["app_name"] for row in rows_of(out / "handover" / "cmf_intake.csv")} <= used
    assert {row["monthly_usd"] for row in rows_of(out / "costs.csv")} == {"-1.50"}


@settings(max_examples=12)
@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1), min_size=1, max_size=5
    )
)
def test_any_text_comes_back_as_it_was(values: list[str]) -> None:
    import tempfile

    from include.discovery import tables

    connection = duckdb.connect()
    tables.create(connection, "conflicts")
    connection.executemany(
        "INSERT INTO conflicts VALUES ('s', 'f', ?, 'o', 'a', 'b', 'r')", [[value] for value in values]
    )
    with tempfile.TemporaryDirectory() as place:
        write_csv(connection, Path(place), CONFLICTS)
        found = [row["chosen_value"] for row in rows_of(Path(place) / "conflicts.csv")]
    assert sorted(found) == sorted(f"'{value}" if value.startswith(FORMULA_STARTS) else value for value in values)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE groups SET tier = ''", "groups.csv, column tier: is empty in 30 rows"),
        ("INSERT INTO groups FROM groups LIMIT 1", "groups.csv, column server_id: is not unique in 1 rows"),
        ("UPDATE strategies SET strategy = 'rehosst'", "waves.csv, column strategy: is none of its choices in 30 rows"),
    ],
)
def test_a_table_that_breaks_the_schema_is_refused_and_the_old_folder_stays(
    small: duckdb.DuckDBPyConnection, tmp_path: Path, change: str, told: str
) -> None:
    small.execute("UPDATE servers SET in_scope = true").fetchall()
    small.execute(
        "INSERT INTO groups SELECT server_id, 'payments', 'web', 'web', 0.5, NULL, false FROM servers "
        "ANTI JOIN groups USING (server_id)"
    ).fetchall()
    before = files_of(deliver(small, tmp_path / "out"))
    small.execute(change).fetchall()
    with pytest.raises(OutputInvalidError, match=told.split(" in ", maxsplit=1)[0]):
        deliver(small, tmp_path / "out")
    assert files_of(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_refusal_is_told_while_the_workbook_is_still_being_written(
    small: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()

    def busy_book(connection: duckdb.DuckDBPyConnection, *_place: object, **_rest: object) -> None:
        asked.set()
        connection.execute("SELECT sum(hash(a.range) % 7) FROM range(40_000) a, range(2_000) b").fetchall()

    def refuse(*_file: object) -> None:
        asked.wait(10)
        raise OutputInvalidError("groups.csv is refused")

    monkeypatch.setattr(write, "write_workbook", busy_book)
    monkeypatch.setattr(write, "write_csv", refuse)
    with pytest.raises(OutputInvalidError, match=r"groups\.csv is refused"):
        deliver(small, tmp_path / "out")


def test_a_file_that_lost_a_row_is_found_when_it_is_read_back(small: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    rows = copy_csv(small, GROUPS.query, tmp_path / "groups.csv")
    lines = (tmp_path / "groups.csv").read_text().splitlines(keepends=True)
    (tmp_path / "groups.csv").write_text("".join(lines[:-1]))
    with pytest.raises(OutputInvalidError, match=f"{rows} rows were written and {rows - 1} can be read back"):
        check_csv(small, tmp_path / "groups.csv", GROUPS, rows=rows)


def test_headers_are_those_of_the_files_schemas(folder: Path) -> None:
    for file in FILES:
        assert (folder / file.path).read_text().split("\n", 1)[0] == ",".join(file.names)
    assert WAVES.names[:7] == ["server_id", "hostname", "application_group", "tier", "wave", "starts", "ends"]


def test_hand_over_files_have_the_headers_of_the_tools_that_import_them(folder: Path) -> None:
    reference = os.environ.get("LANDFALL_SHARED")
    if not reference:
        pytest.skip("LANDFALL_SHARED is not set: the templates of the tools are not here")
    templates = Path(reference) / "data" / "discovery" / "templates"
    for ours, template in (
        ("cmf_intake.csv", "cmf_intake.header.csv"),
        ("migration_hub_import-001.csv", "migration_hub_import.header.csv"),
        ("konveyor.csv", "konveyor_application_import_template.csv"),
    ):
        wanted = (templates / template).read_text(encoding="utf-8-sig").splitlines()[0].strip()
        assert (folder / "handover" / ours).read_text().split("\n", 1)[0] == wanted, ours


def test_only_machines_that_move_are_handed_over(folder: Path, estate: duckdb.DuckDBPyConnection) -> None:
    moving = {row["mgn:server:user-provided-id"] for row in rows_of(folder / "handover" / "mgn_import.csv")}
    staying = {
        name
        for (name,) in estate.execute(
            "SELECT server_id FROM strategies WHERE strategy IN ('retire', 'retain')"
        ).fetchall()
    }
    assert moving
    assert not moving & staying
    assert {row["mgn:server:platform"] for row in rows_of(folder / "handover" / "mgn_import.csv")} == {
        "windows",
        "linux",
    }


def test_a_jira_story_names_the_epic_above_it(folder: Path) -> None:
    rows = rows_of(folder / "handover" / "jira.csv")
    kinds = [row["Issue Type"] for row in rows]
    assert kinds == sorted(kinds)  # epics first: an importer knows the parents by then
    epics = {row["Issue ID"] for row in rows if row["Issue Type"] == "Epic"}
    assert {row["Parent"] for row in rows if row["Issue Type"] == "Story"} <= epics


def test_a_konveyor_dependency_names_applications_of_the_file(folder: Path) -> None:
    rows = rows_of(folder / "handover" / "konveyor.csv")
    names = {row["Application Name"] for row in rows if row["Record Type"] == "1"}
    pairs = [row for row in rows if row["Record Type"] == "2"]
    assert pairs
    assert {row["Dependency"] for row in pairs} | {row["Application Name"] for row in pairs} <= names


def test_migration_hub_files_stay_below_the_limit_and_lose_no_row(
    estate: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    chosen = {**SETTINGS, "delivery": {"import_bytes": 20_000}}
    write_assessment(estate, tmp_path / "out", settings=chosen, at=AT, catalogue=PriceList())
    parts = sorted((tmp_path / "out" / "handover").glob("migration_hub_import-*.csv"))
    assert len(parts) > 3
    assert all(part.stat().st_size < 20_000 for part in parts)
    ids = [row["ExternalId"] for part in parts for row in rows_of(part)]
    (servers,) = estate.execute("SELECT count(*) FROM servers WHERE in_scope").fetchone() or (0,)
    assert len(ids) == len(set(ids)) == servers


def test_a_cell_with_line_ends_is_not_cut_in_two(tmp_path: Path) -> None:
    cell = '"' + "x\n" * 30 + '""y"'
    (tmp_path / "whole.csv").write_text("a,b\n" + f"1,{cell}\n" * 50)
    split_csv(tmp_path / "whole.csv", tmp_path, stem="part", limit=300)
    rows = [row for part in sorted(tmp_path.glob("part-*.csv")) for row in rows_of(part)]
    assert rows == [{"a": "1", "b": "x\n" * 30 + '"y'}] * 50


def test_a_folder_of_something_else_is_not_replaced(small: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FolderRefusedError, match="holds other files"):
        deliver(small, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_what_people_put_into_the_folder_stays(small: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    out = deliver(small, tmp_path / "out")
    (out / "minutes.txt").write_text("decided on Monday")
    (out / "workbook.xlsx").write_bytes(b"edited by hand")
    deliver(small, out)
    assert (out / "minutes.txt").read_text() == "decided on Monday"
    assert (out / "workbook-edited.xlsx").read_bytes() == b"edited by hand"
    assert (out / "workbook.xlsx").read_bytes() != b"edited by hand"


_KILLED = """
import os, signal, sys
sys.path[:0] = [{root!r}, {tests!r}]
import duckdb
from pathlib import Path
from delivered_estate import fill
from test_discovery_delivery import deliver
import include.discovery.delivery.{module} as module
real = module.{name}
def kill(*given, **more):
    made = real(*given, **more) if {after} else None
    os.kill(os.getpid(), signal.SIGKILL)
module.{name} = kill
connection = duckdb.connect()
fill(connection, 40)
deliver(connection, Path({out!r}))
"""


@pytest.mark.parametrize(
    ("module", "name", "after"),
    [("write", "write_handover", True), ("placing", "_write_manifest", True)],
)
def test_a_kill_between_files_leaves_the_old_folder_whole(
    small: duckdb.DuckDBPyConnection, tmp_path: Path, module: str, name: str, *, after: bool
) -> None:
    out = deliver(small, tmp_path / "out")
    before = files_of(out)
    code = _KILLED.format(
        root=str(ROOT), tests=str(Path(__file__).parent), module=module, name=name, after=after, out=str(out)
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    assert files_of(out) == before
    deliver(small, out)
    assert files_of(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_kill_between_two_renames_is_mended_by_the_next_run(
    small: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = deliver(small, tmp_path / "out")
    (out / "minutes.txt").write_text("decided on Monday")
    out.rename(tmp_path / ".out.old")  # the first rename was done, the second was not
    monkeypatch.setattr(placing, "_exchange", lambda _one, _other: False)
    deliver(small, out)
    assert (out / "minutes.txt").exists()
    assert set(read_manifest(out)["files"]) >= {"summary.json", "workbook.xlsx"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_assessment_is_delivered_whole(tmp_path: Path) -> None:
    from include.discovery import tables

    connection = duckdb.connect()
    tables.create(connection, *tables.TABLES)
    out = deliver(connection, tmp_path / "out")
    assert set(files_of(out)) == DELIVERED
    summary = json.loads((out / "summary.json").read_text())
    assert {row["verdict"] for row in summary["confidence"].values()} == {
        "block"
    }  # a gate that was not asked fails closed
