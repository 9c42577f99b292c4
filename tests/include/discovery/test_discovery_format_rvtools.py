"""RVTools: three generations of headers give the same facts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from format_samples import complaints, formats, read, rows

GENERATIONS = ("mib", "mb", "names")
SERVERS = """
    SELECT vm_name, hostname, cpu_cores, memory_mib, storage_used_gib, power_state, is_template, virtual_host, cluster,
           location, hypervisor, ip_addresses, os_name, os_name_guest
    FROM raw_servers JOIN sources USING (source_id) WHERE format = 'rvtools_vinfo' ORDER BY source_row
"""


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_tab_of_every_generation_is_recognised_and_nothing_is_set_aside(generation: str) -> None:
    connection = read(f"rvtools/{generation}")
    expected = {
        f"RVTools_tabv{tab}.csv": f"rvtools_v{tab.lower()}"
        for tab in (
            ("Info", "Disk", "Partition", "Memory")
            if generation == "mb"
            else ("Info", "CPU", "Memory", "Disk", "Partition", "Network", "Host")
        )
    }
    assert formats(connection) == expected
    assert complaints(connection) == []


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_generation_of_headers_changes_no_fact_of_a_machine(generation: str) -> None:
    found = rows(read(f"rvtools/{generation}/RVTools_tabvInfo.csv"), SERVERS)
    assert found == rows(read("rvtools/mib/RVTools_tabvInfo.csv"), SERVERS)
    assert found[0] == (
        "shop-web-01",
        "shop-web-01.corp.example",
        4,
        8192,
        60.0,
        "on",
        False,
        "esx-01.corp.example",
        "cluster-a",
        "dc-north",
        "vmware",
        ["10.20.1.11"],
        "Red Hat Enterprise Linux 8 (64-bit)",
        "Red Hat Enterprise Linux 8 (64-bit)",
    )
    assert [(row[0], row[5], row[6]) for row in found[2:]] == [("old-batch", "off", False), ("tpl-rhel8", "off", True)]


def test_provisioned_space_is_read_where_no_disk_capacity_is_told() -> None:
    sql = "SELECT storage_gib FROM raw_servers ORDER BY source_row LIMIT 2"
    assert rows(read("rvtools/mib/RVTools_tabvInfo.csv"), sql) == [(120.0,), (500.0,)]
    assert rows(read("rvtools/mb/RVTools_tabvInfo.csv"), sql) == [(128.0,), (564.0,)]


def test_machines_keep_the_keys_that_a_merge_needs() -> None:
    connection = read("rvtools/mib/RVTools_tabvInfo.csv")
    assert rows(
        connection, "SELECT smbios_id, moref, vcenter_id, ref FROM raw_servers ORDER BY source_row LIMIT 1"
    ) == [
        (
            "42164a1c-9d0b-5d36-1f2e-0a1b2c3d4e01",
            "vm-101",
            "7b1e4c52-0f3a-4d0e-9a51-3c7a90c1d2e3",
            "50164a1c-1111-5d36-1f2e-0a1b2c3d4e01",
        )
    ]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_all_tabs_name_a_machine_by_the_same_ref(generation: str) -> None:
    connection = read(f"rvtools/{generation}")
    known = {
        ref
        for (ref,) in rows(
            connection, "SELECT ref FROM raw_servers JOIN sources USING (source_id) WHERE format = 'rvtools_vinfo'"
        )
    }
    others = "SELECT ref FROM raw_disks UNION SELECT ref FROM raw_interfaces UNION SELECT ref FROM raw_servers"
    assert {ref for (ref,) in rows(connection, others)} == known


@pytest.mark.parametrize("generation", ["mib", "names"])
def test_sockets_stand_in_the_tab_vcpu(generation: str) -> None:
    connection = read(f"rvtools/{generation}/RVTools_tabvCPU.csv")
    assert rows(connection, "SELECT vm_name, cpu_cores, cpu_sockets FROM raw_servers ORDER BY source_row LIMIT 2") == [
        ("shop-web-01", 4, 2),
        ("shop-db-01", 8, 2),
    ]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_disks_have_sizes_and_partitions_only_what_is_used(generation: str) -> None:
    connection = read(f"rvtools/{generation}")
    sql = """SELECT name, size_gib, used_gib, is_raw_device
        FROM raw_disks JOIN sources USING (source_id) WHERE format = '{}' ORDER BY source_row"""
    assert rows(connection, sql.format("rvtools_vdisk"))[:4] == [
        ("Hard disk 1", 80.0, None, False),
        ("Hard disk 2", 40.0, None, False),
        ("Hard disk 1", 100.0, None, False),
        ("Hard disk 2", 400.0, None, True),
    ]
    assert rows(connection, sql.format("rvtools_vpartition")) == [
        ("/", None, 40.0, None),
        ("/var", None, 20.0, None),
        ("C:\\", None, 70.0, None),
        ("D:\\", None, 322.0, None),
    ]


def test_a_network_card_has_the_addresses_of_both_families() -> None:
    connection = read("rvtools/mib/RVTools_tabvNetwork.csv")
    found = rows(connection, "SELECT name, mac_address, ip_addresses, network FROM raw_interfaces ORDER BY source_row")
    assert found[:2] == [
        ("Network adapter 1", "00:50:56:a1:00:01", ["10.20.1.11", "fd00:20:1::11"], "vlan-20"),
        ("Network adapter 1", "00:50:56:a1:00:02", ["10.20.2.21"], "vlan-20"),
    ]


@pytest.mark.parametrize("generation", ["mib", "names"])
def test_hosts_count_all_their_cores_and_all_their_machines(generation: str) -> None:
    connection = read(f"rvtools/{generation}/RVTools_tabvHost.csv")
    sql = """SELECT name, cluster, datacenter, cpu_sockets, cpu_cores, memory_mib, vm_count, version
        FROM raw_hosts ORDER BY source_row LIMIT 1"""
    assert rows(connection, sql) == [
        ("esx-01.corp.example", "cluster-a", "dc-north", 2, 40, 786085, 2, "VMware ESXi 8.0.2 build-22380479")
    ]


def test_the_workbook_of_another_projects_tests_is_read() -> None:
    folder = os.environ.get("LANDFALL_SHARED")
    book = Path(folder or "absent") / "data" / "discovery" / "rvtools" / "rvtools-small-complete.xlsx"
    if not book.exists():
        pytest.skip("LANDFALL_SHARED names no folder with data/discovery/rvtools/rvtools-small-complete.xlsx")
    connection = read(book)
    assert rows(
        connection, "SELECT count(*) FROM raw_servers JOIN sources USING (source_id) WHERE sheet = 'vInfo'"
    ) == [(3,)]
    assert rows(connection, "SELECT count(*), sum(size_gib) FROM raw_disks WHERE size_gib IS NOT NULL")[0][0] == 5
    assert rows(connection, "SELECT count(*) FROM raw_hosts") == [(2,)]


def test_sheets_that_tell_nothing_of_machines_are_no_fault(tmp_path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(tmp_path / "rvtools.xlsx")) as book:
        for name, heads in (("vInfo", ("VM", "CPUs", "Memory")), ("vCD", ("VM", "Device Node")), ("notes", ("a", "b"))):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, heads)
            sheet.write_row(1, 0, ("vm-1", 2, 4096)[: len(heads)])
    connection = read(tmp_path / "rvtools.xlsx")
    assert [sheet for (sheet,) in rows(connection, "SELECT sheet FROM refusals ORDER BY ALL")] == ["notes"]
