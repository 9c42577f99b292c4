"""Databases that nobody protects: they stand on a server of the configuration, which has no word of them."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from include.log_shipping.roles import Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.log_shipping.configuration import LogShippingConfiguration
    from include.log_shipping.fleet import States

SCRATCH_COPY: Final = re.compile(r"(?P<database>.+)_drill_\d{12}")
"""How a drill names the copy it makes and drops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unprotected:
    """A database that would be lost with its server."""

    server: str
    database: str
    state: str
    recovery_model: str

    def sentence(self) -> str:
        """Say it, and what to do."""
        model = "" if self.recovery_model == "FULL" else f", recovery model {self.recovery_model}"
        return (
            f"{self.database} on {self.server} ({self.state}{model}) is not in the configuration: "
            "add it there and run log_shipping_configure."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return asdict(self)


def unprotected(configuration: LogShippingConfiguration, states: Mapping[str, States]) -> list[Unprotected]:
    """Return every user database that no entry of the configuration names for its server, by server and name.

    Scratch copies of drills are nobody's loss. Servers that do not answer are left out.
    """
    known = {
        (server, settings.name.lower())
        for settings in configuration.databases
        for server in (settings.primary, settings.secondary)
    }
    return [
        Unprotected(server=server, database=state.name, state=state.describe(), recovery_model=state.recovery_model)
        for server, found in sorted(states.items())
        if not isinstance(found, Unreachable)
        for name, state in sorted(found.items())
        if (server, name) not in known and not _is_scratch(server, name, known)
    ]


def _is_scratch(server: str, name: str, known: set[tuple[str, str]]) -> bool:
    match = SCRATCH_COPY.fullmatch(name)
    return match is not None and (server, match["database"]) in known
