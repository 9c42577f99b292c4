"""msdb tells the truth about backups: also of those thrown away, and of many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pymssql
import pytest

from tests.local_sql_server import LocalSqlServer, start_local_sql_server

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASES = 6
MONITOR = """
UPDATE msdb.dbo.log_shipping_monitor_primary SET last_backup_date = GETUTCDATE() WHERE primary_database = %s;
IF @@ROWCOUNT = 0
    INSERT INTO msdb.dbo.log_shipping_monitor_primary
        (primary_id, primary_server, primary_database, backup_threshold, threshold_alert, threshold_alert_enabled,
         history_retention_period)
    VALUES (NEWID(), N'P', %s, 15, 14420, 1, 60)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSqlServer]:
    with start_local_sql_server(tmp_path_factory.mktemp("history") / "primary") as started:
        for number in range(DATABASES):
            started.execute(f"CREATE DATABASE D{number}")
            started.execute(f"BACKUP DATABASE D{number} TO DISK = N'D{number}.bak' WITH INIT")
        yield started


def test_a_log_thrown_at_nul_is_gone_and_named_in_the_history(server: LocalSqlServer) -> None:
    server.execute("BACKUP LOG D0 TO DISK = 'NUL'")
    server.execute("CREATE TABLE t (id INT)", database="D0")
    server.execute("BACKUP LOG D0 TO DISK = N'nul:' WITH INIT, COMPRESSION")
    taken = server.query(
        "SELECT f.physical_device_name AS device, s.first_lsn, s.last_lsn FROM msdb.dbo.backupset AS s "
        "JOIN msdb.dbo.backupmediafamily AS f ON f.media_set_id = s.media_set_id "
        "WHERE s.database_name = N'D0' AND s.type = 'L' ORDER BY s.first_lsn, s.last_lsn"
    )
    assert [row["device"] for row in taken] == ["NUL", "NUL"]
    assert taken[0]["last_lsn"] == taken[1]["first_lsn"] < taken[1]["last_lsn"]
    assert not list(server.state_dir.rglob("[Nn][Uu][Ll]*"))
    with pytest.raises(pymssql.OperationalError) as refused:
        server.query("RESTORE HEADERONLY FROM DISK = 'NUL'")
    assert refused.value.args[0] == 3201


def test_backups_and_monitor_rows_of_many_databases_at_once_are_all_written(server: LocalSqlServer) -> None:
    rounds = 5
    before = server.value("SELECT COUNT(*) AS n FROM msdb.dbo.backupset")

    def ship(number: int) -> None:
        for turn in range(rounds):
            server.execute(f"BACKUP LOG D{number} TO DISK = N'D{number}_{turn}.trn' WITH INIT")
            server.execute(MONITOR, (f"D{number}", f"D{number}"))

    with ThreadPoolExecutor(DATABASES) as pool:
        list(pool.map(ship, range(DATABASES)))
    server.execute("BACKUP LOG D1 TO DISK = N'last.trn' WITH INIT")  # whatever waited in the outbox goes along
    assert server.value("SELECT COUNT(*) AS n FROM msdb.dbo.backupset") == before + DATABASES * rounds + 1
    assert server.value("SELECT COUNT(*) AS n FROM msdb.dbo.log_shipping_monitor_primary") == DATABASES


def test_databases_restored_at_once_are_told_apart_and_all_there_after_a_restart(server: LocalSqlServer) -> None:
    copies = [f"Copy{number}" for number in range(12)]

    def restore(copy: str) -> None:
        moved = server.state_dir / f"{copy}.mdf", server.state_dir / f"{copy}.ldf"
        server.execute(
            f"RESTORE DATABASE {copy} FROM DISK = N'D2.bak' WITH NORECOVERY, "
            f"MOVE N'D2' TO N'{moved[0]}', MOVE N'D2_log' TO N'{moved[1]}'"
        )

    with ThreadPoolExecutor(len(copies)) as pool:
        list(pool.map(restore, copies))
    for _ in range(2):
        rows = server.query("SELECT name, database_id FROM sys.databases WHERE name LIKE N'Copy%'")
        assert {row["name"] for row in rows} == set(copies)
        assert len({row["database_id"] for row in rows}) == len(copies)
        server.restart()
