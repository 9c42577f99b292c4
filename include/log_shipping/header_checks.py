"""The rows that the header gate judges: one per backup file that would be restored, or that stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.log_shipping.chain import Position, after, misfit
from include.log_shipping.headers import BackupHeader, BackupType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    import pandas as pd

    from include.log_shipping.configuration_model import DatabaseSettings
    from include.log_shipping.next_restores import NextRestores
    from include.log_shipping.outcomes import Outcome

COLUMNS: Final = (
    "database", "file", "type", "fits", "same_path", "has_checksums", "is_whole", "size_bytes", "age_hours",
    "compressed_as_configured",
)  # fmt: skip


def header_rows(
    following: NextRestores,
    *,
    settings: DatabaseSettings,
    position: Position,
    just_taken: str | None,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return the rows of one database: what would be restored in order, then what does not fit.

    :param just_taken: the log backup of this run, the only one that today's configuration speaks for: a file from
        before a change of `compression` is no fault.
    """
    rows = []
    for header in following.apply:
        fits = misfit(header, position) is None
        rows.append(_row(header, settings=settings, now=now, fits=fits, just_taken=just_taken))
        position = after(header, position)
    if following.bridge is not None:
        rows.append(_row(following.bridge, settings=settings, now=now, fits=True, just_taken=just_taken))
    elif following.gap is not None:
        rows.append(_row(following.gap.before, settings=settings, now=now, fits=False, just_taken=just_taken))
    if following.diverged is not None:
        row = _row(following.diverged, settings=settings, now=now, fits=True, just_taken=just_taken)
        rows.append(row | {"same_path": False})
    return rows


def frame_of(outcomes: Iterable[Outcome]) -> pd.DataFrame:
    """Return the rows that the first half of the run kept in its outcomes, as the gate's frame."""
    import pandas as pd

    rows: list[Mapping[str, Any]] = [row for outcome in outcomes for row in outcome.evidence.get("headers", ())]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(
    header: BackupHeader, *, settings: DatabaseSettings, now: datetime, fits: bool, just_taken: str | None
) -> dict[str, Any]:
    name = header.files[0]
    as_configured = header.is_compressed is None or header.is_compressed == settings.compression
    return {
        "database": settings.name,
        "file": name,
        "type": "log" if header.type is BackupType.LOG else header.type.value.lower(),
        "fits": fits,
        "same_path": True,
        "has_checksums": header.has_checksums is not False,
        "is_whole": not header.is_damaged,
        "size_bytes": header.size_bytes or 0,
        "age_hours": round((now - header.finished).total_seconds() / 3600, 3),
        "compressed_as_configured": as_configured or name != just_taken,
    }
