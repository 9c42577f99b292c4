"""One worker at a time per database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from include.leases import (
    STEP,
    LeaseHeldError,
    LeaseLostError,
    held,
    lease_of,
    release,
    renew,
    take,
)
from include.object_store import ObjectStore
from tests.include.log_shipping.moto_store import moto_store

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHIP, DISASTER = "log_shipping_ship/a", "log_shipping_fail_over/b"


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    with moto_store() as found:
        yield found


def test_a_second_run_is_told_who_works_on_the_database(store: ObjectStore) -> None:
    take(store, "Sales", owner=SHIP, purpose="shipping", at=AT)
    with pytest.raises(LeaseHeldError, match=r"Sales is held by log_shipping_ship/a \(shipping\) since 2026-03-01"):
        take(store, "Sales", owner=DISASTER, purpose="fail over", at=AT)
    take(store, "HR", owner=DISASTER, purpose="fail over", at=AT)


def test_a_killed_task_gets_its_own_lease_back(store: ObjectStore) -> None:
    take(store, "Sales", owner=SHIP, purpose="shipping", at=AT)
    later = AT + timedelta(minutes=1)
    again = take(store, "Sales", owner=SHIP, purpose="shipping", at=later)
    assert (again.taken_at, again.ends_at) == (AT, later + STEP)


def test_a_lease_that_ended_is_taken_over(store: ObjectStore) -> None:
    take(store, "Sales", owner=SHIP, purpose="shipping", at=AT)
    assert take(store, "Sales", owner=DISASTER, purpose="fail over", at=AT + STEP).owner == DISASTER


def test_nobody_waits_for_a_run_that_is_over(store: ObjectStore) -> None:
    take(store, "Sales", owner=SHIP, purpose="shipping", at=AT)
    assert take(store, "Sales", owner=DISASTER, purpose="x", at=AT, is_over=lambda run: run == SHIP).owner == DISASTER


def test_a_released_lease_is_free_and_only_its_owner_releases_it(store: ObjectStore) -> None:
    take(store, "Sales", owner=SHIP, purpose="shipping", at=AT)
    assert not release(store, "Sales", owner=DISASTER)
    assert release(store, "Sales", owner=SHIP)
    assert not release(store, "Sales", owner=SHIP)
    assert take(store, "Sales", owner=DISASTER, purpose="fail over", at=AT).owner == DISASTER


def test_who_lost_a_lease_cannot_renew_it(store: ObjectStore) -> None:
    lease = take(store, "Sales", owner=SHIP, purpose="shipping", at=AT)
    take(store, "Sales", owner=DISASTER, purpose="fail over", at=AT + STEP)
    with pytest.raises(LeaseLostError, match=r"taken from log_shipping_ship/a by log_shipping_fail_over/b"):
        renew(store, lease, at=AT + STEP)


def test_the_slower_of_two_that_take_it_at_once_is_refused(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write = store.put_if_absent

    def be_slow(key: str, document: object) -> bool:
        monkeypatch.undo()
        take(store, "Sales", owner=DISASTER, purpose="fail over", at=AT)
        return write(key, document)

    monkeypatch.setattr(store, "put_if_absent", be_slow)
    with pytest.raises(LeaseHeldError, match="log_shipping_fail_over/b"):
        take(store, "Sales", owner=SHIP, purpose="shipping", at=AT)


def test_held_gives_it_back_even_when_the_work_fails(store: ObjectStore) -> None:
    with (
        pytest.raises(OSError, match="broken"),
        held(store, "Sales", owner=SHIP, purpose="shipping", clock=lambda: AT),
    ):
        raise OSError("broken")
    found = lease_of(store, "Sales")
    assert found
    assert found.released


def test_a_step_inside_a_longer_lease_leaves_it_standing(store: ObjectStore) -> None:
    take(store, "Sales", owner=DISASTER, purpose="fail over", at=AT, keep_for=timedelta(hours=5))
    with held(store, "Sales", owner=DISASTER, purpose="fail over", clock=lambda: AT) as check:
        check()
    found = lease_of(store, "Sales")
    assert found
    assert (found.released, found.ends_at) == (False, AT + timedelta(hours=5))


def test_any_database_name_has_a_lease_of_its_own(store: ObjectStore) -> None:
    for name in ("a/b", "a%2Fb", "a_b", "ä ö"):
        take(store, name, owner=name, purpose="shipping", at=AT)
    assert {lease_of(store, name).owner for name in ("a/b", "a%2Fb", "a_b", "ä ö")} == {"a/b", "a%2Fb", "a_b", "ä ö"}  # type: ignore[union-attr]
