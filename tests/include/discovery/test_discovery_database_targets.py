"""Targets and methods of databases: the reasons for EC2, services that have ended, and what DMS cannot do."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pytest

from include.discovery import tables
from include.discovery.advice.advise import advise
from include.discovery.advice.databases import available_target
from include.discovery.advice.settings import AdviceSettings

AT = date(2026, 11, 23)
SQL = {"engine_family": "sqlserver", "engine_version": "2019", "engine_edition": "standard", "size_gib": 100.0}
ORACLE = {"engine_family": "oracle", "engine_version": "19c", "engine_edition": "enterprise", "size_gib": 100.0}
MYSQL = {"engine_family": "mysql", "engine_version": "8.0", "engine_edition": "community", "size_gib": 100.0}


def advised(*databases: dict[str, Any], at: date = AT, **settings: Any) -> list[dict[str, Any]]:
    """Return the rows of `database_targets` for databases, each on a server of its own unless it names one."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        tables.create(connection, "servers", "databases")
        for i, one in enumerate(databases):
            values = dict(one)
            server = {"os_family": "linux", "environment": "production", "owner": "x", **values.pop("server", {})}
            _insert(connection, "servers", server_id=f"s{i:03}", in_scope=True, marks=[], source_ids=[1], **server)
            defaults = {"database_id": f"d{i:03}", "server_id": f"s{i:03}", "source_id": 1, "source_row": i + 2}
            _insert(connection, "databases", **{**defaults, **values})
        advise(connection, settings=AdviceSettings(**settings), at=at)
        rows = connection.execute("SELECT * FROM database_targets").fetchall()
        names = [column[0] for column in connection.description]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _insert(connection: Any, table: str, **values: Any) -> None:
    connection.execute(
        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(f'${name}' for name in values)})", values
    )


# Rule, a database for which it holds, and the same without the one thing that makes the rule hold.
REASONS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("ec2_full_control", {**MYSQL, "features": ["root access"]}, MYSQL),
    ("ec2_own_administration", {**SQL, "features": ["log shipping"]}, {**SQL, "features": ["sql agent"]}),
    ("ec2_own_administration", {**SQL, "features": ["third-party agent"]}, SQL),
    ("ec2_cluster", {**ORACLE, "is_clustered": True}, {**SQL, "is_clustered": True}),
    ("ec2_unsupported_feature", {**SQL, "features": ["FileStream"]}, {**ORACLE, "features": ["filestream"]}),
    ("ec2_unsupported_feature", {**ORACLE, "features": ["database vault"]}, ORACLE),
    ("ec2_unsupported_version", {**SQL, "engine_version": "2008 r2"}, {**SQL, "engine_version": "2022"}),
    ("ec2_unsupported_version", {**ORACLE, "engine_version": "11g"}, ORACLE),
    ("ec2_size_and_performance", {**MYSQL, "size_gib": 140_000.0}, {**MYSQL, "size_gib": 60_000.0}),
    ("ec2_size_and_performance", {**SQL, "server": {"cpu_cores": 192}}, {**SQL, "server": {"cpu_cores": 128}}),
    ("ec2_automatic_patches", {**SQL, "features": ["no automatic patching"]}, SQL),
    ("ec2_own_licence", {**SQL, "licence_model": "BYOL"}, {**SQL, "licence_model": "licence included"}),
    ("ec2_iops_and_storage", {**ORACLE, "iops_max": 300_000.0}, {**ORACLE, "iops_max": 256_000.0}),
]


def test_each_reason_for_ec2_sends_a_database_there_and_says_why() -> None:
    found = advised(*(one for _, one, _ in REASONS))
    for (rule, _, _), row in zip(REASONS, found, strict=True):
        assert (rule, row["target"], row["path"]) == (rule, "Amazon EC2", "rehost")
        assert f"Amazon EC2 by {rule}: " in row["trace"]


def test_without_its_reason_no_database_goes_to_ec2() -> None:
    found = advised(*(other for _, _, other in REASONS))
    for (rule, _, _), row in zip(REASONS, found, strict=True):
        assert row["path"] == "replatform", rule
        assert rule not in row["trace"]


