"""A run of fail over in process: an object store by moto, two servers named in a configuration, a clock that stands."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from include.log_shipping.configuration import (
    DatabaseSettings,
    Folder,
    LogShippingConfiguration,
    Redirect,
    ServerSettings,
)
from include.log_shipping.fail_over.loss import Loss
from include.log_shipping.fail_over.plans import FailOverPlan, Mode, Move, write_plan
from include.log_shipping.fail_over.steps import FailOver
from include.log_shipping.failures import ServerUnreachableError
from include.log_shipping.fleet import Workplace
from include.log_shipping.outcomes import RunRecords
from include.log_shipping.server_state import DatabaseState
from tests.include.log_shipping.moto_store import moto_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
OLD, NEW = "SQLFCI01", "EC2SQL02"
FORK, OTHER_FORK = "AAAAAAAA-0000-0000-0000-000000000001", "BBBBBBBB-0000-0000-0000-000000000002"


def server_settings(name: str) -> ServerSettings:
    return ServerSettings(
        name=name,
        connection=name.lower(),
        backup_folder=Folder(f"/{name}/backups", f"/nowhere/{name}/backups"),
        copy_folder=Folder(f"/{name}/copies", f"/nowhere/{name}/copies"),
    )


def configuration(*names: str, redirect: Redirect | None = None) -> LogShippingConfiguration:
    databases = [DatabaseSettings(name=name, primary=OLD, secondary=NEW, redirect=redirect) for name in names]
    return LogShippingConfiguration(
        servers={name: server_settings(name) for name in (OLD, NEW)}, databases=tuple(databases)
    )


def lost(settings: ServerSettings) -> Any:
    raise ServerUnreachableError(number=20009, text="Adaptive Server is unavailable", server=settings.name)


@contextmanager
def run_of(
    *names: str,
    mode: Mode = Mode.PLANNED,
    redirect: Redirect | None = None,
    open_server: Callable[[ServerSettings], Any] = lost,
    aws: Callable[[str], Any] | None = None,
) -> Iterator[FailOver]:
    """A run that moves these databases from OLD to NEW."""
    with moto_store() as store:
        workplace = Workplace(
            configuration=configuration(*names, redirect=redirect),
            records=RunRecords(store, "log_shipping_fail_over", "manual__1"),
            open_server=open_server,
            clock=lambda: AT,
        )
        plan = FailOverPlan(
            mode=mode,
            reason="the data centre is on fire",
            asked_by="oncall",
            asked_at=AT,
            moves=tuple(Move(database=name, source=OLD, target=NEW) for name in names),
            refused={},
        )
        write_plan(workplace.records, plan)
        yield FailOver(workplace=workplace, plan=plan, aws=aws or (lambda service: None))


def loss_of(database: str, **changes: Any) -> Loss:
    loss = Loss(
        database=database,
        with_tail=False,
        restored_lsn=34000000016700004,
        fork=FORK,
        certain_until=datetime(2026, 3, 1, 11, 55, tzinfo=UTC),
        restored_until=datetime(2026, 3, 1, 11, 55, 2, tzinfo=UTC),
        counted_until=AT,
        source_seen="out of reach",
    )
    return replace(loss, **changes)


def state_of(name: str, state: str = "ONLINE", **changes: Any) -> DatabaseState:
    known = DatabaseState(
        name=name,
        state=state,
        is_in_standby=False,
        is_read_only=False,
        recovery_model="FULL",
        user_access="MULTI_USER",
    )
    return replace(known, **changes)
