"""The DAGs of failing over and back, run to their end on two local SQL Servers and a local AWS.

The tests build on each other in their order: one pair of databases wanders to the second server and back.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.leases import take
from include.log_shipping.primaries import PrimaryRecord, find_primary
from include.log_shipping.settings import LogShippingSettings
from tests.integration.dag_runner import DagRunner, Run
from tests.local_aws import LocalAws, start_local_aws
from tests.local_sql_server import LocalSqlServer, start_local_sql_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from include.object_store import ObjectStore

pytestmark = pytest.mark.airflow

OLD, NEW = "SQLFCI01", "EC2SQL02"
DATABASES = ("Sales", "HR")
PARAMETER = "/db/sales"
REASON = "the yearly rehearsal of the move"
YES = {"option": "Approve", "user": "oncall"}
NO = {"option": "Reject", "user": "oncall"}


@dataclass
class Site:
    """Two servers, a lake, and what runs the DAGs."""

    aws: LocalAws
    servers: Mapping[str, LocalSqlServer]
    runner: DagRunner
    zone: str
    clock: datetime

    @property
    def store(self) -> ObjectStore:
        return LogShippingSettings().store(self.aws.client("s3"))

    def run(self, dag_id: str, answers: Mapping[str, Any] | None = None, user: str = "admin", **conf: Any) -> Run:
        self.clock = max(self.clock + timedelta(seconds=1), datetime.now(UTC))
        return self.runner.run(dag_id, run_after=self.clock, conf=conf, answers=answers, user=user)

    def ship(self) -> None:
        require(self.run("log_shipping_ship"))

    def insert(self, server: str, number: int) -> None:
        for name in DATABASES:
            self.servers[server].execute("INSERT INTO dbo.orders (id) VALUES (%d)", (number,), database=name)

    def ids(self, server: str, database: str) -> list[int]:
        rows = self.servers[server].query("SELECT id FROM dbo.orders ORDER BY id", database=database)
        return [row["id"] for row in rows]

    def states(self, server: str) -> dict[str, str]:
        rows = self.servers[server].query("SELECT name, state_desc FROM sys.databases WHERE database_id > 4")
        return {row["name"]: row["state_desc"] for row in rows}

    def primary(self, database: str = "Sales") -> PrimaryRecord:
        found = find_primary(self.store, database)
        assert found
        return found

    def names(self) -> tuple[str, str]:
        """Where clients of Sales and of HR are led."""
        value = self.aws.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"]
        sets = self.aws.client("route53").list_resource_record_sets(HostedZoneId=self.zone)["ResourceRecordSets"]
        (record,) = [one for one in sets if one["Type"] == "CNAME"]
        return value, record["ResourceRecords"][0]["Value"]

    def report(self, run: Run) -> dict[str, Any]:
        found: dict[str, Any] = self.store.get_json(run.results["write_report"]["document"].split("/", 3)[3])
        return found


def require(run: Run) -> Run:
    assert run.state == "success", "\n".join(line for line in run.log.splitlines() if "Error" in line)
    return run


def configuration(root: Path, zone: str) -> str:
    def server(name: str, connection: str) -> dict[str, Any]:
        folders = {}
        for kind in ("backup_folder", "copy_folder"):
            path = root / name / kind
            path.mkdir(parents=True)
            folders[kind] = {"server": str(path), "worker": str(path)}
        return {"connection": connection, **folders}

    led = {OLD: "old.corp.example", NEW: "new.corp.example"}
    route53 = {"kind": "route53", "hosted_zone_id": zone, "record": "hr.db.example.com", "ttl": 30, "targets": led}
    return json.dumps(
        {
            "servers": {OLD: server(OLD, "mssql_primary"), NEW: server(NEW, "mssql_secondary")},
            "defaults": {"primary": OLD, "secondary": NEW},
            "databases": [
                {"name": "Sales", "redirect": {"kind": "ssm", "parameter": PARAMETER, "values": led}},
                {"name": "HR", "restore_mode": "standby", "jobs": ["HR nightly"], "redirect": route53},
            ],
        }
    )


def connection(server: LocalSqlServer) -> str:
    fields = {"conn_type": "mssql", "host": server.host, "port": server.port}
    return json.dumps(fields | {"login": server.login, "password": server.password, "extra": {"encryption": "off"}})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("failover")
    with ExitStack() as stack:
        aws = stack.enter_context(start_local_aws(home / "aws"))
        servers = {
            name: stack.enter_context(start_local_sql_server(home / "servers" / name, name)) for name in (OLD, NEW)
        }
        settings = {
            "AIRFLOW_CONN_MSSQL_PRIMARY": connection(servers[OLD]),
            "AIRFLOW_CONN_MSSQL_SECONDARY": connection(servers[NEW]),
        }
        runner = stack.enter_context(DagRunner(home, aws, settings=settings))
        s3, route53 = aws.client("s3"), aws.client("route53")
        if "landfall-lake" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket="landfall-lake")
        made = route53.create_hosted_zone(Name="db.example.com", CallerReference="1")["HostedZone"]["Id"]
        zone = made.rpartition("/")[2]
        for name in DATABASES:
            servers[OLD].execute(f"CREATE DATABASE {name}")
            servers[OLD].execute(f"ALTER DATABASE {name} SET RECOVERY FULL")
            servers[OLD].execute("CREATE TABLE dbo.orders (id INT NOT NULL PRIMARY KEY)", database=name)
        text = configuration(home / "shares", zone).encode()
        s3.put_object(Bucket="landfall-lake", Key="log_shipping/configuration.yaml", Body=text)
        found = Site(aws, servers, runner, zone, datetime.now(UTC))
        found.insert(OLD, 1)
        require(found.run("log_shipping_configure"))
        found.ship()
        yield found


def test_a_drill_measures_and_touches_nothing(site: Site) -> None:
    site.insert(OLD, 2)
    site.ship()
    before = {name: site.states(name) for name in (OLD, NEW)}
    run = require(site.run("log_shipping_fail_over", mode="drill", reason=REASON))
    assert {name: site.states(name) for name in (OLD, NEW)} == before
    assert run.states["fence_primary"] == "skipped"
    report = site.report(run)
    assert report["verdict"] == "rehearsed"
    for database in report["databases"]:
        assert database["rows"]["dbo.orders"] == 2
        assert 0 < database["rpo_seconds"] < 600
    assert 0 < report["times"]["rto_seconds"] < 600
    assert find_primary(site.store, "Sales") is None


def test_a_rejected_move_gives_the_primary_back_and_shipping_goes_on(site: Site) -> None:
    site.insert(OLD, 3)
    run = require(site.run("log_shipping_fail_over", mode="planned", reason=REASON, answers={"approve_planned": NO}))
    assert run.states["recover_databases"] == "skipped"
    assert site.states(OLD) == {"Sales": "ONLINE", "HR": "ONLINE"}
    site.insert(OLD, 4)
    site.ship()
    assert find_primary(site.store, "Sales") is None
    assert site.ids(NEW, "HR") == [1, 2, 3, 4]


def test_a_planned_move_loses_nothing_and_leads_clients_over(site: Site) -> None:
    site.insert(OLD, 5)
    dead = site.run("log_shipping_ship")  # its worker died before it could give the database back
    owner, now = f"log_shipping_ship/{dead.run_id}", datetime.now(UTC)
    take(site.store, "Sales", owner=owner, purpose="shipping", at=now, keep_for=timedelta(hours=1))
    run = require(site.run("log_shipping_fail_over", mode="planned", reason=REASON, answers={"approve_planned": YES}))
    assert site.states(OLD) == {"Sales": "RESTORING", "HR": "RESTORING"}
    assert [site.ids(NEW, name) for name in DATABASES] == [[1, 2, 3, 4, 5]] * 2
    assert site.names() == ("new.corp.example", "new.corp.example")
    assert (site.primary().primary, site.primary().with_tail) == (NEW, True)
    report = site.report(run)
    assert (report["verdict"], report["answer"]["by"]) == ("moved", "oncall")
    assert [database["rpo_seconds"] for database in report["databases"]] == [0.0, 0.0]
    for database in DATABASES:
        site.servers[NEW].execute("INSERT INTO dbo.orders (id) VALUES (6)", database=database)
    site.ship()


def test_the_way_back_loses_nothing_and_shipping_runs_as_before(site: Site) -> None:
    site.insert(NEW, 7)
    require(site.run("log_shipping_fail_back", method="reverse", reason=REASON, answers={"approve_fail_back": YES}))
    assert [site.ids(OLD, name) for name in DATABASES] == [[1, 2, 3, 4, 5, 6, 7]] * 2
    assert site.names() == ("old.corp.example", "old.corp.example")
    assert site.primary().primary == OLD
    site.insert(OLD, 8)
    site.ship()
    assert site.ids(NEW, "HR") == [1, 2, 3, 4, 5, 6, 7, 8]


def test_who_asked_for_a_disaster_may_not_approve_it_and_a_lost_primary_loses_what_was_said(site: Site) -> None:
    site.insert(OLD, 80)
    site.ship()
    site.insert(OLD, 90)
    site.servers[OLD].kill()
    alone = site.run(
        "log_shipping_fail_over", mode="disaster", reason=REASON, user="oncall", answers={"approve_disaster": YES}
    )
    assert alone.state == "failed"
    assert "may not approve it" in alone.log
    assert site.states(NEW)["Sales"] == "RESTORING"
    run = require(site.run("log_shipping_fail_over", mode="disaster", reason=REASON, answers={"approve_disaster": YES}))
    assert [site.ids(NEW, name)[-1] for name in DATABASES] == [80, 80], "the last row that was shipped"
    assert (site.primary().primary, site.primary().with_tail) == (NEW, False)
    for database in site.report(run)["databases"]:
        assert database["loss"]["seconds"] > 0
        assert "all that was written from LSN" in database["loss"]["sentence"]


def test_a_primary_that_returns_is_refused_with_the_facts_and_reseeded_after_an_approval(site: Site) -> None:
    site.servers[OLD].restart()
    site.insert(NEW, 100)
    refused = site.run("log_shipping_fail_back", method="reverse", reason=REASON)
    assert refused.state == "failed"
    assert "went on by itself since LSN" in refused.log
    assert site.ids(OLD, "Sales")[-2:] == [80, 90]
    require(
        site.run(
            "log_shipping_fail_back",
            method="reseed",
            reason=REASON,
            answers={"approve_overwrite": YES, "approve_fail_back": YES},
        )
    )
    assert [site.ids(OLD, name)[-2:] for name in DATABASES] == [[80, 100]] * 2
    site.insert(OLD, 110)
    site.ship()


def test_no_password_is_in_the_lake(site: Site) -> None:
    passwords = {server.password for server in site.servers.values()}
    for key in site.store.list_keys():
        body = site.store.get_bytes(key)
        assert not any(password.encode() in body for password in passwords), key
