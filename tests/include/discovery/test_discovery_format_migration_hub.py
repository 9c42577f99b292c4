"""Migration Hub's import file."""

from __future__ import annotations

import pytest
from format_samples import complaints, formats, read, rows

FILE = "migration_hub/migration_hub_import.csv"


def test_the_file_is_recognised_and_nothing_is_set_aside() -> None:
    connection = read(FILE)
    assert formats(connection) == {"migration_hub_import.csv": "migration_hub_import"}
    assert complaints(connection) == []
    assert rows(connection, "SELECT header FROM ignored_columns") == []


def test_identity_and_nameplate_are_read() -> None:
    sql = """SELECT ref, external_id, smbios_id, moref, vcenter_id, hostname, cpu_sockets, cpu_physical_cores,
        cpu_cores,
             memory_mib, os_name, os_version FROM raw_servers ORDER BY source_row"""
    first, second = rows(read(FILE), sql)
    assert first == (
        "mh-0001",
        "mh-0001",
        "42164a1c-9d0b-5d36-1f2e-0a1b2c3d4e01",
        "vm-101",
        "7b1e4c52-0f3a-4d0e-9a51-3c7a90c1d2e3",
        "shop-web-01",
        2,
        4,
        4,
        8192,
        "Linux",
        "Red Hat Enterprise Linux 8.6",
    )
    assert second[0] == "aix-ledger"
    assert second[7:10] == (8, 32, 131072)


def test_several_values_in_one_cell_are_a_list() -> None:
    sql = "SELECT ip_addresses, mac_addresses, application, tags FROM raw_servers ORDER BY source_row LIMIT 1"
    addresses, cards, application, tags = rows(read(FILE), sql)[0]
    assert addresses == ["10.20.1.11", "10.20.9.11"]
    assert cards == ["00:50:56:a1:00:01", "00:50:56:a1:00:09"]
    assert application == "Web shop; Loyalty"
    assert tags == {"environment": "production", "owner": "shop team"}


def test_rates_are_megabytes_a_second_and_memory_is_a_share_of_the_machine() -> None:
    sql = """SELECT cpu_percent_avg, cpu_percent_max, memory_percent_avg, memory_percent_max, disk_read_mb_s_avg,
             disk_write_mb_s_max, disk_read_iops_avg, disk_write_iops_max, network_in_mb_s_avg, network_out_mb_s_max
             FROM raw_servers ORDER BY source_row"""
    first, second = rows(read(FILE), sql)
    assert first == pytest.approx((12.5, 71.0, 50.0, 75.0, 2.5, 20.0, 120.0, 400.0, 1.0, 40.0))
    assert second == (None,) * 10


def test_an_export_of_recommendations_is_a_source_of_servers_and_not_of_sizes() -> None:
    connection = read("migration_hub/ec2_recommendations.csv")
    assert formats(connection) == {"ec2_recommendations.csv": "migration_hub_recommendations"}
    sql = """SELECT ref, hostname, cpu_cores, memory_mib, cpu_percent_max, memory_percent_max, disk_read_iops_avg
             FROM raw_servers"""
    assert rows(connection, sql) == [("mh-0001", "shop-web-01", 4, 8192, 71.0, 75.0, 120.0)]
    ignored = {header for (header,) in rows(connection, "SELECT header FROM ignored_columns")}
    assert "Recommendation.EC2.Instance.Model" in ignored
