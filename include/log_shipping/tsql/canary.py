"""The two tables that log shipping owns inside a database: a heartbeat that travels with the log, and a write probe."""

from __future__ import annotations

from typing import Final

from include.log_shipping.tsql.quoting import Statement, inside, literal, number

KEPT_BEATS: Final = 1000


def create_canary(database: str) -> Statement:
    """Return what creates the heartbeat table where it is missing."""
    return inside(
        database,
        "IF OBJECT_ID(N'dbo.landfall_canary') IS NULL CREATE TABLE dbo.landfall_canary",
        "(beat BIGINT NOT NULL PRIMARY KEY, server NVARCHAR(128) NOT NULL, at DATETIME2(3) NOT NULL)",
    )


def beat_canary(database: str) -> Statement:
    """Return one heartbeat, by the server's UTC clock; beats older than the last 1,000 are dropped.

    Its row is what `read_canary` answers.
    """
    return inside(
        database,
        "INSERT INTO dbo.landfall_canary (beat, server, at)",
        "SELECT COALESCE(MAX(beat), 0) + 1, @@SERVERNAME, SYSUTCDATETIME() FROM dbo.landfall_canary;",
        "DELETE FROM dbo.landfall_canary WHERE beat <= (SELECT MAX(beat) FROM dbo.landfall_canary) -",
        number(KEPT_BEATS) + ";",
        _READ_CANARY,
    )


def read_canary(database: str) -> Statement:
    """Return what reads the heartbeats: beats, first_beat, last_beat, last_at (UTC, no zone).

    Beats have no holes: `beats == last_beat - first_beat + 1`.
    """
    return inside(database, _READ_CANARY)


def write_probe(database: str, *, token: str) -> Statement:
    """Return what proves that the database takes writes: a row with a token nobody else has."""
    return inside(
        database,
        "IF OBJECT_ID(N'dbo.landfall_probe') IS NULL CREATE TABLE dbo.landfall_probe",
        "(token NVARCHAR(64) NOT NULL PRIMARY KEY, at DATETIME2(3) NOT NULL);",
        "DELETE FROM dbo.landfall_probe WHERE token =",
        literal(token) + ";",
        "INSERT INTO dbo.landfall_probe (token, at) SELECT",
        literal(token) + ", SYSUTCDATETIME()",
    )


def read_probe(database: str, *, token: str) -> Statement:
    """Return what reads the probe's row back: token, at."""
    return inside(database, "SELECT token, at FROM dbo.landfall_probe WHERE token =", literal(token))


def drop_probe(database: str) -> Statement:
    """Return what drops the probe's table."""
    return inside(database, "IF OBJECT_ID(N'dbo.landfall_probe') IS NOT NULL DROP TABLE dbo.landfall_probe")


_READ_CANARY: Final = (
    "SELECT COUNT_BIG(*) AS beats, MIN(beat) AS first_beat, MAX(beat) AS last_beat, MAX(at) AS last_at "
    "FROM dbo.landfall_canary"
)
