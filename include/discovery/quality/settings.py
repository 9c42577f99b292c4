"""What data have to be like before an outcome may rest on them."""

from __future__ import annotations

from dataclasses import dataclass, field


def _share(default: float, doc: str) -> float:
    return field(default=default, metadata={"doc": doc, "minimum": 0.0, "maximum": 1.0})


@dataclass(frozen=True, slots=True, kw_only=True)
class QualitySettings:
    """Limits of the gates. Shares are of the servers in scope, from 0 to 1."""

    known_share: float = _share(0.95, "Servers with cores, memory and operating system, for a snapshot.")
    quarantined_share: float = _share(0.05, "Rows of servers set aside, at most; more blocks every outcome.")
    conflicting_share: float = _share(0.30, "Servers with a conflict between sources, at most, for a snapshot.")
    unknown_host_share: float = _share(0.05, "Machines whose virtualisation host no source has, at most.")
    implausible_share: float = _share(0.02, "Servers with values that no machine has, at most.")
    stored_share: float = _share(0.90, "Servers with a known storage size, for TCO.")
    utilised_share: float = _share(0.60, "Servers sized by what they use instead of by their nameplate, for TCO.")
    priced_share: float = _share(0.98, "Servers for which a type with a price was found, for TCO.")
    edition_share: float = _share(0.80, "Commercial databases with a known edition, for TCO.")
    connected_share: float = _share(0.70, "Servers with at least one connection, for a wave plan.")
    owned_share: float = _share(0.60, "Servers with an owner, for a wave plan.")
    environment_share: float = _share(0.70, "Servers with an environment, for a wave plan.")
    unknown_traffic_share: float = _share(0.30, "Connections with addresses of no inventory, at most, for a wave plan.")
    connection_days: float = field(
        default=14.0,
        metadata={"doc": "Days that connections were watched, for a wave plan.", "minimum": 0, "maximum": 400},
    )
    stale_days: int = field(
        default=90,
        metadata={
            "doc": "Age of the newest day that the sources tell, at most, for every outcome.",
            "minimum": 1,
            "maximum": 3650,
        },
    )
