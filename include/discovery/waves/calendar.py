"""Days of waves: one after the other, over blackouts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.discovery.waves.settings import WaveSettings


def wave_days(count: int, *, settings: WaveSettings, at: date) -> list[tuple[date, date, str]]:
    """Return (first day, last day, reasons of the blackouts that it waited for) by wave, wave 1 first."""
    cursor = settings.starts or at + timedelta(days=settings.lead_days)
    length = timedelta(days=settings.wave_days - 1)
    blackouts = sorted(settings.blackouts, key=lambda one: (one.starts, one.ends))
    days = []
    for _ in range(count):
        waited: list[str] = []
        while hit := next((b for b in blackouts if cursor <= b.ends and cursor + length >= b.starts), None):
            cursor = hit.ends + timedelta(days=1)
            waited.append(hit.reason)
        days.append((cursor, cursor + length, "; ".join(waited)))
        cursor += length + timedelta(days=1)
    return days
