"""What DataSync and FSx can take, as data with source and date: facts of a cloud service age."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_DATA: Final = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One limit or assumption; `unsure` says that nobody could confirm it."""

    value: float
    unit: str
    source: str
    date: str
    unsure: bool

    @property
    def told(self) -> str:
        """Where it comes from and when it was looked up, for people."""
        return f"{self.source}; {self.date}"


def datasync(name: str) -> Fact:
    """Return a fact about DataSync, as `tasks_per_region`; raises KeyError for an unknown name."""
    return _facts("datasync_limits.json")[name]


def fsx(name: str) -> Fact:
    """Return a fact about FSx, as `lustre_target_gib`; raises KeyError for an unknown name."""
    return _facts("fsx_limits.json")[name]


@cache
def _facts(name: str) -> dict[str, Fact]:
    document = json.loads((_DATA / name).read_text(encoding="utf-8"))
    return {key: Fact(**fact) for key, fact in document.items()}
