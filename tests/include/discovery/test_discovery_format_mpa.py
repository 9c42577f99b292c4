"""The Databases sheet of the Migration Portfolio Assessment."""

from __future__ import annotations

from format_samples import complaints, formats, read, rows

FILE = "mpa/mpa_databases.csv"


def test_the_file_is_recognised_and_nothing_is_set_aside() -> None:
    connection = read(FILE)
    assert formats(connection) == {"mpa_databases.csv": "mpa_databases"}
    assert complaints(connection) == []


def test_engine_size_and_server_of_a_database_are_read() -> None:
    sql = """SELECT database_id, ref, name, instance, engine, version, edition, size_gib, licence_model, owner, target
             FROM raw_databases ORDER BY source_row"""
    assert rows(read(FILE), sql) == [
        ("db-1", "shop-db-01", "orders", "ERP", "SQL Server", "2016", "Enterprise", 350.0, "BYOL", "Shop team", None),
        ("db-2", "aix-ledger", "ledger", "LEDG", "Oracle", "12.2", "EE", 1.2, None, None, "Amazon Aurora PostgreSQL"),
    ]


def test_yes_and_no_are_booleans_and_lines_of_code_are_added() -> None:
    sql = """SELECT is_clustered, is_replicated, code_lines, transactions_per_second_max
        FROM raw_databases ORDER BY source_row"""
    assert rows(read(FILE), sql) == [(False, True, 12500, 1200.0), (True, False, 90000, None)]


def test_iops_are_counts_although_the_sheet_calls_them_kb() -> None:
    assert rows(
        read(FILE), "SELECT iops_max, iops_avg, throughput_mb_s FROM raw_databases ORDER BY source_row LIMIT 1"
    ) == [(5200.0, 800.0, 85.0)]
