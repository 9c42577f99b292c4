"""Export for vCenter: RVTools names, a subset of the columns, and another meaning of `VM UUID`."""

from __future__ import annotations

from format_samples import complaints, formats, read, rows


def test_every_file_is_recognised_and_nothing_is_set_aside() -> None:
    connection = read("export_for_vcenter")
    assert formats(connection) == {
        "RVTools_tabvInfo.csv": "export_for_vcenter_vinfo",
        "RVTools_tabvCPU.csv": "rvtools_vcpu",
        "RVTools_tabvMemory.csv": "rvtools_vmemory",
        "RVTools_tabvDisk.csv": "rvtools_vdisk",
        "RVTools_tabvPartition.csv": "rvtools_vpartition",
        "RVTools_tabvNetwork.csv": "rvtools_vnetwork",
        "RVTools_tabvHost.csv": "rvtools_vhost",
        "vcexport_tabvPerformance.csv": "export_for_vcenter_performance",
    }
    assert complaints(connection) == []


def test_vm_uuid_is_the_smbios_id_here_and_not_the_vcenters_id() -> None:
    found = rows(
        read("export_for_vcenter/RVTools_tabvInfo.csv"),
        "SELECT smbios_id, moref, ref, hypervisor FROM raw_servers LIMIT 1",
    )
    assert found == [("42164a1c-9d0b-5d36-1f2e-0a1b2c3d4e01", "vm-101", "shop-web-01", "vmware")]


def test_all_files_name_a_machine_by_the_same_ref() -> None:
    connection = read("export_for_vcenter")
    others = "SELECT ref FROM raw_disks UNION SELECT ref FROM raw_interfaces UNION SELECT ref FROM raw_servers"
    assert {ref for (ref,) in rows(connection, others)} == {"shop-web-01", "shop-db-01"}


def test_performance_gives_means_and_peaks_in_percent() -> None:
    sql = """SELECT vm_name, cpu_percent_avg, cpu_percent_max, memory_percent_avg, memory_percent_max
        FROM raw_servers ORDER BY source_row"""
    assert rows(read("export_for_vcenter/vcexport_tabvPerformance.csv"), sql) == [
        ("shop-web-01", 12.5, 71.25, 48.4, 64.02),
        ("shop-db-01", 38.04, 93.1, 91.3, 96.7),
    ]


def test_what_is_used_of_a_partition_is_its_capacity_less_what_is_free() -> None:
    sql = "SELECT name, used_gib FROM raw_disks ORDER BY source_row"
    assert rows(read("export_for_vcenter/RVTools_tabvPartition.csv"), sql) == [
        ("/", 40.0),
        ("/var", 20.0),
        ("C:\\", 70.0),
        ("D:\\", 322.0),
    ]
