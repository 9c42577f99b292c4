"""Seeding and shipping one database: what ends up restored, and what is said when it cannot be."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from include import leases
from include.log_shipping.configuration import RestoreMode
from include.log_shipping.outcomes import Outcome, Status
from include.log_shipping.primaries import PrimaryRecord, write_primary
from include.log_shipping.seeding import seed_database
from include.log_shipping.shipping import back_up_and_copy
from include.log_shipping.shipping_restores import restore_logs
from tests.include.log_shipping.model_servers import AT, NEW, OLD, World, model_world


def seeded(world: World) -> World:
    outcome = seed_database(world.workplace("seed", "log_shipping_configure"), "Sales")
    assert outcome.status is Status.DONE, outcome.reason
    return world


def ship(world: World, run: str = "run") -> tuple[Outcome, Outcome]:
    world.time += timedelta(minutes=5)
    place = world.workplace(run)
    return back_up_and_copy(place, "Sales"), restore_logs(place, "Sales", pause=lambda _: None)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with model_world(tmp_path) as made:
        yield seeded(made)


def in_step(world: World) -> bool:
    return world.new.databases["Sales"].redo == world.old.databases["Sales"].lsn


def test_a_seed_ends_with_the_first_log_restored(world: World) -> None:
    assert in_step(world)
    assert world.new.databases["Sales"].state == "RESTORING"


def test_every_cycle_brings_the_secondary_to_the_end_of_the_log(world: World) -> None:
    for number in range(3):
        world.old.commit("Sales")
        taken, restored = ship(world, f"run{number}")
        assert (taken.status, restored.status) == (Status.DONE, Status.DONE), (taken.reason, restored.reason)
        assert len(restored.evidence["restored"]) == 1
        assert in_step(world)


def test_all_files_that_wait_are_restored_in_order(world: World) -> None:
    place = world.workplace()
    for _ in range(3):
        world.old.commit("Sales")
        world.time += timedelta(minutes=5)
        back_up_and_copy(place, "Sales")
    restored = restore_logs(place, "Sales")
    assert restored.evidence["restored"] == sorted(restored.evidence["restored"])
    assert len(restored.evidence["restored"]) == 3
    assert in_step(world)


def test_a_run_that_is_repeated_restores_nothing_twice(world: World) -> None:
    world.old.commit("Sales")
    ship(world)
    count = len(world.new.restores)
    assert restore_logs(world.workplace("run"), "Sales").evidence["restored"] == []
    assert len(world.new.restores) == count


def test_a_lost_primary_does_not_keep_copied_logs_from_being_restored(world: World) -> None:
    world.old.commit("Sales")
    world.time += timedelta(minutes=5)
    back_up_and_copy(world.workplace("one"), "Sales")
    world.old.is_lost = True
    taken, restored = ship(world, "two")
    assert taken.status is Status.FAILED
    assert "nothing new comes from SQLFCI01" in taken.reason
    assert restored.status is Status.DONE
    assert in_step(world)


def test_a_lost_secondary_does_not_keep_the_log_from_being_backed_up(world: World) -> None:
    world.new.is_lost = True
    taken, restored = ship(world)
    assert taken.evidence["backup"] is not None
    assert list(taken.evidence["copied"]) != []
    assert restored.status is Status.FAILED
    assert "files wait for EC2SQL02" in restored.reason


def test_a_file_that_is_gone_is_bridged_by_a_differential(world: World) -> None:
    world.new.is_lost = True
    world.old.commit("Sales")
    ship(world, "one")
    for folder in (world.files(OLD, "backups"), world.files(NEW, "copies")):
        max(path for path in folder if path.suffix == ".trn").unlink()
    world.new.is_lost = False
    world.old.commit("Sales")
    taken, restored = ship(world, "two")
    assert taken.evidence["bridge"].endswith(".dif")
    assert restored.status is Status.DONE, restored.reason
    assert in_step(world)


def test_a_foreign_log_backup_is_named_with_who_and_where(tmp_path: Path) -> None:
    with model_world(tmp_path, bridge_with_differential=False) as made:
        world = seeded(made)
        sales = world.old.databases["Sales"]
        world.old.commit("Sales")
        header = world.old._header(sales, kind="Log", first=sales.last_log_backup or 0)
        world.old.note_backup("Sales", header, device="NUL", user="CORP\\nightly")
        sales.last_log_backup = sales.lsn
        world.old.commit("Sales")
        taken, restored = ship(world)
        assert taken.status is Status.FAILED
        assert "CORP\\nightly backed up the log" in taken.reason
        assert "NUL" in taken.reason
        assert "with reseed" in taken.reason
        assert restored.status is Status.FAILED
        again = seed_database(world.workplace("again", "log_shipping_configure"), "Sales", reseed=True)
        assert again.status is Status.DONE, again.reason
        assert in_step(world)


def test_a_truncated_source_file_is_left_out_and_bridged(world: World) -> None:
    world.old.commit("Sales")
    world.time += timedelta(minutes=5)
    world.new.is_lost = True
    back_up_and_copy(world.workplace("one"), "Sales")
    world.new.is_lost = False
    for folder in ("backups", "copies"):
        files = world.files(OLD if folder == "backups" else NEW, folder)
        newest = max(path for path in files if path.suffix == ".trn")
        newest.write_text(newest.read_text()[:50])
    world.old.commit("Sales")
    taken, restored = ship(world, "two")
    assert "damaged" in next(iter(taken.evidence["damaged"].values()))
    assert taken.evidence["bridge"]
    assert restored.status is Status.DONE
    assert in_step(world)


def test_a_damaged_copy_is_copied_again(world: World) -> None:
    world.old.commit("Sales")
    world.time += timedelta(minutes=5)
    back_up_and_copy(world.workplace("run"), "Sales")
    world.new.broken.append((r"^RESTORE LOG", 3189))
    restored = restore_logs(world.workplace("run"), "Sales")
    assert restored.status is Status.DONE
    assert len(restored.evidence["copied_again"]) == 1
    assert in_step(world)


def test_a_half_copied_file_is_never_restored(world: World) -> None:
    name = world.files(OLD, "backups")[-1].name
    folder = world.root / NEW / "copies" / "Sales"
    (folder / f"{name}.0a1b2c3d.part").write_text("half")
    world.old.commit("Sales")
    taken, _ = ship(world)
    assert taken.evidence["leftovers"] == [f"{name}.0a1b2c3d.part"]
    assert not list(folder.glob("*.part"))
    assert not [row for row in world.new.restores if row["path"].endswith(".part")]


def test_readers_of_a_standby_are_sent_away_only_when_allowed(tmp_path: Path) -> None:
    with model_world(tmp_path, restore_mode=RestoreMode.STANDBY, evict_readers=True) as made:
        world = seeded(made)
        assert world.new.databases["Sales"].standby
        world.new.sessions[61] = "analyst"
        world.old.commit("Sales")
        _, restored = ship(world)
        assert (restored.status, restored.evidence["evicted"]) == (Status.DONE, 1)
        assert restored.evidence["canary"]["last_beat"] == world.old.databases["Sales"].beats[-1]
        assert world.new.databases["Sales"].standby


def test_readers_that_may_stay_are_named(world: World) -> None:
    world.new.sessions[61] = "analyst"
    world.old.commit("Sales")
    _, restored = ship(world)
    assert restored.status is Status.FAILED
    assert "in use by analyst from pc (61): ask them, or set evict_readers" in restored.reason


def test_a_standby_cut_short_is_made_readable_again(tmp_path: Path) -> None:
    with model_world(tmp_path, restore_mode=RestoreMode.STANDBY) as made:
        world = seeded(made)
        world.new.databases["Sales"].standby = False
        restored = restore_logs(world.workplace("run"), "Sales")
        assert restored.status is Status.DONE
        assert world.new.databases["Sales"].standby


def test_an_answer_that_was_lost_is_not_restored_twice(world: World) -> None:
    world.old.commit("Sales")
    world.time += timedelta(minutes=5)
    back_up_and_copy(world.workplace("run"), "Sales")
    run, lost = world.new.run, []

    def lose_one(statement: object, **named: object) -> object:
        rows = run(statement, **named)  # type: ignore[arg-type]
        if str(statement).startswith("RESTORE LOG") and not lost:
            lost.append(statement)
            raise world.new.refuse(20017, "RESTORE LOG")
        return rows

    world.new.run = lose_one  # type: ignore[method-assign, assignment]
    restored = restore_logs(world.workplace("run"), "Sales")
    assert restored.status is Status.DONE, restored.reason
    assert in_step(world)
    assert len([row for row in world.new.restores if row["path"].endswith(".trn")]) == 2


def test_another_recovery_path_stops_for_a_person(world: World) -> None:
    world.old.databases["Sales"].fork = "F0000000-0000-0000-0000-000000000000"
    world.old.commit("Sales")
    taken, restored = ship(world)
    assert "another recovery path" in taken.reason
    assert restored.status is Status.FAILED
    assert not in_step(world)


def test_a_secondary_that_was_recovered_is_split_brain_and_nothing_is_shipped(world: World) -> None:
    world.new.databases["Sales"].state = "ONLINE"
    taken, restored = ship(world)
    assert "both take writes" in taken.reason
    assert taken.evidence["backup"] is None
    assert restored.status is Status.FAILED


def test_a_replaced_primary_that_comes_back_is_not_shipped_from(world: World) -> None:
    record = PrimaryRecord(
        database="Sales", primary=NEW, former=OLD, run="log_shipping_fail_over/x", mode="disaster", at=AT,
        fork_lsn=1, forked_from="A", fork="B", with_tail=False,
    )  # fmt: skip
    write_primary(world.store, record)
    world.new.is_lost = True
    taken, _ = ship(world)
    assert taken.evidence["backup"] is None
    assert "EC2SQL02 is its primary since 2026-03-01" in taken.reason


def test_shipping_waits_while_a_failover_holds_the_database(world: World) -> None:
    leases.take(
        world.store,
        "Sales",
        owner="log_shipping_fail_over/x",
        purpose="planned move",
        at=world.time + timedelta(minutes=5),
    )
    taken, restored = ship(world)
    assert (taken.status, restored.status) == (Status.WAITING, Status.WAITING)
    assert "held by log_shipping_fail_over/x" in taken.reason


def test_after_a_failover_logs_go_the_other_way(world: World) -> None:
    old, new = world.old.databases["Sales"], world.new.databases["Sales"]
    new.state, new.lsn, new.last_log_backup = "ONLINE", new.redo or 0, new.redo
    old.state, old.redo = "RESTORING", new.redo
    world.new.commit("Sales")
    taken, restored = ship(world)
    assert (taken.status, restored.status) == (Status.DONE, Status.DONE), (taken.reason, restored.reason)
    assert (taken.evidence["source"], old.redo) == (NEW, new.lsn)


def test_old_files_go_on_both_sides_but_never_one_the_secondary_needs(world: World) -> None:
    world.new.broken += [(r"^RESTORE LOG", 1)]
    world.old.commit("Sales")
    ship(world, "one")
    waiting = world.files(NEW, "copies")[-1].name
    world.time += timedelta(hours=80)
    world.new.broken += [(r"^RESTORE LOG", 1)]
    ship(world, "two")
    assert waiting in [path.name for path in world.files(NEW, "copies")]
    _, restored = ship(world, "three")
    assert waiting in restored.evidence["deleted"]["target"]
    assert waiting in restored.evidence["deleted"]["source"]
    assert [path.suffix for path in world.files(OLD, "backups")].count(".bak") == 1


@pytest.mark.parametrize(
    ("number", "sentence"), [(4214, "run log_shipping_configure"), (112, "the share is full"), (3201, "backup_folder")]
)
def test_a_refused_backup_says_what_to_do(world: World, number: int, sentence: str) -> None:
    world.old.broken.append((r"^BACKUP LOG", number))
    taken, restored = ship(world)
    assert taken.status is Status.FAILED
    assert sentence in taken.reason
    assert restored.status is Status.DONE