def test_privileged_features_go_to_rds_custom_where_it_runs_that_version() -> None:
    needs = {"features": ["xp_cmdshell"]}
    new, old, express = advised(
        {**SQL, **needs}, {**SQL, **needs, "engine_version": "2017"}, {**SQL, **needs, "engine_edition": "express"}
    )
    assert new["target"] == "Amazon RDS Custom for SQL Server"
    assert old["target"] == express["target"] == "Amazon EC2"


def test_engines_go_to_the_service_that_runs_them() -> None:
    engines = [
        "sqlserver",
        "oracle",
        "mysql",
        "postgresql",
        "mariadb",
        "db2",
        "mongodb",
        "cassandra",
        "redis",
        "sybase",
    ]
    rows = advised(*({"engine_family": engine, "engine_version": "x", "engine_edition": "x"} for engine in engines))
    assert [row["target"] for row in rows] == [
        "Amazon RDS for SQL Server", "Amazon RDS for Oracle", "Amazon Aurora MySQL", "Amazon Aurora PostgreSQL",
        "Amazon RDS for MariaDB", "Amazon RDS for Db2", "Amazon DocumentDB", "Amazon Keyspaces", "Amazon ElastiCache",
        "Amazon EC2",
    ]  # fmt: skip


def test_a_test_database_gets_rds_where_production_gets_aurora() -> None:
    (row,) = advised({**MYSQL, "server": {"environment": "test"}})
    assert row["target"] == "Amazon RDS for MySQL"


def test_workloads_go_to_purpose_built_databases() -> None:
    workloads = ["key-value", "document", "graph", "cache", "wide-column", "analytical"]
    rows = advised(*({**ORACLE, "workload": word} for word in workloads))
    assert [row["target"] for row in rows] == [
        "Amazon DynamoDB", "Amazon DocumentDB", "Amazon Neptune", "Amazon ElastiCache", "Amazon Keyspaces",
        "Amazon Redshift",
    ]  # fmt: skip
    assert {row["path"] for row in rows} == {"refactor"}


def test_services_that_have_ended_are_replaced_and_the_first_answer_is_kept() -> None:
    ledger, series = advised({**ORACLE, "workload": "ledger"}, {**ORACLE, "workload": "time-series"})
    assert (ledger["target"], ledger["instead_of"]) == ("Amazon Aurora PostgreSQL", "Amazon QLDB")
    assert "Amazon QLDB ended on 2025-07-31" in ledger["trace"]
    assert series["target"] == "Amazon Timestream for InfluxDB"
    assert series["instead_of"] == "Amazon Timestream for LiveAnalytics"


def test_before_their_end_the_first_answer_stands() -> None:
    rows = advised({**ORACLE, "workload": "ledger"}, {**ORACLE, "workload": "time-series"}, at=date(2024, 6, 1))
    assert [row["target"] for row in rows] == ["Amazon QLDB", "Amazon Timestream for LiveAnalytics"]
    assert [row["instead_of"] for row in rows] == [None, None]


@pytest.mark.parametrize(
    ("name", "at", "notice", "expected"),
    [
        ("Amazon QLDB", date(2025, 7, 31), 0, "Amazon QLDB"),
        ("Amazon QLDB", date(2025, 8, 1), 0, "Amazon Aurora PostgreSQL"),
        ("Amazon Timestream for LiveAnalytics", date(2025, 6, 19), 0, "Amazon Timestream for LiveAnalytics"),
        ("Amazon Timestream for LiveAnalytics", date(2025, 6, 20), 0, "Amazon Timestream for InfluxDB"),
        ("Amazon RDS Custom for Oracle", date(2026, 11, 23), 0, "Amazon RDS Custom for Oracle"),
        ("Amazon RDS Custom for Oracle", date(2026, 11, 23), 365, "Amazon EC2"),
    ],
)
def test_availability_follows_the_day(name: str, at: date, notice: int, expected: str) -> None:
    assert available_target(name, "replatform", at=at, notice_days=notice)[0] == expected


