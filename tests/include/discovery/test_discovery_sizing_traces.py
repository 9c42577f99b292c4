"""The default sizes on real CPU traces, fitted on the first half and judged on the second."""

from __future__ import annotations

import pytest

from benchmarks.discovery_sizing import DATA, folder, judge
from include.discovery.sizing.settings import Headroom, SizingSettings


def test_the_default_breaches_at_most_4_percent_of_later_time_and_the_average_far_more() -> None:
    traces = folder()
    if traces is None:
        pytest.skip(f"{DATA} names no folder with discovery/traces")
    found = judge(traces, SizingSettings(headroom=Headroom(avg=1.0)))
    breach, kept = found["default"]
    assert breach <= 0.04
    assert kept < 0.75
    assert found["avg"][0] > 0.2
    assert found["nameplate"] == (0.0, 1.0)
