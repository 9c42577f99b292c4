"""Rows of several tools become machines: what joins them, what must not, and what is told."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.discovery import tables
from include.discovery.inventory.build import build_inventory
from include.discovery.inventory.settings import InventorySettings

if TYPE_CHECKING:
    from collections.abc import Sequence

UUID = "564d1234-abcd-ef01-2345-6789abcdef01"
SWAPPED = "34124d56-cdab-01ef-2345-6789abcdef01"
OTHER = "11111111-2222-3333-4444-555555555555"


class Estate:
    """Raw rows, put into an assessment's tables."""

    def __init__(self) -> None:
        self.sources: list[dict[str, Any]] = []
        self.rows: list[tuple[str, dict[str, Any]]] = []

    def source(self, tool: str, *, fills: str = "raw_servers", exported_at: datetime | None = None) -> int:
        number = len(self.sources) + 1
        self.sources.append(
            {
                "source_id": number,
                "file": f"{tool}{number}.csv",
                "format": tool,
                "tool": tool,
                "fills": fills,
                "rows_read": 1,
                "rows_quarantined": 0,
                "bytes": 1,
                "sha256": "0",
                "exported_at": exported_at,
            }
        )
        return number

    def add(self, table: str, source: int, **values: Any) -> None:
        row = 2 + sum(values_of["source_id"] == source for _, values_of in self.rows)
        self.rows.append((table, {"source_id": source, "source_row": row, **values}))

    def server(self, source: int, ref: str, **values: Any) -> None:
        self.add("raw_servers", source, ref=ref, **values)

    def build(self, choices: InventorySettings | None = None) -> Any:
        import duckdb

        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        tables.create(connection, *tables.RAW)
        for table, values in [*(("sources", one) for one in self.sources), *self.rows]:
            names = ", ".join(f'"{name}"' for name in values)
            marks = ", ".join("?" for _ in values)
            connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))
        build_inventory(connection, settings=choices or InventorySettings())
        return connection


@pytest.fixture
def estate() -> Estate:
    return Estate()


def rows(connection: Any, query: str) -> Any:
    return connection.execute(query).fetchall()


def two_tools(estate: Estate, first: dict[str, Any], second: dict[str, Any]) -> Any:
    estate.server(estate.source("rvtools"), "a", **first)
    estate.server(estate.source("servicenow"), "b", **second)
    return estate.build()


def machines(connection: Any) -> int:
    return int(rows(connection, "SELECT count(*) FROM servers")[0][0])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"smbios_id": UUID, "vm_name": "x"}, {"smbios_id": UUID, "vm_name": "y"}),
        ({"smbios_id": UUID, "vm_name": "x"}, {"smbios_id": SWAPPED, "vm_name": "y"}),
        ({"moref": "vm-1", "vcenter_id": "v"}, {"moref": "vm-1", "vcenter_id": "v"}),
        ({"external_id": "0123456789abcdef", "vm_name": "x"}, {"external_id": "0123456789ABCDEF", "vm_name": "y"}),
        ({"server_id": "S-1", "vm_name": "x"}, {"server_id": "s-1", "vm_name": "y"}),
        ({"mac_addresses": ["00:50:56:00:00:01"]}, {"mac_addresses": ["00:50:56:00:00:01"]}),
        ({"fqdn": "x.corp.example"}, {"hostname": "X.corp.example", "smbios_id": UUID}),
        ({"hostname": "web01"}, {"hostname": "WEB01.corp.example"}),
        ({"vm_name": "web01"}, {"hostname": "web01"}),
    ],
)
def test_rows_that_share_a_key_are_one_machine(estate: Estate, first: Any, second: Any) -> None:
    assert machines(two_tools(estate, first, second)) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"hostname": "web01", "smbios_id": UUID}, {"hostname": "web01", "smbios_id": OTHER}),
        (
            {"mac_addresses": ["00:50:56:00:00:01"], "smbios_id": UUID},
            {"mac_addresses": ["00:50:56:00:00:01"], "smbios_id": OTHER},
        ),
        (
            {"smbios_id": UUID, "moref": "vm-1", "vcenter_id": "v"},
            {"smbios_id": UUID, "moref": "vm-2", "vcenter_id": "v"},
        ),
        ({"mac_addresses": ["00:00:5e:00:01:0a"]}, {"mac_addresses": ["00:00:5e:00:01:0a"]}),
        ({"hostname": "localhost"}, {"hostname": "localhost"}),
        ({"external_id": "17", "vm_name": "x"}, {"external_id": "17", "vm_name": "y"}),
        ({"hostname": "10.0.0.1"}, {"hostname": "10.0.0.2"}),
    ],
)
def test_rows_that_a_stronger_key_separates_stay_apart(estate: Estate, first: Any, second: Any) -> None:
    assert machines(two_tools(estate, first, second)) == 2


