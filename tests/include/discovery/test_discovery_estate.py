"""The sample estate: the same bytes each time, and every planted fault is found by reading and merging it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from include.cli.demo_estate import write_estate
from include.discovery.inventory.build import build_inventory
from include.discovery.inventory.settings import InventorySettings
from include.discovery.sources.read import read_sources
from include.discovery.sources.settings import ReadingSettings

if TYPE_CHECKING:
    from pathlib import Path

    from include.cli.demo_estate import EstateFacts


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory) -> tuple[EstateFacts, Any]:
    import duckdb

    folder = tmp_path_factory.mktemp("estate")
    facts = write_estate(folder, servers=300)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    read_sources([folder], connection, settings=ReadingSettings())
    build_inventory(connection, settings=InventorySettings())
    return facts, connection


def listed(connection: Any, query: str) -> list[Any]:
    return sorted(value for (value,) in connection.execute(query).fetchall())


@pytest.mark.parametrize(
    ("fault", "mark"),
    [
        ("powered_off", "powered_off"),
        ("templates", "template"),
        ("without_guest_os", "without_guest_os"),
        ("os_disagreements", "os_disagreement"),
        ("unknown_hosts", "unknown_host"),
        ("retired", "retired"),
        ("retired_but_running", "retired_but_running"),
    ],
)
def test_each_marked_machine_is_a_planted_one(assessed: Any, fault: str, mark: str) -> None:
    facts, connection = assessed
    found = listed(connection, f"SELECT vm_name FROM servers WHERE list_contains(marks, '{mark}')")
    assert found == sorted(getattr(facts, fault))


def test_each_machine_is_there_once(assessed: Any) -> None:
    facts, connection = assessed
    assert listed(connection, "SELECT count(*) FROM servers") == [facts.servers]


def test_each_planted_contradiction_is_told(assessed: Any) -> None:
    facts, connection = assessed
    named = "SELECT vm_name FROM conflicts JOIN servers USING (server_id) WHERE field = "
    assert listed(connection, f"{named} 'memory_mib'") == sorted(facts.memory_conflicts)
    assert listed(connection, f"{named} 'vm_name'") == sorted(facts.other_names)
    assert listed(connection, f"{named} 'status'") == sorted(facts.retired_but_running)
    assert set(listed(connection, f"{named} 'smbios_id'")) < set(facts.cloned_smbios)


def test_unknown_addresses_are_those_that_no_inventory_has(assessed: Any) -> None:
    facts, connection = assessed
    found = listed(connection, "SELECT address FROM unknown_addresses WHERE scope IN ('private', 'public')")
    assert found == sorted(facts.unknown_addresses)


def test_a_file_of_another_tool_is_refused_and_an_impossible_value_set_aside(assessed: Any) -> None:
    facts, connection = assessed
    assert listed(connection, "SELECT file FROM refusals") == [facts.foreign_file]
    rows = connection.execute(
        "SELECT file, source_row FROM quarantine JOIN sources USING (source_id) WHERE field = 'memory_mib'"
    ).fetchall()
    assert rows == [facts.impossible_memory]


def test_decimal_commas_are_read(assessed: Any) -> None:
    _, connection = assessed
    assert all(
        value % 1 == 0.5
        for value in listed(
            connection, "SELECT storage_gib FROM raw_servers WHERE hypervisor = 'physical' AND ref <> 'phy-9999'"
        )
    )


def test_databases_of_each_engine_and_the_one_seen_as_a_program_are_found(assessed: Any) -> None:
    facts, connection = assessed
    counted = dict(connection.execute("SELECT engine_family, count(*) FROM databases GROUP BY ALL").fetchall())
    expected = facts.databases | {"sqlserver": facts.databases["sqlserver"] + len(facts.program_only)}
    assert counted == expected
    low = "SELECT vm_name FROM databases JOIN servers USING (server_id) WHERE databases.name IS NULL"
    assert listed(connection, low) == sorted(facts.program_only)


def test_relations_and_columns_give_applications_their_servers(assessed: Any) -> None:
    facts, connection = assessed
    assert listed(connection, "SELECT count(*) FROM applications WHERE len(server_ids) > 0") == [facts.applications]
    assert listed(connection, "SELECT count(*) FROM shares WHERE len(server_ids) <> 3") == [0]


def test_the_estate_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    told = [write_estate(tmp_path / name, servers=200) for name in ("one", "two")]
    assert told[0] == told[1]
    for name in told[0].files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    with pytest.raises(ValueError, match="200 servers or more"):
        write_estate(tmp_path / "three", servers=10)
