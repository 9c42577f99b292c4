"""Times as moto's protocols give them, as seconds since the epoch, and back."""

from __future__ import annotations

from datetime import UTC, datetime


def seconds(moment: datetime | float) -> float:
    """Give the seconds since the epoch of a time; one without a zone is UTC, as moto parses them."""
    if not isinstance(moment, datetime):
        return float(moment)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def moment(since_epoch: float) -> datetime:
    """Give the time, in UTC."""
    return datetime.fromtimestamp(since_epoch, tz=UTC)
