"""When a block ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.scanner_block.blocking.state_model import Entry
    from include.scanner_block.policy_model import Rules


def until(entry: Entry, *, rules: Rules) -> datetime:
    """Return when a block ends: the last offence and the block period, a longer one for repeat offenders."""
    return entry.updated_at + block_period(entry.times, rules=rules)


def block_period(times: int, *, rules: Rules) -> timedelta:
    """Return how long a client's n-th block lasts after the last offence; never shorter than its first one."""
    first = rules.block_period_minutes
    if rules.repeat_offenders is None or times <= 1:
        return timedelta(minutes=first)
    longest = max(first, rules.repeat_offenders.longest_minutes)
    try:
        minutes = min(first * rules.repeat_offenders.factor ** (times - 1), longest)
    except OverflowError:
        minutes = longest
    return timedelta(minutes=minutes)
