"""What the steps of a migration work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from include.fsx_migration.definition_model import Migration
    from include.fsx_migration.places import Places
    from include.fsx_migration.settings import FsxMigrationSettings
    from include.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """One migration with everything its steps touch.

    :param clients: returns the boto3 client of a service by its name, as `datasync`; it may retry by itself.
    :param now: tells the time, aware, in UTC.
    :param secrets: returns (login, password) of an Airflow connection by its id; nobody stores or logs the answer.
    :param single_try: like `clients`, for clients that send each request once: a call without a client token, sent
        again by botocore after a lost answer, would create a second resource. None takes `clients`.
    """

    store: ObjectStore
    places: Places
    migration: Migration
    settings: FsxMigrationSettings
    clients: Callable[[str], Any]
    now: Callable[[], datetime]
    secrets: Callable[[str], tuple[str, str]]
    single_try: Callable[[str], Any] | None = None

    def client_once(self, service: str) -> Any:
        """Return a client for calls that AWS would do twice when they are sent twice."""
        return (self.single_try or self.clients)(service)
