"""Who is outstanding in a table of counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.scanner_block.blocking.offences import find_offences
from include.scanner_block.blocking.state_model import Offences
from include.scanner_block.policy_model import LogFormat, Rules, UriRule
from tests.include.scanner_block.scanner_decision_model import START, Row, counts_table, model_offences

if TYPE_CHECKING:
    import random

CLOUDFRONT, WAF = LogFormat.CLOUDFRONT, LogFormat.WAF
rows_of_counts = st.lists(
    st.builds(
        lambda at, later, client, uri, path, requests: (START + at, START + at + later, client, uri, path, requests),
        st.integers(0, 200),
        st.integers(0, 59),
        st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::/64"]),
        st.sampled_from([None, "/login", "/other"]),
        st.sampled_from([None, "a", "b", "c", "d"]),
        st.integers(1, 9),
    ),
    max_size=40,
)


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


def row(seconds: int, requests: int, *, uri: str | None = None, path: str | None = None, last: int = 0) -> Row:
    return START + seconds, START + seconds + last, "192.0.2.1", uri, path, requests


def test_a_client_is_outstanding_from_exactly_the_threshold_on() -> None:
    rules = Rules(error_threshold=10)
    assert not find_offences(counts_table([row(0, 9)]), rules=rules, log_format=CLOUDFRONT).general
    found = find_offences(counts_table([row(0, 4), row(0, 6, last=7)]), rules=rules, log_format=CLOUDFRONT).general
    assert (found["192.0.2.1"].max_per_minute, found["192.0.2.1"].at) == (10, at(7))


def test_the_last_offence_is_of_an_outstanding_minute_not_of_a_quiet_one_after_it() -> None:
    table = counts_table([row(0, 12, last=30), row(60, 50, last=20), row(120, 3, last=40)])
    (offence,) = find_offences(table, rules=Rules(error_threshold=10), log_format=CLOUDFRONT).general.values()
    assert (offence.max_per_minute, offence.at) == (50, at(80))


def test_a_sliding_minute_sees_what_two_calendar_minutes_share_and_ends_before_its_sixtieth_second() -> None:
    sliding = Rules(error_threshold=10, sliding_minute=True)
    across = counts_table([row(30, 5), row(89, 5)])
    apart = counts_table([row(30, 5), row(90, 5)])
    assert find_offences(across, rules=sliding, log_format=CLOUDFRONT).general["192.0.2.1"].at == at(89)
    assert not find_offences(apart, rules=sliding, log_format=CLOUDFRONT).general
    assert not find_offences(across, rules=Rules(error_threshold=10), log_format=CLOUDFRONT).general


def test_a_watched_path_counts_by_itself_and_in_general() -> None:
    rules = Rules(error_threshold=10, uri_thresholds={"/login": UriRule(error_threshold=5)})
    found = find_offences(counts_table([row(0, 6, uri="/login"), row(0, 4)]), rules=rules, log_format=CLOUDFRONT)
    assert found.general["192.0.2.1"].max_per_minute == 10
    assert found.uri["/login"]["192.0.2.1"].max_per_minute == 6


def test_paths_without_a_threshold_for_the_kind_of_log_are_not_watched() -> None:
    rules = Rules(uri_thresholds={"/login": UriRule(error_threshold=1)})
    assert find_offences(counts_table([row(0, 6, uri="/login")]), rules=rules, log_format=WAF) == Offences()


def test_waf_logs_count_against_the_request_threshold_and_know_no_error_paths() -> None:
    rules = Rules(error_threshold=1, request_threshold=7, distinct_error_paths=1)
    assert not find_offences(counts_table([row(0, 6, path="a")]), rules=rules, log_format=WAF).general
    (offence,) = find_offences(counts_table([row(0, 7, path="a")]), rules=rules, log_format=WAF).general.values()
    assert offence.distinct_error_paths is None


@pytest.mark.parametrize("sliding", [False, True])
def test_different_paths_are_counted_in_calendar_minutes_even_when_requests_slide(sliding: bool) -> None:
    rules = Rules(distinct_error_paths=3, sliding_minute=sliding)
    apart = [row(30, 1, path="a"), row(31, 1, path="b"), row(61, 1, path="c"), row(61, 1, path="a")]
    assert not find_offences(counts_table(apart), rules=rules, log_format=CLOUDFRONT).general
    same = [*apart, row(32, 9, path="a"), row(33, 1, path="d", last=4)]
    (offence,) = find_offences(counts_table(same), rules=rules, log_format=CLOUDFRONT).general.values()
    assert (offence.distinct_error_paths, offence.at) == (3, at(37))


def test_no_rows_are_no_offences() -> None:
    assert find_offences(counts_table([]), rules=Rules(), log_format=CLOUDFRONT) == Offences()


@settings(derandomize=True, deadline=None, max_examples=120)
@given(rows_of_counts, st.booleans(), st.sampled_from([None, 2, 3]), st.integers(1, 25))
def test_offences_are_those_of_counting_row_by_row(
    rows: list[Row], sliding: bool, distinct: int | None, threshold: int
) -> None:
    rules = Rules(
        error_threshold=threshold,
        sliding_minute=sliding,
        distinct_error_paths=distinct,
        uri_thresholds={"/login": UriRule(error_threshold=3)},
    )
    found = find_offences(counts_table(rows), rules=rules, log_format=CLOUDFRONT)
    assert found.general == model_offences(rows, threshold=threshold, sliding=sliding, distinct=distinct)
    own = model_offences([r for r in rows if r[3] == "/login"], threshold=3, sliding=sliding)
    assert found.uri == ({"/login": own} if own else {})


@settings(derandomize=True, deadline=None, max_examples=40)
@given(rows_of_counts, st.booleans(), st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_their_splitting_among_objects_matters(
    rows: list[Row], sliding: bool, chance: random.Random
) -> None:
    rules = Rules(error_threshold=8, sliding_minute=sliding, distinct_error_paths=3)
    split = [part for *key, n in rows for part in ((*key, n - n // 2), (*key, n // 2)) if part[-1]]
    chance.shuffle(split)
    whole = find_offences(counts_table(rows), rules=rules, log_format=CLOUDFRONT)
    assert find_offences(counts_table(split), rules=rules, log_format=CLOUDFRONT) == whole
