"""What the steps of a migration work with: its definition, its places in the lake, AWS, the clock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import get_current_context
from airflow.sdk.timezone import utcnow

from landfall.hooks.fsx_migration import FsxMigrationHook
from landfall.runs import run_is_over, run_name

if TYPE_CHECKING:
    from include.fsx_migration.definition_model import Migration
    from include.fsx_migration.workplace import Workplace

HELD_FOR: Final = timedelta(days=400)
"""A transfer waits for weeks between two tasks; a run that ended in any way holds nothing, however long that is."""


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


def held_workplace(context: Any, purpose: str) -> Workplace:
    """Return what a task works with that changes something: the run holds the migration until it is over.

    :param purpose: what the run does, for the one who is refused meanwhile.
    :raises RefusedError: another run works on the migration.
    """
    place = workplace()
    hold(place, context, subject=_subject(place), purpose=purpose)
    return place


def hold(place: Workplace, context: Any, *, subject: str, purpose: str) -> None:
    """Take a lease for the run, or renew it; a run that is over holds nothing.

    :raises RefusedError: another run holds it.
    """
    from include.fsx_migration.refusals import RefusedError
    from include.leases import LeaseHeldError, take

    try:
        take(
            place.store,
            subject,
            owner=run_name(context),
            purpose=purpose,
            at=place.now(),
            keep_for=HELD_FOR,
            is_over=run_is_over(context),
        )
    except LeaseHeldError as error:
        raise RefusedError(str(error)) from error


def let_go(place: Workplace, context: Any) -> None:
    """Give the migration back, if the run holds it."""
    from include.leases import release

    release(place.store, _subject(place), owner=run_name(context))


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


def _subject(place: Workplace) -> str:
    return f"migration {place.migration.name}"
