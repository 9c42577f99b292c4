"""Whatever way a table is written, the same rows are read; what cannot be read is told by file, sheet and row."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.discovery.sources.formats import FormatError
from include.discovery.sources.read import read_sources
from include.discovery.sources.settings import ReadingSettings

if TYPE_CHECKING:
    from pathlib import Path

SERVERS = [
    [
        "server_id",
        "hostname",
        "ip_address",
        "os_name",
        "cpu_cores",
        "memory_mib",
        "storage_gib",
        "environment",
        "owner",
    ],
    ["s-1", "web-01", "10.0.0.1", "Ubuntu 22.04", "4", "8192", "120.5", "prod", "Zoë"],
    ["s-2", "db-01", "10.0.0.2", 'Windows "2019"', "16", "65536", "2048.25", "lab", "B, and C"],
    ["s-3", "app-01", "", "RHEL 8", "8", "16384", "80.5", "", "x;y|z"],
]
CONNECTIONS = "source_ip,destination_ip,destination_port,protocol,timestamp,count\n"


def read(*files: Path, **keys: Any) -> Any:
    """Return a connection in which the files have been read."""
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("SET TimeZone = 'UTC'")
    read_sources(files, connection, settings=ReadingSettings(**keys))
    return connection


def rows(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    return list(connection.execute(sql).fetchall())


def written(table: list[list[str]], *, delimiter: str = ",", every: bool = False, end: str = "\n") -> str:
    """Return a table as delimited text."""
    out = io.StringIO()
    how = csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=delimiter, quoting=how, lineterminator=end).writerows(table)
    return out.getvalue()


def servers(connection: Any) -> list[tuple[Any, ...]]:
    """Return the servers read, without where they come from."""
    sql = """SELECT source_row, ref, server_id, hostname, ip_addresses, os_name, cpu_cores, memory_mib, storage_gib,
        environment, owner FROM raw_servers ORDER BY source_row"""
    return rows(connection, sql)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    file = tmp_path_factory.mktemp("plain") / "servers.csv"
    file.write_text(written(SERVERS), encoding="utf-8")
    return servers(read(file))


def test_a_plain_table_is_read_as_it_stands(expected: list[tuple[Any, ...]]) -> None:
    assert expected[0] == (
        2, "s-1", "s-1", "web-01", ["10.0.0.1"], "Ubuntu 22.04", 4, 8192, 120.5, "production", "Zoë"
    )  # fmt: skip
    assert expected[1][9:] == ("lab", "B, and C")
    assert expected[2][4] is None


@settings(derandomize=True, max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    every=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    comma=st.booleans(),
    mangle=st.sampled_from([str.upper, str.title, lambda word: word.replace("_", " ")]),
    order=st.permutations(range(len(SERVERS[0]))),
    titled=st.booleans(),
)
def test_any_way_to_write_a_table_reads_as_the_same_rows(
    *, tmp_path: Path, expected: list[tuple[Any, ...]], delimiter: str, encoding: str, every: bool, end: str,
    comma: bool, mangle: Any, order: list[int], titled: bool,
) -> None:  # fmt: skip
    storage = SERVERS[0].index("storage_gib")
    table = [list(row) for row in SERVERS]
    if comma:
        table = [[cell.replace(".", ",") if n == storage else cell for n, cell in enumerate(row)] for row in table]
    table[0] = [mangle(word) for word in table[0]]
    table = [[row[n] for n in order] for row in table]
    title = [["Estate of the north", *[""] * (len(order) - 1)]] if titled else []
    file = tmp_path / "estate.csv"
    file.write_bytes(written(title + table, delimiter=delimiter, every=every, end=end).encode(encoding))
    connection = read(file)
    assert rows(connection, "FROM refusals") == []
    assert [(row[0] - titled, *row[1:]) for row in servers(connection)] == expected
    assert rows(connection, "FROM quarantine") == []


def test_units_in_headers_and_in_cells_are_turned_into_the_columns_own(tmp_path: Path) -> None:
    file = tmp_path / "servers.csv"
    text = "server_id,hostname,Memory (GB),Storage in TB\na,a,16,\nb,b,512 MB,\nc,c,1.5 TB,\n"
    file.write_text(text.replace("Storage in TB", "storage (TB)").replace("a,a,16,", "a,a,16,2"))
    assert rows(read(file), "SELECT memory_mib, storage_gib FROM raw_servers ORDER BY ref") == [
        (16384, 2048.0), (512, None), (1572864, None)
    ]  # fmt: skip


def test_impossible_values_are_told_by_row_and_left_out(tmp_path: Path) -> None:
    file = tmp_path / "servers.csv"
    file.write_text(
        "server_id,hostname,cpu_cores,memory_mib,ip_address\na,a,-4,0,10.0.0.1 and 10.0.0.999\nb,b,four,4096,\n,,2,2,\n"
    )
    connection = read(file)
    assert rows(connection, "SELECT ref, cpu_cores, memory_mib, ip_addresses FROM raw_servers ORDER BY ref") == [
        ("a", None, None, ["10.0.0.1"]), ("b", None, 4096, None)
    ]  # fmt: skip
    told = rows(connection, "SELECT source_row, field, value FROM quarantine ORDER BY ALL")
    assert told == [
        (2, "cpu_cores", "-4"), (2, "ip_address", "and 10.0.0.999"), (2, "memory_mib", "0"),
        (3, "cpu_cores", "four"), (4, "server_id", None),
    ]  # fmt: skip
    assert rows(connection, "SELECT rows_read, rows_quarantined FROM sources") == [(2, 1)]


def test_rows_of_another_width_and_open_quotes_are_set_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "servers.csv"
    file.write_bytes(b'server_id,hostname,owner\na,a,x\nb,b\nc,c,y,z\nd,"d,w\ne,e,v,\n\nf,f\0,u\ng,"two\nlines",t\n')
    connection = read(file)
    assert rows(connection, "SELECT source_row, ref FROM raw_servers ORDER BY source_row") == [
        (2, "a"), (6, "e"), (9, "g")
    ]  # fmt: skip
    told = rows(connection, "SELECT source_row, sentence FROM quarantine ORDER BY source_row")
    assert [row for row, _ in told] == [3, 4, 5, 8]
    assert "2 fields and the header 3" in told[0][1]


def test_a_file_of_two_encodings_is_read_and_the_odd_row_is_told(tmp_path: Path) -> None:
    file = tmp_path / "servers.csv"
    file.write_bytes("server_id,hostname,owner\na,a,Zoë\n".encode() + "b,b,Zoë\n".encode("cp1252"))
    connection = read(file)
    assert rows(connection, "SELECT owner FROM raw_servers ORDER BY ref") == [("Zoë",), ("Zoë",)]
    assert rows(connection, "SELECT source_row FROM quarantine") == [(3,)]
    assert rows(connection, "SELECT encoding FROM sources") == [("utf-8, cp1252",)]


def test_what_cannot_be_read_is_refused_in_a_sentence_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "a_empty.csv").write_bytes(b"")
    (tmp_path / "b_other.csv").write_text("colour,taste\nred,sweet\n")
    (tmp_path / "c_binary.csv").write_bytes(b"%PDF-1.7" + bytes(100))
    (tmp_path / "d_near.csv").write_text("timestamp,cpu_percent\n2026-01-01,5\n")
    (tmp_path / "e_damaged.xlsx").write_bytes(b"PK\x03\x04 not really")
    (tmp_path / "f_servers.csv").write_text("server_id,hostname\na,a\n")
    (tmp_path / "g_protected.xlsx").write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64) + "EncryptedPackage".encode("utf-16-le")
    )
    connection = read(tmp_path, tmp_path / "absent.csv")
    told = dict(rows(connection, "SELECT file, sentence FROM refusals"))
    assert sorted(told) == [
        "a_empty.csv", "absent.csv", "b_other.csv", "c_binary.csv", "d_near.csv", "e_damaged.xlsx", "g_protected.xlsx"
    ]  # fmt: skip
    assert "lacks server (server_id" in told["d_near.csv"]
    assert "password" in told["g_protected.xlsx"]
    assert all(name in sentence for name, sentence in told.items())
    assert rows(connection, "SELECT source_id, file FROM sources") == [(1, "f_servers.csv")]


def test_archives_are_read_and_bombs_are_refused_before(tmp_path: Path) -> None:
    (tmp_path / "servers.csv.gz").write_bytes(gzip.compress(written(SERVERS).encode()))
    with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/servers.csv", written(SERVERS))
    for name in ("bomb.zip", "bomb.xlsx"):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("servers.csv", bytes(30_000_000))
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(bytes(30_000_000)))
    connection = read(tmp_path)
    assert rows(connection, "SELECT file, rows_read FROM sources ORDER BY 1") == [
        ("export.zip/deep/servers.csv", 3), ("servers.csv.gz", 3)
    ]  # fmt: skip
    assert [file for (file,) in rows(connection, "SELECT file FROM refusals ORDER BY 1")] == [
        "bomb.csv.gz", "bomb.xlsx", "bomb.zip"
    ]  # fmt: skip


def test_an_archive_inside_an_archive_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("a.csv.gz", gzip.compress(written(SERVERS).encode()))
        archive.writestr("servers.csv", written(SERVERS))
    connection = read(tmp_path)
    assert rows(connection, "SELECT file, rows_read FROM sources") == [("export.zip/servers.csv", 3)]
    ((file, sentence),) = rows(connection, "SELECT file, sentence FROM refusals")
    assert (file, "a.csv.gz" in sentence) == ("export.zip", True)


def test_a_workbook_is_read_with_its_titles_merged_cells_dates_and_formulas(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "estate.xlsx")
    sheet = book.add_worksheet("Servers")
    sheet.merge_range("A1:C1", "Our estate")
    sheet.write_row("A3", ["server_id", "hostname", "owner", "cpu_cores"])
    sheet.write_row("A4", ["a", "a"])
    sheet.write_row("A5", ["b", "b"])
    sheet.merge_range("C4:C5", "team north")
    sheet.write_formula("D4", "=2*4", None, 8)
    sheet.write_formula("D5", "=2*4", None, "")
    load = book.add_worksheet("Load")
    load.write_row("A1", ["server_id", "timestamp", "cpu_percent"])
    load.write_row("A2", ["a", 46296.5, 12.5])
    load.write("B2", 46296.5, book.add_format({"num_format": "yyyy-mm-dd hh:mm"}))
    book.add_worksheet("Notes").write("A1", "nothing here")
    book.close()
    connection = read(tmp_path / "estate.xlsx")
    sql = "SELECT source_row, ref, owner, cpu_cores FROM raw_servers ORDER BY 1"
    assert rows(connection, sql) == [(4, "a", "team north", 8), (5, "b", "team north", None)]
    assert rows(connection, "SELECT source_row, value FROM quarantine") == [(5, "D5")]
    assert rows(connection, 'SELECT CAST("at" AS VARCHAR), cpu_percent FROM raw_utilisation') == [
        ("2026-10-01 12:00:00", 12.5)
    ]
    assert [sheet for (sheet,) in rows(connection, "SELECT sheet FROM refusals")] == ["Notes"]


def test_connections_are_summed_and_odd_ones_take_the_careful_way_to_the_same_sums(tmp_path: Path) -> None:
    plain = [f"10.0.0.{n % 5},10.0.1.{n % 3},443,tcp,2026-10-01T00:{n:02d}:00Z,{n + 1}" for n in range(60)]
    (tmp_path / "a.csv").write_text(CONNECTIONS + "\n".join(plain) + "\n")
    odd = ["nonsense,10.0.1.1,443,tcp,2026-10-01T00:00:00Z,1", "010.0.0.1,10.0.1.1,443,TCP,2026-10-01T04:00:00+02:00,1"]
    (tmp_path / "b.csv").write_text(CONNECTIONS + "\n".join(plain + odd) + "\n")
    connection = read(tmp_path)
    keys = 'source_ip, destination_ip, destination_port, protocol, "count", first_seen::VARCHAR, last_seen::VARCHAR'
    one = rows(connection, f"SELECT {keys}, source_row FROM raw_connections WHERE source_id = 1 ORDER BY source_row")
    two = rows(connection, f"SELECT {keys}, source_row FROM raw_connections WHERE source_id = 2 ORDER BY source_row")
    assert len(one) == 15
    assert sum(row[4] for row in one) == sum(range(1, 61))
    assert [row for row in two if row not in one] == [
        ("10.0.0.1", "10.0.1.1", 443, "tcp", sum(n + 1 for n in range(60) if n % 15 == 1) + 1,
         "2026-10-01 00:01:00", "2026-10-01 02:00:00", 3)
    ]  # fmt: skip
    told = rows(connection, "SELECT source_row, field, value FROM quarantine WHERE value IS NOT NULL")
    assert told == [(62, "source_ip", "nonsense")]
    assert rows(connection, "SELECT rows_read, rows_quarantined FROM sources ORDER BY 1") == [(60, 0), (61, 1)]


def test_dates_are_read_by_what_the_column_proves(tmp_path: Path) -> None:
    head = "server_id,timestamp,cpu_percent\n"
    (tmp_path / "a.csv").write_text(head + "a,03/04/2026 10:00,1\na,25/04/2026 10:00,1\n")
    (tmp_path / "b.csv").write_text(head + "a,03/04/2026 10:00,1\na,04/25/2026 10:00,1\n")
    (tmp_path / "c.csv").write_text(head + "a,1775210400,1\na,2026-04-03T12:00:00+02:00,1\na,soon,1\n")
    sql = 'SELECT CAST("at" AS VARCHAR) FROM raw_utilisation ORDER BY source_id, source_row'
    connection = read(tmp_path)
    assert [at for (at,) in rows(connection, sql)] == [
        "2026-04-03 10:00:00", "2026-04-25 10:00:00", "2026-03-04 10:00:00", "2026-04-25 10:00:00",
        "2026-04-03 10:00:00", "2026-04-03 10:00:00",
    ]  # fmt: skip
    assert ("soon",) in rows(connection, "SELECT value FROM quarantine")


@pytest.mark.parametrize(
    "command",
    [
        "app --password hunter2 --port 80", "app --db-passwd=hunter2", "java -Dpwd=hunter2 -jar x.jar",
        "mysqldump -u root -phunter2 all", "sqlcmd -U sa -P hunter2", "curl https://bob:hunter2@host/x",
        "app 'Server=db;Password=hunter2;Timeout=5'", "app /token:hunter2", "sqlplus scott/hunter2@orcl",
        'app --api-key "hunter2 too"',
    ],
)  # fmt: skip
def test_a_password_never_enters_a_table(tmp_path: Path, command: str) -> None:
    file = tmp_path / "process.csv"
    file.write_text(written([["agent_id", "name", "cmd_line", "path"], ["o-1", "app", command, "/bin/app"]]))
    found = rows(read(file), "SELECT command FROM raw_processes")[0][0]
    assert "hunter2" not in found
    assert "***" in found


def test_a_format_of_your_own_adds_headers_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "format: generic_servers\ncolumns:\n  server_id: {headers: [Kennung]}\n  hostname: {headers: [Rechner]}\n"
    )
    file = tmp_path / "liste.csv"
    file.write_text("Kennung;Rechner;Farbe\na;web-01;rot\n")
    connection = read(file, formats=(str(own),))
    assert rows(connection, "SELECT ref, hostname FROM raw_servers") == [("a", "web-01")]
    assert rows(connection, "SELECT header FROM ignored_columns") == [("Farbe",)]
    own.write_text("format: mine\ncolumns: {}\n")
    with pytest.raises(FormatError, match=r"own\.yaml"):
        read(file, formats=(str(own),))


def test_the_same_files_give_the_same_rows_in_the_same_order(tmp_path: Path) -> None:
    lines = [f"10.0.{n % 7}.{n % 251},10.1.0.{n % 13},{n % 3},tcp,2026-10-01 00:00,1" for n in range(20_000)]
    (tmp_path / "connections.csv").write_text(CONNECTIONS + "\n".join(lines) + "\n")
    (tmp_path / "x[1].csv").write_text(written(SERVERS))
    one, two = read(tmp_path), read(tmp_path)
    for table in ("raw_connections", "raw_servers", "sources", "quarantine"):
        assert rows(one, f"FROM {table}") == rows(two, f"FROM {table}")
