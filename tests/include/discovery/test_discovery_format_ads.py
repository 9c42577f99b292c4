"""Exports of the Application Discovery Service's agents."""

from __future__ import annotations

import pytest
from format_samples import complaints, formats, read, rows

ACCOUNT = "123456789012_"


def test_every_file_is_recognised_and_nothing_is_set_aside() -> None:
    connection = read("ads")
    assert formats(connection) == {
        f"{ACCOUNT}osInfo.csv": "ads_os_info",
        f"{ACCOUNT}networkInterface.csv": "ads_network_interface",
        f"{ACCOUNT}process.csv": "ads_process",
        f"{ACCOUNT}sourceProcessConnection.csv": "ads_source_connection",
        f"{ACCOUNT}destinationProcessConnection.csv": "ads_destination_connection",
        f"{ACCOUNT}systemPerformance.csv": "ads_system_performance",
    }
    assert complaints(connection) == []


def test_an_agent_tells_name_system_and_architecture() -> None:
    sql = """SELECT ref, external_id, hostname, os_version, architecture, hypervisor
        FROM raw_servers WHERE hostname IS NOT NULL ORDER BY source_row"""
    assert rows(read(f"ads/{ACCOUNT}osInfo.csv"), sql) == [
        ("o-a1b2c3d4e5f60718a", "o-a1b2c3d4e5f60718a", "erp-app-01", "3.10.0-1160.el7.x86_64", "x86_64", "vmware"),
        ("o-a1b2c3d4e5f60718b", "o-a1b2c3d4e5f60718b", "ERP-DB-01", "10.0.14393", "x86_64", "hyper-v"),
    ]


def test_cards_carry_addresses_and_macs_in_one_spelling() -> None:
    sql = "SELECT ref, mac_address, ip_addresses FROM raw_interfaces ORDER BY source_row"
    found = rows(read(f"ads/{ACCOUNT}networkInterface.csv"), sql)
    assert found[0] == ("o-a1b2c3d4e5f60718a", "00:50:56:b2:00:01", ["10.30.1.5"])
    assert found[2] == ("o-a1b2c3d4e5f60718b", "00:50:56:b2:00:02", ["10.30.1.6"])


def test_a_password_on_a_command_line_never_enters_a_table() -> None:
    found = rows(read(f"ads/{ACCOUNT}process.csv"), "SELECT name, path, command FROM raw_processes ORDER BY source_row")
    assert found[0][:2] == ("java", "/usr/bin/java")
    assert "s3cret" not in found[0][2]
    assert "--port 8443" in found[0][2]
    assert found[1][0] == "sqlservr.exe"


def test_the_side_with_the_agent_is_named_by_the_agent() -> None:
    sql = """SELECT source_ref, destination_ref, source_ip, destination_ip, destination_port, protocol, count,
        first_seen::VARCHAR
             FROM raw_connections ORDER BY destination_port DESC"""
    assert rows(read(f"ads/{ACCOUNT}sourceProcessConnection.csv"), sql) == [
        ("o-a1b2c3d4e5f60718a", None, "10.30.1.5", "10.30.1.6", 1433, "tcp", 1, "2026-10-01 00:15:00"),
        ("o-a1b2c3d4e5f60718a", None, "10.30.1.5", "10.30.0.53", 53, "udp", 1, "2026-10-01 00:15:00"),
    ]
    assert rows(read(f"ads/{ACCOUNT}destinationProcessConnection.csv"), sql) == [
        (None, "o-a1b2c3d4e5f60718b", "10.30.1.5", "10.30.1.6", 1433, "tcp", 1, "2026-10-01 00:15:00"),
    ]


UTILISATION = """SELECT cpu_percent, memory_percent, disk_read_mb_s, disk_write_mb_s, disk_read_iops, disk_write_iops,
                 network_in_mb_s, network_out_mb_s FROM raw_utilisation ORDER BY source_row"""


def test_kbps_of_an_agent_are_kilobytes_and_free_memory_becomes_used() -> None:
    connection = read(f"ads/{ACCOUNT}systemPerformance.csv")
    first, second = rows(connection, UTILISATION)
    assert first == pytest.approx((12.5, 75.0, 2.5, 0.5, 120.5, 30.0, 1.0, 3.0))
    assert second[:2] == pytest.approx((97.25, 93.75))
    assert rows(connection, "SELECT DISTINCT ref FROM raw_utilisation") == [("o-a1b2c3d4e5f60718a",)]
    assert rows(connection, 'SELECT "at"::VARCHAR FROM raw_utilisation ORDER BY 1') == [
        ("2026-10-01 00:00:00",),
        ("2026-10-01 00:15:00",),
    ]


def test_athenas_name_of_free_memory_is_the_same_column() -> None:
    assert rows(read("ads/athena"), UTILISATION)[0][:2] == pytest.approx((40.0, 50.0))


def test_the_nameplate_of_an_agents_machine_stands_in_its_performance_file() -> None:
    sql = "SELECT DISTINCT ref, cpu_sockets, cpu_physical_cores, cpu_cores, memory_mib, storage_gib FROM raw_servers"
    assert rows(read(f"ads/{ACCOUNT}systemPerformance.csv"), sql) == [("o-a1b2c3d4e5f60718a", 2, 4, 8, 16384, 200.0)]
