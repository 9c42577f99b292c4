"""Unit prices of what stays in, or runs today in, the data centre; all rest on assumptions."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from include.discovery.costs.assumptions import exact
from include.discovery.costs.owned_units import unknown_edition_terms
from include.discovery.costs.units import Term, Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.discovery.costs.settings import CostSettings

_ONE: Final = Decimal(1)
_TWELFTH: Final = _ONE / 12
_SHARED: Final = ("vcpu_per_core",)
HERE: Final = "here:"
"""prefix of the keys"""


def on_premises_units(settings: CostSettings) -> Iterator[Unit]:
    """Yield the units of the data centre; those of virtual machines share a core with `vcpu_per_core` others."""
    yield from _machines(exact(settings.hours_per_month))
    yield from _stored()
    yield from _licences()
    rule = "servers x network equipment and lines"
    yield _unit("network", "server", rule, Term(constant=_ONE, times=("network_usd_per_server_month",)))
    people = Term(constant=_TWELFTH, times=("staff_usd_per_year",), over=("servers_per_administrator",))
    yield _unit("staff", "server", "servers / servers per administrator x salary", people)


def _machines(hours: Decimal) -> Iterator[Unit]:
    power = Term(constant=hours / 1000, times=("watt_per_core", "pue", "power_usd_per_kwh"))
    hardware = Term(constant=_ONE, times=("server_usd_per_core_month",))
    space = Term(constant=_ONE, times=("space_usd_per_core_month",))
    for item, rule, term in (
        ("server", "purchase and maintenance of the host, a month of its life", hardware),
        ("power", "W x hours x PUE x USD per kWh", power),
        ("space", "floor space and rack", space),
    ):
        whole = item if item == "server" else f"{item}_physical"
        yield _unit(item, "core", f"physical cores x {rule}", term, variant="core", shown=whole)
        yield _unit(item, "vCPU", f"vCPUs / vCPUs per core x {rule}", _over(term), variant="vcpu")
    vmware = Term(constant=_TWELFTH, times=("vmware_usd_per_core_year",), over=_SHARED)
    yield _unit("virtualisation", "vCPU", "vCPUs / vCPUs per core x hypervisor subscription", vmware)


def _stored() -> Iterator[Unit]:
    memory = Term(constant=_ONE, times=("memory_usd_per_gib_month",))
    yield _unit("memory", "GiB", "GiB of memory, a month of its life", memory)
    storage = Term(constant=_ONE, times=("storage_usd_per_gib_month",))
    yield _unit("storage", "GiB", "provisioned GiB of SAN or NAS", storage)
    unknown = Term(constant=_ONE, times=("storage_usd_per_gib_month", "unknown_storage_gib"))
    yield _unit("storage", "server", "storage unknown: an assumed size", unknown, variant="unknown")
    yield _unit("shares", "GiB", "GiB of file shares on SAN or NAS", storage)
    backup = Term(constant=_ONE, times=("backup_usd_per_gib_month",))
    yield _unit("backup", "GiB", "provisioned GiB x price of their backup copies", backup)


def _licences() -> Iterator[Unit]:
    windows = Term(constant=_ONE, times=("windows_usd_per_core_month",))
    yield _unit("windows", "vCPU", "vCPUs / vCPUs per core x Windows Server Datacenter", _over(windows), variant="vcpu")
    rule = "physical cores, at least 16 a server (Microsoft Product Terms), x Windows Server"
    yield _unit("windows", "core", rule, windows, variant="core")
    for edition in ("web", "standard", "enterprise"):
        term = Term(constant=_ONE, times=(f"sql_{edition}_usd_per_core_month",))
        rule = f"SQL Server {edition.title()}: cores, at least 4 (Microsoft Product Terms)"
        yield _unit("sql_server", "core licence", rule, term, variant=edition)
    yield _unit(
        "sql_server",
        "core licence",
        "SQL Server of unknown edition: Standard likely; cores, at least 4",
        *unknown_edition_terms(),
        variant="unknown",
    )
    ee = Term(constant=_TWELFTH, times=("oracle_ee_usd_per_processor_year",))
    rule = "Oracle Enterprise: cores x core factor (0.5, POWER 1.0); Oracle may count every core of the cluster"
    yield _unit("oracle", "processor", rule, ee, variant="enterprise")
    share = "oracle_unknown_enterprise_share"
    unknown = Term(constant=ee.constant, times=(*ee.times, share))
    yield _unit("oracle", "processor", f"{rule}; edition unknown", unknown, variant="unknown")
    se2 = Term(constant=_TWELFTH, times=("oracle_se2_usd_per_socket_year",))
    rule = "Oracle Standard Edition 2: sockets, one for a virtual machine"
    yield _unit("oracle", "socket", rule, se2, variant="standard")


def _over(term: Term) -> Term:
    return Term(constant=term.constant, times=term.times, over=_SHARED)


def _unit(item: str, unit: str, rule: str, *terms: Term, variant: str = "", shown: str = "") -> Unit:
    key = f"{HERE}{item}:{variant}" if variant else f"{HERE}{item}"
    return Unit(key=key, item=shown or item, unit=unit, rule=f"on premises: {rule}", terms=terms)
