"""Google Migration Center's tables and its collectors' files."""

from __future__ import annotations

import pytest
from format_samples import complaints, formats, read, rows

FOLDER = "google_migration_center"


def test_every_file_is_recognised_and_nothing_is_set_aside() -> None:
    connection = read(FOLDER)
    assert formats(connection) == {
        "vmInfo.csv": "google_migration_center_vm",
        "diskInfo.csv": "google_migration_center_disk",
        "perfInfo.csv": "google_migration_center_performance",
    }
    assert complaints(connection) == []


def test_optional_in_a_header_is_no_part_of_its_name() -> None:
    sql = """SELECT ref, vm_name, cpu_cores, memory_mib, storage_gib, storage_used_gib, os_name, power_state,
        ip_addresses,
             mac_addresses, location FROM raw_servers ORDER BY source_row"""
    first, second = rows(read(f"{FOLDER}/vmInfo.csv"), sql)
    assert first == (
        "gm-1",
        "hr-app-01",
        4,
        16384,
        200.0,
        80.5,
        "Ubuntu 20.04",
        "on",
        ["10.50.1.5", "10.50.9.5"],
        ["00:50:56:d4:00:05"],
        "dc-south",
    )
    assert second[7] == "off"


def test_a_collector_counts_memory_in_mib() -> None:
    assert rows(read(f"{FOLDER}/collector"), "SELECT cpu_cores, memory_mib FROM raw_servers") == [(2, 8192)]


def test_disks_belong_to_their_machine() -> None:
    sql = "SELECT ref, name, size_gib, used_gib FROM raw_disks ORDER BY source_row"
    assert rows(read(f"{FOLDER}/diskInfo.csv"), sql) == [("gm-1", "sda", 150.0, 60.0), ("gm-1", "sdb", 50.0, 20.5)]


def test_bytes_a_second_become_megabytes() -> None:
    sql = """SELECT cpu_percent, memory_percent, disk_read_iops, disk_write_iops, network_in_mb_s, network_out_mb_s
             FROM raw_utilisation ORDER BY source_row"""
    connection = read(f"{FOLDER}/perfInfo.csv")
    assert rows(connection, sql)[0] == pytest.approx((22.5, 61.0, 150.25, 20.0, 1.0, 2.5))
    assert rows(connection, 'SELECT max("at")::VARCHAR FROM raw_utilisation') == [("2026-10-01 00:30:00",)]
