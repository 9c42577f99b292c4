"""Thresholds beside each other, against a plain re-count of every client."""

from __future__ import annotations

import statistics
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.scanner_block.addresses import Networks
from include.scanner_block.blocking.offences import find_offences
from include.scanner_block.counts import LogCounts, counts_schema
from include.scanner_block.policy_model import LogFormat, Rules
from include.scanner_block.study.threshold_picture import draw_thresholds, is_picture
from include.scanner_block.study.thresholds import Detector, Outcome, Study, compare_thresholds, study_rules

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = Networks.of(())
Row = tuple[int, str, str | None, int]
"""Second, client, path, requests."""


def counts_of(rows: list[Row], clients: int = 100) -> LogCounts:
    columns = {
        "at": [row[0] for row in rows],
        "last": [row[0] for row in rows],
        "client": [row[1] for row in rows],
        "uri": [None for _ in rows],
        "path": [row[2] for row in rows],
        "requests": [row[3] for row in rows],
    }
    return LogCounts(pa.table(columns, schema=counts_schema()), lines=1000, clients=clients)


def study_of(rows: list[Row], *, rules: Rules | None = None, spared: Networks = NOBODY, clients: int = 100) -> Study:
    return compare_thresholds(
        counts_of(rows, clients), rules=rules or Rules(), log_format=LogFormat.CLOUDFRONT, spared=spared
    )


def at_threshold(detector: Detector, threshold: int) -> Outcome:
    return next(outcome for outcome in detector.outcomes if outcome.threshold == threshold)


FAST = "203.0.113.1"
SLOW = "2001:db8::9"
FAST_ROWS: list[Row] = [(600 + second, FAST, f"p{second}", 2) for second in range(40)]
SLOW_ROWS: list[Row] = [(600 + 30 * step, SLOW, "same", 1) for step in range(40)]


def test_a_threshold_says_whom_when_and_how_much_it_stops() -> None:
    count, paths = study_of(FAST_ROWS + SLOW_ROWS).detectors
    found = at_threshold(count, 50)
    # the 50th error of 2 a second comes in second 24; 30 of 80 come after it; the slow one never has more than 2
    assert (found.clients, found.share, found.examples) == (1, 0.01, (FAST,))
    assert (found.stopped, found.stopped_share) == (30, round(30 / 120, 6))
    assert (found.median_seconds, found.worst_seconds) == (24.0, 24)
    assert at_threshold(count, 100).clients == 0
    assert at_threshold(count, 100).median_seconds is None
    probing = at_threshold(paths, 10)
    assert (probing.clients, probing.worst_seconds, probing.stopped) == (1, 9, 60)


def test_requests_beyond_the_threshold_in_the_second_of_detection_are_stopped() -> None:
    found = at_threshold(study_of([(0, FAST, "p", 70), (1, FAST, "p", 5)]).detectors[0], 50)
    assert found.stopped == 25


def test_calendar_minutes_and_sliding_minutes_differ_as_the_settings_say() -> None:
    over_the_border: list[Row] = [(second, FAST, "p", 1) for second in range(630, 690)]
    assert at_threshold(study_of(over_the_border).detectors[0], 50).clients == 0
    sliding = study_of(over_the_border, rules=Rules(sliding_minute=True))
    assert at_threshold(sliding.detectors[0], 50).worst_seconds == 49


def test_spared_clients_are_left_out_and_told() -> None:
    study = study_of(FAST_ROWS + SLOW_ROWS, spared=Networks.of(["203.0.113.0/24"]))
    assert (study.spared, study.counted) == (1, 40)
    assert all(outcome.clients == 0 for outcome in study.detectors[0].outcomes)
    assert study.detectors[0].stable is None


def test_the_stable_range_is_the_widest_in_which_nobody_comes_or_goes() -> None:
    peaks = {"192.0.2.1": 6, "192.0.2.2": 8, "192.0.2.3": 400, "192.0.2.4": 900}
    study = study_of([(60, client, "p", peak) for client, peak in peaks.items()])
    stable = study.detectors[0].stable
    assert stable is not None
    assert (stable.low, stable.high, stable.clients) == (9, 400, 2)
    assert {9, 400, 401} <= {outcome.threshold for outcome in study.detectors[0].outcomes}
    assert at_threshold(study.detectors[0], 401).clients == 1


def test_the_settings_own_thresholds_are_among_those_compared() -> None:
    study = study_of(FAST_ROWS, rules=Rules(error_threshold=37, distinct_error_paths=7))
    assert [detector.chosen for detector in study.detectors] == [37, 7]
    assert at_threshold(study.detectors[0], 37).worst_seconds == 18
    assert at_threshold(study.detectors[1], 7).worst_seconds == 6


def test_waf_logs_have_no_paths_and_their_own_threshold() -> None:
    rules = Rules(request_threshold=60)
    study = compare_thresholds(counts_of(FAST_ROWS), rules=rules, log_format=LogFormat.WAF, spared=NOBODY)
    assert (study.what, [detector.name for detector in study.detectors]) == ("requests", ["count"])
    assert study.detectors[0].chosen == 60
    assert study_rules(rules, LogFormat.WAF).distinct_error_paths is None


