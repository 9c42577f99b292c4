"""What the steps of a migration work with: its definition, its places in the lake, AWS, the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.timezone import utcnow

from landfall.hooks.fsx_migration import FsxMigrationHook

if TYPE_CHECKING:
    from include.fsx_migration.definition_model import Migration
    from include.fsx_migration.workplace import Workplace


class MigrationUnknownError(ValueError):
    """Nobody planned a migration of this name."""


def workplace(name: str | None = None) -> Workplace:
    """Return what the running task works with.

    :param name: the migration; None takes the run's parameter `migration`.
    :raises MigrationUnknownError: nobody planned it.
    """
    from include.fsx_migration.definition import read_definition
    from include.fsx_migration.places import Places

    hook = FsxMigrationHook()
    chosen = name or migration_name()
    places = Places(hook.store, chosen)
    try:
        text = places.store.get_bytes(places.definition).decode()
    except places.store.client.exceptions.NoSuchKey:
        raise MigrationUnknownError(
            f"There is no migration {chosen}: run fsx_migration_plan with its definition first."
        ) from None
    return workplace_of(read_definition(text), hook=hook)


def workplace_of(migration: Migration, *, hook: FsxMigrationHook | None = None) -> Workplace:
    """Return what a task works with for a definition that is not kept yet, as the one that is being planned."""
    from include.fsx_migration.places import Places
    from include.fsx_migration.workplace import Workplace

    used = hook or FsxMigrationHook()
    store = used.store
    return Workplace(
        store=store,
        places=Places(store, migration.name),
        migration=migration,
        settings=used.settings,
        clients=used.client,
        now=utcnow,
        secrets=used.login,
        single_try=used.client_once,
    )


def migration_name() -> str:
    """Return the run's parameter `migration`."""
    context: Any = get_current_context()
    return str(context["params"]["migration"])
