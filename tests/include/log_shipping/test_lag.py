"""When somebody is told that a secondary is behind, and in which words."""

from datetime import timedelta

import pytest

from include.log_shipping.configuration import AlertThresholds
from include.log_shipping.lag import LagReading, LagState, Verdict, lag_verdict, measure_lag
from tests.include.log_shipping.backup_histories import moment


def judge(backup: float | None, copy: float | None, restore: float | None, behind: float | None = 7) -> Verdict:
    ages = [None if age is None else timedelta(minutes=age) for age in (backup, copy, restore, behind)]
    reading = LagReading(backup_age=ages[0], copy_age=ages[1], restore_age=ages[2], time_behind=ages[3])
    return lag_verdict(reading, AlertThresholds(15, 20, 45), database="Sales", primary="SQLFCI01", secondary="EC2SQL02")


def test_ages_at_their_thresholds_are_in_time() -> None:
    assert judge(15, 20, 45) == Verdict(LagState.OK)


@pytest.mark.parametrize(
    ("ages", "number", "told"),
    [
        (
            (16.5, 0, 0),
            14420,
            (
                "The log shipping primary database SQLFCI01.Sales has backup threshold of 15 minutes and has not "
                "performed a backup log operation for 16 minutes."
            ),
        ),
        (
            (0, 21, 0),
            None,
            (
                "The log shipping secondary database EC2SQL02.Sales has copy threshold of 20 minutes and the newest "
                "copied log backup is 21 minutes old."
            ),
        ),
        (
            (0, 0, 60),
            14421,
            (
                "The log shipping secondary database EC2SQL02.Sales has restore threshold of 45 minutes and is out of "
                "sync. No restore was performed for 60 minutes. Restored latency is 7 minutes."
            ),
        ),
    ],
)
def test_late_part_is_told_in_sql_servers_words(ages: tuple[float, float, float], number: int, told: str) -> None:
    verdict = judge(*ages)
    assert verdict.state is LagState.LATE
    assert [(alert.number, alert.sentence) for alert in verdict.alerts] == [(number, told)]


def test_unknown_age_is_not_ok() -> None:
    verdict = judge(None, 1, 1)
    assert (verdict.state, [alert.part for alert in verdict.alerts]) == (LagState.UNKNOWN, ["backup"])


def test_late_part_outweighs_an_unknown_one() -> None:
    verdict = judge(None, 1, 99, None)
    assert (verdict.state, [alert.part for alert in verdict.alerts]) == (LagState.LATE, ["restore", "backup"])
    assert "Restored latency is not known." in verdict.alerts[0].sentence


def test_clock_that_jumped_is_said_and_small_differences_are_not() -> None:
    assert judge(-0.9, 1, 1).state is LagState.OK
    verdict = judge(1, 1, -90)
    assert verdict.state is LagState.UNKNOWN
    assert "dated 90 minutes in the future: a clock jumped" in verdict.alerts[0].sentence


def test_ages_are_measured_from_one_moment() -> None:
    reading = measure_lag(
        now=moment(60), backed_up_at=moment(58), copied_up_to=moment(55), restored_at=moment(61), restored_up_to=None
    )
    assert (reading.backup_age, reading.copy_age) == (timedelta(minutes=2), timedelta(minutes=5))
    assert (reading.restore_age, reading.seconds_behind) == (timedelta(minutes=-1), None)
