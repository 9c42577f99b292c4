"""Columns that several tables have: name to (DuckDB type, what it holds)."""

from __future__ import annotations

from typing import Final

ROW: Final = {
    "source_id": ("INTEGER", "always: which file and sheet, see `sources`"),
    "source_row": ("BIGINT", "always: the row as the file's own program numbers it; the header of a CSV is row 1"),
}
SERVER: Final = {"server_id": ("VARCHAR", "always: see `servers`")}
RATES: Final = {
    "cpu_percent": ("DOUBLE", "of all vCPUs, 0 to 100"),
    "memory_percent": ("DOUBLE", "of memory_mib, 0 to 100"),
    "disk_read_iops": ("DOUBLE", ""),
    "disk_write_iops": ("DOUBLE", ""),
    "disk_read_mb_s": ("DOUBLE", ""),
    "disk_write_mb_s": ("DOUBLE", ""),
    "network_in_mb_s": ("DOUBLE", ""),
    "network_out_mb_s": ("DOUBLE", ""),
}
FACTS: Final = {
    "hostname": ("VARCHAR", "as written; comparisons take lower case without the domain"),
    "fqdn": ("VARCHAR", ""),
    "vm_name": ("VARCHAR", "the name in the hypervisor's manager"),
    "ip_addresses": ("VARCHAR[]", "canonical text"),
    "mac_addresses": ("VARCHAR[]", "lower case, colons"),
    "os_name": ("VARCHAR", "as the configuration says"),
    "os_name_guest": ("VARCHAR", "as the running guest says; the two may disagree"),
    "os_version": ("VARCHAR", ""),
    "architecture": ("VARCHAR", "x86_64, arm64, power, sparc, s390x, ..."),
    "cpu_cores": ("INTEGER", "vCPUs of a virtual machine, logical cores of a physical one"),
    "cpu_physical_cores": ("INTEGER", "cores without hyper-threads, where told"),
    "cpu_sockets": ("INTEGER", ""),
    "cpu_model": ("VARCHAR", ""),
    "memory_mib": ("BIGINT", ""),
    "storage_gib": ("DOUBLE", "provisioned, all disks"),
    "storage_used_gib": ("DOUBLE", ""),
    "power_state": ("VARCHAR", "on, off or suspended"),
    "is_template": ("BOOLEAN", ""),
    "status": ("VARCHAR", "live, retired, absent, stolen"),
    "environment": (
        "VARCHAR",
        "production, staging, test, development, disaster_recovery, or as written in lower case",
    ),
    "application": ("VARCHAR", "as a CMDB, a tag or the source names it; several joined by '; '"),
    "tier": ("VARCHAR", "as the source names it"),
    "owner": ("VARCHAR", ""),
    "business_unit": ("VARCHAR", ""),
    "criticality": ("VARCHAR", "low, medium, high, mission_critical, or as written in lower case"),
    "compliance": ("VARCHAR", "as hipaa; pci"),
    "location": ("VARCHAR", "data centre"),
    "hypervisor": ("VARCHAR", "vmware, hyper-v, kvm, ..., physical"),
    "virtual_host": ("VARCHAR", "name of the host that runs it; see raw_hosts"),
    "cluster": ("VARCHAR", ""),
    "strategy": ("VARCHAR", "one of the 7R, when somebody decided it already"),
    "wave": ("VARCHAR", "when somebody decided it already"),
    "tags": ("MAP(VARCHAR, VARCHAR)", ""),
}
STATISTICS: Final = {
    f"{name}_{kind}": ("DOUBLE", "as the source states it") for name in RATES for kind in ("avg", "max")
}
