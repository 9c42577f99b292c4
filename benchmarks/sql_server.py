"""How fast the local SQL Server is: a stand-in, so these numbers say nothing about SQL Server itself.

`sql_commit_rate` and `sql_commit_rate_8` count durable one-row commits a second of one and of eight clients;
`sql_fetch_rate` counts rows a second of one SELECT; `sql_log_backup_ms` is BACKUP LOG after a thousand commits. The
peer is SQLite with synchronous=FULL in this process, without wire, T-SQL or a log of its own: what the stand-in is
built upon, hence the cost of being a server. Its log backup is a copy of the write-ahead log with fsync.
"""

import json
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.sql_stand_in import SqlStandIn

COMMITS = 300
CLIENTS = 8
ROWS = 100_000
ROWS_PER_INSERT = 500
COMMITS_PER_BACKUP = 1_000
BACKUPS = 5
INSERT = "INSERT INTO orders (number, name, amount) VALUES ({}, {}, {})"


def run() -> Iterator[dict[str, object]]:
    """Measure both, in turn, and yield a line for each figure."""
    with tempfile.TemporaryDirectory() as home, SqlStandIn(Path(home) / "server", "BENCHSQL") as server:
        server.execute("CREATE DATABASE bench", "ALTER DATABASE bench SET RECOVERY FULL")
        server.execute(_table("nvarchar(40)", "decimal(12, 2)"), database="bench")
        with closing(_sqlite(Path(home))) as plain:
            yield _rate("sql_commit_rate", _commits(server), _plain_commits(plain), f"{COMMITS} commits of one client")
            together = _commits_together(server)
            yield _rate("sql_commit_rate_8", together, _plain_commits(plain), f"{CLIENTS} clients; peer: one writer")
            yield _rate("sql_fetch_rate", _fetch(server), _plain_fetch(plain), f"{ROWS:,} rows of three columns")
            yield _backups(server, plain, Path(home))


def _table(text: str, number: str) -> str:
    return f"CREATE TABLE orders (number int NOT NULL PRIMARY KEY, name {text}, amount {number})"


def _sqlite(home: Path) -> sqlite3.Connection:
    plain = sqlite3.connect(home / "plain.db", isolation_level=None)
    for setting in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0"):
        plain.execute(f"PRAGMA {setting}")
    plain.execute(_table("text", "numeric"))
    return plain


def _commits(server: SqlStandIn) -> float:
    with closing(server.connect("bench")) as connection, connection.cursor() as cursor:
        return _rate_of(COMMITS, lambda: _insert(cursor, first=0))


def _insert(cursor: Any, *, first: int) -> None:
    for number in range(first, first + COMMITS):
        cursor.execute(INSERT.format("%s", "%s", "%s"), (number, f"order {number}", "12.50"))


def _commits_together(server: SqlStandIn) -> float:
    def one_client(client: int) -> None:
        with closing(server.connect("bench")) as connection, connection.cursor() as cursor:
            _insert(cursor, first=10_000 * client)

    clients = [threading.Thread(target=one_client, args=(client,)) for client in range(1, CLIENTS + 1)]

    def work() -> None:
        for client in clients:
            client.start()
        for client in clients:
            client.join()

    return _rate_of(COMMITS * CLIENTS, work)


def _plain_commits(plain: sqlite3.Connection) -> float:
    plain.execute("DELETE FROM orders")

    def work() -> None:
        for number in range(COMMITS):
            plain.execute(INSERT.format("?", "?", "?"), (number, f"order {number}", "12.50"))

    return _rate_of(COMMITS, work)


def _fetch(server: SqlStandIn) -> float:
    server.execute("TRUNCATE TABLE orders", database="bench")
    with closing(server.connect("bench")) as connection, connection.cursor() as cursor:
        for start in range(0, ROWS, ROWS_PER_INSERT):
            values = ", ".join(f"({n}, 'order {n}', 12.50)" for n in range(start, start + ROWS_PER_INSERT))
            cursor.execute(f"INSERT INTO orders (number, name, amount) VALUES {values}")

        def work() -> None:
            cursor.execute("SELECT number, name, amount FROM orders")
            if len(cursor.fetchall()) != ROWS:
                raise AssertionError("rows are missing: the comparison is void")

        return _rate_of(ROWS, work)


def _plain_fetch(plain: sqlite3.Connection) -> float:
    plain.execute("DELETE FROM orders")
    rows = [(number, f"order {number}", 12.5) for number in range(ROWS)]
    plain.execute("BEGIN")
    plain.executemany(INSERT.format("?", "?", "?"), rows)
    plain.execute("COMMIT")
    return _rate_of(ROWS, lambda: plain.execute("SELECT number, name, amount FROM orders").fetchall())


def _backups(server: SqlStandIn, plain: sqlite3.Connection, home: Path) -> dict[str, object]:
    server.execute(f"BACKUP DATABASE bench TO DISK = N'{home / 'full.bak'}'", "TRUNCATE TABLE bench.dbo.orders")
    plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ours, peer = [], []
    for turn in range(BACKUPS):
        with closing(server.connect("bench")) as connection, connection.cursor() as cursor:
            for start in range(0, COMMITS_PER_BACKUP, COMMITS):
                _insert(cursor, first=turn * 100_000 + start)
            backup = f"BACKUP LOG bench TO DISK = N'{home / f'{turn}.trn'}' WITH INIT"
            ours.append(_seconds(partial(cursor.execute, backup)) * 1_000)
        for _ in range(0, COMMITS_PER_BACKUP, COMMITS):
            _plain_commits(plain)
        peer.append(_seconds(partial(_copy_durably, home / "plain.db-wal", home / "copy")) * 1_000)
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return _line("sql_log_backup_ms", statistics.median(ours), statistics.median(peer), "ms", "about 1,000 commits")


def _copy_durably(source: Path, target: Path) -> None:
    with target.open("wb") as file:
        file.write(source.read_bytes())
        os.fsync(file.fileno())


def _rate_of(count: int, work: Callable[[], object]) -> float:
    return count / _seconds(work)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _rate(name: str, ours: float, peer: float, what: str) -> dict[str, object]:
    return _line(name, ours, peer, "a second", what)


def _line(name: str, ours: float, peer: float, unit: str, what: str) -> dict[str, object]:
    note = f"{what}; a stand-in, not SQL Server; peer: SQLite in this process, synchronous=FULL"
    return {"name": name, "ours": ours, "peer": peer, "ratio": ours / peer, "unit": unit, "note": note}


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
