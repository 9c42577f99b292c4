"""When passes end: property tests of the rule, and its words."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from include.fsx_migration.definition_model import Convergence
from include.fsx_migration.transfer.convergence import Answer, DeltaPoint, decide, seconds_needed

RULE = Convergence(window_minutes=60, shrink_at_least=0.2, passes_at_most=10)
GIB = 1 << 30


def point(number: int = 2, *, cost: int = 100 * GIB, scan: float = 60.0, transfer: float = 7200.0) -> DeltaPoint:
    return DeltaPoint(number=number, files=10, bytes=cost, cost=cost, scan_seconds=scan, transfer_seconds=transfer)


POINTS = st.lists(
    st.builds(
        point,
        cost=st.integers(0, 1 << 45),
        scan=st.floats(0, 1e5),
        transfer=st.floats(0, 1e6),
    ),
    max_size=14,
)
RULES = st.builds(
    Convergence,
    window_minutes=st.integers(1, 1000),
    shrink_at_least=st.floats(0.01, 0.99),
    passes_at_most=st.integers(1, 12),
)


@settings(derandomize=True, max_examples=200)
@given(history=POINTS, rate=st.floats(0, 1e10), rule=RULES)
def test_converged_means_that_the_last_delta_fits_the_window(
    history: list[DeltaPoint], rate: float, rule: Convergence
) -> None:
    verdict = decide(history, cost_per_second=rate, rule=rule)
    fits = bool(history) and seconds_needed(history[-1], cost_per_second=rate) <= rule.window_minutes * 60
    assert (verdict.answer is Answer.CONVERGED) == fits


@settings(derandomize=True, max_examples=200)
@given(history=POINTS, rate=st.floats(0, 1e10), rule=RULES)
def test_passes_end_after_the_most_that_are_allowed(history: list[DeltaPoint], rate: float, rule: Convergence) -> None:
    if len(history) >= rule.passes_at_most:
        assert decide(history, cost_per_second=rate, rule=rule).answer is not Answer.GO_ON


@settings(derandomize=True, max_examples=200)
@given(history=POINTS, rate=st.floats(0, 1e10), rule=RULES, times=st.integers(2, 100))
def test_a_slower_rate_never_converges_sooner(
    history: list[DeltaPoint], rate: float, rule: Convergence, times: int
) -> None:
    slow = decide(history, cost_per_second=rate / times, rule=rule) if rate > 1e-6 else None
    if slow and slow.answer is Answer.CONVERGED:
        assert decide(history, cost_per_second=rate, rule=rule).answer is Answer.CONVERGED


def test_without_a_pass_there_is_one_to_make() -> None:
    assert decide([], cost_per_second=1e9, rule=RULE).answer is Answer.GO_ON


def test_a_shrinking_delta_goes_on() -> None:
    history = [point(2), point(3, cost=70 * GIB)]
    assert decide(history, cost_per_second=1e6, rule=RULE).answer is Answer.GO_ON


def test_a_delta_that_stops_shrinking_is_a_persons_matter_and_says_the_numbers() -> None:
    verdict = decide([point(2), point(3, cost=90 * GIB)], cost_per_second=1e7, rule=RULE)
    assert verdict.answer is Answer.ASK_PERSON
    assert "no longer shrinks by 20%" in verdict.sentence
    assert "pass 2 found 10 files" in verdict.sentence


def test_a_lucky_pass_does_not_deceive() -> None:
    """It moved within a minute what the measured rate says takes hours."""
    verdict = decide([point(transfer=60.0)], cost_per_second=1e7, rule=RULE)
    assert verdict.answer is not Answer.CONVERGED
    assert verdict.needed_seconds > 3600


def test_the_scan_counts_into_the_window() -> None:
    assert decide([point(cost=1, scan=3700.0, transfer=1.0)], cost_per_second=1e9, rule=RULE).answer is Answer.GO_ON
