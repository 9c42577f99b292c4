"""An approver sees counts and hostile values that can be read but not followed."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ioc_refresh.briefs import brief, defanged
from include.ioc_refresh.changes import Changes, Removal, RemovalReason
from include.ioc_refresh.indicators import Indicator
from include.ioc_refresh.kinds import Kind

AT = datetime(2026, 3, 1, tzinfo=UTC)


def indicator(value: str) -> Indicator:
    return Indicator(
        kind=Kind.LINK_DOMAIN,
        value=value,
        domain=value,
        malicious=3,
        benign=0,
        first_day=date(2026, 2, 1),
        last_day=date(2026, 2, 27),
        expires_at=AT + timedelta(days=9),
        query_version="link_domain-1",
        refresh=1,
    )


def test_counts_reasons_and_the_first_twenty_are_shown() -> None:
    changes = Changes(
        as_of=AT,
        added=tuple(indicator(f"new{number:02d}.example") for number in range(25)),
        removed=(Removal(indicator("old.example"), RemovalReason.BENIGN_REPORT),),
        unchanged=7,
    )
    text = brief(changes, previous=8)
    assert "**8** indicators now; **25** come, **1** go (benign_report 1)." in text
    assert "new19[.]example" in text
    assert "new20[.]example" not in text
    assert "| link_domain `old[.]example` | benign_report | 2026-02-27 |" in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("evil.example", "evil[.]example"),
        ("https://evil.example/a", "https[:]//evil[.]example/a"),
        ("a`b|c\\d<e>", "a?b?c?d?e?"),
        ("a\nb c", "a?b?c"),
        ("x" * 81, "x" * 80 + "..."),
    ],
)
def test_values_cannot_be_followed_nor_leave_their_cell(value: str, shown: str) -> None:
    assert defanged(value) == shown


@given(st.text())
def test_no_value_breaks_the_table(value: str) -> None:
    assert re.fullmatch(r"[^`|\\<>\x00-\x20\x7f-\U0010ffff]*", defanged(value))
