"""What a query execution hands to the session that runs it, and what it gets back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class Task:
    """What to run and where its result goes: `output` is the prefix that the result's name is put to, with the id."""

    id: str
    sql: str
    database: str
    output: str
    workgroup: str
    parameters: list[str]
    scan_limit: int | None
    now: datetime


@dataclass
class Outcome:
    """What a statement left: fields of the execution's record."""

    output: str
    columns: list[list[str]] = field(default_factory=list)
    manifest: str | None = None
    update_count: int | None = None
    output_rows: int = 0

    def fields(self) -> dict[str, Any]:
        """Give the fields by name."""
        return dict(self.__dict__)