def test_a_chain_of_weak_keys_never_joins_two_machines(estate: Estate) -> None:
    one, two, three = estate.source("rvtools"), estate.source("ads"), estate.source("generic")
    estate.server(one, "a", smbios_id=UUID, mac_addresses=["00:50:56:00:00:01"])
    estate.server(two, "b", mac_addresses=["00:50:56:00:00:01", "00:50:56:00:00:02"])
    estate.server(three, "c", smbios_id=OTHER, mac_addresses=["00:50:56:00:00:02"])
    connection = estate.build()
    assert len(rows(connection, "SELECT DISTINCT server_id FROM server_refs WHERE ref IN ('a', 'c')")) == 2


def test_a_cloned_id_is_not_used_and_told_but_names_still_join(estate: Estate) -> None:
    vcenter, cmdb = estate.source("rvtools"), estate.source("servicenow")
    for number in (1, 2):
        estate.server(
            vcenter, f"u{number}", smbios_id=UUID, moref=f"vm-{number}", vcenter_id="v", vm_name=f"web0{number}"
        )
        estate.server(cmdb, f"c{number}", external_id=f"sys-{number}-0123456789", vm_name=f"web0{number}")
    connection = estate.build()
    assert machines(connection) == 2
    assert rows(connection, "SELECT field, chosen_value FROM conflicts WHERE field = 'smbios_id'") == [
        ("smbios_id", UUID)
    ]


def test_a_name_that_one_source_has_twice_joins_nothing(estate: Estate) -> None:
    vcenter, cmdb = estate.source("rvtools"), estate.source("servicenow")
    estate.server(vcenter, "a", vm_name="web01", moref="vm-1", vcenter_id="v")
    estate.server(vcenter, "b", vm_name="web01", moref="vm-2", vcenter_id="v")
    estate.server(cmdb, "c", vm_name="web01")
    connection = estate.build()
    assert machines(connection) == 3
    assert rows(connection, "SELECT count(*) FROM servers WHERE list_contains(marks, 'duplicate_name')") == [(3,)]


def test_interfaces_give_keys_and_addresses(estate: Estate) -> None:
    vcenter, network, cmdb = (
        estate.source("rvtools"),
        estate.source("rvtools", fills="raw_interfaces"),
        estate.source("servicenow"),
    )
    estate.server(vcenter, "uuid-1", vm_name="new-name", ip_addresses=["10.0.0.1"])
    estate.add("raw_interfaces", network, ref="uuid-1", mac_address="00:50:56:00:00:01", ip_addresses=["10.0.0.2"])
    estate.server(cmdb, "c", vm_name="old-name", mac_addresses=["00:50:56:00:00:01"])
    connection = estate.build()
    assert rows(connection, "SELECT ip_addresses, mac_addresses FROM servers") == [
        (["10.0.0.1", "10.0.0.2"], ["00:50:56:00:00:01"])
    ]
    assert rows(connection, "SELECT field, other_value FROM conflicts") == [("vm_name", "old-name")]


def test_the_order_of_tools_decides_and_the_loser_is_told_with_its_row(estate: Estate) -> None:
    connection = two_tools(estate, {"hostname": "a", "memory_mib": 8192}, {"hostname": "a", "memory_mib": 16384})
    assert rows(connection, "SELECT memory_mib FROM servers") == [(8192,)]
    assert rows(connection, "FROM conflicts") == [
        (
            "a",
            "memory_mib",
            "8192",
            "16384",
            "rvtools1.csv row 2",
            "servicenow2.csv row 2",
            "rvtools is believed before servicenow about memory_mib",
        )
    ]
    assert rows(
        connection, "SELECT value, source_id, chosen FROM server_values WHERE field = 'memory_mib' ORDER BY 2"
    ) == [
        ("8192", 1, True),
        ("16384", 2, False),
    ]


