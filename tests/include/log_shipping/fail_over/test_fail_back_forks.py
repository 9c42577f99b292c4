"""May an old primary follow the new one: told by forks, before anything is restored."""

from datetime import UTC, datetime
from typing import Any

import pytest

from include.log_shipping.fail_back import divergence, fail_back_refusal, overwritten
from include.log_shipping.fail_over.plans import Mode
from include.log_shipping.primaries import PrimaryRecord, find_primary, write_primary
from include.log_shipping.roles import Seen, Unreachable
from tests.include.log_shipping.fail_over.fail_over_run import (
    FORK,
    NEW,
    OLD,
    OTHER_FORK,
    configuration,
    run_of,
    state_of,
)

RECORD = PrimaryRecord(
    database="Sales",
    primary=NEW,
    former=OLD,
    run="log_shipping_fail_over/x",
    mode="disaster",
    at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    fork_lsn=100,
    forked_from=FORK,
    fork=OTHER_FORK,
    with_tail=False,
)
CURRENT = state_of("Sales", recovery_fork=OTHER_FORK)
SETTINGS = configuration("Sales").databases[0]


def old(lsn: int, fork: str = FORK) -> Any:
    return state_of("Sales", "RESTORING", redo_lsn=lsn, redo_fork=fork)


@pytest.mark.parametrize("state", [old(100), old(99), old(1), old(150, OTHER_FORK)])
def test_an_old_primary_at_or_before_the_fork_or_on_the_new_fork_follows(state: Any) -> None:
    assert divergence(state, record=RECORD, current=CURRENT) is None


def test_an_old_primary_whose_log_goes_beyond_the_fork_has_diverged() -> None:
    told = divergence(old(101), record=RECORD, current=CURRENT)
    assert told is not None
    assert "stands at LSN 101" in told
    assert "parted at LSN 100" in told


def test_a_fork_of_nobody_has_diverged() -> None:
    assert "neither" in str(divergence(old(5, "CCCC"), record=RECORD, current=CURRENT))


def test_an_old_primary_that_writes_has_diverged() -> None:
    assert "went on by itself since LSN 100" in str(divergence(state_of("Sales"), record=RECORD, current=CURRENT))


def refused(mode: Mode, first: Seen, second: Seen = CURRENT, record: PrimaryRecord | None = RECORD) -> str | None:
    return fail_back_refusal(mode, SETTINGS, seen={OLD: first, NEW: second}, record=record)


@pytest.mark.parametrize("first", [old(101), state_of("Sales"), None])
def test_reverse_is_refused_with_the_facts_where_reseed_is_allowed(first: Seen) -> None:
    assert "method reseed" in str(refused(Mode.REVERSE, first))
    assert refused(Mode.RESEED, first) is None


def test_a_following_old_primary_may_be_reversed() -> None:
    assert refused(Mode.REVERSE, old(100)) is None
    assert "no record" in str(refused(Mode.REVERSE, old(100), record=None))


@pytest.mark.parametrize("mode", [Mode.REVERSE, Mode.RESEED])
def test_both_servers_must_answer_and_the_secondary_must_be_primary(mode: Mode) -> None:
    lost = Unreachable("no answer")
    assert "out of reach" in str(refused(mode, lost))
    assert "out of reach" in str(refused(mode, old(100), lost))
    assert "nothing to move back" in str(refused(mode, state_of("Sales"), old(5)))


def test_an_earlier_try_that_fenced_the_current_primary_goes_on() -> None:
    assert refused(Mode.REVERSE, old(150, OTHER_FORK), old(150, OTHER_FORK)) is None


def test_an_approval_names_what_is_overwritten() -> None:
    told = overwritten(SETTINGS, old=state_of("Sales"), record=RECORD)
    assert told.startswith(f"Sales on {OLD} (ONLINE) is overwritten.")
    assert "kept for salvage" in told
    assert "restored up to LSN 101" in overwritten(SETTINGS, old=old(101), record=RECORD)
    assert "nothing is overwritten" in overwritten(SETTINGS, old=None, record=RECORD)


def test_a_record_survives_being_kept_under_any_name() -> None:
    with run_of("Sales") as work:
        assert find_primary(work.workplace.store, "Sales") is None
        write_primary(work.workplace.store, RECORD)
        assert find_primary(work.workplace.store, "Sales") == RECORD
