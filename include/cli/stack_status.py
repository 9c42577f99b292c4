"""What runs of the local stack, and how healthy it is."""

from dataclasses import dataclass, replace

from include.cli import components
from include.cli.health import healthy_components
from include.cli.processes import is_running
from include.cli.run_file import RunRecord, read_run
from include.cli.settings import LOOPBACK, StackSettings
from include.cli.sql_servers import sql_servers


@dataclass(frozen=True, kw_only=True)
class ComponentStatus:
    """One process: ``state`` is healthy, starting (runs, not healthy yet or any more) or down."""

    name: str
    state: str
    pid: int | None
    port: int | None
    log: str | None


@dataclass(frozen=True, kw_only=True)
class StackStatus:
    """The whole stack: ``state`` is up (all healthy), degraded (some) or down (none runs).

    ``sql_servers`` are the primary and the secondary as "NAME host,port", the way SQL Server's own tools write it.
    """

    state: str
    ui_url: str
    aws_url: str
    sql_servers: tuple[str, ...]
    secrets_file: str
    components: tuple[ComponentStatus, ...]


def status(settings: StackSettings) -> StackStatus:
    """Look at the recorded processes and ask the servers for their health."""
    run = read_run(settings.run_file)
    if run is None:
        return _status(settings, run=None, healthy=set())
    settings = replace(
        settings,
        ui_port=run.ui_port,
        aws_port=run.aws_port,
        primary_port=run.primary_port,
        secondary_port=run.secondary_port,
    )
    alive = any(is_running(process) for process in run.processes)
    healthy = healthy_components(settings, started_at=run.started_at) if alive else set()
    return _status(settings, run=run, healthy=healthy)


def _status(settings: StackSettings, *, run: RunRecord | None, healthy: set[str]) -> StackStatus:
    ports = {
        components.LOCAL_AWS: settings.aws_port,
        components.SQL_PRIMARY: settings.primary_port,
        components.SQL_SECONDARY: settings.secondary_port,
        components.API_SERVER: settings.ui_port,
    }
    listed = []
    for name in components.NAMES:
        record = run.process(name) if run else None
        running = record is not None and is_running(record)
        state = ("healthy" if name in healthy else "starting") if running else "down"
        pid = record.pid if running and record else None
        listed.append(
            ComponentStatus(name=name, state=state, pid=pid, port=ports.get(name), log=record.log if record else None)
        )
    states = {component.state for component in listed}
    overall = {frozenset({"healthy"}): "up", frozenset({"down"}): "down"}.get(frozenset(states), "degraded")
    return StackStatus(
        state=overall,
        ui_url=settings.ui_url,
        aws_url=settings.aws_url,
        sql_servers=tuple(f"{place.name} {LOOPBACK},{place.port}" for place in sql_servers(settings)),
        secrets_file=str(settings.secrets_file),
        components=tuple(listed),
    )
