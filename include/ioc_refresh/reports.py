"""The threat report of one mail: which of its keys are indicators now, the strongest evidence first."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from include.ioc_refresh.changes import Changes, apply_to
from include.ioc_refresh.indicators import Indicator, TableEntry, entry_key
from include.ioc_refresh.keys import IocKey
from include.ioc_refresh.kinds import REASONS, STRENGTH


class IndicatorIndex:
    """The indicator table in memory: what a replay, a check of one mail and the benchmark look up."""

    def __init__(self, entries: Mapping[str, TableEntry] | None = None) -> None:
        self.entries = dict(entries or {})

    @classmethod
    def of(cls, indicators: Iterable[Indicator]) -> "IndicatorIndex":
        """Return an index of indicators that nobody suppressed, as a snapshot holds them."""
        return cls({indicator.key: TableEntry(indicator) for indicator in indicators})

    def apply(self, changes: Changes) -> None:
        """Take a refresh's changes in."""
        self.entries = apply_to(self.entries, changes)

    def report(self, keys: Iterable[IocKey], *, now: datetime, mail_id: str | None = None) -> dict[str, Any]:
        """Return the threat report of a mail with these keys."""
        return threat_report(keys, self.entries, now=now, mail_id=mail_id)


def threat_report(
    keys: Iterable[IocKey], entries: Mapping[str, TableEntry], *, now: datetime, mail_id: str | None = None
) -> dict[str, Any]:
    """Return the report as a JSON document: every live hit, by strength of its kind, then malicious mails, then value.

    `entries` are table entries by key, of these keys or more. `Reason` and `Identifier` are the first hit's, null
    in a clean report. A hit that an analyst suppressed is listed apart with the end of the suppression and no more.
    """
    hits: list[Indicator] = []
    suppressed: list[tuple[Indicator, datetime]] = []
    for name in dict.fromkeys([entry_key(kind, value) for kind, value, _ in keys]):
        entry = entries.get(name)
        if entry is None or entry.indicator is None or entry.indicator.expired(now):
            continue
        if entry.suppression is not None and entry.suppression.active(now):
            suppressed.append((entry.indicator, entry.suppression.until))
        else:
            hits.append(entry.indicator)
    hits.sort(key=_strength)
    return {
        "ReportedOnUtc": _utc(now),
        "MailId": mail_id,
        "Verdict": "suspicious" if hits else "clean",
        "Reason": REASONS[hits[0].kind] if hits else None,
        "Identifier": hits[0].value if hits else None,
        "Hits": [_hit(indicator) for indicator in hits],
        "Suppressed": [
            _suppressed(indicator, until)
            for indicator, until in sorted(suppressed, key=lambda pair: _strength(pair[0]))
        ],
    }


def _strength(indicator: Indicator) -> tuple[int, int, str]:
    return STRENGTH[indicator.kind], -indicator.malicious, indicator.value


def _hit(indicator: Indicator) -> dict[str, Any]:
    return {
        "Reason": REASONS[indicator.kind],
        "Identifier": indicator.value,
        "Kind": str(indicator.kind),
        "MaliciousMails": indicator.malicious,
        "BenignMails": indicator.benign,
        "FirstSeen": _day(indicator.first_day),
        "LastSeen": _day(indicator.last_day),
        "ExpiresOnUtc": _utc(indicator.expires_at),
        "QueryVersion": indicator.query_version,
    }


def _suppressed(indicator: Indicator, until: datetime) -> dict[str, str]:
    return {
        "Reason": REASONS[indicator.kind],
        "Identifier": indicator.value,
        "Kind": str(indicator.kind),
        "SuppressedUntilUtc": _utc(until),
    }


# Formatting takes half the time of a report with many hits, and days and ends of life are few.
@lru_cache(maxsize=1024)
def _day(day: date) -> str:
    return day.isoformat()


@lru_cache(maxsize=1024)
def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
