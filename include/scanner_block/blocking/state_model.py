"""Who is blocked because of one source of logs: the state that is carried from tick to tick."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Offence:
    """What new counts say of one client.

    :param max_per_minute: its largest count in one minute.
    :param at: its last counted request in an outstanding minute.
    :param distinct_error_paths: the most different paths in one minute, where that made or makes it outstanding.
    """

    max_per_minute: int
    at: datetime
    distinct_error_paths: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offences:
    """Outstanding clients of new counts: by client, and by path and client."""

    general: Mapping[str, Offence] = field(default_factory=dict)
    uri: Mapping[str, Mapping[str, Offence]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A block: as `Offence`, with `updated_at` the last offence and `times` how often it was blocked (repeaters)."""

    max_per_minute: int
    updated_at: datetime
    distinct_error_paths: int | None = None
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """The blocks of one source of logs, and the ended ones that make repeaters.

    :param past: by client, how often it was blocked and when the last block ended.
    """

    general: Mapping[str, Entry] = field(default_factory=dict)
    uri: Mapping[str, Mapping[str, Entry]] = field(default_factory=dict)
    past: Mapping[str, tuple[int, datetime]] = field(default_factory=dict)