def test_a_cmdb_is_believed_first_about_people(estate: Estate) -> None:
    connection = two_tools(estate, {"hostname": "a", "owner": "folder"}, {"hostname": "a", "owner": "team billing"})
    assert rows(connection, "SELECT owner FROM servers") == [("team billing",)]


def test_what_most_tools_say_decides_among_equals_then_the_newest(estate: Estate) -> None:
    choices = InventorySettings(tools=())
    for tool, cores in (("x", 4), ("y", 8), ("z", 8)):
        estate.server(estate.source(tool), tool, hostname="a", cpu_cores=cores)
    assert rows(estate.build(choices), "SELECT cpu_cores FROM servers") == [(8,)]
    newer = Estate()
    for month, cores in ((1, 4), (3, 16), (2, 8)):
        newer.server(
            newer.source("x", exported_at=datetime(2026, month, 1, tzinfo=UTC)), "a", hostname="a", cpu_cores=cores
        )
    connection = newer.build(choices)
    assert rows(connection, "SELECT cpu_cores FROM servers") == [(16,)]
    assert {rule for (rule,) in rows(connection, "SELECT rule FROM conflicts")} == {"the newer export"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"memory_mib": 8192}, {"memory_mib": 8191}),
        ({"hostname": "WEB.corp.example"}, {"hostname": "web"}),
        ({"os_name": "Microsoft Windows Server 2016 (64-bit)"}, {"os_name": "Windows 2016 Standard"}),
        ({"os_name": "CentOS 4/5/6/7 (64-bit)"}, {"os_name": "CentOS Linux 7"}),
        ({"location": "DC1"}, {"location": "Frankfurt, second floor"}),
    ],
)
def test_rounding_and_spelling_are_no_conflict(estate: Estate, first: Any, second: Any) -> None:
    connection = two_tools(estate, {"hostname": "web"} | first, {"hostname": "web"} | second)
    assert rows(connection, "FROM conflicts") == []


@pytest.mark.parametrize(
    ("mark", "values"),
    [
        ("powered_off", {"power_state": "off"}),
        ("suspended", {"power_state": "suspended"}),
        ("template", {"is_template": True}),
        ("retired", {"status": "retired"}),
        ("retired", {"status": "in stock"}),
        ("without_guest_os", {"os_name": "Other Linux (64-bit)"}),
        (
            "os_disagreement",
            {"os_name": "Microsoft Windows Server 2016 (64-bit)", "os_name_guest": "Red Hat Enterprise Linux 7"},
        ),
        ("unknown_host", {"virtual_host": "esx9.corp.example"}),
        ("physical", {"hypervisor": "physical"}),
    ],
)
def test_a_machine_is_marked_not_dropped(estate: Estate, mark: str, values: dict[str, Any]) -> None:
    vcenter, hosts = estate.source("rvtools"), estate.source("rvtools", fills="raw_hosts")
    estate.add("raw_hosts", hosts, name="esx1.corp.example")
    plain = {"os_name": "Ubuntu Linux (64-bit)", "os_name_guest": "Ubuntu Linux (64-bit)", "virtual_host": "esx1"}
    estate.server(vcenter, "plain", hostname="plain", **plain)
    estate.server(vcenter, "odd", hostname="odd", **({} if mark == "without_guest_os" else plain) | values)
    connection = estate.build()
    assert dict(rows(connection, "SELECT hostname, marks FROM servers")) == {"plain": [], "odd": [mark]}
    assert rows(connection, "SELECT in_scope FROM servers WHERE hostname = 'odd'") == [
        (mark not in ("template", "retired"),)
    ]


def test_a_retired_machine_that_runs_is_live_and_told(estate: Estate) -> None:
    connection = two_tools(estate, {"hostname": "a", "power_state": "on"}, {"hostname": "a", "status": "retired"})
    assert rows(connection, "SELECT status, in_scope, marks FROM servers") == [("live", True, ["retired_but_running"])]
    assert rows(connection, "SELECT field, chosen_value, other_value FROM conflicts") == [("status", "live", "retired")]
    assert rows(connection, "SELECT value FROM server_values WHERE field = 'status' AND chosen") == [("live",)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"server_id": "S-1", "external_id": "e", "hostname": "h"}, "S-1"),
        ({"external_id": "e", "moref": "vm-1", "vcenter_id": "v"}, "e"),
        ({"moref": "vm-1", "vcenter_id": "v", "smbios_id": UUID}, "vm-1@v"),
        ({"smbios_id": UUID, "hostname": "h"}, UUID),
        ({"hostname": "h", "vm_name": "v"}, "h"),
        ({}, "r"),
    ],
)
def test_the_server_id_is_the_sources_own(estate: Estate, values: dict[str, Any], expected: str) -> None:
    estate.server(estate.source("x"), "r", **values)
    assert rows(estate.build(), "SELECT server_id FROM servers") == [(expected,)]


