"""Azure Migrate: the import file in two generations, and the dependency export."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from format_samples import complaints, formats, read, rows


def test_every_file_is_recognised_and_nothing_is_set_aside() -> None:
    connection = read("azure_migrate")
    assert formats(connection) == {
        "azure_migrate_import_2020.csv": "azure_migrate_import",
        "azure_migrate_import_units.csv": "azure_migrate_import",
        "dependencies.csv": "azure_migrate_dependencies",
    }
    assert complaints(connection) == []


def test_headers_with_units_are_the_same_columns() -> None:
    sql = """SELECT ref, cpu_cores, memory_mib, os_name, os_version, hypervisor, ip_addresses, storage_gib,
        storage_used_gib,
             cpu_percent_avg, memory_percent_avg FROM raw_servers"""
    assert rows(read("azure_migrate/azure_migrate_import_units.csv"), sql) == [
        (
            "fin-app-01.corp.example",
            4,
            16384,
            "Windows Server 2019",
            "10.0.17763",
            "hyper-v",
            ["10.40.1.5", "10.40.9.5"],
            150.0,
            90.0,
            35.0,
            62.0,
        )
    ]
    assert rows(read("azure_migrate/azure_migrate_import_2020.csv"), sql) == [
        (
            "fin-db-01.corp.example",
            8,
            32768,
            "Red Hat Enterprise Linux 7",
            "7.9",
            "vmware",
            ["10.40.2.5"],
            500.0,
            None,
            44.0,
            71.0,
        )
    ]


def test_the_rates_of_all_disks_of_a_server_are_added() -> None:
    sql = """SELECT disk_read_iops_avg, disk_write_iops_avg, disk_read_mb_s_avg, disk_write_mb_s_avg,
        network_in_mb_s_avg,
             network_out_mb_s_avg FROM raw_servers"""
    assert rows(read("azure_migrate/azure_migrate_import_units.csv"), sql)[0] == pytest.approx(
        (150, 50, 12.5, 6, 2, 3.5)
    )
    assert rows(read("azure_migrate/azure_migrate_import_2020.csv"), sql)[0] == pytest.approx(
        (200, 80, 25, 12.5, 1.5, 0.5)
    )


def test_what_the_business_told_azure_is_kept() -> None:
    sql = "SELECT server_id, smbios_id, mac_addresses, application, business_unit, owner, location FROM raw_servers"
    assert rows(read("azure_migrate/azure_migrate_import_2020.csv"), sql) == [
        (
            "SRV-4711",
            "42164a1c-9d0b-5d36-1f2e-0a1b2c3d4f05",
            ["00:50:56:c3:00:05"],
            "General ledger",
            "Finance",
            "finance office",
            "dc-north",
        )
    ]


def test_a_dependency_names_its_server_and_its_address() -> None:
    sql = """SELECT source_ref, source_process, destination_ref, destination_ip, destination_process, destination_port,
             protocol, count, first_seen::VARCHAR FROM raw_connections ORDER BY destination_port DESC"""
    assert rows(read("azure_migrate/dependencies.csv"), sql) == [
        (
            "fin-app-01.corp.example",
            "w3wp.exe",
            "fin-db-01.corp.example",
            "10.40.2.5",
            "postgres",
            5432,
            "tcp",
            1,
            "2026-06-14 00:00:00",
        ),
        ("fin-app-01.corp.example", "w3wp.exe", None, "10.40.0.53", None, 53, "tcp", 1, "2026-06-14 00:05:00"),
    ]


def test_a_published_dependency_export_is_read_whole() -> None:
    folder = os.environ.get("LANDFALL_SHARED")
    file = Path(folder or "absent") / "data" / "discovery" / "dependency-export-sample.csv"
    if not file.exists():
        pytest.skip("LANDFALL_SHARED names no folder with data/discovery/dependency-export-sample.csv")
    connection = read(file)
    assert set(formats(connection).values()) == {"azure_migrate_dependencies"}
    with file.open(encoding="utf-8") as lines:
        expected = sum(1 for line in lines if line.strip()) - 1
    assert rows(connection, "SELECT sum(count) FROM raw_connections") == [(expected,)]
