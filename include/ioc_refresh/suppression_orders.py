"""An analyst's order to suppress or release one indicator: checked, shown, carried out once, kept for the audit."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from include.ioc_refresh.indicators import TableEntry, entry_key
from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.suppression import LONGEST, SuppressionRefusedError, normalised, release, suppress
from include.ioc_refresh.table import IndicatorTable


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionOrder:
    """What is ordered, by whom and when; `until` is None for a release."""

    kind: Kind
    value: str
    until: datetime | None
    by: str
    reason: str
    at: datetime

    @property
    def key(self) -> str:
        """The key of the indicator in the table."""
        return entry_key(self.kind, self.value)

    @property
    def action(self) -> str:
        """The order in a word."""
        return "suppress" if self.until else "release"


def read_order(params: Mapping[str, Any], *, at: datetime, signed_in_user: str | None) -> SuppressionOrder:
    """Read the trigger form; the end date counts to its midnight (UTC).

    Raises SuppressionRefusedError, naming the field, for an order that cannot be carried out.
    """
    by = signed_in_user or params.get("asked_by")
    if not by:
        raise SuppressionRefusedError("Nobody knows who asks: sign in and trigger it, or fill in asked_by.")
    until = _end_of(params.get("until"), at=at) if params["action"] == "suppress" else None
    kind = Kind(params["kind"])
    value = normalised(kind, params["value"])
    return SuppressionOrder(kind=kind, value=value, until=until, by=by, reason=params["reason"], at=at)


def preview(table: IndicatorTable, order: SuppressionOrder) -> dict[str, Any]:
    """Return what stands in the table and what the order makes of it; nothing is written."""
    entry = table.read([order.key]).get(order.key, TableEntry())
    if not order.until and not entry.suppression:
        raise SuppressionRefusedError(f"value: {order.key!r} is not suppressed; check kind and spelling.")
    return {
        "ioc": order.key,
        "action": order.action,
        "now": _standing(entry, order.at),
        "then": f"suppressed until {order.until:%Y-%m-%d %H:%M} UTC" if order.until else _released(entry, order.at),
        "by": order.by,
    }


def carry_out(lake: Lake, table: IndicatorTable, order: SuppressionOrder, *, run_id: str) -> dict[str, Any]:
    """Write the order, then its audit record; a second try writes the same and keeps the first record."""
    words: dict[str, Any] = {"by": order.by, "reason": order.reason, "at": order.at}
    if order.until:
        record = suppress(table, order.kind, order.value, until=order.until, **words)
    elif table.read([order.key]).get(order.key, TableEntry()).suppression:
        record = release(table, order.kind, order.value, **words)
    else:  # an earlier try of this run released it and died before it could tell
        record = {"action": "release", "ioc": order.key, **words, "at": order.at.isoformat()}
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:12]
    name = f"{order.at:%H%M%S}-{order.action}-{digest}.json"
    key = lake.settings.key("audit", "suppressions", f"dt={order.at:%Y-%m-%d}", name)
    lake.put_if_absent(key, {**record, "run_id": run_id})
    return {**record, "audit": f"s3://{lake.settings.bucket}/{key}"}


def _end_of(day: str | None, *, at: datetime) -> datetime:
    if not day:
        raise SuppressionRefusedError("until: give the last day of the suppression, as 2026-12-31.")
    try:
        until = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC)
    except (ValueError, OverflowError) as error:
        raise SuppressionRefusedError(f"until: {day[:40]!r} is no day; write it as 2026-12-31.") from error
    if not at < until <= at + LONGEST:
        raise SuppressionRefusedError(f"until: {day} is not within {LONGEST.days} days from {at:%Y-%m-%d}.")
    return until


def _standing(entry: TableEntry, now: datetime) -> str:
    if entry.suppression and entry.is_suppressed(now):
        return f"suppressed by {entry.suppression.by} until {entry.suppression.until:%Y-%m-%d %H:%M} UTC"
    if entry.is_live(now) and entry.indicator:
        return f"live: {entry.indicator.malicious} malicious mails, the last on {entry.indicator.last_day}"
    return "no live indicator under this kind and value"


def _released(entry: TableEntry, now: datetime) -> str:
    return _standing(TableEntry(entry.indicator), now)
