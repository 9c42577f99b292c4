"""Statistics, metric math and alarm states, without a service around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.standins.aws.cloudwatch_alarms import Alarm, evaluate, verdict_state
from include.standins.aws.cloudwatch_math import MathError, Series
from include.standins.aws.cloudwatch_math import evaluate as calculate
from include.standins.aws.cloudwatch_queries import Queries
from include.standins.aws.cloudwatch_statistics import UnknownStatisticError, by_period, rounded_start, statistic
from include.standins.aws.metrics_store import HISTORY_SECONDS, Metric, MetricStore, Values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_800_000_030
MINUTE = NOW // 60 * 60
LOAD = Metric("n", "load")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MetricStore]:
    made = MetricStore(tmp_path)
    yield made
    made.close()


def values(*numbers: float, at: int = MINUTE) -> list[Values]:
    return [Values.one(at, number, "Count") for number in numbers]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Sum", 5050), ("Average", 50.5), ("Minimum", 1), ("Maximum", 100), ("SampleCount", 100),
        ("p0", 1), ("p50", 50.5), ("p99", 99.01), ("p99.9", 99.901), ("p100", 100),
    ],
)  # fmt: skip
def test_statistics_of_one_to_a_hundred(name: str, expected: float) -> None:
    assert statistic(name)(values(*range(1, 101))) == pytest.approx(expected)


def test_a_value_counts_as_often_as_it_was_seen() -> None:
    rows = [Values.one(0, 10, "Count", samples=3), Values.one(0, 50, "Count")]
    assert [statistic(name)(rows) for name in ("Sum", "Average", "SampleCount", "p50")] == [80, 20, 4, 10]


def test_a_set_of_different_values_has_no_percentile() -> None:
    assert statistic("p99")([Values(0, 1, 9, 10, 2, "Count")]) is None
    assert statistic("Average")([Values(0, 1, 9, 10, 2, "Count")]) == 5


@pytest.mark.parametrize("name", ["tm90", "p101", "PR(0:5)", "sum", "IQM"])
def test_other_statistics_are_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownStatisticError, match="for a statistic is not supported"):
        statistic(name)


def test_periods_begin_at_the_rounded_start_and_empty_ones_are_absent() -> None:
    start = rounded_start(MINUTE + 59.9, 300)
    rows = values(1, at=MINUTE) + values(2, at=MINUTE + 299) + values(3, at=MINUTE + 900)
    groups = by_period(rows, start=start, period=300)
    assert {time - MINUTE: len(found) for time, found in groups.items()} == {0: 2, 900: 1}


def test_replacing_a_minute_leaves_its_neighbours(store: MetricStore) -> None:
    for minute in (MINUTE - 60, MINUTE, MINUTE + 60):
        store.put([(LOAD, Values.one(minute, 1, "Count"))])

    store.replace(LOAD, values(7, 8))

    found = store.between(LOAD, MINUTE - 60, MINUTE + 120)
    assert [(row.at - MINUTE, row.total) for row in found] == [(-60, 1), (0, 7), (0, 8), (60, 1)]


def test_values_older_than_the_history_go(store: MetricStore) -> None:
    import time

    store.put([(LOAD, Values.one(time.time() - HISTORY_SECONDS - 60, 1, "Count"))])
    store._pruned_at = 0.0
    store.put([(LOAD, Values.one(time.time(), 2, "Count"))])
    assert [row.total for row in store.between(LOAD, 0, time.time() + 60)] == [2]


def series(*numbers: float | None) -> Series:
    given = {60 * place: number for place, number in enumerate(numbers) if number is not None}
    return Series(given, 60, tuple(60 * place for place in range(len(numbers))))


KNOWN = {"a": series(1, 2, None, 4), "b": series(10, None, 30, 40), "z": series(0, 0, 0, 0)}


def results(expression: str) -> list[float | None]:
    found = calculate(expression, KNOWN.__getitem__)
    assert isinstance(found, Series)
    return [found.values.get(60 * place) for place in range(4)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a+b", [11, None, None, 44]),
        ("2*a-1", [1, 3, None, 7]),
        ("-a^2", [1, 4, None, 16]),
        ("(a+1)/2", [1, 1.5, None, 2.5]),
        ("b/z", [None] * 4),
        ("SUM([a,b])", [11, 2, 30, 44]),
        ("MAX([a,b,3])", [10, 3, 30, 40]),
        ("AVG([a,b])", [5.5, 2, 30, 22]),
        ("a/SUM(a)", [1 / 7, 2 / 7, None, 4 / 7]),
        ("a-MIN(a)", [0, 1, None, 3]),
        ("FILL(a,0)", [1, 2, 0, 4]),
        ("FILL(b,REPEAT)", [10, 10, 30, 40]),
        ("FILL(a,b)", [1, 2, 30, 4]),
        ("IF(a>1,a,0)", [0, 2, None, 4]),
        ("IF(a>1 AND b>1,1,0)", [0, None, None, 1]),
        ("a==2 || a>=4", [0, 1, None, 1]),
        ("DIFF(a)", [None, 1, None, 2]),
        ("RATE(b)", [None, None, 20 / 120, 10 / 60]),
        ("a*PERIOD(a)", [60, 120, None, 240]),
        ("CEIL(a/3)+FLOOR(b/3)+ABS(z)", [4, None, None, 15]),
    ],
)
def test_metric_math(expression: str, expected: list[float | None]) -> None:
    assert results(expression) == pytest.approx(expected)


@pytest.mark.parametrize(
    "expression",
    ["a+", "a b", "SEARCH('x')", "ANOMALY_DETECTION_BAND(a)", "[a,b]+1", "FILL(1,2)", "IF(a,1)", "METRICS()"],
)
def test_expressions_that_are_not_modelled_are_refused(expression: str) -> None:
    with pytest.raises((MathError, KeyError)):
        calculate(expression, KNOWN.__getitem__)


@settings(derandomize=True, max_examples=60)
@given(
    left=st.lists(st.none() | st.integers(-100, 100), min_size=4, max_size=4),
    right=st.lists(st.none() | st.integers(-100, 100), min_size=4, max_size=4),
)
def test_a_sum_has_a_value_exactly_where_both_sides_have_one(left: list[int | None], right: list[int | None]) -> None:
    known = {"l": series(*left), "r": series(*right)}
    found = calculate("l+r", known.__getitem__)
    assert isinstance(found, Series)
    both = {place: a + b for place, (a, b) in enumerate(zip(left, right, strict=True)) if None not in (a, b)}
    assert found.values == {60 * place: total for place, total in both.items()}


def test_expressions_that_refer_to_each_other_are_refused(store: MetricStore) -> None:
    asked = [{"Id": "x", "Expression": "y+1"}, {"Id": "y", "Expression": "x+1"}]
    with pytest.raises(MathError, match="refer to each other"):
        Queries(store, asked, start=0, end=60).series("x")


def alarm(**changes: Any) -> Alarm:
    given: dict[str, Any] = {
        "Namespace": "n", "MetricName": "load", "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 3,
        "Threshold": 5.0, "ComparisonOperator": "GreaterThanThreshold",
    }  # fmt: skip
    return Alarm("a", "arn", given | changes, 0.0, state="KEPT")


# The tables of the user guide, "Configuring how CloudWatch alarms treat missing data": 0 good, X bad, - missing, newest
# last; states for missing, ignore, breaching, notBreaching.
TABLE = [
    (3, "0 - X - X", "OK OK OK OK"),
    (3, "0 - - - -", "OK OK OK OK"),
    (3, "- - - - -", "INSUFFICIENT_DATA KEPT ALARM OK"),
    (3, "0 X X - X", "ALARM ALARM ALARM ALARM"),
    (3, "- - X - -", "ALARM KEPT ALARM OK"),
    (2, "0 - X - X", "ALARM ALARM ALARM ALARM"),
    (2, "0 0 X 0 X", "ALARM ALARM ALARM ALARM"),
    (2, "0 - X - -", "OK OK ALARM OK"),
    (2, "- - - - 0", "OK OK ALARM OK"),
    (2, "- - - X -", "ALARM KEPT ALARM OK"),
]


@pytest.mark.parametrize(("needed", "points", "states"), TABLE)
@pytest.mark.parametrize("treatment", ["missing", "ignore", "breaching", "notBreaching"])
def test_missing_data_are_treated_as_the_guide_says(
    store: MetricStore, treatment: str, needed: int, points: str, states: str
) -> None:
    for place, point in enumerate(points.split()):
        if point != "-":
            at = MINUTE - 60 * (4 - place)
            store.put([(LOAD, Values.one(at, 9 if point == "X" else 1, "Count"))])
    expected = states.split()[["missing", "ignore", "breaching", "notBreaching"].index(treatment)]

    verdict = evaluate(alarm(DatapointsToAlarm=needed, TreatMissingData=treatment), store, NOW)

    assert verdict.state == expected


@pytest.mark.parametrize(
    ("operator", "breaching"),
    [
        ("GreaterThanThreshold", [6]), ("GreaterThanOrEqualToThreshold", [5, 6]),
        ("LessThanThreshold", [4]), ("LessThanOrEqualToThreshold", [4, 5]),
    ],
)  # fmt: skip
def test_each_operator_draws_its_line(operator: str, breaching: list[float]) -> None:
    watched = alarm(ComparisonOperator=operator, EvaluationPeriods=1)
    assert [value for value in (4, 5, 6) if verdict_state(watched, [value]) == "ALARM"] == breaching


def test_the_reason_names_values_times_and_threshold(store: MetricStore) -> None:
    store.put([(LOAD, Values.one(MINUTE, 9, "Count"))])
    reason = evaluate(alarm(EvaluationPeriods=1), store, NOW).reason
    assert reason.startswith("Threshold Crossed: 1 out of the last 1 datapoints [9.0 (15/01/27 08:00:00)] was greater")


def test_an_alarm_over_an_expression_watches_the_one_that_returns_data(store: MetricStore) -> None:
    store.put([(LOAD, Values.one(MINUTE, 4, "Count"))])
    metric = {"Metric": {"Namespace": "n", "MetricName": "load"}, "Period": 60, "Stat": "Sum"}
    queries = [{"Id": "m", "MetricStat": metric, "ReturnData": False}, {"Id": "e", "Expression": "m*2"}]
    assert evaluate(alarm(Metrics=queries, EvaluationPeriods=1), store, NOW).state == "ALARM"
