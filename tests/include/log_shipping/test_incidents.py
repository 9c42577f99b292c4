"""Told once, ended once, however the value flaps and wherever the watch dies."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.log_shipping import incidents
from include.log_shipping.incidents import CALM, DOUBT, IncidentsBusyError, Trouble, advance, settle
from include.notify.messages import Message
from include.object_store import ObjectStore
from tests.include.log_shipping.moto_store import moto_store

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LATE = Trouble(database="Sales", kind="backup", sentence="Late.", first_look="the last run")
DOUBTED = Trouble(database="SQLFCI01", kind="connection", sentence="Silent.", first_look="ping", lasting=False)


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    with moto_store() as found:
        yield found


class Phone:
    """Takes messages; the first `deaf` calls fail."""

    def __init__(self, deaf: int = 0) -> None:
        self.messages: list[Message] = []
        self.deaf = deaf

    def __call__(self, message: Message) -> None:
        self.messages.append(message)
        if self.deaf:
            self.deaf -= 1
            raise ConnectionError("the topic did not answer")

    @property
    def subjects(self) -> list[str]:
        return [message.subject.removeprefix("Log shipping: ") for message in self.messages]


def test_an_incident_is_told_once_and_ends_once(store: ObjectStore) -> None:
    phone = Phone()
    for minute in range(30):
        troubles = [LATE] if minute < 10 else []
        settle(store, troubles, at=AT + minute * MINUTE, publish=phone)
    assert phone.subjects == ["backup of Sales opened", "backup of Sales ended"]
    assert "First look: the last run" in phone.messages[0].body
    assert "docs/runbooks/log_shipping_monitor.md" in phone.messages[0].body
    assert incidents.open_incidents(store) == []


def test_a_value_that_flaps_is_one_incident(store: ObjectStore) -> None:
    phone = Phone()
    for minute in range(40):
        settle(store, [LATE] if minute % 3 == 0 else [], at=AT + minute * MINUTE, publish=phone)
    assert phone.subjects == ["backup of Sales opened"]


def test_a_passing_doubt_wakes_nobody(store: ObjectStore) -> None:
    phone = Phone()
    settle(store, [DOUBTED], at=AT, publish=phone)
    settle(store, [], at=AT + MINUTE, publish=phone)
    assert phone.subjects == []
    for minute in range(2, 6):
        settle(store, [DOUBTED], at=AT + minute * MINUTE, publish=phone)
    assert phone.subjects == ["connection of SQLFCI01 opened"]


def test_the_second_incident_of_a_name_is_not_dropped_as_a_repetition(store: ObjectStore) -> None:
    phone = Phone()
    for minute in range(40):
        settle(store, [LATE] if minute in {0, 20} else [], at=AT + minute * MINUTE, publish=phone)
    assert len({message.dedup_id for message in phone.messages}) == len(phone.messages) == 4


def test_a_message_that_did_not_go_out_is_owed_under_the_same_id(store: ObjectStore) -> None:
    phone = Phone(deaf=1)
    with pytest.raises(ConnectionError):
        settle(store, [LATE], at=AT, publish=phone)
    settle(store, [LATE], at=AT + MINUTE, publish=phone)
    settle(store, [LATE], at=AT + 2 * MINUTE, publish=phone)
    assert phone.messages[0].dedup_id == phone.messages[1].dedup_id
    assert len(phone.messages) == 2


def test_an_end_that_did_not_go_out_is_owed(store: ObjectStore) -> None:
    phone = Phone()
    settle(store, [LATE], at=AT, publish=phone)
    phone.deaf = 1
    settle(store, [], at=AT + MINUTE, publish=phone)
    with pytest.raises(ConnectionError):
        settle(store, [], at=AT + MINUTE + CALM, publish=phone)
    settle(store, [], at=AT + 2 * MINUTE + CALM, publish=phone)
    settle(store, [], at=AT + 3 * MINUTE + CALM, publish=phone)
    assert phone.subjects[1:] == ["backup of Sales ended"] * 2
    assert phone.messages[1].dedup_id == phone.messages[2].dedup_id


def test_what_cannot_be_judged_does_not_end(store: ObjectStore) -> None:
    phone = Phone()
    settle(store, [LATE], at=AT, publish=phone)
    for minute in range(1, 30):
        settle(store, [], unseen=["Sales"], at=AT + minute * MINUTE, publish=phone)
    assert phone.subjects == ["backup of Sales opened"]


def test_two_watches_at_once_do_not_tell_twice(store: ObjectStore) -> None:
    told: list[str] = []

    def interrupted(message: Message) -> None:
        told.append(message.dedup_id)
        if len(told) == 1:
            settle(store, [LATE], at=AT + MINUTE, publish=interrupted)

    with pytest.raises(IncidentsBusyError):
        settle(store, [LATE], at=AT, publish=interrupted)
    assert set(told) == {told[0]}


@given(st.lists(st.sampled_from(["late", "fine", "unseen"]), max_size=60))
def test_openings_and_ends_alternate(looks: list[str]) -> None:
    known = {"open": {}, "numbers": {}}
    events: list[str] = []
    for minute, look in enumerate(looks):
        unseen = frozenset({"Sales"}) if look == "unseen" else frozenset()
        known = advance(known, [LATE] if look == "late" else [], at=AT + minute * MINUTE, unseen=unseen)
        for name, incident in list(known["open"].items()):
            message = incidents.message_owed(incident)
            if message is not None:
                events.append(message.dedup_id.rpartition("-")[2])
                known = incidents._noted(known, incident)
            assert name == "backup of Sales"
    assert events == ["opened", "ended"] * (len(events) // 2) + ["opened"] * (len(events) % 2)


def test_a_doubt_shorter_than_its_time_is_no_incident() -> None:
    known = advance({"open": {}, "numbers": {}}, [DOUBTED], at=AT)
    almost = advance(known, [DOUBTED], at=AT + DOUBT - timedelta(seconds=1))
    assert not almost["open"]["connection of SQLFCI01"].opened
    assert advance(known, [DOUBTED], at=AT + DOUBT)["open"]["connection of SQLFCI01"].opened
