"""How far a secondary is behind, and whether somebody must be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from include.log_shipping.configuration_model import AlertThresholds

CLOCK_TOLERANCE: Final = timedelta(minutes=1)
"""Servers' clocks differ a little; a time further in the future than this is said, not used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LagReading:
    """What was measured for one database. Ages are negative when a clock jumped; None: not known.

    :ivar backup_age: since the last log backup finished on the primary.
    :ivar copy_age: since the newest copied log backup was taken.
    :ivar restore_age: since the secondary last restored a log.
    :ivar time_behind: age of the newest data on the secondary: since its last restored log backup was taken.
    :ivar bytes_behind: bytes in log backups that the secondary has not restored.
    """

    backup_age: timedelta | None
    copy_age: timedelta | None
    restore_age: timedelta | None
    time_behind: timedelta | None
    bytes_behind: int | None = None

    @property
    def seconds_behind(self) -> float | None:
        """`time_behind` in seconds."""
        return None if self.time_behind is None else self.time_behind.total_seconds()


def measure_lag(
    *,
    now: datetime,
    backed_up_at: datetime | None,
    copied_up_to: datetime | None,
    restored_at: datetime | None,
    restored_up_to: datetime | None,
    bytes_behind: int | None = None,
) -> LagReading:
    """Return the ages at a moment; all times aware.

    :param copied_up_to: finish time of the newest log backup that was copied; `restored_up_to`: the same for the
        newest one that was restored.
    """
    return LagReading(
        backup_age=_age(backed_up_at, now),
        copy_age=_age(copied_up_to, now),
        restore_age=_age(restored_at, now),
        time_behind=_age(restored_up_to, now),
        bytes_behind=bytes_behind,
    )


class LagState(StrEnum):
    """The three answers."""

    OK = "ok"
    LATE = "late"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LagAlert:
    """One thing to tell: `part` is backup, copy or restore; `number` is SQL Server's, None where it has none."""

    part: str
    number: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Late when any part is over its threshold; else unknown when any part is not known; else ok."""

    state: LagState
    alerts: tuple[LagAlert, ...] = ()


def lag_verdict(
    reading: LagReading, thresholds: AlertThresholds, *, database: str, primary: str, secondary: str
) -> Verdict:
    """Judge the three ages against their thresholds in minutes; an age at the threshold is still in time.

    The wording follows messages 14420 and 14421 of SQL Server.
    """
    late: list[LagAlert] = []
    unknown: list[LagAlert] = []
    ages = {"backup": reading.backup_age, "copy": reading.copy_age, "restore": reading.restore_age}
    limits = {"backup": thresholds.backup, "copy": thresholds.copy, "restore": thresholds.restore}
    for part, age in ages.items():
        server = primary if part == "backup" else secondary
        number = _NUMBERS.get(part)
        if age is None:
            told = f"{server}.{database}: the time of the last {part} is not known: look at the last shipping run."
            unknown.append(LagAlert(part, number, told))
        elif age < -CLOCK_TOLERANCE:
            told = (
                f"{server}.{database}: the last {part} is dated {_minutes(-age)} minutes in the future: "
                "a clock jumped; set the servers' time, until then the age is not known."
            )
            unknown.append(LagAlert(part, number, told))
        elif age > timedelta(minutes=limits[part]):
            told = _late(part, name=f"{server}.{database}", limit=limits[part], age=age, behind=reading.time_behind)
            late.append(LagAlert(part, number, told))
    state = LagState.LATE if late else LagState.UNKNOWN if unknown else LagState.OK
    return Verdict(state, (*late, *unknown))


_NUMBERS: Final = {"backup": 14420, "restore": 14421}


def _late(part: str, *, name: str, limit: int, age: timedelta, behind: timedelta | None) -> str:
    minutes = _minutes(age)
    if part == "backup":
        return (
            f"The log shipping primary database {name} has backup threshold of {limit} minutes and has not performed "
            f"a backup log operation for {minutes} minutes."
        )
    if part == "copy":
        return (
            f"The log shipping secondary database {name} has copy threshold of {limit} minutes and the newest copied "
            f"log backup is {minutes} minutes old."
        )
    latency = "not known" if behind is None else f"{_minutes(behind)} minutes"
    return (
        f"The log shipping secondary database {name} has restore threshold of {limit} minutes and is out of sync. "
        f"No restore was performed for {minutes} minutes. Restored latency is {latency}."
    )


def _age(then: datetime | None, now: datetime) -> timedelta | None:
    return None if then is None else now - then


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)