def test_empty_logs_block_nobody() -> None:
    study = study_of([], clients=0)
    assert {outcome.clients for detector in study.detectors for outcome in detector.outcomes} == {0}


def test_the_order_of_rows_does_not_matter() -> None:
    rows = FAST_ROWS + SLOW_ROWS + [(700, f"192.0.2.{host}", "p", 55) for host in range(1, 30)]
    assert study_of(rows) == study_of(rows[::-1])


ROWS = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]),
        st.sampled_from(["a", "b", "c", "d"]),
        st.integers(1, 9),
    ),
    max_size=60,
)


def _recount(rows: list[Row], threshold: int, *, sliding: bool) -> dict[str, tuple[int, int]]:
    """Return by client: seconds to its detection, and its requests after that; request by request."""
    found = {}
    for client in {row[1] for row in rows}:
        times = sorted(second for second, one, _, requests in rows if one == client for _ in range(requests))
        for place, time in enumerate(times):
            begin = time - 59 if sliding else time // 60 * 60
            if sum(begin <= earlier for earlier in times[: place + 1]) >= threshold:
                found[client] = (time - times[0], len(times) - place - 1)
                break
    return found


def _recount_paths(rows: list[Row], threshold: int) -> dict[str, int]:
    """Return by client the seconds to its detection by different paths in a calendar minute."""
    found = {}
    for client in {row[1] for row in rows}:
        own = sorted((second, path) for second, one, path, _ in rows if one == client)
        for second, _ in own:
            minute = second // 60 * 60
            if len({path for at, path in own if minute <= at <= second}) >= threshold:
                found[client] = second - own[0][0]
                break
    return found


@given(rows=ROWS, sliding=st.booleans())
@settings(derandomize=True, deadline=None, max_examples=40)
def test_every_threshold_agrees_with_a_recount_request_by_request(rows: list[Row], sliding: bool) -> None:
    count, paths = study_of(rows, rules=Rules(error_threshold=7, sliding_minute=sliding)).detectors
    for outcome in count.outcomes:
        found = _recount(rows, outcome.threshold, sliding=sliding)
        seconds = [after for after, _ in found.values()]
        assert outcome.clients == len(found)
        assert outcome.stopped == sum(stopped for _, stopped in found.values())
        assert outcome.median_seconds == (statistics.median(seconds) if seconds else None)
        assert outcome.worst_seconds == max(seconds, default=None)
    for outcome in paths.outcomes:
        seconds = list(_recount_paths(rows, outcome.threshold).values())
        assert (outcome.clients, outcome.worst_seconds) == (len(seconds), max(seconds, default=None))


def test_a_sliding_minute_is_sixty_seconds_not_sixty_one() -> None:
    rows: list[Row] = [(600, FAST, "p", 3), (660, FAST, "p", 3)]
    assert at_threshold(study_of(rows, rules=Rules(sliding_minute=True)).detectors[0], 5).clients == 0
    rows = [(600, FAST, "p", 3), (659, FAST, "p", 3)]
    assert at_threshold(study_of(rows, rules=Rules(sliding_minute=True)).detectors[0], 5).clients == 1


@given(rows=ROWS, sliding=st.booleans())
@settings(derandomize=True, deadline=None, max_examples=20)
def test_each_threshold_blocks_those_whom_the_rules_would_block(rows: list[Row], sliding: bool) -> None:
    count, paths = study_of(rows, rules=Rules(sliding_minute=sliding)).detectors
    table = counts_of(rows).table
    for outcome in count.outcomes[:4]:
        rules = Rules(error_threshold=outcome.threshold, sliding_minute=sliding)
        found = find_offences(table, rules=rules, log_format=LogFormat.CLOUDFRONT)
        assert outcome.clients == len(found.general)
    for outcome in paths.outcomes[:3]:
        rules = Rules(error_threshold=10_000, distinct_error_paths=outcome.threshold)
        found = find_offences(table, rules=rules, log_format=LogFormat.CLOUDFRONT)
        assert outcome.clients == len(found.general)


@given(rows=ROWS)
@settings(derandomize=True, deadline=None, max_examples=30)
def test_a_higher_threshold_never_blocks_more_and_the_stable_range_holds(rows: list[Row]) -> None:
    for detector in study_of(rows).detectors:
        assert all(low.clients >= high.clients for low, high in pairwise(detector.outcomes))
        if detector.stable is not None:
            inside = [o for o in detector.outcomes if detector.stable.low <= o.threshold <= detector.stable.high]
            assert {outcome.clients for outcome in inside} == {detector.stable.clients}


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_picture_is_drawn_and_the_same_study_draws_the_same_bytes(kind: str, tmp_path: Path) -> None:
    study = study_of(FAST_ROWS + SLOW_ROWS, rules=Rules(distinct_error_paths=10))
    one, other = tmp_path / f"a.{kind}", tmp_path / f"b.{kind}"
    draw_thresholds(study, one)
    draw_thresholds(study, other)
    assert is_picture(one)
    assert one.read_bytes() == other.read_bytes()
    if kind == "svg":
        assert "clients that would be blocked" in one.read_text()


def test_a_picture_of_nothing_is_drawn(tmp_path: Path) -> None:
    draw_thresholds(study_of([], clients=0), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000
    assert not is_picture(tmp_path / "a.pdf")
