"""Advice on every server and every database: strategy, target, method, each with the rules that spoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables
from include.discovery.advice.databases import advise_databases, follow_servers
from include.discovery.advice.strategies import advise_servers
from include.discovery.advice.support import list_end_of_support

if TYPE_CHECKING:
    from datetime import date

    from include.discovery.advice.settings import AdviceSettings

_READ: Final = (
    "sources", "servers", "server_values", "applications", "databases", "software", "disks", "connections",
    "utilisation_summary", "hubs", "groups",
)  # fmt: skip


def advise(connection: Any, *, settings: AdviceSettings, at: date) -> None:
    """Create `strategies`, `database_targets` and `end_of_support` (columns: `support.END_OF_SUPPORT`).

    :param at: the day of the assessment: targets and support that have ended by then count as ended.
    :raises RuleError: a rule of the data files cannot be applied.
    """
    tables.create(connection, *_READ)
    list_end_of_support(connection, at=at)
    advise_databases(connection, settings=settings, at=at)
    advise_servers(connection, settings=settings)
    follow_servers(connection)
