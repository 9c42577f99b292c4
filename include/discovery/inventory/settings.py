"""What a user may set for the merging of rows into machines."""

from __future__ import annotations

from dataclasses import dataclass, field

_OBSERVERS = (
    "ads",
    "rvtools",
    "azure_migrate",
    "google_migration_center",
    "migration_hub",
    "mpa",
    "generic",
    "servicenow",
)
_PEOPLE = (
    "generic",
    "servicenow",
    "mpa",
    "migration_hub",
    "azure_migrate",
    "google_migration_center",
    "rvtools",
    "ads",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InventorySettings:
    """How sources are merged; docs/discovery/inventory.md explains each rule."""

    tools: tuple[str, ...] = field(
        default=_OBSERVERS,
        metadata={"doc": "Whom to believe first about the machine itself; a tool that is not named comes last."},
    )
    people_tools: tuple[str, ...] = field(
        default=_PEOPLE,
        metadata={"doc": "Whom to believe first about owner, application, environment and what people decided."},
    )
    number_tolerance: float = field(
        default=0.02,
        metadata={"doc": "Numbers that differ by less are rounding, not a conflict.", "minimum": 0.0, "maximum": 0.5},
    )
    quiet_fields: tuple[str, ...] = field(
        default=("location", "cpu_model", "os_version", "storage_used_gib"),
        metadata={"doc": "Fields that tools spell too differently for a conflict; their values are kept all the same."},
    )
    mac_machines: int = field(
        default=3,
        metadata={"doc": "A MAC address of more machines than this is no key.", "minimum": 2, "maximum": 1000},
    )
    shared_macs: tuple[str, ...] = field(
        default=(
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "00:00:5e:00:01",
            "00:50:56:c0:00",
            "02:00:4c:4f:4f:50",
            "02:42",
        ),
        metadata={"doc": "Beginnings of MAC addresses that many machines have: VRRP, loopback and container adapters."},
    )
    nameless: tuple[str, ...] = field(
        default=("localhost", "unknown", "none", "n/a", "na", "-", "new virtual machine"),
        metadata={"doc": "Host names that name nobody, lower case without domain."},
    )
