"""What the advice on servers and databases can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def _number(default: float, doc: str, *, minimum: float = 0.0, maximum: float = 1e9) -> Any:
    return field(default=default, metadata={"doc": doc, "minimum": minimum, "maximum": maximum})


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceSettings:
    """Limits of the rules for strategies and database targets. Minutes, GiB, MB/s and percent as the names say."""

    disabled_rules: tuple[str, ...] = field(
        default=(), metadata={"doc": "Ids of rules that stay silent, as os_support_ended."}
    )
    idle_cpu_percent: float = _number(2.0, "p95 of CPU below which a server counts as idle.", maximum=100)
    idle_days: float = _number(14.0, "Days that a server must have been watched to count as idle.", maximum=400)
    support_notice_days: int = field(
        default=365,
        metadata={"doc": "End of support this near counts as pressure.", "minimum": 0, "maximum": 3650},
    )
    relocate_clusters: tuple[str, ...] = field(
        default=(), metadata={"doc": "Names of VMware clusters that move whole, to Amazon EVS."}
    )
    relocate_servers: int = field(
        default=50,
        metadata={
            "doc": "Servers that make a VMware cluster worth naming as one to relocate.",
            "minimum": 2,
            "maximum": 100_000,
        },
    )
    retain_compliance: tuple[str, ...] = field(
        default=(), metadata={"doc": "Compliance marks, lower case, whose servers stay where they are."}
    )
    refactor_commercial: bool = field(
        default=False,
        metadata={"doc": "Move Oracle and SQL Server with little stored code to Aurora PostgreSQL."},
    )
    refactor_code_lines: int = field(
        default=2000,
        metadata={"doc": "Lines of stored code up to which that is advised.", "minimum": 0, "maximum": 10_000_000},
    )
    programme_code_lines: int = field(
        default=50_000,
        metadata={
            "doc": "Lines of stored code above which a change of engine needs a migration programme.",
            "minimum": 0,
            "maximum": 100_000_000,
        },
    )
    downtime_minutes: float = _number(240.0, "Downtime assumed where no source tells what users accept.")
    copy_mb_s: float = _number(100.0, "Rate at which a database is copied to AWS, MB/s.", minimum=0.1)
    target_notice_days: int = field(
        default=365,
        metadata={"doc": "A target that ends this soon is no longer advised.", "minimum": 0, "maximum": 3650},
    )