# At 100 MB/s 100 GiB take 18 minutes.
METHODS: list[tuple[dict[str, Any], str]] = [
    ({**SQL, "downtime_minutes": 60.0}, "native (backup and restore)"),
    ({**SQL, "downtime_minutes": 5.0}, "DMS (full load and CDC)"),
    ({**SQL, "downtime_minutes": 5.0, "engine_edition": "web"}, "native (full, differential and log backups)"),
    ({**SQL, "downtime_minutes": 5.0, "engine_edition": "express"}, "native (full, differential and log backups)"),
    ({**MYSQL, "downtime_minutes": 5.0}, "DMS homogeneous data migration"),
    ({**SQL, "features": ["filestream"], "downtime_minutes": 5.0}, "native (replication)"),
    ({**ORACLE, "is_clustered": True}, "partner"),
    ({**ORACLE, "workload": "analytical", "downtime_minutes": 60.0}, "DMS + SCT (full load)"),
    ({**ORACLE, "workload": "analytical", "downtime_minutes": 5.0}, "DMS + SCT (full load and CDC)"),
    ({**SQL, "workload": "analytical", "downtime_minutes": 5.0, "engine_edition": "web"}, "DMS + SCT (full load)"),
    ({**ORACLE, "workload": "analytical", "code_lines": 60_000}, "programme"),
    (
        {"engine_family": "db2", "engine_version": "12", "engine_edition": "x", "server": {"os_family": "zos"}},
        "partner",
    ),
    ({"engine_family": "teradata", "engine_version": "16", "engine_edition": "x"}, "SCT data extraction agents"),
]


def test_the_method_follows_downtime_edition_size_and_the_pair_of_engines() -> None:
    found = advised(*(one for one, _ in METHODS))
    assert [row["method"] for row in found] == [method for _, method in METHODS]


def test_standard_edition_is_captured_by_dms_from_2016_only() -> None:
    wish = {**SQL, "workload": "analytical", "downtime_minutes": 5.0}
    old, new = advised({**wish, "engine_version": "2014"}, {**wish, "engine_version": "2016"})
    assert old["method"] == "DMS + SCT (full load)"
    assert "full load only, but copying takes 18 minutes and downtime is 5 minutes" in old["blockers"]
    assert new["method"] == "DMS + SCT (full load and CDC)"
    assert "full load only" not in (new["blockers"] or "")


def test_express_edition_is_not_read_by_dms() -> None:
    (row,) = advised({**SQL, "workload": "analytical", "engine_edition": "express"})
    assert "DMS does not read SQL Server Express" in row["blockers"]


def test_open_engines_are_advised_only_on_request_and_for_little_stored_code() -> None:
    few, many = {**ORACLE, "code_lines": 800}, {**ORACLE, "code_lines": 9_000}
    assert advised(few)[0]["target"] == "Amazon RDS for Oracle"
    wished = advised(few, many, {**ORACLE}, refactor_commercial=True)
    assert [row["target"] for row in wished] == [
        "Amazon Aurora PostgreSQL",
        "Amazon RDS for Oracle",
        "Amazon RDS for Oracle",
    ]


def test_a_person_wins_over_the_rules_and_the_path_follows_the_target() -> None:
    rows = advised(*({**SQL, "target": word} for word in ("aurora postgresql", "EC2", "Our own cloud", "none")))
    assert [(row["target"], row["path"]) for row in rows] == [
        ("Amazon Aurora PostgreSQL", "refactor"), ("Amazon EC2", "rehost"), ("Our own cloud", "replatform"),
        ("none", "retire"),
    ]  # fmt: skip
    assert all(" by decision: the source says " in row["trace"] for row in rows)


def test_a_database_that_nobody_uses_is_archived() -> None:
    quiet, busy = advised(
        {**SQL, "transactions_per_second_max": 0.0, "iops_max": 0.0},
        {**SQL, "transactions_per_second_max": 0.0, "iops_max": 9.0},
    )
    assert (quiet["path"], quiet["method"]) == ("retire", "none")
    assert busy["path"] == "replatform"


def test_an_unknown_size_and_an_old_version_are_told() -> None:
    (row,) = advised({**SQL, "engine_version": "2016", "size_gib": None})
    assert "its size is unknown" in row["blockers"]
    assert "support of sqlserver 2016 ended on 2026-07-14" in row["blockers"]


def test_a_database_on_no_known_server_still_gets_a_target() -> None:
    (row,) = advised({**SQL, "server_id": None})
    assert row["target"] == "Amazon RDS for SQL Server"
