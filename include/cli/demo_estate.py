"""A sample estate as three tools would export it, with known faults that the demo and its tests look for.

Same `servers` and `seed`: same bytes. Nothing in it is anybody's; names are made of what machines do.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from include.cli.demo_estate_files import uuid_for, write_files

if TYPE_CHECKING:
    from pathlib import Path

APPLICATIONS: Final = (
    "payments billing ledger payroll orders pricing catalog search cart loyalty invoices claims policies quotes rating "
    "shipping returns stock warehouse routing fleet telemetry reports forecasts budgets audit archive documents scans "
    "intranet wiki portal tickets surveys training badges parking canteen labs licences"
).split()
HUBS: Final = {"dns": 2, "ad": 2, "backup": 2, "monitor": 2, "proxy": 1, "mail": 1}
ENGINES: Final = {
    "sqlserver": ("Microsoft SQL Server", ("2012", "2016", "2019"), "Standard Edition", 1433),
    "oracle": ("Oracle Database", ("11.2.0.4", "19.3"), "Enterprise Edition", 1521),
    "mysql": ("MySQL", ("5.7", "8.0"), "Community", 3306),
    "postgresql": ("PostgreSQL", ("12.4", "15.2"), None, 5432),
    "mongodb": ("MongoDB", ("4.4",), "Community", 27017),
    "db2": ("IBM Db2", ("11.5",), "Standard Edition", 50000),
}
WINDOWS: Final = (
    "Microsoft Windows Server 2012 R2 (64-bit)",
    "Microsoft Windows Server 2016 (64-bit)",
    "Microsoft Windows Server 2019 (64-bit)",
)
LINUX: Final = (
    "Red Hat Enterprise Linux 7 (64-bit)",
    "Red Hat Enterprise Linux 8 (64-bit)",
    "Ubuntu Linux (64-bit)",
    "SUSE Linux Enterprise 12 (64-bit)",
)
PHYSICAL: Final = ("AIX 7.2", "Solaris 11.4", "HP-UX 11.31", "Red Hat Enterprise Linux 7", "IBM i 7.4")
OTHER_OS: Final = "Red Hat Enterprise Linux 6 (64-bit)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine as it is; what tools say of it may differ."""

    name: str
    number: int
    application: str
    tier: str
    os: str
    cores: int
    memory_mib: int
    disk_gib: int
    environment: str
    is_physical: bool = False
    power: str = "poweredOn"
    is_template: bool = False
    engine: str = ""
    guest_os: str | None = None
    host: str = ""
    smbios: str = ""
    cmdb_name: str = ""
    cmdb_memory_mib: int = 0
    cmdb_status: str = "1"
    in_vcenter: bool = True

    @property
    def ip(self) -> str:
        """Its address."""
        return f"10.20.{self.number // 250}.{self.number % 250 + 1}"

    @property
    def mac(self) -> str:
        """Its MAC address, of VMware's range."""
        return f"00:50:56:a0:{self.number // 256:02x}:{self.number % 256:02x}"

    @property
    def uuid(self) -> str:
        """The vCenter's instance UUID."""
        return uuid_for("instance", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstateFacts:
    """What was planted; names are those of the vCenter, where the machine is in it."""

    servers: int
    files: tuple[str, ...]
    powered_off: tuple[str, ...]
    templates: tuple[str, ...]
    without_guest_os: tuple[str, ...]
    os_disagreements: tuple[str, ...]
    unknown_hosts: tuple[str, ...]
    retired: tuple[str, ...]
    retired_but_running: tuple[str, ...]
    memory_conflicts: tuple[str, ...]
    other_names: dict[str, str]
    cloned_smbios: tuple[str, ...]
    unknown_addresses: tuple[str, ...]
    hubs: tuple[str, ...]
    applications: int
    databases: dict[str, int]
    program_only: tuple[str, ...]
    foreign_file: str
    decimal_comma_file: str
    impossible_memory: tuple[str, int] = field(default=("", 0))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def write_estate(folder: Path, *, servers: int = 560, seed: int = 7) -> EstateFacts:
    """Write a sample estate into a folder and return what was planted.

    :param servers: machines in all, templates and retired ones too; 200 or more.
    :raises ValueError: fewer than 200 servers have no room for the planted faults.
    """
    if servers < 200:
        raise ValueError("A sample estate has 200 servers or more: write_estate(servers=200).")
    rng = random.Random(seed)  # noqa: S311 # a sample, no secret
    machines = _machines(servers, rng)
    machines, planted = _plant(machines)
    unknown = (*tuple(f"10.99.0.{number}" for number in range(1, 9)), "203.0.113.10", "198.51.100.77")
    told = write_files(folder, machines, unknown=unknown, rng=rng)
    counted = {one: sum(machine.engine == one for machine in machines) for one in ENGINES}
    return EstateFacts(
        servers=len(machines) + 1,  # and the one whose memory is impossible: its row stays, its memory does not
        applications=len(APPLICATIONS),
        unknown_addresses=unknown,
        databases=counted,
        hubs=tuple(one.name for one in machines if one.tier == "hub"),
        **planted,
        **told,
    )


def _machines(servers: int, rng: random.Random) -> list[Machine]:
    found = [
        _machine(f"{kind}-{number:02}", "shared services", "hub", rng)
        for kind, count in HUBS.items()
        for number in range(1, count + 1)
    ]
    per_application = (servers - len(found)) // len(APPLICATIONS)
    for place, application in enumerate(APPLICATIONS):
        found += [_member(application, place, number, per_application, rng) for number in range(per_application)]
    while len(found) < servers:
        found.append(_machine(f"batch-{len(found):03}", APPLICATIONS[len(found) % len(APPLICATIONS)], "app", rng))
    return [replace(one, number=number) for number, one in enumerate(found)]


def _member(application: str, place: int, number: int, count: int, rng: random.Random) -> Machine:
    databases = 2 if place % 3 else 1
    tier = "db" if number < databases else "web" if number < databases + count // 3 else "app"
    engine = tuple(ENGINES)[place % len(ENGINES)] if tier == "db" else ""
    made = _machine(f"{application}-{tier}-{number + 1:02}", application, tier, rng)
    if tier == "db" and number == 0 and place % 2 == 0 and engine in ("oracle", "db2"):
        made = replace(made, is_physical=True, os=PHYSICAL[place % 2 * 3], in_vcenter=False)
    if tier == "app" and number == count - 1 and place % 4 == 0:
        made = replace(made, is_physical=True, os=PHYSICAL[place // 4 % len(PHYSICAL)], in_vcenter=False)
    if engine == "sqlserver":
        made = replace(made, os=WINDOWS[place % len(WINDOWS)])
    return replace(made, engine=engine)


def _machine(name: str, application: str, tier: str, rng: random.Random) -> Machine:
    cores = rng.choice((2, 2, 4, 4, 8, 16)) if tier != "db" else rng.choice((8, 16, 32))
    return Machine(
        name=name,
        number=0,
        application=application,
        tier=tier,
        cores=cores,
        os=rng.choice(WINDOWS if rng.random() < 0.45 else LINUX),
        memory_mib=cores * rng.choice((2048, 4096, 8192)),
        disk_gib=rng.choice((60, 80, 120, 200)) * (8 if tier == "db" else 1),
        environment=rng.choice(("Production", "Production", "Test", "Development")),
        host=f"esx-{rng.randrange(1, 25):02}",
    )


def _plant(machines: list[Machine]) -> tuple[list[Machine], dict[str, Any]]:
    """Return the machines with faults, and which machine has which."""
    plain = [place for place, one in enumerate(machines) if one.in_vcenter and one.tier in ("web", "app")]
    step = iter(plain[5::3])
    facts: dict[str, Any] = {}

    def change(fault: str, count: int, **to: Any) -> list[str]:
        picked = [next(step) for _ in range(count)]
        for place in picked:
            machines[place] = replace(machines[place], **to)
        facts[fault] = tuple(machines[place].name for place in picked)
        return [str(place) for place in picked]

    change("powered_off", 5, power="poweredOff")
    change("templates", 2, is_template=True, power="poweredOff", engine="")
    facts["powered_off"] = (*facts["powered_off"], *facts["templates"])
    change("without_guest_os", 3, guest_os="")
    change("unknown_hosts", 2, host="esx-99")
    change("retired_but_running", 2, cmdb_status="7")
    change("retired", 3, in_vcenter=False, cmdb_status="7")
    change("cloned_smbios", 2, smbios=uuid_for("smbios", "clone"))
    change("os_disagreements", 4, guest_os=OTHER_OS, os="Microsoft Windows Server 2016 (64-bit)")
    for name in [int(place) for place in change("memory_conflicts", 6)]:
        machines[name] = replace(machines[name], cmdb_memory_mib=machines[name].memory_mib // 2)
    renamed = [int(place) for place in change("other_names", 2)]
    for place in renamed:
        machines[place] = replace(machines[place], cmdb_name=f"legacy{place:03}")
    facts["other_names"] = {machines[place].name: machines[place].cmdb_name for place in renamed}
    return machines, facts
