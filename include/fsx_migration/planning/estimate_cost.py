"""What the full pass costs, item by item, by a dated price file; see `estimate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.fsx_migration.planning.preflight import Survey
    from include.fsx_migration.planning.prices import Prices

GB: Final = 1e9
_GIB: Final = 1 << 30
_MONTH_SECONDS: Final = 730 * 3600
"""AWS bills a month as 730 hours."""
_REPORT_OBJECTS: Final = 4
"""Objects of a task report at least: one for each of transferred, skipped, verified, deleted, and more when long."""
_WATCHED_METRICS: Final = 4
_POLL_SECONDS: Final = 60
_LUSTRE_TIERS: Final = (125, 250, 500, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of the bill; `low`, `likely`, `high` follow the time where the quantity does."""

    name: str
    quantity: str
    price: str
    low: float
    likely: float
    high: float
    unsure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The bill.

    :ivar not_counted: what is left out, sentences.
    """

    currency: str
    prices_date: str
    prices_region: str
    prices_source: str
    items: tuple[Item, ...]
    not_counted: tuple[str, ...]
    low: float
    likely: float
    high: float


def estimate_cost(survey: Survey, prices: Prices, seconds: Mapping[str, float]) -> Cost:
    """Return the bill of the full pass.

    :param seconds: how long it takes, by fast, likely and slow.
    """
    items = tuple(
        item for lines in (_datasync, _storage, _requests) for item in lines(survey, prices, seconds) if item.high > 0
    )
    return Cost(
        currency=prices.currency,
        prices_date=prices.date,
        prices_region=prices.region,
        prices_source=prices.source,
        items=items,
        not_counted=_not_counted(survey, prices),
        low=sum(item.low for item in items),
        likely=sum(item.likely for item in items),
        high=sum(item.high for item in items),
    )


def _fixed(name: str, quantity: float, shown: str, prices: Prices, price: str) -> Item:
    found = prices[price]
    amount = quantity * found.value
    told = f"{found.value:g} per {found.unit}"
    return Item(name=name, quantity=shown, price=told, low=amount, likely=amount, high=amount, unsure=found.unsure)


def _datasync(survey: Survey, prices: Prices, _seconds: Mapping[str, float]) -> Iterator[Item]:
    enhanced = survey.migration.transfer.mode == "ENHANCED"
    copied = survey.needed_bytes / GB
    price = "datasync_enhanced_gb" if enhanced else "datasync_basic_gb"
    yield _fixed("DataSync, data copied", copied, f"{copied:,.2f} GB", prices, price)
    if enhanced:
        runs = len(survey.parts) + 1
        yield _fixed("DataSync, task executions", runs, f"{runs:,}", prices, "datasync_enhanced_execution")


def _storage(survey: Survey, prices: Prices, seconds: Mapping[str, float]) -> Iterator[Item]:
    """The file system while it is being filled; an adopted one is paid for already."""
    target = survey.target
    if survey.migration.target.file_system_id or not target.storage_gib:
        return
    if target.is_windows:
        windows = survey.migration.target.windows
        kind = "multi" if windows and windows.deployment.startswith("MULTI_AZ") else "single"
        rows = [
            ("storage", float(target.storage_gib), "GB", f"fsx_windows_{kind}_gb_month"),
            ("throughput", target.throughput_mb_s, "MB/s", f"fsx_windows_{kind}_mb_s_month"),
        ]
    else:
        tier = min(_LUSTRE_TIERS, key=lambda known: abs(known - target.throughput_per_tib))
        rows = [("storage", float(target.storage_gib), "GB", f"fsx_lustre_{tier}_gb_month")]
    for name, quantity, unit, price in rows:
        found = prices[price]
        low, likely, high = (
            quantity * found.value * seconds[case] / _MONTH_SECONDS for case in ("fast", "likely", "slow")
        )
        yield Item(
            name=f"FSx {name} until the full pass ends",
            quantity=f"{quantity:,.0f} {unit} ({quantity * found.value:,.0f} a month)",
            price=f"{found.value:g} per {found.unit}",
            low=low,
            likely=likely,
            high=high,
            unsure=found.unsure,
        )


def _requests(survey: Survey, prices: Prices, seconds: Mapping[str, float]) -> Iterator[Item]:
    parts = len(survey.parts)
    writes = parts * (1 + _REPORT_OBJECTS)
    yield _fixed("S3, manifests and task reports written", writes / 1000, f"{writes:,}", prices, "s3_writes_1000")
    found = prices["cloudwatch_metrics_1000"]
    low, likely, high = (
        seconds[case] / _POLL_SECONDS * _WATCHED_METRICS / 1000 * found.value for case in ("fast", "likely", "slow")
    )
    yield Item(
        name="CloudWatch, metrics watched",
        quantity=f"{_WATCHED_METRICS} a minute",
        price=f"{found.value:g} per {found.unit}",
        low=low,
        likely=likely,
        high=high,
        unsure=found.unsure,
    )


def _not_counted(survey: Survey, prices: Prices) -> tuple[str, ...]:
    enhanced = survey.migration.transfer.mode == "ENHANCED"
    per_gb = prices["datasync_enhanced_gb" if enhanced else "datasync_basic_gb"].value
    logs = prices["cloudwatch_logs_gb"]
    found = [
        f"Passes after the full one: {per_gb:g} {prices.currency} for each GB that changed.",
        f"Logs of the tasks: {logs.value:g} {prices.currency} per {logs.unit}; failures alone are logged.",
        "The line from the source to AWS, and the agents' own machines.",
        "The file system after the full pass.",
    ]
    if survey.migration.source.kind == "s3":
        found.append("Requests and retrievals in the source's bucket: they depend on the storage class.")
    return tuple(found)
