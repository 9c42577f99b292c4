"""What the hand-over files need to know that no inventory tells, and how much goes into the page and the workbook."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """Settings of the files, the report and the workbook."""

    account_id: str = field(
        default="", metadata={"doc": "AWS account of the MGN and CMF hand-over files; empty: the importer's own."}
    )
    page_servers: int = field(
        default=5_000,
        metadata={"doc": "Servers in report.html; the CSV files have all.", "minimum": 1, "maximum": 20_000},
    )
    workbook_rows: int = field(
        default=5_000, metadata={"doc": "Rows of a sheet of the workbook.", "minimum": 1, "maximum": 1_000_000}
    )
    import_bytes: int = field(
        default=10_000_000,
        metadata={
            "doc": "Size that a Migration Hub import file stays below, in bytes; Migration Hub takes 10 MB.",
            "minimum": 2_000,
            "maximum": 10_000_000,
        },
    )


def from_plain(settings: Mapping[str, Any]) -> DeliverySettings:
    """Return the settings below `delivery` of the whole settings as plain data; others stay at their defaults."""
    given = settings.get("delivery") or {}
    return DeliverySettings(**{one.name: given[one.name] for one in fields(DeliverySettings) if one.name in given})
