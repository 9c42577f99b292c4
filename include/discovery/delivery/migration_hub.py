"""The Migration Hub import file: its 32 columns, in its own units (MB of 2^20 bytes, KB/s)."""

from __future__ import annotations

from typing import Final

from include.discovery.delivery.schemas import EMPTY, Column, File, Kind, text

_PLAIN: Final = "CASE WHEN contains({0}, ',') THEN replace({0}, ',', ' ') ELSE {0} END"


def _number(name: str, value: str) -> Column:
    return Column(name=name, value=value, kind=Kind.NUMBER, minimum=0)


def _rates() -> tuple[Column, ...]:
    """Rates in the template's order: disk KB, then disk operations, then network KB; 1 MB/s is 1,000 KB/s."""
    found = []
    for prefix, read, write, factor in (
        ("Disk{0}PerSecondInKB", "disk_read_mb_s", "disk_write_mb_s", 1000),
        ("Disk{0}OpsPerSecond", "disk_read_iops", "disk_write_iops", 1),
        ("Network{0}PerSecondInKB", "network_in_mb_s", "network_out_mb_s", 1000),
    ):
        for kind in ("avg", "max"):
            for verb, column in (("Reads", read), ("Writes", write)):
                found.append(_number(f"{prefix.format(verb)}.{kind.title()}", f"{column}_{kind} * {factor}"))
    return tuple(found)


MIGRATION_HUB: Final = File(
    path="migration_hub_import.csv",
    title="AWS Migration Hub import.",
    rows="servers s LEFT JOIN groups g USING (server_id) WHERE s.in_scope",
    key=("ExternalId",),
    order="s.server_id",
    columns=(
        text("ExternalId", "s.server_id", required=True, private="server"),
        text("SMBiosId", EMPTY),
        text("IPAddress", "array_to_string(s.ip_addresses, ',')", private="addresses"),
        text("MACAddress", "array_to_string(s.mac_addresses, ',')", private="macs"),
        text("HostName", "s.hostname", private="server"),
        text("VMware.MoRefId", EMPTY),
        text("VMware.VCenterId", EMPTY),
        _number("CPU.NumberOfProcessors", "s.cpu_sockets"),
        _number("CPU.NumberOfCores", "s.cpu_cores"),
        _number("CPU.NumberOfLogicalCores", "s.cpu_cores"),
        text("OS.Name", "s.os_name"),
        text("OS.Version", "s.os_version"),
        text("VMware.VMName", "CASE WHEN s.hypervisor = 'vmware' THEN s.vm_name END", private="server"),
        _number("RAM.TotalSizeInMB", "s.memory_mib"),
        _number("RAM.UsedSizeInMB.Avg", "round(s.memory_mib * s.memory_percent_avg / 100, 2)"),
        _number("RAM.UsedSizeInMB.Max", "round(s.memory_mib * s.memory_percent_max / 100, 2)"),
        _number("CPU.UsagePct.Avg", "s.cpu_percent_avg"),
        _number("CPU.UsagePct.Max", "s.cpu_percent_max"),
        *_rates(),
        text("Applications", _PLAIN.format("g.application_group"), private="application"),
        text("Tags", "'environment:' || " + _PLAIN.format("s.environment")),
    ),
)
