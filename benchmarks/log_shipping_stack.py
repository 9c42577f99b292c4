"""Log shipping on the real scheduler: a stack of its own, many databases, runs through Airflow's API."""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from socket import socket
from typing import Any

import httpx

from include.cli import stack
from include.cli.credentials import Credentials, read_credentials
from include.cli.demo_runs import FinishedRun, Users, named_users, run_dag, switch_on
from include.cli.ioc import local_client
from include.cli.settings import LOOPBACK, StackSettings, project_root
from include.cli.sql_servers import SQL_LOGIN, SqlServerPlace, sql_servers
from include.gates.evidence import docs_url
from include.log_shipping.settings import LogShippingSettings

CONFIGURE, SHIP, FAIL_OVER = "log_shipping_configure", "log_shipping_ship", "log_shipping_fail_over"
LIMIT_SECONDS = 900.0
ROWS = 20


class BenchStack:
    """A running stack, logged in to, with the databases that are asked for."""

    def __init__(self, settings: StackSettings, credentials: Credentials, users: Users) -> None:
        self._settings = settings
        self._credentials = credentials
        self._users = users
        self.primary, self.secondary = sql_servers(settings)

    def connect(self, place: SqlServerPlace, database: str = "master") -> Any:
        """Open a pymssql connection with autocommit."""
        import pymssql

        return pymssql.connect(
            server=LOOPBACK,
            port=str(place.port),
            user=SQL_LOGIN,
            password=self._credentials.sqlserver_password,
            database=database,
            autocommit=True,
            encryption="off",
        )

    def create(self, databases: Sequence[str]) -> None:
        """Create small databases on the primary."""
        for name in databases:
            self.execute(self.primary, f"CREATE DATABASE {name}", f"ALTER DATABASE {name} SET RECOVERY FULL")
            create = "CREATE TABLE dbo.Orders (number int NOT NULL PRIMARY KEY, name nvarchar(40) NOT NULL)"
            self.execute(self.primary, create, database=name)
        self.write(databases, first=0)

    def write(self, databases: Sequence[str], *, first: int) -> None:
        """Commit some rows to each database, so that there is a log to ship."""
        values = ", ".join(f"({number}, N'order {number}')" for number in range(first, first + ROWS))
        for name in databases:
            self.execute(self.primary, f"INSERT INTO dbo.Orders VALUES {values}", database=name)

    def execute(self, place: SqlServerPlace, *statements: str, database: str = "master") -> None:
        """Run statements one after the other."""
        with closing(self.connect(place, database)) as connection, closing(connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)

    def configure(self, databases: Sequence[str]) -> None:
        """Seed the secondary with all of them."""
        names, client = LogShippingSettings(), local_client("s3", self._settings.aws_url)
        client.create_bucket(Bucket=names.bucket)
        bucket, _, key = names.configuration_uri.removeprefix("s3://").partition("/")
        client.put_object(Bucket=bucket, Key=key, Body=json.dumps(self._configuration(databases)).encode())
        switch_on(self._users, (CONFIGURE, FAIL_OVER))
        self.run(CONFIGURE)
        switch_on(self._users, (SHIP,))

    def run(self, dag_id: str, **conf: Any) -> FinishedRun:
        """Run a DAG to its end, approving what it asks."""
        return run_dag(self._users, dag_id, conf, on_progress=lambda _: None, limit_seconds=LIMIT_SECONDS)

    def seconds_of(self, run: FinishedRun) -> float:
        """Return how long a run took, from its first to its last task, by Airflow's own clock."""
        found = next(each for each in self._users.analyst.runs(run.dag_id) if each["dag_run_id"] == run.run_id)
        start, end = (datetime.fromisoformat(found[name]) for name in ("start_date", "end_date"))
        return (end - start).total_seconds()

    def report_of(self, run: FinishedRun) -> dict[str, Any]:
        """Return the report that a failover wrote."""
        written = self._users.analyst.xcom(run.dag_id, run.run_id, "write_report")
        answer = httpx.get(docs_url(written["document"], self._settings.aws_url), timeout=60, trust_env=False)
        report: dict[str, Any] = answer.raise_for_status().json()
        return report

    def _configuration(self, databases: Sequence[str]) -> dict[str, Any]:
        places = (self.primary, self.secondary)
        servers = {
            place.name: {
                "connection": place.connection,
                "backup_folder": {"server": str(place.backups), "worker": str(place.backups)},
                "copy_folder": {"server": str(place.copies), "worker": str(place.copies)},
            }
            for place in places
        }
        defaults = {"primary": self.primary.name, "secondary": self.secondary.name}
        return {"servers": servers, "defaults": defaults, "databases": [{"name": name} for name in databases]}


@contextmanager
def bench_stack() -> Iterator[BenchStack]:
    """Start a stack on ports and in a folder of its own; nothing of it is left afterwards."""
    with ExitStack() as stacked:
        home = Path(stacked.enter_context(tempfile.TemporaryDirectory(prefix="landfall-bench-")))
        ports = {name: _free_port() for name in ("ui_port", "aws_port", "primary_port", "secondary_port")}
        settings = StackSettings(project_root=project_root(), home=home, **ports)
        stacked.callback(stack.down, settings)
        stack.up(settings, announce=lambda _done, _text: None)
        users = stacked.enter_context(named_users(settings))
        yield BenchStack(settings, read_credentials(settings.secrets_file), users)


def naive_ship(bench: BenchStack, databases: Sequence[str]) -> float:
    """Ship as a script does: back up, copy, restore, one database after the other, nothing checked; seconds."""
    started = time.monotonic()
    for name in databases:
        _naive_log(bench, name, backup="INIT", restore="NORECOVERY")
    return time.monotonic() - started


def naive_fail_over(bench: BenchStack, databases: Sequence[str]) -> float:
    """Fail over as a script does: tail, copy, restore, recover; no proof, no approval, no redirection; seconds."""
    started = time.monotonic()
    for name in databases:
        _naive_log(bench, name, backup="INIT, NORECOVERY", restore="RECOVERY")
    return time.monotonic() - started


def naive_seed(bench: BenchStack, databases: Sequence[str]) -> None:
    """Seed databases that no workflow knows."""
    for name in databases:
        full = bench.primary.backups / f"{name}_naive.bak"
        bench.execute(bench.primary, f"BACKUP DATABASE {name} TO DISK = N'{full}' WITH INIT")
        bench.execute(bench.secondary, f"RESTORE DATABASE {name} FROM DISK = N'{full}' WITH NORECOVERY")


def _naive_log(bench: BenchStack, name: str, *, backup: str, restore: str) -> None:
    source, target = (folder / f"{name}_naive.trn" for folder in (bench.primary.backups, bench.secondary.copies))
    bench.execute(bench.primary, f"BACKUP LOG {name} TO DISK = N'{source}' WITH {backup}")
    shutil.copyfile(source, target)
    bench.execute(bench.secondary, f"RESTORE LOG {name} FROM DISK = N'{target}' WITH {restore}")


def _free_port() -> int:
    with socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
