"""Configure, ship and watch, run as Airflow runs them, on two local SQL Servers and the local AWS."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.dag_runner import DagRunner, Run
from tests.local_aws import LocalAws, start_local_aws
from tests.local_sql_server import LocalSqlServer, start_local_sql_server

pytestmark = pytest.mark.airflow

PRIMARY, SECONDARY = "SQLFCI01", "EC2SQL02"
BUCKET = "landfall-lake"
PASSWORD = "Visible-nowhere-1"


class World:
    """A company with two databases on one server, a second server, and Airflow."""

    def __init__(self, home: Path, aws: LocalAws, servers: dict[str, LocalSqlServer], runner: DagRunner) -> None:
        self.home, self.aws, self.servers, self.runner = home, aws, servers, runner
        self.clock = datetime.now(UTC).replace(microsecond=0)

    @property
    def primary(self) -> LocalSqlServer:
        return self.servers[PRIMARY]

    @property
    def secondary(self) -> LocalSqlServer:
        return self.servers[SECONDARY]

    def run(self, dag: str, **arguments: Any) -> Run:
        self.clock += timedelta(minutes=1)
        return self.runner.run(f"log_shipping_{dag}", run_after=self.clock, **arguments)

    def configure(self, configuration: dict[str, Any], **arguments: Any) -> Run:
        text = yaml.safe_dump(configuration)
        self.aws.client("s3").put_object(Bucket=BUCKET, Key="log_shipping/configuration.yaml", Body=text.encode())
        return self.run("configure", **arguments)

    def document(self, *parts: str) -> Any:
        found = self.aws.client("s3").get_object(Bucket=BUCKET, Key="/".join(("log_shipping", *parts)))
        return json.loads(found["Body"].read())

    def everything_kept(self) -> bytes:
        client = self.aws.client("s3")
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return b"".join(client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys)

    def redo_lsn(self, database: str) -> int:
        sql = (
            "SELECT f.redo_start_lsn FROM sys.master_files AS f "
            "JOIN sys.databases AS d ON d.database_id = f.database_id WHERE f.file_id = 1 AND d.name = %s"
        )
        return int(self.secondary.value(sql, (database,)) or 0)


def folders(home: Path, name: str) -> dict[str, dict[str, str]]:
    paths = {kind: str(home / "shares" / name / kind) for kind in ("backups", "copies")}
    return {
        "backup_folder": {"server": paths["backups"], "worker": paths["backups"]},
        "copy_folder": {"server": paths["copies"], "worker": paths["copies"]},
    }


def configuration(home: Path) -> dict[str, Any]:
    return {
        "servers": {
            PRIMARY: {"connection": "mssql_primary", **folders(home, PRIMARY)},
            SECONDARY: {"connection": "mssql_secondary", **folders(home, SECONDARY)},
        },
        "defaults": {
            "primary": PRIMARY,
            "secondary": SECONDARY,
            "data_folder": {SECONDARY: str(home / "shares" / SECONDARY / "data")},
        },
        "databases": [{"name": "Sales", "restore_mode": "standby", "evict_readers": True}, {"name": "HR"}],
    }


def connection(server: LocalSqlServer) -> str:
    return json.dumps(
        {
            "conn_type": "mssql",
            "host": server.host,
            "port": server.port,
            "login": server.login,
            "password": server.password,
        }
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("shipping")
    for name in (PRIMARY, SECONDARY):
        for kind in ("backups", "copies", "data"):
            (home / "shares" / name / kind).mkdir(parents=True)
    with (
        start_local_aws(home / "aws") as aws,
        start_local_sql_server(home / PRIMARY, PRIMARY, password=PASSWORD) as primary,
        start_local_sql_server(home / SECONDARY, SECONDARY, password=PASSWORD) as secondary,
    ):
        topic = aws.client("sns").create_topic(Name="landfall-alerts")["TopicArn"]
        settings = {
            "AIRFLOW_CONN_MSSQL_PRIMARY": connection(primary),
            "AIRFLOW_CONN_MSSQL_SECONDARY": connection(secondary),
            "LANDFALL_LOG_SHIPPING_BUCKET": BUCKET,
            "LANDFALL_LOG_SHIPPING_ALERT_TOPIC": topic,
        }
        aws.client("s3").create_bucket(Bucket=BUCKET)
        for name in ("Sales", "HR"):
            primary.execute(f"CREATE DATABASE [{name}]")
            primary.execute("CREATE TABLE dbo.orders (id INT NOT NULL PRIMARY KEY)", database=name)
        with DagRunner(home, aws, settings=settings) as runner:
            yield World(home, aws, {PRIMARY: primary, SECONDARY: secondary}, runner)


def test_01_nothing_is_red_before_anything_is_configured(world: World) -> None:
    for dag in ("ship", "monitor"):
        run = world.run(dag)
        assert "failed" not in run.states.values(), run.log[-4000:]


def test_02_every_mistake_in_a_configuration_is_told_at_once(world: World) -> None:
    wrong = configuration(world.home)
    wrong["databases"] = [{"name": "Sales", "restore_mod": "standby"}, {"name": "Sales", "keep_hours": 0}]
    run = world.configure(wrong)
    assert run.states["check_configuration"] == "failed"
    assert "restore_mode" in run.log
    assert "keep_hours" in run.log


def test_03_configure_seeds_both_databases_and_publishes(world: World) -> None:
    run = world.configure(configuration(world.home))
    assert run.state == "success", run.log[-6000:]
    assert run.results["publish_configuration"]["databases"] == 2
    assert world.secondary.value("SELECT is_in_standby FROM sys.databases WHERE name = N'Sales'")
    assert world.secondary.value("SELECT state_desc FROM sys.databases WHERE name = N'HR'") == "RESTORING"


def test_04_ship_brings_committed_rows_to_the_readable_secondary(world: World) -> None:
    world.primary.execute("INSERT INTO dbo.orders (id) VALUES (1), (2), (3)", database="Sales")
    before = world.redo_lsn("HR")
    run = world.run("ship")
    assert run.state == "success", run.log[-6000:]
    summary = run.results["record_outcomes"]
    assert (summary["done"], summary["restored_files"]) == (2, 2)
    assert world.secondary.value("SELECT COUNT(*) FROM dbo.orders", database="Sales") == 3
    assert world.redo_lsn("HR") > before


def test_05_a_task_that_dies_after_its_work_changes_nothing(world: World) -> None:
    world.primary.execute("INSERT INTO dbo.orders (id) VALUES (4)", database="Sales")
    run = world.run("ship", dying={"plan_shipping": 1, "check_headers": 1, "record_outcomes": 1})
    assert run.state == "success", run.log[-6000:]
    assert world.secondary.value("SELECT COUNT(*) FROM dbo.orders", database="Sales") == 4


def test_06_the_watch_finds_everything_in_time(world: World) -> None:
    run = world.run("monitor")
    assert run.state == "success", run.log[-6000:]
    found = run.results["watch_databases"]
    assert (found["databases"], found["late"], found["told"]) == (2, [], [])
    rows = world.document(*found["history"].split("/log_shipping/")[1].split("/"))["readings"]
    assert {(row["database"], row["verdict"], row["bytes_behind"]) for row in rows} == {
        ("Sales", "ok", 0),
        ("HR", "ok", 0),
    }


def test_07_a_log_thrown_away_by_another_tool_is_named_and_bridged(world: World) -> None:
    world.primary.execute("INSERT INTO dbo.orders (id) VALUES (5)", database="Sales")
    world.primary.execute("BACKUP LOG [Sales] TO DISK = N'NUL' WITH INIT")
    run = world.run("ship")
    assert run.state == "success", run.log[-6000:]
    folder = run.results["record_outcomes"]["uri"].split("/log_shipping/")[1].removesuffix("/summary.json")
    outcome = world.document(*folder.split("/"), "back_up_and_copy", "Sales.json")
    assert "sa backed up the log" in outcome["reason"]
    assert "and threw it away" in outcome["reason"]
    assert "this breaks the chain" in outcome["reason"]
    assert outcome["evidence"]["bridge"].endswith(".dif")
    assert world.secondary.value("SELECT COUNT(*) FROM dbo.orders", database="Sales") == 5


def test_08_a_lost_primary_is_named_and_the_rest_goes_on(world: World) -> None:
    world.primary.kill()
    run = world.run("ship")
    assert run.states["record_outcomes"] == "failed"
    assert run.states["restore_logs"] == "success"
    assert "SQLFCI01 cannot be reached" in run.log
    world.primary.restart()
    assert world.run("ship").state == "success"


def test_09_a_password_is_kept_nowhere(world: World) -> None:
    assert PASSWORD.encode() not in world.everything_kept()
    assert PASSWORD not in world.runner.log_path.read_text()
