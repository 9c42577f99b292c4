"""Faults that a drill or a test sets on one instance, by EXEC sp_landfall_fault."""

from __future__ import annotations

import errno
import os
import signal
import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from include.standins.sqlserver.storage.clock import Clock

CRASH_POINTS = frozenset(
    {
        "commit.before_log",
        "commit.before_sync",
        "commit.after_sync",
        "checkpoint.before_save",
        "backup.in_data",
        "backup.before_end",
        "backup.before_save",
        "backup.before_history",
        "restore.in_data",
        "restore.before_save",
        "restore.after_save",
        "recovery.before_save",
        "recovery.after_save",
    }
)
"""Places where the fault `crash` kills the process, as a power cut would."""

_NAP_SECONDS = 0.05


class Faults:
    """Named faults, each with a text value.

    ``disk_full`` = a path prefix under which nothing can be written; ``slow_backup`` = bytes per second of BACKUP and
    RESTORE; ``clock_offset`` = seconds added to the instance's clock; ``crash`` = one of `CRASH_POINTS`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: dict[str, str] = {}

    def set(self, name: str, value: str | None) -> None:
        """Set a fault, or end it with None.

        :raises ValueError: an unknown name or an unusable value, with the sentence for the client.
        """
        checks: dict[str, Callable[[str], object]] = {
            "disk_full": _absolute_path,
            "slow_backup": _positive,
            "clock_offset": float,
            "crash": _crash_point,
        }
        if name not in checks:
            raise ValueError(f"There is no fault {name!r}; use one of {', '.join(sorted(checks))}.")
        if value is None:
            self._values.pop(name, None)
        else:
            checks[name](value)
            self._values[name] = value
        if name == "clock_offset":
            self._clock.offset = timedelta(seconds=float(value or 0))

    def active(self) -> dict[str, str]:
        """Return the faults that are set."""
        return dict(self._values)

    def check_space(self, path: Path) -> None:
        """Raise what a write to a full disk would raise."""
        prefix = self._values.get("disk_full")
        if prefix is not None and str(path).startswith(prefix):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def pace(self, size: int, check: Callable[[], None]) -> None:
        """Spend the time that moving `size` bytes takes on a slow device."""
        rate = self._values.get("slow_backup")
        if rate is None:
            return
        deadline = time.monotonic() + size / float(rate)
        while (left := deadline - time.monotonic()) > 0 and "slow_backup" in self._values:
            check()
            time.sleep(min(left, _NAP_SECONDS))

    def reach(self, point: str) -> None:
        """Die here when the fault `crash` names this point."""
        if self._values.get("crash") == point:
            os.kill(os.getpid(), signal.SIGKILL)


def _absolute_path(value: str) -> None:
    if not value.startswith("/"):
        raise ValueError(f"The fault disk_full needs an absolute path, not {value!r}.")


def _positive(value: str) -> None:
    if float(value) <= 0:
        raise ValueError(f"The fault slow_backup needs bytes per second above 0, not {value!r}.")


def _crash_point(value: str) -> None:
    if value not in CRASH_POINTS:
        raise ValueError(f"There is no crash point {value!r}; use one of {', '.join(sorted(CRASH_POINTS))}.")
