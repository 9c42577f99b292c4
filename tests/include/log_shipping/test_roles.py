"""Who ships to whom follows from what both servers say, and from nothing else."""

import itertools

import pytest

from include.log_shipping.roles import Roles, Seen, Situation, Unreachable, decide_roles
from include.log_shipping.server_state import DatabaseState


def state(name: str = "ONLINE", *, standby: bool = False, read_only: bool = False) -> DatabaseState:
    return DatabaseState(
        name="Sales",
        state=name,
        is_in_standby=standby,
        is_read_only=read_only,
        recovery_model="FULL",
        user_access="MULTI_USER",
    )


WRITES, RESTORING, STANDBY = state(), state("RESTORING"), state(standby=True, read_only=True)
SUSPECT, READ_ONLY, GONE, LOST = state("SUSPECT"), state(read_only=True), None, Unreachable("no route to host")


def roles(first: Seen, second: Seen) -> Roles:
    return decide_roles("Sales", primary="P", secondary="S", seen={"P": first, "S": second})


@pytest.mark.parametrize(
    ("first", "second", "situation", "source"),
    [
        (WRITES, RESTORING, Situation.SHIPPING, "P"),
        (WRITES, STANDBY, Situation.SHIPPING, "P"),
        (RESTORING, WRITES, Situation.SHIPPING, "S"),
        (STANDBY, WRITES, Situation.SHIPPING, "S"),
        (WRITES, WRITES, Situation.SPLIT_BRAIN, "P"),
        (WRITES, GONE, Situation.NOT_SEEDED, "P"),
        (GONE, WRITES, Situation.NOT_SEEDED, "S"),
        (WRITES, LOST, Situation.TARGET_UNREACHABLE, "P"),
        (LOST, WRITES, Situation.TARGET_UNREACHABLE, "S"),
        (LOST, RESTORING, Situation.SOURCE_UNREACHABLE, "P"),
        (LOST, STANDBY, Situation.SOURCE_UNREACHABLE, "P"),
        (RESTORING, LOST, Situation.SOURCE_UNREACHABLE, "S"),
        (RESTORING, RESTORING, Situation.NOBODY_WRITES, "P"),
        (RESTORING, STANDBY, Situation.NOBODY_WRITES, "P"),
        (WRITES, SUSPECT, Situation.UNUSABLE, "P"),
        (WRITES, READ_ONLY, Situation.UNUSABLE, "P"),
        (SUSPECT, WRITES, Situation.UNUSABLE, "S"),
        (SUSPECT, RESTORING, Situation.UNUSABLE, "P"),
        (LOST, LOST, Situation.BOTH_UNREACHABLE, "P"),
        (GONE, GONE, Situation.MISSING, "P"),
        (LOST, GONE, Situation.MISSING, "P"),
    ],
)
def test_the_pair_of_states_decides_the_direction(first: Seen, second: Seen, situation: Situation, source: str) -> None:
    decided = roles(first, second)
    assert (decided.situation, decided.source, decided.is_reversed) == (situation, source, source == "S")
    assert {decided.source, decided.target} == {"P", "S"}


@pytest.mark.parametrize(
    ("first", "second"),
    itertools.product([WRITES, RESTORING, STANDBY, SUSPECT, READ_ONLY, GONE, LOST], repeat=2),
)
def test_nothing_is_restored_onto_a_side_that_does_not_take_logs(first: Seen, second: Seen) -> None:
    decided = roles(first, second)
    seen = {"P": first, "S": second}
    target, source = seen[decided.target], seen[decided.source]
    if decided.can_restore:
        assert isinstance(target, DatabaseState)
        assert target.takes_logs
    if decided.can_back_up:
        assert isinstance(source, DatabaseState)
        assert source.is_writable
        assert not (isinstance(target, DatabaseState) and target.is_writable)


def test_the_sentence_says_what_was_seen_on_which_side_and_what_follows() -> None:
    assert roles(WRITES, LOST).sentence == (
        "Sales is ONLINE on P and out of reach (no route to host) on S: P is backed up and the files wait for S."
    )
