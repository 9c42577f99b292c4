"""What a look at the servers finds, and whom it tells."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from include import leases
from include.log_shipping import history
from include.log_shipping.monitoring import Watch, watch
from include.log_shipping.seeding import seed_database
from include.log_shipping.shipping import back_up_and_copy
from include.log_shipping.shipping_restores import restore_logs
from tests.include.log_shipping.model_servers import AT, NEW, World, model_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with model_world(tmp_path) as made:
        seed_database(made.workplace("seed", "log_shipping_configure"), "Sales")
        yield made


def look(world: World) -> Watch:
    return watch(world.workplace("look", "log_shipping_monitor"))


def kinds(world: World) -> list[str]:
    return sorted(trouble.kind for trouble in look(world).troubles)


def test_a_database_in_step_is_in_no_trouble(world: World) -> None:
    found = look(world)
    assert (found.troubles, found.unseen) == ([], [])
    row = found.rows[0]
    assert (row["verdict"], row["bytes_behind"], row["source"]) == ("ok", 0, "SQLFCI01")
    assert 0 <= row["time_behind_seconds"] < 60


def test_everything_late_is_told_with_sql_servers_own_numbers(world: World) -> None:
    world.time += timedelta(minutes=16)
    found = look(world)
    sentences = {trouble.kind: trouble.sentence for trouble in found.troubles}
    assert sentences.keys() == {"backup", "copy", "restore"}
    assert sentences["backup"].endswith("for 16 minutes. (14420)")
    assert sentences["restore"].endswith("(14421)")


def test_a_log_that_waits_counts_in_bytes_and_seconds(world: World) -> None:
    world.time += timedelta(minutes=5)
    world.old.commit("Sales")
    back_up_and_copy(world.workplace(), "Sales")
    row = look(world).rows[0]
    waiting = max((path for path in world.files("SQLFCI01", "backups") if path.suffix == ".trn"), key=lambda p: p.name)
    assert row["bytes_behind"] == waiting.stat().st_size
    assert row["time_behind_seconds"] > 300 > row["copy_age_seconds"]
    restore_logs(world.workplace(), "Sales")
    assert look(world).rows[0]["bytes_behind"] == 0


def test_a_lost_primary_is_one_trouble_and_no_noise(world: World) -> None:
    world.old.is_lost = True
    assert kinds(world) == ["connection"]


def test_a_lost_secondary_neither_ends_nor_begins_what_cannot_be_measured(world: World) -> None:
    world.new.is_lost = True
    found = look(world)
    assert [trouble.kind for trouble in found.troubles] == ["connection"]
    assert found.unseen == ["Sales"]


def test_two_that_write_are_told_at_once(world: World) -> None:
    world.new.databases["Sales"].state = "ONLINE"
    trouble = look(world).troubles[0]
    assert (trouble.kind, trouble.lasting) == ("direction", True)


def test_a_move_under_way_is_no_trouble(world: World) -> None:
    world.old.databases["Sales"].state = "RESTORING"
    leases.take(world.store, "Sales", owner="log_shipping_fail_over/x", purpose="planned move", at=world.time)
    found = look(world)
    assert (found.troubles, found.unseen) == ([], ["Sales"])


def test_a_database_that_nobody_protects_is_told(world: World) -> None:
    world.old.create("Forgotten")
    world.new.create("Sales_drill_202603011200")
    assert [trouble.database for trouble in look(world).troubles] == ["Forgotten on SQLFCI01"]


def test_a_clock_that_jumped_is_said_and_not_hidden(world: World) -> None:
    world.time -= timedelta(hours=2)
    found = look(world)
    assert found.rows[0]["verdict"] == "unknown"
    assert all("in the future" in trouble.sentence for trouble in found.troubles)


def test_readings_are_kept_per_hour_once_per_moment_and_for_a_month(world: World) -> None:
    rows = look(world).rows
    history.append(world.store, rows, at=AT)
    history.append(world.store, rows, at=AT)
    history.append(world.store, rows, at=AT + timedelta(minutes=59))
    history.append(world.store, rows, at=AT + timedelta(minutes=60))
    found = list(history.read(world.store, start=AT, end=AT + timedelta(hours=1)))
    assert [row["at"] for row in found] == sorted(row["at"] for row in found)
    assert len(found) == 3
    history.append(world.store, rows, at=AT + history.KEPT + timedelta(days=1))
    assert list(history.read(world.store, start=AT, end=AT + timedelta(hours=2))) == []


def test_shipping_the_other_way_is_watched_the_other_way(world: World) -> None:
    old, new = world.old.databases["Sales"], world.new.databases["Sales"]
    new.state, new.lsn, new.last_log_backup = "ONLINE", new.redo or 0, new.redo
    old.state, old.redo = "RESTORING", new.redo
    back_up_and_copy(world.workplace(), "Sales")
    restore_logs(world.workplace(), "Sales")
    row = look(world).rows[0]
    assert (row["source"], row["verdict"]) == (NEW, "ok")
