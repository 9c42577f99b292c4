from __future__ import annotations

import random

import duckdb
import pytest

from include.discovery import tables
from include.discovery.dependencies.map import map_dependencies
from include.discovery.dependencies.settings import DependencySettings

APPLICATIONS, SIZE = 20, 8


def _estate(*, order: int = 0, labels: bool = True) -> duckdb.DuckDBPyConnection:
    """Twenty applications of three tiers, a DNS server, and traffic between neighbours; rows in a drawn order."""
    draw = random.Random(4)
    servers, flows = [], []
    for app in range(APPLICATIONS):
        ids = [f"s{app:02}-{n}" for n in range(SIZE)]
        for at, one in enumerate(ids):
            wrong = labels and draw.random() < 0.05
            label = f"App {(app + 1) % APPLICATIONS if wrong else app}" if labels and draw.random() < 0.7 else None
            servers.append((one, label))
            flows.append((one, "dns", 53, 100))
            peers = ids[4:6] if at < 4 else ids[6:] if at < 6 else []
            flows += [(one, peer, 8080 if at < 4 else 1433, draw.randint(5, 30)) for peer in peers]
        flows.append((ids[0], f"s{(app + 1) % APPLICATIONS:02}-4", 443, 3))
    servers += [("dns", None), ("quiet-1", "App 3"), ("quiet-2", None)]
    random.Random(order).shuffle(servers)
    random.Random(order).shuffle(flows)
    return _filled(servers, flows)


def _filled(servers: list[tuple[str, str | None]], flows: list[tuple[str, str, int, int]]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    tables.create(connection, "servers", "connections")
    if servers:
        connection.executemany(
            "INSERT INTO servers BY NAME SELECT ? AS server_id, ? AS application, 'linux' AS os_family, "
            "true AS in_scope, "
            "[] AS marks, [1] AS source_ids",
            servers,
        )
    if flows:
        connection.executemany(
            "INSERT INTO connections BY NAME SELECT ? AS source_server_id, ? AS destination_server_id, ? "
            "AS destination_port, "
            "'tcp' AS protocol, ? AS count",
            flows,
        )
    return connection


@pytest.fixture(scope="module")
def mapped() -> duckdb.DuckDBPyConnection:
    connection = _estate()
    map_dependencies(connection, settings=DependencySettings())
    return connection


def test_every_server_in_scope_is_in_one_group(mapped: duckdb.DuckDBPyConnection) -> None:
    assert mapped.execute("SELECT count(*), count(DISTINCT server_id) FROM groups").fetchone() == (163, 163)


def test_the_planted_applications_are_found_though_the_cmdb_is_partly_wrong(mapped: duckdb.DuckDBPyConnection) -> None:
    found = mapped.execute(
        "SELECT split_part(server_id, '-', 1) AS app, count(DISTINCT application_group) FROM groups "
        "WHERE server_id LIKE 's%' GROUP BY app"
    ).fetchall()
    assert len(found) == APPLICATIONS
    assert {groups for _, groups in found} == {1}
    names = mapped.execute("SELECT count(DISTINCT application_group) FROM groups WHERE server_id LIKE 's%'").fetchone()
    assert names == (APPLICATIONS,)


def test_groups_take_the_name_most_of_their_servers_have_in_the_cmdb(mapped: duckdb.DuckDBPyConnection) -> None:
    assert mapped.execute("SELECT application_group FROM groups WHERE server_id = 's07-6'").fetchone() == ("App 7",)


def test_a_name_server_is_a_hub_and_its_edges_are_set_aside(mapped: duckdb.DuckDBPyConnection) -> None:
    server, role, peers, reason = mapped.execute("SELECT server_id, role, peers, reason FROM hubs").fetchone()
    assert (server, role, peers) == ("dns", "dns", 160)
    assert "160 of its 160 peers" in reason
    assert mapped.execute("SELECT count(*) FROM edges WHERE is_hub_edge").fetchone() == (160,)
    assert mapped.execute("SELECT application_group, is_hub FROM groups WHERE server_id = 'dns'").fetchone() == (
        "shared-dns",
        True,
    )


def test_a_server_without_traffic_follows_its_cmdb_application_or_stands_alone(
    mapped: duckdb.DuckDBPyConnection,
) -> None:
    found = dict(
        mapped.execute("SELECT server_id, application_group FROM groups WHERE server_id LIKE 'quiet%'").fetchall()
    )
    assert found == {"quiet-1": "App 3", "quiet-2": "app-quiet-2"}


def test_tiers_are_told_by_the_ports_servers_provide(mapped: duckdb.DuckDBPyConnection) -> None:
    roles = mapped.execute(
        "SELECT split_part(server_id, '-', 2)::INTEGER AS n, min(tier_role), max(tier_role) "
        "FROM groups WHERE server_id LIKE 's%' "
        "AND n >= 4 GROUP BY n ORDER BY n"
    ).fetchall()
    assert [low for _, low, _ in roles[2:]] == ["database", "database"]
    assert {low for _, low, _ in roles[1:2]} == {"application"}


def test_the_resolution_with_the_best_agreement_is_chosen(mapped: duckdb.DuckDBPyConnection) -> None:
    best, chosen = mapped.execute(
        "SELECT max(agreement_f1), max(agreement_f1) FILTER (chosen) FROM group_quality"
    ).fetchone()
    assert best == chosen
    assert chosen > 0.8
    assert mapped.execute("SELECT count(*) FROM group_quality WHERE chosen").fetchone() == (1,)


def test_without_a_cmdb_the_default_is_taken_and_no_agreement_is_claimed() -> None:
    connection = _estate(labels=False)
    map_dependencies(connection, settings=DependencySettings())
    assert connection.execute("SELECT resolution, agreement_f1, chosen FROM group_quality").fetchall() == [
        (0.3, None, True)
    ]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_order_of_rows_changes_nothing(mapped: duckdb.DuckDBPyConnection, order: int) -> None:
    other = _estate(order=order)
    map_dependencies(other, settings=DependencySettings())
    for table in ("edges", "hubs", "groups", "group_quality"):
        assert other.execute(f"FROM {table}").fetchall() == mapped.execute(f"FROM {table}").fetchall()


def test_settings_name_hubs_and_deny_them() -> None:
    connection = _estate()
    map_dependencies(connection, settings=DependencySettings(hub_server_ids=("s00-4",), not_hub_server_ids=("dns",)))
    assert connection.execute("SELECT server_id, role FROM hubs").fetchall() == [("s00-4", "shared")]


def test_an_estate_without_connections_is_grouped_by_its_cmdb() -> None:
    connection = _filled([("a", "Pay"), ("b", "Pay"), ("c", None)], [])
    map_dependencies(connection, settings=DependencySettings())
    assert connection.execute("SELECT server_id, application_group, tier FROM groups").fetchall() == [
        ("a", "Pay", "no-traffic"),
        ("b", "Pay", "no-traffic"),
        ("c", "app-c", "no-traffic"),
    ]


def test_no_server_in_scope_gives_no_group() -> None:
    connection = _filled([], [])
    map_dependencies(connection, settings=DependencySettings())
    assert connection.execute("SELECT count(*) FROM groups").fetchone() == (0,)
