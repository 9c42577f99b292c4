"""The servers of a configuration, and what they say of a database now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.log_shipping.failures import LoginRefusedError, Reaction, ServerUnreachableError, SqlServerError
from include.log_shipping.lanes import each
from include.log_shipping.roles import Roles, Seen, Unreachable, decide_roles
from include.log_shipping.server_state import DatabaseState, read_states

if TYPE_CHECKING:
    from datetime import datetime

    from include.log_shipping.client import SqlServer
    from include.log_shipping.configuration import DatabaseSettings, LogShippingConfiguration, ServerSettings
    from include.log_shipping.outcomes import RunRecords
    from include.object_store import ObjectStore


@dataclass(frozen=True, slots=True)
class LoginRefused(Unreachable):
    """A server that answers and refuses our login: it is not lost, and nothing may be concluded from its silence."""


States = Mapping[str, DatabaseState] | Unreachable
"""All user databases of a server by lower-case name, or why it does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What a step of a run works with.

    :param open_server: opens a server by its settings; every step opens and closes its own.
    :param clock: tells the time, aware.
    :param is_over: tells of a run (`<dag id>/<run id>`) whether it ended, so that its leases are taken over.
    """

    configuration: LogShippingConfiguration
    records: RunRecords
    open_server: Callable[[ServerSettings], SqlServer]
    clock: Callable[[], datetime]
    is_over: Callable[[str], bool] = lambda owner: False

    @property
    def store(self) -> ObjectStore:
        """The family's object store."""
        return self.records.store

    def server(self, name: str) -> SqlServer:
        """Return a connection to a server by its name in the configuration; use as a context manager."""
        return self.open_server(self.configuration.servers[name])

    def settings(self, name: str) -> ServerSettings:
        """Return a server's settings."""
        return self.configuration.servers[name]


def chosen(configuration: LogShippingConfiguration, names: Iterable[str]) -> list[DatabaseSettings]:
    """Return the settings of the named databases, of all when none is named; each once.

    :raises ValueError: a name is not configured.
    """
    wanted = {name.lower(): name for name in names}
    if not wanted:
        return list(configuration.databases)
    try:
        return [configuration.database(name) for name in wanted.values()]
    except KeyError as error:
        raise ValueError(error.args[0]) from None


def look(workplace: Workplace, names: Iterable[str]) -> dict[str, States]:
    """Ask servers for the states of all their databases, at the same time; a silent one is Unreachable."""
    wanted = list(dict.fromkeys(names))
    return dict(zip(wanted, each(wanted, lambda name: look_at(workplace, name)), strict=True))


def look_at(workplace: Workplace, name: str) -> States:
    """Ask one server."""
    try:
        with workplace.server(name) as server:
            return read_states(server)
    except LoginRefusedError as error:
        return LoginRefused(reason=str(error))
    except ServerUnreachableError as error:
        return Unreachable(reason=str(error))
    except SqlServerError as error:
        if error.reaction is Reaction.IN_DOUBT:
            return Unreachable(reason=str(error))
        raise


def seen_in(states: States, database: str) -> Seen:
    """Return what a server says of one database."""
    return states if isinstance(states, Unreachable) else states.get(database.lower())


def roles_in(settings: DatabaseSettings, states: Mapping[str, States]) -> Roles:
    """Return who ships to whom for a database, from the states of (at least) its two servers."""
    pair = (settings.primary, settings.secondary)
    seen = {name: seen_in(states[name], settings.name) for name in pair}
    return decide_roles(settings.name, primary=settings.primary, secondary=settings.secondary, seen=seen)


def roles_now(workplace: Workplace, settings: DatabaseSettings) -> tuple[Roles, dict[str, Seen]]:
    """Ask both servers of a database and return its roles and what each of them said."""
    states = look(workplace, (settings.primary, settings.secondary))
    return roles_in(settings, states), {name: seen_in(found, settings.name) for name, found in states.items()}