def test_two_machines_with_one_id_get_two_ids_and_it_is_told(estate: Estate) -> None:
    connection = two_tools(estate, {"server_id": "S-1", "smbios_id": UUID}, {"server_id": "S-1", "smbios_id": OTHER})
    ids = [one for (one,) in rows(connection, "SELECT server_id FROM servers")]
    assert ids[0] == "S-1"
    assert ids[1].startswith("S-1~")
    assert ("server_id",) in rows(connection, "SELECT field FROM conflicts")


def test_an_address_of_two_live_machines_is_told_and_counts_for_none(estate: Estate) -> None:
    vcenter, flows = estate.source("rvtools"), estate.source("generic", fills="raw_connections")
    for name in ("a", "b"):
        estate.server(vcenter, name, hostname=name, ip_addresses=["10.0.0.1"])
    estate.server(vcenter, "c", hostname="c", ip_addresses=["10.0.0.2"])
    estate.add(
        "raw_connections",
        flows,
        source_ip="10.0.0.2",
        destination_ip="10.0.0.1",
        destination_port=80,
        protocol="tcp",
        count=1,
    )
    connection = estate.build()
    assert rows(connection, "SELECT server_id, field, chosen_value FROM conflicts") == [
        ("b", "ip_addresses", "10.0.0.1")
    ]
    assert rows(connection, "SELECT source_server_id, destination_server_id FROM connections") == [("c", None)]


CELLS = st.fixed_dictionaries(
    {},
    optional={
        "smbios_id": st.sampled_from([UUID, SWAPPED, OTHER]),
        "server_id": st.sampled_from(["S-1", "S-2"]),
        "hostname": st.sampled_from(["web", "web.corp.example", "db"]),
        "vm_name": st.sampled_from(["web", "db", "old"]),
        "memory_mib": st.sampled_from([1024, 2048]),
        "mac_addresses": st.lists(st.sampled_from(["00:50:56:00:00:01", "00:50:56:00:00:02"]), min_size=1, unique=True),
        "owner": st.sampled_from(["x", "y"]),
    },
)


def built(told: Sequence[tuple[int, dict[str, Any]]]) -> Any:
    estate = Estate()
    numbers = [estate.source(tool) for tool in ("rvtools", "ads", "generic")]
    for number, values in told:
        name = values.get("hostname") or values.get("vm_name") or values.get("server_id") or "r"
        estate.server(numbers[number], str(name), **values)
    return estate.build()


@settings(derandomize=True, max_examples=5, deadline=None)
@given(told=st.lists(st.tuples(st.integers(0, 2), CELLS), min_size=1, max_size=7), seed=st.integers(0, 9))
def test_rows_in_another_order_give_the_same_servers(told: list[tuple[int, dict[str, Any]]], seed: int) -> None:
    shuffled = random.Random(seed).sample(told, len(told))
    query = "FROM servers ORDER BY ALL"
    assert rows(built(told), query) == rows(built(shuffled), query)


@settings(derandomize=True, max_examples=5, deadline=None)
@given(told=st.lists(st.tuples(st.integers(0, 2), CELLS), min_size=1, max_size=7))
def test_no_machine_has_two_ids_and_every_row_belongs_to_one(told: list[tuple[int, dict[str, Any]]]) -> None:
    connection = built(told)
    two = "SELECT v.server_id FROM server_values v JOIN raw_servers r USING (source_id, source_row) GROUP BY 1 "
    two += "HAVING count(DISTINCT CASE "
    assert (
        rows(
            connection,
            two + f"WHEN smbios_id IN ('{UUID}', '{SWAPPED}') THEN 1 WHEN smbios_id IS NOT NULL THEN 2 END) > 1",
        )
        == []
    )
    valued = "SELECT count(DISTINCT (source_id, source_row)) FROM server_values"
    owned = (
        "SELECT max(n) FROM (SELECT count(DISTINCT server_id) AS n FROM server_values GROUP BY source_id, source_row)"
    )
    telling = sum(bool(values.keys() - {"smbios_id", "server_id"}) for _, values in told)
    assert rows(connection, valued) == [(telling,)]
    assert rows(connection, owned)[0][0] in (1, None)
    assert rows(connection, "SELECT count(DISTINCT server_id) = count(*) FROM servers") == [(True,)]


