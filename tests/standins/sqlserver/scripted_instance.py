"""A server whose session follows a script, so that the wire is tested alone: the text of a batch names what it answers.

Run as a process, because a client may hold Python's lock while it waits for the server.
"""

from __future__ import annotations

import datetime as dt
import gc
import itertools
import sys
import threading
import uuid
from decimal import Decimal
from pathlib import Path

from include.standins.sqlserver.certificates import certificate_pair
from include.standins.sqlserver.errors import BatchCancelled, SessionKilled, SqlError, backup_terminated
from include.standins.sqlserver.results import (
    Column,
    DatabaseChanged,
    Message,
    Rows,
    SqlType,
    StatementDone,
    StatementFailed,
    TransactionChanged,
)
from include.standins.sqlserver.server import SqlServer, listen
from include.standins.sqlserver.wire.tls import server_context

PASSWORD = "Script-password-1"
SELECT = 0xC1
WAIT_LIMIT_SECONDS = 30
AT = dt.datetime.fromisoformat("2026-07-01 12:34:56.123456")

# name, type, value: what a SELECT of every type answers
VALUES = [
    ("bit_true", SqlType("bit"), True),
    ("tiny", SqlType("tinyint"), 255),
    ("small", SqlType("smallint"), -32768),
    ("number", SqlType("int"), -(2**31)),
    ("big", SqlType("bigint"), 2**63 - 1),
    ("lsn", SqlType("numeric", precision=25), Decimal("34000000016700004")),
    ("exact", SqlType("decimal", precision=38, scale=10), Decimal("-1234567890123456789012345678.0123456789")),
    ("money", SqlType("money"), Decimal("-922337203685477.5808")),
    ("double", SqlType("float"), 0.1),
    ("single", SqlType("real"), 0.5),
    ("day", SqlType("date"), dt.date(9999, 12, 31)),
    ("clock", SqlType("time", scale=7), dt.time(23, 59, 59, 999999)),
    ("old_moment", SqlType("datetime"), dt.datetime.fromisoformat("2026-07-01 12:34:56.123000")),
    ("moment", SqlType("datetime2", scale=7), AT),
    ("seconds", SqlType("datetime2", scale=0), AT.replace(microsecond=0)),
    ("zoned", SqlType("datetimeoffset", scale=7), AT.replace(tzinfo=dt.timezone(dt.timedelta(hours=2)))),
    ("id", SqlType("uniqueidentifier"), uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")),
    ("wide", SqlType("nvarchar", 40), "Zürich 東京 😀"),
    ("wide_max", SqlType("nvarchar"), "é" * 20_000),
    ("wide_empty", SqlType("nvarchar"), ""),
    ("narrow", SqlType("varchar", 40), "Zürich €"),
    ("narrow_max", SqlType("varchar"), "n" * 9_000),
    ("raw", SqlType("varbinary", 16), bytes(range(16))),
    ("raw_max", SqlType("varbinary"), bytes(range(256)) * 50),
    ("fixed", SqlType("nchar", 5), "ab   "),
    ("fixed_raw", SqlType("binary", 4), b"\x01\x02\x00\x00"),
]
SESSIONS = {}  # open ones, by spid


class ScriptedSession:
    def __init__(self, spid, login, disconnect):
        SESSIONS[spid] = self
        self.spid = spid
        self.database = login.database or "master"
        self.login = login
        self.transaction_descriptor = 0
        self.disconnect = disconnect
        self.cancelled = threading.Event()
        self.log = []

    def execute(self, sql, parameters=()):
        self.cancelled.clear()
        verb = sql.split()[0] if sql.split() else ""
        script = getattr(self, f"do_{verb.strip(';').lower()}", None)
        if parameters and script is None:
            yield from self.echo(parameters)
        elif script is None:
            yield StatementDone()
        else:
            yield from script(sql)

    def echo(self, parameters):
        yield Rows([Column(each.name, each.type) for each in parameters], [[each.value for each in parameters]])
        yield StatementDone(SELECT, 1)

    def do_select(self, sql):
        yield Rows([Column("answer", SqlType("int"))], [[int(sql.split()[1])]])
        yield StatementDone(SELECT, 1)

    def do_types(self, sql):
        nulls = [None] * len(VALUES)
        yield Rows([Column(name, kind) for name, kind, _ in VALUES], [[value for _, _, value in VALUES], nulls])
        yield StatementDone(SELECT, 2)

    def do_rows(self, sql):
        count = int(sql.split()[1])
        columns = [
            Column("id", SqlType("int")),
            Column("name", SqlType("nvarchar", 20)),
            Column("n", SqlType("bigint")),
        ]
        yield Rows(columns, ((number, "name", 7) for number in range(count)))
        yield StatementDone(SELECT, count)

    def do_endless(self, sql):
        columns = [Column("id", SqlType("int")), Column("filler", SqlType("nvarchar"))]
        yield Rows(columns, ((number % 1000, "x" * 1000) for number in itertools.count()))

    def do_memory(self, sql):
        gc.collect()
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                yield from self.do_select(f"select {line.split()[1]}")

    def do_wait(self, sql):
        if self.cancelled.wait(WAIT_LIMIT_SECONDS):
            raise BatchCancelled
        yield StatementDone()

    def do_progress(self, sql):
        for percent in range(10, 101, 10):
            yield Message(3211, f"{percent} percent processed.")
        yield StatementDone()

    def do_halfway(self, sql):
        yield Message(3211, "50 percent processed.")
        yield from self.do_wait(sql)

    def do_fail(self, sql):
        yield Message(4035, "Processed 8 pages.")
        raise backup_terminated(SqlError(4305, "The log in this backup set begins at LSN 5."), verb="RESTORE LOG")

    def do_mixed(self, sql):
        yield from self.do_select("select 1")
        yield StatementFailed(SqlError(8134, "Divide by zero error encountered."))
        yield from self.do_select("select 2")

    def do_broken(self, sql):
        """An error in the middle of the rows, which the session turns into a statement that failed."""

        def rows():
            yield [1]
            raise SqlError(8134, "Divide by zero error encountered.")

        try:
            yield Rows([Column("n", SqlType("int"))], rows())
        except SqlError as error:
            yield StatementFailed(error)
        yield from self.do_select("select 2")

    def do_toolong(self, sql):
        yield Rows([Column("n", SqlType("tinyint"))], [[256]])

    def do_counts(self, sql):
        yield StatementDone(0xC3, 3)
        yield StatementDone(0xC5, 5)
        yield StatementDone(0xC4, 0)

    def do_crash(self, sql):
        raise RuntimeError("the script asks for a crash")
        yield

    def do_kill(self, sql):
        self.disconnect()
        raise SessionKilled
        yield

    def do_evict(self, sql):
        """Throw out another session."""
        SESSIONS[int(sql.split()[1])].disconnect()
        yield StatementDone()

    def do_spid(self, sql):
        yield from self.do_select(f"select {self.spid}")

    def do_sessions(self, sql):
        yield from self.do_select(f"select {len(SESSIONS)}")

    def do_use(self, sql):
        old, self.database = self.database, sql.split("[")[1].split("]")[0]
        yield DatabaseChanged(old, self.database)
        yield Message(5701, f"Changed database context to '{self.database}'.")
        yield StatementDone()

    def do_log(self, sql):
        columns = [Column("entry", SqlType("nvarchar", 100))]
        yield Rows(columns, [[entry] for entry in self.log])
        yield StatementDone(SELECT, len(self.log))

    def do_whoami(self, sql):
        login = self.login
        columns = [Column(name, SqlType("nvarchar", 128)) for name in ("user", "database", "host", "application")]
        yield Rows(columns, [[login.user, self.database, login.host, login.application]])
        yield StatementDone(SELECT, 1)

    def do_begin(self, sql):
        yield from self.begin()
        yield StatementDone()

    def do_commit(self, sql):
        yield from self.commit()
        if "BEGIN" in sql.upper():
            yield from self.begin()
        yield StatementDone()

    def do_rollback(self, sql):
        if self.transaction_descriptor:
            yield from self.rollback()
        if "BEGIN" in sql.upper():
            yield from self.begin()
        yield StatementDone()

    def begin(self):
        self.transaction_descriptor = 77
        self.log.append("begun")
        yield TransactionChanged("begun", 77)

    def commit(self):
        yield from self.end("committed", "COMMIT")

    def rollback(self):
        yield from self.end("rolled back", "ROLLBACK")

    def end(self, kind, verb):
        if not self.transaction_descriptor:
            raise SqlError(3902, f"The {verb} TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        self.log.append(kind)
        self.transaction_descriptor = 0
        yield TransactionChanged(kind, 77)

    def call(self, procedure, arguments):
        if procedure == "sp_echo":
            yield from self.echo(arguments)
        else:
            raise SqlError(2812, f"Could not find stored procedure '{procedure}'.")

    def cancel(self):
        self.cancelled.set()

    def reset(self):
        self.log.append("reset")
        self.database = self.login.database or "master"

    def close(self):
        SESSIONS.pop(self.spid, None)


class ScriptedInstance:
    name = "SCRIPTED"

    def __init__(self):
        self.spids = itertools.count(51)

    def login(self, login, *, disconnect):
        refused = SqlError(18456, f"Login failed for user '{login.user}'.", severity=14)
        if login.password != PASSWORD:
            raise refused
        if login.database == "missing":
            text = 'Cannot open database "missing" requested by the login. The login failed.'
            raise SqlError(4060, text, severity=11, follow=(refused,))
        return ScriptedSession(next(self.spids), login, disconnect)


def main() -> None:
    state_dir, most_connections, login_seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    certificate, key = certificate_pair(state_dir, name="SCRIPTED")
    context = server_context(certificate=certificate, key=key)
    limits = {"most_connections": most_connections, "login_seconds": login_seconds}
    server = SqlServer(ScriptedInstance(), context, listener=listen(port=0), **limits)
    server.start()
    print(f"ready 127.0.0.1:{server.port}", flush=True)
    sys.stdin.read()  # until the test closes it
    server.stop()
    sys.exit(len(SESSIONS))


if __name__ == "__main__":
    main()
