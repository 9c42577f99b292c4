"""Prepared statements by workgroup, shared between PREPARE in SQL and the API."""

from __future__ import annotations

import json
from typing import Any

from include.standins.aws.state_store import Change, StateStore

KIND = "athena.prepared"


class PreparedStatements:
    """Name to statement, per workgroup; each change is written at once."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._held: dict[tuple[str, str], dict[str, Any]] = {}

    def restore(self) -> None:
        """Read all back."""
        for name, blob in self._store.read(KIND):
            workgroup, _, statement = name.partition("/")
            self._held[workgroup, statement] = json.loads(blob)

    def put(self, workgroup: str, name: str, statement: str, *, description: str = "", at: float | None = None) -> None:
        """Create or replace a statement; `at` is seconds since the epoch."""
        record = {"statement": statement, "description": description, "at": at}
        self._store.write([Change(KIND, f"{workgroup}/{name}", json.dumps(record).encode())])
        self._held[workgroup, name] = record

    def get(self, workgroup: str, name: str) -> str | None:
        """Give a statement's SQL, None when there is none of that name."""
        record = self._held.get((workgroup, name))
        return None if record is None else str(record["statement"])

    def describe(self, workgroup: str, name: str) -> dict[str, Any] | None:
        """Give the PreparedStatement structure."""
        record = self._held.get((workgroup, name))
        if record is None:
            return None
        described = {
            "StatementName": name,
            "WorkGroupName": workgroup,
            "QueryStatement": record["statement"],
            "Description": record["description"],
        }
        return described if record["at"] is None else {**described, "LastModifiedTime": record["at"]}

    def names(self, workgroup: str) -> list[str]:
        """Names in a workgroup, sorted."""
        return sorted(name for group, name in self._held if group == workgroup)

    def delete(self, workgroup: str, name: str) -> bool:
        """Forget a statement; tell whether it was there."""
        self._store.write([Change(KIND, f"{workgroup}/{name}", None)])
        return self._held.pop((workgroup, name), None) is not None
