"""Quantities of the whole estate: power, space, people, backups, file shares, transfer; one line each, no server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery.costs.quantities import LIFT, ON_PREMISES, RIGHT

if TYPE_CHECKING:
    from include.discovery.costs.settings import CostSettings

_HERE: Final = f"""
SELECT coalesce(sum(round(cores * 1000)::BIGINT) FILTER (is_physical), 0),
  coalesce(sum(vcpus) FILTER (NOT is_physical), 0) * 1000,
  coalesce(sum(vcpus) FILTER (NOT is_physical AND is_vmware), 0) * 1000,
  coalesce(sum(round(storage_gib * 1000)::BIGINT), 0), count(*) * 1000
FROM cost_servers WHERE $scenario = '{ON_PREMISES}' OR way = 'retain'"""
"""whole thousandths: a sum of binary fractions would depend on the order"""
_SHARES: Final = """
SELECT CASE WHEN lower(coalesce(protocol, '')) = 'nfs' THEN 'nfs' ELSE 'smb' END AS kind,
  sum(round(coalesce(used_gib, size_gib, 0) * 1000)::BIGINT)
FROM shares WHERE coalesce(used_gib, size_gib, 0) BETWEEN 0 AND 1e8
GROUP BY kind ORDER BY kind"""
_STORED: Final = """
SELECT coalesce(sum(many), 0) FROM cost_quantities
WHERE scenario = $scenario AND key LIKE 'storage:%' AND key <> 'storage:unknown'"""
_MOVED: Final = "SELECT count(*) * 1000 FROM cost_quantities WHERE scenario = $scenario AND key LIKE 'compute:%'"


def count_shared(connection: Any, settings: CostSettings) -> None:
    """Add the estate's own quantities to `cost_quantities`, with no server."""
    shares = _shares(connection, settings)
    for scenario in (ON_PREMISES, LIFT, RIGHT):
        many = _on_premises(connection, scenario, settings)
        if scenario == ON_PREMISES:
            many["here:shares"] = sum(shares.values())
        else:
            many |= _in_aws(connection, scenario, settings) | {f"shares_{kind}": gib for kind, gib in shares.items()}
        rows = {key: quantity for key, quantity in many.items() if quantity > 0}
        connection.execute(
            "INSERT INTO cost_quantities SELECT NULL, ?, unnest(?), unnest(?::BIGINT[])",
            [scenario, list(rows), list(rows.values())],
        )


def _on_premises(connection: Any, scenario: str, settings: CostSettings) -> dict[str, int]:
    cores, vcpus, vmware, gib, servers = connection.execute(_HERE, {"scenario": scenario}).fetchone()
    many = {
        "here:power:core": cores,
        "here:space:core": cores,
        "here:power:vcpu": vcpus,
        "here:space:vcpu": vcpus,
        "here:virtualisation": vmware,
        "here:network": servers,
    }
    many |= {"here:backup": gib} if settings.with_snapshots else {}
    many |= {"here:staff": servers} if settings.with_staff else {}
    return {key: int(value) for key, value in many.items()}


def _in_aws(connection: Any, scenario: str, settings: CostSettings) -> dict[str, int]:
    given = {"scenario": scenario}
    servers = int(connection.execute(_MOVED, given).fetchone()[0])
    many: dict[str, int] = {}
    if settings.with_snapshots:
        many["snapshots"] = int(connection.execute(_STORED, given).fetchone()[0])
    if settings.with_data_transfer:
        many["data_transfer"] = servers
    if settings.with_staff:
        many["staff"] = servers
    return many


def _shares(connection: Any, settings: CostSettings) -> dict[str, int]:
    if not settings.with_shares:
        return {}
    return {kind: int(gib) for kind, gib in connection.execute(_SHARES).fetchall()}
