"""What a user may set for the costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_NONE: Mapping[str, float] = MappingProxyType({})


def _doc(text: str, **limits: Any) -> dict[str, Any]:
    return {"doc": text, **limits}


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSettings:
    """Switches of the cost model and the user's own numbers; docs/discovery/costs.md explains each rule."""

    hours_per_month: float = field(
        default=730.0, metadata=_doc("hours that a month is priced with", minimum=1.0, maximum=744.0)
    )
    windows_licence: str = field(
        default="included",
        metadata=_doc("'own' brings Windows Server 2019 and older to Dedicated Hosts", choices=("included", "own")),
    )
    sql_server_licence: str = field(
        default="included",
        metadata=_doc("'own' brings core licences with Software Assurance", choices=("included", "own")),
    )
    passive_secondaries: tuple[str, ...] = field(
        default=(), metadata=_doc("server_ids of SQL Server secondaries that serve nobody: no SQL Server licence")
    )
    savings_plan_discount: float = field(
        default=0.0,
        metadata=_doc("share off the on-demand compute price, from your contract", minimum=0.0, maximum=0.9),
    )
    savings_plan_coverage: float = field(
        default=1.0, metadata=_doc("share of compute that the commitment covers", minimum=0.0, maximum=1.0)
    )
    savings_plan_term: str = field(
        default="1 year",
        metadata=_doc("term of the commitment; told in the report only", choices=("1 year", "3 years")),
    )
    support_plan: str = field(
        default="business", metadata=_doc("AWS Support plan to count", choices=("none", "business", "enterprise"))
    )
    with_snapshots: bool = field(default=True, metadata=_doc("count backups, as EBS snapshots in AWS"))
    with_shares: bool = field(default=True, metadata=_doc("count file shares, as FSx for Windows or EFS in AWS"))
    with_data_transfer: bool = field(default=True, metadata=_doc("count data transfer out of AWS by an assumption"))
    with_staff: bool = field(default=True, metadata=_doc("count the people who run servers, on both sides"))
    assumptions: Mapping[str, float] = field(
        default_factory=lambda: _NONE,
        metadata=_doc(
            "your number for an assumption by its name, its band with .low and .high; without them the band is closed"
        ),
    )
