"""Orders are checked before anything is written, shown as they will be, and carried out once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.suppression import SuppressionRefusedError
from include.ioc_refresh.suppression_orders import carry_out, preview, read_order
from tests.include.ioc_refresh.moto_lake import Place, moto_place

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
FORM = {
    "kind": "link_domain",
    "value": "good[.]example",
    "action": "suppress",
    "until": "2026-04-30",
    "reason": "Our own newsletter links there.",
    "asked_by": None,
}


@pytest.fixture
def place() -> Iterator[Place]:
    with moto_place() as found:
        yield found


def order(at: datetime = AT, user: str | None = "analyst", **changed: Any) -> Any:
    return read_order({**FORM, **changed}, at=at, signed_in_user=user)


def test_the_end_date_counts_to_its_midnight() -> None:
    assert order().until == datetime(2026, 5, 1, tzinfo=UTC)
    assert order(until="2026-03-01").until == datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"until": None}, "until: give the last day"),
        ({"until": "2026-02-28"}, "until: 2026-02-28 is not within 365 days"),
        ({"until": "2027-03-02"}, "is not within 365 days"),
        ({"until": "9999-12-31"}, "until: "),
        ({"until": "31.12.2026"}, "until: '31.12.2026' is no day"),
        ({"value": "not a domain"}, "value: "),
        ({"kind": "attachment_hash", "value": "abc"}, "value: 'abc' is no attachment hash"),
    ],
)
def test_a_wrong_field_is_named(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SuppressionRefusedError, match=sentence):
        order(**changed)


def test_somebody_must_be_known_to_ask() -> None:
    with pytest.raises(SuppressionRefusedError, match="Nobody knows who asks"):
        order(user=None)
    assert order(user=None, asked_by="nightly script").by == "nightly script"


def test_a_signed_in_user_cannot_name_somebody_else() -> None:
    assert order(user="analyst", asked_by="admin").by == "analyst"


def test_a_preview_writes_nothing(place: Place) -> None:
    shown = preview(place.table, order())
    assert shown["ioc"] == "link_domain#good.example"
    assert shown["now"] == "no live indicator under this kind and value"
    assert shown["then"] == "suppressed until 2026-05-01 00:00 UTC"
    assert place.table.read_all() == {}


def test_releasing_what_is_not_suppressed_is_refused_before_it_starts(place: Place) -> None:
    with pytest.raises(SuppressionRefusedError, match="is not suppressed"):
        preview(place.table, order(action="release"))


def test_an_order_is_in_force_and_on_record(place: Place) -> None:
    done = carry_out(place.lake, place.table, order(), run_id="run-1")
    entry = place.table.read_all()["link_domain#good.example"]
    assert entry.is_suppressed(AT)
    record = json.loads(place.lake.get_bytes(done["audit"].removeprefix("s3://landfall-lake/")))
    assert {name: record[name] for name in ("action", "by", "reason", "ioc", "run_id")} == {
        "action": "suppress",
        "by": "analyst",
        "reason": FORM["reason"],
        "ioc": "link_domain#good.example",
        "run_id": "run-1",
    }


@pytest.mark.parametrize("action", ["suppress", "release"])
def test_a_second_try_gives_the_same_table_and_one_record(place: Place, action: str) -> None:
    carry_out(place.lake, place.table, order(), run_id="earlier")
    carry_out(place.lake, place.table, order(action=action), run_id="run")
    table, audit = place.table.read_all(), {key: place.lake.get_bytes(key) for key in place.keys("audit", "")}
    carry_out(place.lake, place.table, order(action=action), run_id="run")
    assert place.table.read_all() == table
    assert {key: place.lake.get_bytes(key) for key in place.keys("audit", "")} == audit


def test_a_release_ends_the_suppression(place: Place) -> None:
    carry_out(place.lake, place.table, order(), run_id="one")
    assert preview(place.table, order(action="release"))["now"] == "suppressed by analyst until 2026-05-01 00:00 UTC"
    carry_out(place.lake, place.table, order(action="release"), run_id="two")
    entry = place.table.read_all().get("link_domain#good.example")
    assert entry is None or not entry.is_suppressed(AT)


def test_every_kind_can_be_ordered() -> None:
    values = {Kind.ATTACHMENT_HASH: "a" * 64, Kind.FILE_NAME: "invoice_2026_03.pdf"}
    for kind in Kind:
        assert order(kind=str(kind), value=values.get(kind, "host.example/path/1")).kind is kind
