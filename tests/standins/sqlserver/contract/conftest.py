"""The servers under contract: two stand-ins, or those that LANDFALL_TEST_SQLSERVER_* name (docs/connections.md)."""

import os
import uuid
from collections.abc import Iterator

import pytest

from tests.local_sql_server import PASSWORD, start_local_sql_server
from tests.standins.sqlserver.contract.pair import End, Pair

PREFIX = "LANDFALL_TEST_SQLSERVER_"


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both servers."""
    if f"{PREFIX}PRIMARY" in os.environ:
        primary, secondary = (_named(side) for side in ("PRIMARY", "SECONDARY"))
        yield Pair(primary, secondary, os.environ[f"{PREFIX}FOLDER"])
        return
    home = tmp_path_factory.mktemp("contract")
    (home / "files").mkdir()
    with (
        start_local_sql_server(home / "primary", "SQLFCI01") as first,
        start_local_sql_server(home / "secondary", "EC2SQL02") as second,
    ):
        ends = [End(server.host, server.port, PASSWORD) for server in (first, second)]
        yield Pair(*ends, str(home / "files"))


@pytest.fixture
def orders(pair: Pair) -> Iterator[str]:
    """A database of the test's own on the primary, FULL, with one row; on the secondary there is none yet."""
    name = f"contract_{uuid.uuid4().hex[:8]}"
    pair.primary.execute(f"CREATE DATABASE [{name}]")
    pair.primary.execute(f"ALTER DATABASE [{name}] SET RECOVERY FULL")
    pair.primary.execute("CREATE TABLE dbo.orders (number int PRIMARY KEY, amount decimal(12, 2))", database=name)
    pair.primary.execute("INSERT INTO dbo.orders VALUES (1, 10.50)", database=name)
    yield name
    for end in (pair.primary, pair.secondary):
        if end.query("SELECT 1 AS one FROM sys.databases WHERE name = %s", (name,)):
            end.execute(f"DROP DATABASE [{name}]")


def _named(side: str) -> End:
    host, _, port = os.environ[f"{PREFIX}{side}"].rpartition(":")
    return End(host, int(port), os.environ[f"{PREFIX}PASSWORD"])
