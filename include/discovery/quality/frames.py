"""The frames that gates judge: machines of the inventory, checks of an outcome."""

from __future__ import annotations

from typing import Any

from include.discovery.quality.judge import CONFIDENCE


def inventory_frame(connection: Any) -> Any:
    """Return a pandas frame with a row for each server in scope, as `discovery_inventory` wants it."""
    return connection.execute(
        "FROM servers SELECT server_id, os_family, cpu_cores::DOUBLE AS cpu_cores, memory_mib::DOUBLE AS memory_mib, "
        "storage_gib WHERE in_scope ORDER BY server_id"
    ).df()


def outcome_frame(connection: Any, outcome: str) -> Any:
    """Return a pandas frame with a row for each check of an outcome."""
    return connection.execute(
        'FROM gate_results SELECT "check", verdict, sentence WHERE outcome = ? AND "check" <> ? ORDER BY ALL',
        [outcome, CONFIDENCE],
    ).df()
