"""From a configuration's text to shipped databases, and what is refused on the way."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from include.log_shipping import active, configuring
from include.log_shipping.configuration import ConfigurationError, RestoreMode
from include.log_shipping.outcomes import Status
from include.log_shipping.seeding import seed_database
from tests.include.log_shipping.model_servers import NEW, World, model_world
from tests.include.log_shipping.moto_store import moto_store


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with model_world(tmp_path) as made:
        yield made


def refused(world: World, *, reseed: bool = False, run: str = "seed") -> str:
    outcome = seed_database(world.workplace(run, "log_shipping_configure"), "Sales", reseed=reseed)
    assert outcome.status is Status.FAILED
    return outcome.reason


def seed(world: World, *, reseed: bool = False, run: str = "seed") -> str:
    outcome = seed_database(world.workplace(run, "log_shipping_configure"), "Sales", reseed=reseed)
    assert outcome.status is Status.DONE, outcome.reason
    return outcome.reason


def fulls(world: World) -> int:
    return sum(statement.startswith("BACKUP DATABASE") for statement in world.old.statements)


def test_a_database_that_is_shipped_is_continued_without_a_new_full_backup(world: World) -> None:
    assert "was seeded on EC2SQL02" in seed(world)
    world.old.commit("Sales")
    assert "continued without a reseed" in seed(world, run="later")
    assert fulls(world) == 1
    assert world.new.databases["Sales"].redo == world.old.databases["Sales"].lsn


def test_reseed_replaces_a_secondary_that_takes_logs(world: World) -> None:
    seed(world)
    seed(world, reseed=True, run="later")
    assert fulls(world) == 2


def test_simple_recovery_is_refused_before_anything_is_done(world: World) -> None:
    world.old.databases["Sales"].recovery_model = "SIMPLE"
    assert "recovery model SIMPLE" in refused(world)
    assert not [text for text in world.old.statements if text.startswith("BACKUP")]


def test_a_database_of_that_name_on_the_secondary_is_never_overwritten(world: World) -> None:
    world.new.create("Sales")
    for reseed in (False, True):
        assert "has an ONLINE database Sales of its own" in refused(world, reseed=reseed)
    assert world.new.restores == []


def test_a_readable_standby_on_a_newer_version_is_refused(tmp_path: Path) -> None:
    with model_world(tmp_path, restore_mode=RestoreMode.STANDBY) as world:
        world.new.version = "17.0.1"
        assert "newer than SQLFCI01 with 16: a standby cannot be read" in refused(world)


def test_an_older_secondary_is_refused(world: World) -> None:
    world.new.version = "15.0.1"
    assert "older than SQLFCI01 with 16: it cannot restore" in refused(world)


def test_a_seed_that_died_in_its_restore_goes_on_with_the_same_full_backup(world: World) -> None:
    world.new.broken.append((r"^RESTORE DATABASE", 20017))
    assert refused(world)
    assert "was seeded" in seed(world)
    assert fulls(world) == 1


def test_files_move_to_the_data_folder_of_the_secondary(tmp_path: Path) -> None:
    with model_world(tmp_path, data_folder={NEW: "/var/data"}) as world:
        seed(world)
        restore = next(text for text in world.new.statements if text.startswith("RESTORE DATABASE"))
        assert "MOVE N'Sales' TO N'/var/data/Sales.mdf'" in restore


def test_an_adopted_secondary_whose_log_is_missing_asks_for_a_reseed(tmp_path: Path) -> None:
    with model_world(tmp_path, bridge_with_differential=False) as world:
        seed(world)
        sales = world.old.databases["Sales"]
        world.old.commit("Sales")
        sales.last_log_backup = sales.lsn
        world.old.commit("Sales")
        assert "with reseed" in refused(world, run="later")


def test_a_configuration_is_active_only_after_it_was_published(world: World) -> None:
    place = world.workplace("seed", "log_shipping_configure")
    with pytest.raises(active.NotConfiguredError, match="run log_shipping_configure"):
        active.load_active(world.store)
    seed(world)
    world.old.create("Forgotten")
    summary = configuring.publish_checked(place, source="s3://x/y", asked=["Sales"])
    assert active.load_active(world.store) == world.configuration
    assert summary["unprotected"] == [
        "Forgotten on SQLFCI01 (ONLINE) is not in the configuration: add it there and run log_shipping_configure."
    ]


def test_a_database_that_was_not_seeded_is_named_at_the_end(world: World) -> None:
    world.old.databases["Sales"].recovery_model = "SIMPLE"
    refused(world)
    place = world.workplace("seed", "log_shipping_configure")
    with pytest.raises(configuring.NotSeededError, match=r"\[Sales, seed_databases\] Sales on SQLFCI01 has recovery"):
        configuring.publish_checked(place, source="s3://x/y", asked=["Sales"])


def test_a_seed_without_a_record_is_not_taken_for_a_success(world: World) -> None:
    place = world.workplace("seed", "log_shipping_configure")
    with pytest.raises(configuring.NotSeededError, match="left no record"):
        configuring.publish_checked(place, source="s3://x/y", asked=["Sales"])


def test_everything_wrong_in_a_configuration_is_said_at_once(world: World) -> None:
    place = world.workplace()
    with pytest.raises(ConfigurationError) as caught:
        configuring.check(place.records, "servers: {A: {}}\ndatabases: [{name: x}]\n", source="s", databases=[])
    assert len(str(caught.value).splitlines()) >= 4


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [("s3://lake/none.yaml", "does not exist"), ("s3://nolake/x", "does not exist"), ("file:/etc/passwd", "no place")],
)
def test_a_place_without_a_configuration_is_named(uri: str, sentence: str) -> None:
    with moto_store() as store, pytest.raises(configuring.ConfigurationMissingError, match=sentence):
        configuring.fetch(store, uri)


def test_a_chosen_database_that_is_not_configured_is_refused(world: World) -> None:
    import json

    text = json.dumps(world.configuration.to_document())
    with pytest.raises(ValueError, match="Payroll is not in the configuration; it has Sales"):
        configuring.check(world.workplace().records, text, source="s", databases=["Payroll"])


def test_another_configuration_has_another_version(world: World) -> None:
    changed = replace(world.configuration.databases[0], keep_hours=1)
    other = replace(world.configuration, databases=(changed,))
    assert active.version_of(other) != active.version_of(world.configuration)
