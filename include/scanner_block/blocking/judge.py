"""The decision on one client at one source of logs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from include.scanner_block.blocking.block_times import until
from include.scanner_block.blocking.state_model import Entry, Offence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.scanner_block.addresses import Networks
    from include.scanner_block.blocking.pardons import Pardons
    from include.scanner_block.policy_model import LogFormat, Rules

APPROVED: Final = "approved"
BELOW_THRESHOLD: Final = "below today's threshold"
PATH_NOT_WATCHED: Final = "path no longer watched"
RELEASED_BY_HAND: Final = "released by hand"
TIME_OVER: Final = "its time is over"

Place: TypeAlias = str | None
"""Where a client is blocked: at a watched path, or (None) in general."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a client: its blocks, why the last one left, its ended blocks to remember."""

    entries: Mapping[Place, Entry]
    left: str | None = None
    ended: tuple[int, datetime] | None = None
    kept_out: bool = False


class Judge:
    """The rules of one source of logs at one time."""

    def __init__(self, rules: Rules, log_format: LogFormat, spared: Networks, pardons: Pardons, now: datetime) -> None:
        self._rules = rules
        self._thresholds = dict[Place, int]([(None, rules.threshold(log_format)), *rules.uris(log_format).items()])
        self._paths = None if log_format.counts_every_request else rules.distinct_error_paths
        self._spared = spared
        self._pardons = pardons
        self._now = now

    def remembered(self, past: Mapping[str, tuple[int, datetime]]) -> dict[str, tuple[int, datetime]]:
        """Return the ended blocks that still make a repeat offender."""
        if self._rules.repeat_offenders is None:
            return {}
        longest = timedelta(days=self._rules.repeat_offenders.forget_days)
        return {client: ended for client, ended in past.items() if self._now - ended[1] <= longest}

    def judge(
        self,
        client: str,
        blocked: Mapping[Place, Entry],
        offended: Mapping[Place, Offence],
        past: tuple[int, datetime] | None,
    ) -> Verdict:
        """Decide on one client with all its blocks and offences at this source."""
        if self._spared.overlap(client):
            return Verdict({}, left=APPROVED if blocked else None, kept_out=bool(offended))
        pardoned = self._pardons.latest(client)
        live, gone = self._live(blocked, pardoned)
        new = self._new(offended, pardoned)
        times = self._times(live, new, past)
        entries = {**live, **{place: _renewed(live.get(place), offence, times) for place, offence in new.items()}}
        reasons = {place: self._over(place, entry) for place, entry in entries.items()}
        kept = {place: entry for place, entry in entries.items() if reasons[place] is None}
        if kept or not blocked:
            return Verdict(kept)
        ended = None
        if TIME_OVER in reasons.values() and self._rules.repeat_offenders is not None:
            times_before, end = self._record(entries)
            ended = (times_before, min(end, self._now))
        gone |= {place: reason for place, reason in reasons.items() if reason is not None and place in blocked}
        return Verdict({}, left=gone[min(gone, key=lambda place: place or "")], ended=ended)

    def _live(
        self, blocked: Mapping[Place, Entry], pardoned: datetime | None
    ) -> tuple[dict[Place, Entry], dict[Place, str]]:
        """Return the old blocks to go on with, and why the others do not count any more."""
        live: dict[Place, Entry] = {}
        gone: dict[Place, str] = {}
        for place, entry in blocked.items():
            if place not in self._thresholds:
                gone[place] = PATH_NOT_WATCHED
            elif pardoned is not None and entry.updated_at <= pardoned:
                gone[place] = RELEASED_BY_HAND
            else:
                live[place] = entry if entry.updated_at <= self._now else replace(entry, updated_at=self._now)
        return live, gone

    def _new(self, offended: Mapping[Place, Offence], pardoned: datetime | None) -> dict[Place, Offence]:
        found = {
            place: offence if offence.at <= self._now else replace(offence, at=self._now)
            for place, offence in offended.items()
            if place in self._thresholds
        }
        return {place: offence for place, offence in found.items() if pardoned is None or offence.at > pardoned}

    def _times(
        self, live: Mapping[Place, Entry], new: Mapping[Place, Offence], past: tuple[int, datetime] | None
    ) -> int:
        """Return the how-manieth block the newest offence belongs to; one within an earlier block is part of that."""
        before = self._record(live) if live else past
        repeaters = self._rules.repeat_offenders
        if before is None or not new or repeaters is None:
            return before[0] if before is not None and live else 1
        times, end = before
        pause = max(offence.at for offence in new.values()) - end
        if pause < timedelta(0):
            return times
        return times + 1 if pause <= timedelta(days=repeaters.forget_days) else 1

    def _record(self, entries: Mapping[Place, Entry]) -> tuple[int, datetime]:
        """Return how often a client was blocked and when all its blocks end, at the latest now."""
        end = max(until(entry, rules=self._rules) for entry in entries.values())
        return max(entry.times for entry in entries.values()), end

    def _over(self, place: Place, entry: Entry) -> str | None:
        """Return why a block ends now, or None."""
        if until(entry, rules=self._rules) <= self._now:
            return TIME_OVER
        if entry.max_per_minute >= self._thresholds[place]:
            return None
        paths = entry.distinct_error_paths or 0
        if place is None and self._paths is not None and paths >= self._paths:
            return None
        return BELOW_THRESHOLD


def _renewed(entry: Entry | None, offence: Offence, times: int) -> Entry:
    """Return a block with one more offence; the same object where the offence says nothing new."""
    if entry is None:
        return Entry(
            max_per_minute=offence.max_per_minute,
            updated_at=offence.at,
            distinct_error_paths=offence.distinct_error_paths,
            times=times,
        )
    paths = [paths for paths in (entry.distinct_error_paths, offence.distinct_error_paths) if paths is not None]
    renewed = Entry(
        max_per_minute=max(entry.max_per_minute, offence.max_per_minute),
        updated_at=max(entry.updated_at, offence.at),
        distinct_error_paths=max(paths, default=None),
        times=times,
    )
    return entry if renewed == entry else renewed
