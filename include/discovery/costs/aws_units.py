"""Unit prices of what runs in AWS: compute, licences, volumes, snapshots, shares, transfer."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from include.discovery.costs.assumptions import exact
from include.discovery.costs.owned_units import SQL_MINIMUM, owned_units
from include.discovery.costs.units import Term, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from include.discovery.catalogue.model import Catalogue, VolumePrice

UNMEASURED: Final = "~"
"""suffix of keys of servers sized by their nameplate for lack of samples"""
_BAND: Final = "; no utilisation: the band reaches down to half the size"
_VCPU_HOUR: Final = "vCPU-hour"
_ZERO_RULES: Final = (
    ("retired", "retired", "strategy retire: costs nothing in AWS"),
    ("no type", "compute", "no price: no instance type was found, the reason of its sizing says why"),
    ("windows:own", "windows", "own Windows Server licence, needs a Dedicated Host; compute shows the shared price"),
    ("windows:client", "windows", "client Windows: no licence from AWS, own ones need a Dedicated Host"),
    ("sql:free", "sql_server", "SQL Server Developer or Express: no licence to pay"),
    ("sql:passive", "sql_server", "passive secondary by setting: no SQL Server licence while it serves nobody"),
    ("oracle:free", "oracle", "Oracle Express Edition: no licence to pay"),
    ("oracle:blocked", "oracle", "blocked: Standard Edition 2 may run on at most 8 vCPUs in AWS (Oracle cloud policy)"),
)


def aws_units(catalogue: Catalogue, types: Iterable[str]) -> Iterator[Unit]:
    """Yield the units of AWS; a wanted type without a price gives a unit of 0 that says so."""
    yield from (Unit(key=key, item=item, unit="none", rule=rule) for key, item, rule in _ZERO_RULES)
    yield from _compute(catalogue, types)
    yield from _microsoft(catalogue)
    yield from owned_units()
    for volume in catalogue.volumes.values():
        yield from _volume(volume)
    yield from _storage_of_unknown_size(catalogue)
    yield from _shared()


def _compute(catalogue: Catalogue, types: Iterable[str]) -> Iterator[Unit]:
    prices = {kind.name: kind.hourly_usd for kind in catalogue.types}
    where = f"{catalogue.region}, {catalogue.price_date}"
    for name in sorted(types):
        if name not in prices:
            rule = f"no price for {name} in {catalogue.region} at {catalogue.price_date}: nothing is counted for it"
            yield Unit(key=f"no price:{name}", item="compute", unit="none", rule=rule)
            continue
        yield from _both(
            key=f"compute:{name}",
            item="compute",
            unit="hour",
            price=exact(prices[name]),
            rule=f"hours x {name} on demand, Linux, {where}",
            is_compute=True,
        )


def _both(*, key: str, item: str, unit: str, price: Decimal, rule: str, is_compute: bool = False) -> Iterator[Unit]:
    """Yield a unit on the AWS bill, and its twin for servers without utilisation."""
    for suffix, times, more in (("", (), ""), (UNMEASURED, ("unmeasured_size",), _BAND)):
        yield Unit(
            key=key + suffix,
            item=item,
            unit=unit,
            rule=rule + more,
            terms=(Term(constant=price, times=times),),
            is_billed=True,
            is_compute=is_compute,
        )


def _microsoft(catalogue: Catalogue) -> Iterator[Unit]:
    windows = catalogue.licences.get("windows")
    if windows:
        price = exact(windows.usd_per_vcpu_hour)
        rule = f"vCPUs x hours, Windows Server included, {catalogue.region}, {windows.as_of}"
        yield from _both(key="windows", item="windows", unit=_VCPU_HOUR, price=price, rule=rule)
        unknown = (Term(constant=price, times=("unknown_os_windows_share",)),)
        rule = "operating system unknown: no licence likely, the band's end is Windows Server"
        yield Unit(key="windows:unknown", item="windows", unit=_VCPU_HOUR, rule=rule, terms=unknown, is_billed=True)
    prices = {name.removeprefix("sql_"): exact(one.usd_per_vcpu_hour) for name, one in catalogue.licences.items()}
    for edition in ("web", "standard", "enterprise"):
        if edition in prices:
            rule = f"vCPUs, {SQL_MINIMUM}, x hours, SQL Server {edition.title()} included, {catalogue.region}"
            key = f"sql:{edition}"
            yield from _both(key=key, item="sql_server", unit=_VCPU_HOUR, price=prices[edition], rule=rule)
    if {"standard", "enterprise"} <= prices.keys():
        yield Unit(
            key="sql:unknown",
            item="sql_server",
            unit=_VCPU_HOUR,
            rule=f"vCPUs, {SQL_MINIMUM}, x hours; edition unknown: Standard likely, band from Developer to Enterprise",
            terms=_sql_unknown(prices["standard"], prices["enterprise"]),
            is_billed=True,
        )


def _sql_unknown(standard: Decimal, enterprise: Decimal) -> tuple[Term, ...]:
    paid = "sql_unknown_paid_share"
    more = Term(constant=enterprise - standard, times=(paid, "sql_unknown_enterprise_share"))
    return Term(constant=standard, times=(paid,)), more


def _volume(volume: VolumePrice) -> Iterator[Unit]:
    name, dated = volume.name, f"{volume.name}, {volume.as_of}"
    yield _billed(f"storage:{name}", "storage", "GiB", f"provisioned GiB, EBS {dated}", volume.usd_per_gib_month)
    for tier, (start, price) in enumerate(volume.usd_per_iops_month):
        item = "storage_iops" if tier == 0 else f"storage_iops_tier_{tier + 1}"
        yield _billed(f"iops:{name}:{tier}", item, "IOPS", f"IOPS above {start:,} a volume, EBS {dated}", price)
    rule = f"MiB/s above {volume.included_mb_s} a volume, EBS {dated}"
    yield _billed(f"throughput:{name}", "storage_throughput", "MiB/s", rule, volume.usd_per_mb_s_month)


def _billed(key: str, item: str, unit: str, rule: str, price: float) -> Unit:
    return Unit(key=key, item=item, unit=unit, rule=rule, terms=(Term(constant=exact(price)),), is_billed=True)


def _storage_of_unknown_size(catalogue: Catalogue) -> Iterator[Unit]:
    if "gp3" in catalogue.volumes:
        price = exact(catalogue.volumes["gp3"].usd_per_gib_month)
        yield Unit(
            key="storage:unknown",
            item="storage",
            unit="server",
            rule="storage unknown: an assumed size as EBS gp3",
            terms=(Term(constant=price, times=("unknown_storage_gib",)),),
            is_billed=True,
        )


def _shared() -> Iterator[Unit]:
    one = Decimal(1)
    lines = (
        (
            ("snapshots", "GiB", "provisioned GiB x share that snapshots keep x EBS snapshot price"),
            Term(constant=one, times=("snapshot_usd_per_gib_month", "snapshot_share")),
        ),
        (
            ("shares_smb", "GiB", "used GiB of SMB shares as FSx for Windows SSD, without throughput capacity"),
            Term(constant=one, times=("fsx_windows_usd_per_gib_month",)),
        ),
        (
            ("shares_nfs", "GiB", "used GiB of NFS shares as EFS, without reads and writes"),
            Term(constant=one, times=("efs_usd_per_gib_month",)),
        ),
        (
            ("data_transfer", "server", "servers x assumed GiB out a month x price; not measured"),
            Term(constant=one, times=("data_transfer_usd_per_gib", "data_transfer_gib_per_server_month")),
        ),
    )
    for (item, unit, rule), term in lines:
        yield Unit(key=item, item=item, unit=unit, rule=rule, terms=(term,), is_billed=True)
    staff = Term(
        constant=one / 12, times=("staff_usd_per_year", "aws_staff_share"), over=("servers_per_administrator",)
    )
    rule = "servers / servers per administrator x salary x share of the work that remains in AWS"
    yield Unit(key="staff", item="staff_aws", unit="server", rule=rule, terms=(staff,))
