"""How a whole ship run is planned, gated and summed up."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from include import leases
from include.gates.suites.log_shipping import canary_suite, headers_suite
from include.gates.validate import validate
from include.log_shipping import header_checks, ship_results, shipping
from include.log_shipping.configuration import RestoreMode
from include.log_shipping.outcomes import Outcome
from include.log_shipping.planning import plan_shipping
from include.log_shipping.seeding import seed_database
from include.log_shipping.shipping import back_up_and_copy
from include.log_shipping.shipping_restores import restore_logs
from tests.include.log_shipping.model_servers import NEW, World, model_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with model_world(tmp_path) as made:
        seed_database(made.workplace("seed", "log_shipping_configure"), "Sales")
        made.time += timedelta(minutes=5)
        yield made


def taken(world: World) -> list[Outcome]:
    return list(world.workplace().records.read(shipping.STEP).values())


def set_aside(world: World) -> list[dict[str, object]]:
    frame = header_checks.frame_of(taken(world))
    return list(validate(frame, headers_suite()).quarantined.to_dict("records"))


def test_a_run_without_trouble_is_summed_up(world: World) -> None:
    place = world.workplace()
    plan = plan_shipping(place, databases=[])
    assert plan["lanes"] == [{"label": "Sales", "databases": ["Sales"]}]
    back_up_and_copy(place, "Sales")
    assert set_aside(world) == []
    assert ship_results.restorable(place.records, rows=[]) == ["Sales"]
    restore_logs(place, "Sales")
    summary = ship_results.conclude(place.records, at=world.time)
    assert (summary["done"], summary["failed"], summary["restored_files"], summary["backed_up"]) == (1, 0, 1, 1)


def test_a_file_without_checksums_keeps_its_database_from_being_restored(world: World) -> None:
    place = world.workplace()
    plan_shipping(place, databases=[])
    header = world.old._header
    world.old._header = lambda *a, **k: header(*a, **k) | {"HasBackupChecksums": False}  # type: ignore[method-assign]
    back_up_and_copy(place, "Sales")
    rows = set_aside(world)
    assert ship_results.set_aside(place.records, rows=rows, at=world.time) == ["Sales"]
    assert ship_results.restorable(place.records, rows=rows) == []
    with pytest.raises(ship_results.ShippingFailedError, match="it was taken without CHECKSUM"):
        ship_results.conclude(place.records, at=world.time)


def test_what_lies_before_a_gap_is_restored_and_the_gap_is_named(tmp_path: Path) -> None:
    with model_world(tmp_path, bridge_with_differential=False) as world:
        seed_database(world.workplace("seed", "log_shipping_configure"), "Sales")
        place = world.workplace()
        plan_shipping(place, databases=[])
        for _ in range(3):
            world.time += timedelta(minutes=5)
            world.old.commit("Sales")
            back_up_and_copy(place, "Sales")
        logs = sorted((tmp_path / NEW / "copies" / "Sales").glob("*.trn"))
        for folder in ("SQLFCI01/backups", "EC2SQL02/copies"):
            (tmp_path / folder / "Sales" / logs[-2].name).unlink()
        back_up_and_copy(place, "Sales")
        rows = set_aside(world)
        assert {row["_reasons"][0] for row in rows} == {"a part of the log before it is missing"}  # type: ignore[index]
        assert ship_results.restorable(place.records, rows=rows) == ["Sales"]
        assert restore_logs(place, "Sales").evidence["restored"] == [logs[-3].name]
        with pytest.raises(ship_results.ShippingFailedError, match="is in no file"):
            ship_results.conclude(place.records, at=world.time)


def test_a_lane_that_died_is_not_taken_for_a_success(world: World) -> None:
    place = world.workplace()
    plan_shipping(place, databases=[])
    with pytest.raises(ship_results.ShippingFailedError, match="back_up_and_copy left no record"):
        ship_results.conclude(place.records, at=world.time)
    back_up_and_copy(place, "Sales")
    with pytest.raises(ship_results.ShippingFailedError, match="restore_logs left no record"):
        ship_results.conclude(place.records, at=world.time)


def test_a_database_in_a_failover_waits_and_does_not_make_the_run_red(world: World) -> None:
    owner = "log_shipping_fail_over/x"
    leases.take(world.store, "Sales", owner=owner, purpose="planned move", at=world.time)
    world.old.databases["Sales"].state = "RESTORING"
    place = world.workplace()
    assert plan_shipping(place, databases=[])["lanes"] == []
    assert ship_results.conclude(place.records, at=world.time)["waiting"] == 1


def test_a_server_that_refuses_the_login_is_said_as_that(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from include.log_shipping.failures import LoginRefusedError

    def refuse(*_: object, **__: object) -> None:
        raise LoginRefusedError(number=18456, text="Login failed for user 'sa'.", server=NEW)

    monkeypatch.setattr(world.new, "run", refuse)
    place = world.workplace()
    assert plan_shipping(place, databases=[])["shippable"] == 0
    with pytest.raises(ship_results.ShippingFailedError, match="EC2SQL02 refused the login"):
        ship_results.conclude(place.records, at=world.time)


def test_an_unknown_database_is_refused_by_name(world: World) -> None:
    with pytest.raises(ValueError, match="Payroll is not in the configuration"):
        plan_shipping(world.workplace(), databases=["Payroll"])


def test_a_standby_without_the_newest_heartbeat_is_set_aside(tmp_path: Path) -> None:
    with model_world(tmp_path, restore_mode=RestoreMode.STANDBY) as world:
        seed_database(world.workplace("seed", "log_shipping_configure"), "Sales")
        place = world.workplace()
        back_up_and_copy(place, "Sales")
        restore_logs(place, "Sales")
        assert ship_results.canary_frame(place.records).to_dict("records") == [
            {"database": "Sales", "missing_beats": 0, "holes": 0}
        ]
        world.new.databases["Sales"].beats = [1]
        restore_logs(place, "Sales")
        found = validate(ship_results.canary_frame(place.records), canary_suite())
        rows = found.quarantined.to_dict("records")
        assert ship_results.set_canaries_aside(place.records, rows=rows, at=world.time) == ["Sales"]


def test_a_beat_missing_between_others_is_a_hole(tmp_path: Path) -> None:
    with model_world(tmp_path, restore_mode=RestoreMode.STANDBY) as world:
        seed_database(world.workplace("seed", "log_shipping_configure"), "Sales")
        place = world.workplace()
        world.new.databases["Sales"].beats = [1, 2, 4]
        restore_logs(place, "Sales")
        assert ship_results.canary_frame(place.records).to_dict("records")[0]["holes"] == 1


def test_fifty_databases_share_eight_lanes() -> None:
    from include.log_shipping.lanes import deal

    lanes = deal([f"db{number}" for number in range(50)])
    assert len(lanes) == 8
    assert sorted(name for lane in lanes for name in lane["databases"]) == sorted(f"db{n}" for n in range(50))
    assert lanes[0]["label"] == "db0, db8, db16 and 4 more"


def test_a_scheduled_run_leaves_a_database_alone_until_it_is_due(tmp_path: Path) -> None:
    with model_world(tmp_path, backup_every_minutes=15) as world:
        seed_database(world.workplace("seed", "log_shipping_configure"), "Sales")
        world.time += timedelta(minutes=10)
        place = world.workplace("early")
        assert plan_shipping(place, databases=[], only_due=True)["lanes"] == []
        assert ship_results.conclude(place.records, at=world.time)["failed"] == 0
        assert plan_shipping(world.workplace("by hand"), databases=[])["shippable"] == 1
        world.time += timedelta(minutes=5)
        assert plan_shipping(world.workplace("due"), databases=[], only_due=True)["shippable"] == 1
