"""The files of the sample estate: an RVTools workbook, a ServiceNow CMDB, CSV files of one's own, and a stray file."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from include.cli.demo_estate_activity import BEGIN, DAYS, write_connections, write_csv, write_utilisation

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

    from include.cli.demo_estate import Machine

VCENTER: Final = "6f1c2a54-3b7d-4c1e-9a10-0c5a7d2e41b9"
DOMAIN: Final = "corp.example"
FOREIGN: Final = "exports/tool_inventory.csv"
PHYSICAL: Final = "own/physical_servers.csv"

Row = list[Any]


def write_files(
    folder: Path, machines: Sequence[Machine], *, unknown: Sequence[str], rng: random.Random
) -> dict[str, Any]:
    """Write all files; returns the facts that only files know."""
    _write_workbook(folder / "vcenter" / "rvtools.xlsx", machines)
    _write_cmdb(folder / "cmdb", machines, rng)
    _write_own(folder / "own", machines, rng)
    write_utilisation(folder / "own" / "utilisation.csv", machines, rng)
    write_connections(folder / "own" / "connections.csv", machines, unknown, rng)
    write_csv(
        folder / FOREIGN, ["Widget", "Colour", "Shelf"], [[f"W{number}", "blue", number] for number in range(1, 6)]
    )
    physical = [one for one in machines if one.is_physical]
    software = [one for one in machines if one.in_vcenter and one.tier == "app" and "Windows" in one.os]
    files = tuple(sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()))
    return {
        "files": files,
        "program_only": (software[1].name,),
        "foreign_file": FOREIGN,
        "decimal_comma_file": PHYSICAL,
        "impossible_memory": (PHYSICAL, len(physical) + 2),
    }


def sheets(machines: Sequence[Machine]) -> dict[str, tuple[Row, list[Row]]]:
    """Return the sheets of an RVTools export as (header, rows)."""
    virtual = [one for one in machines if one.in_vcenter]
    hosts = sorted({one.host for one in virtual} - {"esx-99"})
    key = ["VM ID", "VM UUID", "VI SDK UUID"]

    def ids(one: Machine) -> Row:
        return [f"vm-{1000 + one.number}", one.uuid, VCENTER]

    def guest(one: Machine) -> str:
        return one.os if one.guest_os is None else one.guest_os

    smbios = {one.name: one.smbios or uuid_for("smbios", one.name) for one in virtual}
    info = [
        [
            one.name,
            one.power,
            one.is_template,
            f"{one.name}.{DOMAIN}" if guest(one) else "",
            one.cores,
            one.memory_mib,
            one.ip,
            one.disk_gib * 1024,
            one.disk_gib * 614,
            one.os,
            guest(one),
            "DC1",
            f"cluster-{one.number % 3 + 1}",
            one.host,
            smbios[one.name],
            *ids(one),
        ]
        for one in virtual
    ]
    return {
        "vInfo": (
            [
                "VM",
                "Powerstate",
                "Template",
                "DNS Name",
                "CPUs",
                "Memory",
                "Primary IP Address",
                "Provisioned MiB",
                "In Use MiB",
                "OS according to the configuration file",
                "OS according to the VMware Tools",
                "Datacenter",
                "Cluster",
                "Host",
                "SMBIOS UUID",
                *key,
            ],
            info,
        ),
        "vCPU": (
            ["VM", "Powerstate", "Template", "CPUs", "Sockets", "Cores p/s", *key],
            [
                [one.name, one.power, one.is_template, one.cores, max(1, one.cores // 8), min(8, one.cores), *ids(one)]
                for one in virtual
            ],
        ),
        "vMemory": (
            ["VM", "Powerstate", "Template", "Size MiB", *key],
            [[one.name, one.power, one.is_template, one.memory_mib, *ids(one)] for one in virtual],
        ),
        "vDisk": (
            ["VM", "Powerstate", "Template", "Disk", "Capacity MiB", "Raw", *key],
            [
                [one.name, one.power, one.is_template, f"Hard disk {disk + 1}", size * 1024, False, *ids(one)]
                for one in virtual
                for disk, size in enumerate((40, one.disk_gib - 40))
            ],
        ),
        "vNetwork": (
            ["VM", "Powerstate", "Template", "NIC label", "Network", "Mac Address", "IPv4 Address", *key],
            [
                [
                    one.name,
                    one.power,
                    one.is_template,
                    "Network adapter 1",
                    f"net-{one.number // 250}",
                    one.mac,
                    one.ip,
                    *ids(one),
                ]
                for one in virtual
            ],
        ),
        "vHost": (
            [
                "Host",
                "Datacenter",
                "Cluster",
                "CPU Model",
                "# CPU",
                "# Cores",
                "# Memory",
                "# VMs total",
                "ESX Version",
            ],
            [
                [
                    host,
                    "DC1",
                    "cluster-1",
                    "Intel(R) Xeon(R) Gold 6248",
                    2,
                    40,
                    786432,
                    sum(one.host == host for one in virtual),
                    "VMware ESXi 7.0.3",
                ]
                for host in hosts
            ],
        ),
    }


def uuid_for(*parts: object) -> str:
    """Return a UUID that depends on the parts alone."""
    text = hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"


def _write_workbook(path: Path, machines: Sequence[Machine]) -> None:
    import xlsxwriter

    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"created": BEGIN + timedelta(days=DAYS)})
        for name, (header, rows) in sheets(machines).items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate([header, *rows]):
                sheet.write_row(number, 0, row)


def _sys_id(name: str) -> str:
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def _write_cmdb(folder: Path, machines: Sequence[Machine], rng: random.Random) -> None:
    from include.cli.demo_estate import APPLICATIONS

    servers: list[Row] = []
    relations: list[Row] = []
    for one in machines:
        if one.is_template or (one.is_physical and one.number % 3):
            continue
        name = one.cmdb_name or one.name
        told = one.application if rng.random() > 0.05 else rng.choice(APPLICATIONS)
        application = "" if one.tier == "hub" or rng.random() < 0.2 else told
        by_relation = bool(application) and one.number % 3 == 0
        if by_relation:
            relations.append([_sys_id(f"app {application}"), _sys_id(name), "Depends on::Used by"])
        full = "" if one.cmdb_name else f"{name}.{DOMAIN}"
        owner = f"team {one.application}" if rng.random() < 0.85 else ""
        servers.append(
            [
                _sys_id(name),
                name,
                full,
                one.ip,
                one.mac,
                _cmdb_os(one),
                one.cores,
                one.cmdb_memory_mib or one.memory_mib,
                one.disk_gib,
                one.cmdb_status,
                one.environment,
                f"{one.number % 4 + 1}",
                "" if by_relation else application,
                owner,
            ]
        )
    header = "sys_id,name,fqdn,ip_address,mac_address,os,cpu_count,ram,disk_space,install_status,environment"
    write_csv(
        folder / "cmdb_ci_server.csv",
        [*header.split(","), "business_criticality", "u_application", "owned_by"],
        servers,
    )
    write_csv(folder / "cmdb_rel_ci.csv", ["parent", "child", "type"], relations)
    write_csv(
        folder / "cmdb_ci_business_app.csv",
        ["sys_id", "name", "business_criticality", "owned_by"],
        [[_sys_id(f"app {one}"), one, f"{place % 4 + 1}", f"team {one}"] for place, one in enumerate(APPLICATIONS)],
    )


def _cmdb_os(one: Machine) -> str:
    return one.os.replace("Microsoft ", "").replace(" (64-bit)", "")


def _write_own(folder: Path, machines: Sequence[Machine], rng: random.Random) -> None:
    from include.cli.demo_estate import ENGINES

    rows: list[Row] = [
        [
            f"PHY-{one.number:04}",
            one.name,
            one.ip,
            one.os,
            one.cores,
            one.memory_mib,
            f"{one.disk_gib + 0.5:.1f}".replace(".", ","),
            one.environment,
            "physical",
            one.application,
        ]
        for one in machines
        if one.is_physical
    ]
    rows.append(["PHY-9999", "impossible-01", "10.20.9.9", "AIX 7.1", 8, -4096, "100,0", "Test", "physical", "archive"])
    header = "server_id,hostname,ip_address,os_name,cpu_cores,memory_mib,storage_gib,environment,hypervisor,application"
    write_csv(folder / "physical_servers.csv", header.split(","), rows, delimiter=";")
    databases = [
        [
            f"DB-{one.number:04}",
            one.name,
            f"{one.application}_db",
            ENGINES[one.engine][0],
            ENGINES[one.engine][1][one.number // 5 % len(ENGINES[one.engine][1])],
            ENGINES[one.engine][2] or "",
            one.disk_gib // 2,
            "transactional",
        ]
        for one in machines
        if one.engine and not one.is_template
    ]
    write_csv(
        folder / "databases.csv",
        "database_id,server_id,name,engine,version,edition,size_gib,workload".split(","),
        databases,
    )
    windows = [one for one in machines if one.in_vcenter and one.tier == "app" and "Windows" in one.os]
    software = [[one.name, "Notepad++", "8.4", "open source"] for one in windows[:20]]
    software.append([windows[1].name, "Microsoft SQL Server 2016 (64-bit)", "13.2.5026.0", "Microsoft Corporation"])
    write_csv(folder / "software.csv", ["server_id", "name", "version", "vendor"], software)
    clients = [one.name for one in machines if one.in_vcenter and one.tier == "app"]
    shares = [
        [
            f"/export/share{number}",
            "filer-01",
            "nfs",
            500 * (number + 1),
            300 * (number + 1),
            "; ".join(sorted(rng.sample(clients, 3))),
        ]
        for number in range(6)
    ]
    write_csv(folder / "shares.csv", ["share", "filer", "protocol", "size_gib", "used_gib", "clients"], shares)
