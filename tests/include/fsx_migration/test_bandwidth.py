"""The bandwidth calendar, against the plainest reading of its rules, minute by minute."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.fsx_migration.definition_model import Bandwidth, BandwidthWindow
from include.fsx_migration.planning.bandwidth import MIB, limit_at, next_change, seconds_to_move, segments

WORKDAYS = frozenset(range(5))
OFFICE = BandwidthWindow(days=WORKDAYS, start=time(7), end=time(19), limit_mib_s=100)
NIGHT = BandwidthWindow(days=frozenset({6}), start=time(22), end=time(2), limit_mib_s=40)
BERLIN = Bandwidth(
    time_zone="Europe/Berlin",
    limit_mib_s=500,
    windows=(OFFICE, NIGHT),
    holidays=frozenset({date(2026, 12, 25)}),
    holiday_limit_mib_s=None,
)


def mib(bandwidth: Bandwidth, text: str) -> float | None:
    limit = limit_at(bandwidth, datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(bandwidth.time_zone)))
    return None if limit is None else limit / MIB


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-23T06:59", 500),  # Monday
        ("2026-11-23T07:00", 100),
        ("2026-11-23T18:59", 100),
        ("2026-11-23T19:00", 500),
        ("2026-11-21T12:00", 500),  # Saturday
        ("2026-11-22T21:59", 500),  # Sunday
        ("2026-11-22T22:00", 40),
        ("2026-11-23T01:59", 40),  # the window passes midnight
        ("2026-11-23T02:00", 500),
        ("2026-12-25T12:00", None),  # a Friday, and a holiday
        ("2026-12-24T12:00", 100),
    ],
)
def test_this_limit_rules(moment: str, expected: float | None) -> None:
    assert mib(BERLIN, moment) == expected


def test_the_first_window_that_holds_a_moment_rules() -> None:
    both = Bandwidth(windows=(OFFICE, BandwidthWindow(days=WORKDAYS, start=time(8), end=time(9), limit_mib_s=1)))
    assert mib(both, "2026-11-23T08:30") == 100


def test_a_window_from_midnight_to_midnight_is_the_whole_day() -> None:
    saturday = Bandwidth(windows=(BandwidthWindow(days=frozenset({5}), start=time(0), end=time(0), limit_mib_s=5),))
    assert [
        mib(saturday, f"2026-11-{day}T{clock}") for day, clock in ((20, "23:59"), (21, "00:00"), (21, "23:59"))
    ] == [
        None,
        5,
        5,
    ]
    assert mib(saturday, "2026-11-22T00:00") is None


def test_an_hour_that_the_clock_shows_twice_is_ruled_alike_both_times() -> None:
    window = BandwidthWindow(days=frozenset(range(7)), start=time(2), end=time(2, 30), limit_mib_s=7)
    found = list(
        segments(
            Bandwidth(time_zone="Europe/Berlin", windows=(window,)),
            datetime(2026, 10, 24, 23, tzinfo=UTC),
            datetime(2026, 10, 25, 3, tzinfo=UTC),
        )
    )
    assert [(since.strftime("%H:%M"), limit and limit / MIB) for since, _, limit in found] == [
        ("23:00", None),
        ("00:00", 7),
        ("00:30", None),
        ("01:00", 7),
        ("01:30", None),
    ]


def test_a_window_in_a_skipped_hour_does_not_happen() -> None:
    window = BandwidthWindow(days=frozenset(range(7)), start=time(2, 15), end=time(2, 45), limit_mib_s=7)
    calendar = Bandwidth(time_zone="Europe/Berlin", windows=(window,))
    change = next_change(calendar, datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert change == datetime(2026, 3, 30, 0, 15, tzinfo=UTC)


def test_without_windows_nothing_ever_changes() -> None:
    assert next_change(Bandwidth(limit_mib_s=5), datetime(2026, 1, 1, tzinfo=UTC)) is None
    same = Bandwidth(limit_mib_s=100, windows=(OFFICE,))
    assert next_change(same, datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_a_holiday_years_ahead_is_a_change() -> None:
    calendar = Bandwidth(holidays=frozenset({date(2031, 5, 1)}), holiday_limit_mib_s=3)
    assert next_change(calendar, datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2031, 5, 1, tzinfo=UTC)


CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
WINDOWS = st.builds(
    BandwidthWindow,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    start=CLOCKS,
    end=CLOCKS,
    limit_mib_s=st.sampled_from([None, 1.0, 2.0, 3.0]),
)
CALENDARS = st.builds(
    Bandwidth,
    time_zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    limit_mib_s=st.sampled_from([None, 1.0, 4.0]),
    windows=st.lists(WINDOWS, max_size=3).map(tuple),
    holidays=st.frozensets(st.dates(date(2026, 3, 6), date(2026, 3, 9)), max_size=2),
    holiday_limit_mib_s=st.sampled_from([None, 9.0]),
)
STARTS = st.builds(
    lambda day, minute: datetime.combine(day, time(0), UTC) + timedelta(minutes=minute),
    st.sampled_from([date(2026, 3, 7), date(2026, 3, 8), date(2026, 10, 3), date(2026, 10, 24), date(2026, 10, 31)]),
    st.integers(0, 24 * 60 - 1),
)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(CALENDARS, STARTS)
def test_segments_are_the_limit_of_every_moment(calendar: Bandwidth, start: datetime) -> None:
    end = start + timedelta(hours=36)
    found = list(segments(calendar, start, end))
    assert found[0][0] == start
    assert found[-1][1] == end
    assert all(before[1] == after[0] and before[2] != after[2] for before, after in pairwise(found))
    for since, until, limit in found:
        moment = since
        while moment < until:
            assert limit_at(calendar, moment) == limit, moment
            moment += timedelta(minutes=5)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(CALENDARS, STARTS, st.floats(1e5, 2e7), st.floats(1e6, 3e11))
def test_the_time_to_move_is_the_sum_over_segments(
    calendar: Bandwidth, start: datetime, rate: float, size_bytes: float
) -> None:
    seconds = seconds_to_move(calendar, start=start, size_bytes=size_bytes, rate_bytes_s=rate)
    end = start + timedelta(seconds=seconds)
    moved = sum(
        (until - since).total_seconds() * min(rate, float("inf") if limit is None else limit)
        for since, until, limit in segments(calendar, start, end)
    )
    assert moved == pytest.approx(size_bytes, rel=1e-6, abs=2 * rate * 1e-5)


def test_nothing_takes_no_time_and_no_rate_takes_for_ever() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert seconds_to_move(BERLIN, start=start, size_bytes=0, rate_bytes_s=1) == 0
    assert seconds_to_move(BERLIN, start=start, size_bytes=1, rate_bytes_s=0) == float("inf")


def test_a_transfer_of_centuries_is_answered_too() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    seconds = seconds_to_move(BERLIN, start=start, size_bytes=1e15, rate_bytes_s=1e5)
    assert seconds == pytest.approx(1e10, rel=0.01)
