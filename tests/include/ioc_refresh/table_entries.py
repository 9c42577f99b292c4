"""Indicators and table entries for tests, and hypothesis strategies for them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from include.ioc_refresh.indicators import Indicator, Suppression, TableEntry
from include.ioc_refresh.kinds import Kind

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


def indicator(value: str = "evil.example", kind: Kind = Kind.LINK_DOMAIN, **fields: Any) -> Indicator:
    """A live indicator as of `NOW`, with the given fields instead."""
    domain = value if kind is Kind.LINK_DOMAIN else None
    defaults = {
        "domain": domain,
        "malicious": 3,
        "benign": 0,
        "first_day": date(2026, 2, 1),
        "last_day": date(2026, 2, 28),
        "expires_at": LATER,
        "query_version": f"{kind}-1",
        "refresh": 1,
    }
    return Indicator(kind=kind, value=value, **(defaults | fields))


def suppression(until: datetime = LATER) -> Suppression:
    """An analyst's word that holds as of `NOW`."""
    return Suppression(until=until, by="ana", reason="our own newsletter", at=NOW - timedelta(days=1))


def table(*entries: Indicator) -> dict[str, TableEntry]:
    """Entries by key, nothing suppressed."""
    return {one.key: TableEntry(one) for one in entries}


indicators = st.builds(
    indicator,
    value=st.sampled_from(["a.example", "b.example", "c.example", "d.example", "é#f.example"]),
    kind=st.sampled_from([Kind.LINK_DOMAIN, Kind.SENDER_DOMAIN, Kind.PATH_SHAPE]),
    malicious=st.integers(1, 5),
    expires_at=st.integers(-3, 3).map(lambda days: NOW + timedelta(days=days)),
    query_version=st.sampled_from(["q-1", "q-2"]),
    refresh=st.integers(1, 9),
)
"""Few names, so that two draws meet."""

distinct_indicators = st.lists(indicators, max_size=12, unique_by=lambda one: one.key)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, TableEntry]:
    """Entries by key: evidence, suppression, or both."""
    entries = {one.key: TableEntry(one) for one in draw(distinct_indicators)}
    for one in draw(distinct_indicators):
        standing = entries.get(one.key, TableEntry()).indicator
        entries[one.key] = TableEntry(standing, suppression(one.expires_at))
    return entries