@settings(derandomize=True, max_examples=4, deadline=None)
@given(told=st.lists(st.tuples(st.integers(0, 2), CELLS), min_size=1, max_size=6))
def test_an_inventory_of_its_own_servers_is_itself(told: list[tuple[int, dict[str, Any]]]) -> None:
    kept = "SELECT server_id, hostname, vm_name, memory_mib, mac_addresses, owner FROM servers ORDER BY ALL"
    first = rows(built(told), kept)
    again = Estate()
    source = again.source("generic")
    for server_id, hostname, vm_name, memory, macs, owner in first:
        again.server(
            source,
            server_id.lower(),
            server_id=server_id,
            hostname=hostname,
            vm_name=vm_name,
            memory_mib=memory,
            mac_addresses=macs,
            owner=owner,
        )
    assert rows(again.build(), kept) == first


def test_connections_are_added_up_by_machine_and_local_ones_left_out(estate: Estate) -> None:
    vcenter, flows = estate.source("rvtools"), estate.source("generic", fills="raw_connections")
    estate.server(vcenter, "a", hostname="a", ip_addresses=["10.0.0.1", "10.0.0.3"])
    estate.server(vcenter, "b", hostname="b", ip_addresses=["10.0.0.2"])
    told = (
        ("10.0.0.1", "10.0.0.2"),
        ("10.0.0.3", "10.0.0.2"),
        ("10.0.0.1", "10.0.0.3"),
        ("10.0.0.1", "224.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("10.0.0.9", "10.0.0.2"),
        ("fe80::1", "10.0.0.2"),
    )
    for source, destination in told:
        estate.add(
            "raw_connections",
            flows,
            source_ip=source,
            destination_ip=destination,
            destination_port=80,
            protocol="tcp",
            count=2,
        )
    connection = estate.build()
    query = (
        "SELECT source_server_id, destination_server_id, source_ip, destination_ip, count FROM connections ORDER BY ALL"
    )
    assert rows(connection, query) == [("a", "b", "10.0.0.1", "10.0.0.2", 4), (None, "b", "10.0.0.9", "10.0.0.2", 2)]
    assert rows(connection, "SELECT address, scope, connections, peers, ports FROM unknown_addresses ORDER BY 1") == [
        ("10.0.0.9", "private", 2, 1, "80/tcp"),
        ("127.0.0.1", "loopback", 4, 0, "80/tcp"),
        ("224.0.0.1", "multicast", 2, 1, "80/tcp"),
        ("fe80::1", "link_local", 2, 1, "80/tcp"),
    ]


def test_connections_by_name_find_their_machines(estate: Estate) -> None:
    vcenter, flows = estate.source("rvtools"), estate.source("azure_migrate", fills="raw_connections")
    for name in ("a", "b"):
        estate.server(vcenter, f"uuid-{name}", hostname=f"{name}.corp.example")
    for destination in ("b", "stranger"):
        estate.add(
            "raw_connections",
            flows,
            source_ref="a",
            destination_ref=destination,
            destination_port=80,
            protocol="tcp",
            count=1,
        )
    connection = estate.build()
    query = "SELECT source_server_id, destination_server_id, destination_ip FROM connections ORDER BY ALL"
    assert rows(connection, query) == [
        ("a.corp.example", "b.corp.example", None),
        ("a.corp.example", None, None),
    ]
    assert rows(connection, "SELECT address FROM unknown_addresses") == [("stranger",)]


def test_a_reference_that_names_nobody_is_set_aside_with_its_row(estate: Estate) -> None:
    vcenter, disks = estate.source("rvtools"), estate.source("generic", fills="raw_disks")
    estate.server(vcenter, "uuid-a", hostname="a")
    for ref in ("a", "nobody"):
        estate.add("raw_disks", disks, ref=ref, name="disk", size_gib=10.0)
    connection = estate.build()
    assert rows(connection, "SELECT server_id, size_gib FROM disks") == [("a", 10.0)]
    assert rows(connection, "SELECT source_id, source_row, value FROM quarantine") == [(2, 3, "nobody")]
