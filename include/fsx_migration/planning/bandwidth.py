"""The bandwidth calendar: which limit rules at a moment, when it changes, and how long a transfer takes under it.

Weekly windows follow the wall clock of the calendar's time zone, also over changes to and from summer time: an hour
that the clock shows twice is ruled alike both times, and an hour that it skips is ruled by nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from include.fsx_migration.definition_model import Bandwidth, BandwidthWindow

MIB: Final = 1 << 20
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=8)
"""Every window begins or ends within a week and the day that it began on."""
_FORESEEN: Final = timedelta(days=3653)
"""The calendar is followed for ten years; what lasts longer goes on at the mean rate of these."""


def limit_at(bandwidth: Bandwidth, moment: datetime) -> float | None:
    """Return how many bytes a second all agents together may take at an aware moment; None is no limit."""
    mib = _mib_at(bandwidth, moment.astimezone(ZoneInfo(bandwidth.time_zone)))
    return None if mib is None else mib * MIB


def next_change(bandwidth: Bandwidth, moment: datetime) -> datetime | None:
    """Return the first moment (UTC) after an aware one at which another limit rules; None when none ever does."""
    return next((start for start, _ in _changes(bandwidth, moment)), None)


def segments(bandwidth: Bandwidth, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, float | None]]:
    """Yield the spans (start, end, limit in bytes/s) of equal limits that cover a time, in order."""
    since, limit = start.astimezone(UTC), limit_at(bandwidth, start)
    for moment, after in _changes(bandwidth, start):
        if moment >= end:
            break
        yield since, moment, limit
        since, limit = moment, after
    yield since, end.astimezone(UTC), limit


def seconds_to_move(bandwidth: Bandwidth, *, start: datetime, size_bytes: float, rate_bytes_s: float) -> float:
    """Return how long moving so many bytes takes from an aware moment on, at a rate that the calendar caps.

    :param rate_bytes_s: what all agents together move without a limit; zero or less never ends (infinity).
    """
    if size_bytes <= 0:
        return 0.0
    if rate_bytes_s <= 0:
        return float("inf")
    since, left, horizon = start, float(size_bytes), start + _FORESEEN
    rate = _capped(rate_bytes_s, limit_at(bandwidth, start))
    for moment, limit in _changes(bandwidth, start):
        span = (moment - since).total_seconds()
        if left <= rate * span:
            break
        left -= rate * span
        since, rate = moment, _capped(rate_bytes_s, limit)
        if moment > horizon:
            rate = (size_bytes - left) / (moment - start).total_seconds()
            break
    return (since - start).total_seconds() + left / rate


def _capped(rate: float, limit: float | None) -> float:
    return rate if limit is None else min(rate, limit)


def _mib_at(bandwidth: Bandwidth, local: datetime) -> float | None:
    if local.date() in bandwidth.holidays:
        return bandwidth.holiday_limit_mib_s
    for window in bandwidth.windows:
        if _holds(window, local):
            return window.limit_mib_s
    return bandwidth.limit_mib_s


def _holds(window: BandwidthWindow, local: datetime) -> bool:
    """A window that ends at or before its start goes on until that time of the next day."""
    now, today, yesterday = local.time(), local.weekday(), (local.weekday() - 1) % 7
    if window.start < window.end:
        return today in window.days and window.start <= now < window.end
    return (today in window.days and now >= window.start) or (yesterday in window.days and now < window.end)


def _changes(bandwidth: Bandwidth, after: datetime) -> Iterator[tuple[datetime, float | None]]:
    """Yield (moment, limit from then on in bytes/s) for each change after a moment; without end when there is none."""
    if not bandwidth.windows and not bandwidth.holidays:
        return
    zone = ZoneInfo(bandwidth.time_zone)
    limit, day = limit_at(bandwidth, after), after.astimezone(zone).date()
    quiet = max([day, *bandwidth.holidays]) + _WEEK  # a calendar that changes at all does so until then
    while day <= quiet:
        for moment in _boundaries(bandwidth, day, zone):
            found = limit_at(bandwidth, moment)
            if moment > after and found != limit:
                limit = found
                quiet = max(quiet, day + _WEEK)
                yield moment, limit
        day += _DAY


def _boundaries(bandwidth: Bandwidth, day: date, zone: ZoneInfo) -> list[datetime]:
    """Return the moments (UTC) of a local day at which a limit may change, in order."""
    clocks = {time(0), *(clock for window in bandwidth.windows for clock in (window.start, window.end))}
    local = [datetime.combine(day, clock, zone) for clock in clocks]
    moments = {stamp.replace(fold=fold).astimezone(UTC) for stamp in local for fold in (0, 1)}
    found = moments | set(_clock_changes(day, zone))
    return sorted(moment for moment in found if moment.astimezone(zone).date() == day)


def _clock_changes(day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the moments of a local day at which the clock itself is put forward or back."""
    first, last = (datetime.combine(day + days * _DAY, time(0), zone) for days in (0, 1))
    if first.utcoffset() == last.utcoffset():
        return
    noon = datetime.combine(day, time(12), zone).astimezone(UTC)
    hours = [noon + timedelta(hours=hour) for hour in range(-14, 15)]
    for early, late in pairwise(hours):
        if early.astimezone(zone).utcoffset() == late.astimezone(zone).utcoffset():
            continue
        low, high = early, late
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
            same = middle.astimezone(zone).utcoffset() == early.astimezone(zone).utcoffset()
            low, high = (middle, high) if same else (low, middle)
        yield high
