"""The workflow's own SQL on DuckDB in memory: one refresh after the other, without Airflow and without AWS.

Within a day a refresh is evaluated for the keys it touches. That is exact, because the candidate queries decide about a
key from the rows of that key and of its domain alone; test_rehearsal.py holds it against full evaluation.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, time
from functools import cache
from typing import Any, NamedTuple

from include.athena_sql import TableSchema, connect, translate_query
from include.ioc_refresh import queries
from include.ioc_refresh.catalog import COLUMNS, PARTITIONS
from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.verdicts import Evidence

TABLES = ("state", "ledger", "evidence", "popular_domains")

SOME_DAY = date(1, 12, 31)
"""Stands in a translated query for the day of the refresh: translating takes a hundred times longer than replacing."""

DUCKDB_TYPES = {
    "string": "VARCHAR",
    "array<struct<kind:string,value:string,domain:string>>": "STRUCT(kind VARCHAR, value VARCHAR, domain VARCHAR)[]",
}

TableKey = tuple[str, str]


SET_UP = """
INSERT INTO ioc.popular_domains SELECT domain FROM popular;
CREATE TABLE known_state AS SELECT * EXCLUDE (version), '' AS unit FROM ioc.state;
CREATE TABLE known_ledger AS SELECT * EXCLUDE (version) FROM ioc.ledger;
CREATE TABLE touched (unit VARCHAR);
"""

TAKE_EVIDENCE = """
DELETE FROM ioc.evidence;
INSERT INTO ioc.evidence BY NAME SELECT *, 'now' AS version FROM arrived;
DELETE FROM touched;
INSERT INTO touched
SELECT DISTINCT coalesce(k.domain, k.kind || '#' || k.value) FROM (SELECT unnest(keys) AS k FROM ioc.evidence);
"""

SHOW_BEFORE = """
DELETE FROM ioc.state;
INSERT INTO ioc.state BY NAME
SELECT k.* EXCLUDE (unit), 'before' AS version FROM known_state k SEMI JOIN touched USING (unit);
DELETE FROM ioc.ledger;
INSERT INTO ioc.ledger BY NAME
SELECT k.*, 'before' AS version FROM known_ledger k SEMI JOIN ioc.evidence USING (mail_id);
"""

KEEP_NEXT = """
DELETE FROM known_state WHERE unit IN (SELECT unit FROM touched);
INSERT INTO known_state BY NAME SELECT *, coalesce(domain, kind || '#' || value) AS unit FROM next_state;
DELETE FROM known_ledger WHERE mail_id IN (SELECT mail_id FROM ioc.evidence);
INSERT INTO known_ledger BY NAME SELECT * FROM next_ledger;
"""

SHOW_STATE_NOW = """
DELETE FROM ioc.state;
INSERT INTO ioc.state BY NAME
SELECT k.* EXCLUDE (unit), 'now' AS version FROM known_state k SEMI JOIN touched USING (unit);
"""


class LiveIndicator(NamedTuple):
    """A candidate as the indicator table holds it."""

    malicious: int
    expires_at: datetime


class RefreshChanges(NamedTuple):
    """What one refresh wrote to the table: numbers of items."""

    added: int
    renewed: int
    removed: int


class Rehearsal:
    """State, ledger and indicator table of a history, advanced refresh by refresh."""

    def __init__(self, popularity: Popularity) -> None:
        import pyarrow as pa

        self._duckdb = connect(threads=1)
        self._duckdb.execute("CREATE SCHEMA ioc")
        for name in TABLES:
            columns = {**COLUMNS[name], **dict.fromkeys(PARTITIONS[name], "string")}
            body = ", ".join(f'"{column}" {DUCKDB_TYPES.get(kind, kind)}' for column, kind in columns.items())
            self._duckdb.execute(f'CREATE TABLE ioc."{name}" ({body})')
        self._duckdb.register("popular", pa.table({"domain": sorted(popularity.domains)}))
        self._duckdb.execute(SET_UP)
        self._by_unit: dict[str, dict[TableKey, LiveIndicator]] = {}
        self._evaluated_on: date | None = None
        self.table: dict[TableKey, LiveIndicator] = {}

    def refresh(self, evidence: Collection[Evidence], *, as_of: datetime) -> RefreshChanges:
        """Take new evidence in and bring the table up to date, as one run of the workflow at `as_of` would."""
        new_day = self._evaluated_on != as_of.date()
        if not evidence and not new_day:
            return RefreshChanges(0, 0, 0)
        self._evaluated_on = as_of.date()
        self._load(evidence, everything=new_day)
        if evidence:
            self._advance(as_of)
        self._duckdb.execute(SHOW_STATE_NOW)
        return self._replace(self._query("candidates", as_of), everything=new_day)

    def _load(self, evidence: Collection[Evidence], *, everything: bool) -> None:
        self._duckdb.register("arrived", _evidence_table(evidence))
        self._duckdb.execute(TAKE_EVIDENCE)
        if everything:
            self._duckdb.execute("INSERT INTO touched SELECT unit FROM known_state EXCEPT SELECT unit FROM touched")

    def _advance(self, as_of: datetime) -> None:
        self._duckdb.execute(SHOW_BEFORE)
        for name in ("state", "ledger"):
            self._duckdb.execute(f"CREATE OR REPLACE TEMP TABLE next_{name} AS {self._sql(f'update_{name}', as_of)}")
        self._duckdb.execute(KEEP_NEXT)

    def _query(self, name: str, as_of: datetime) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._duckdb.execute(self._sql(name, as_of)).fetchall()
        return rows

    @staticmethod
    def _sql(name: str, as_of: datetime) -> str:
        text = translated(name)
        day = queries.horizon(as_of) if name.startswith("update") else as_of.date()
        return text.replace(SOME_DAY.isoformat(), day.isoformat())

    def _replace(self, rows: Iterable[tuple[Any, ...]], *, everything: bool) -> RefreshChanges:
        wanted: dict[str, dict[TableKey, LiveIndicator]] = {}
        for kind, value, domain, malicious, _benign, _first, _last, expires_at, _version in rows:
            unit = domain or f"{kind}#{value}"
            wanted.setdefault(unit, {})[kind, value] = LiveIndicator(malicious, expires_at)
        if everything:
            units = set(wanted) | set(self._by_unit)
        else:
            units = {unit for (unit,) in self._duckdb.execute("SELECT unit FROM touched").fetchall()}
        added = renewed = removed = 0
        for unit in units:
            old, new = self._by_unit.pop(unit, {}), wanted.get(unit)
            if new:
                self._by_unit[unit] = new
            new = new or {}
            for key in old.keys() - new.keys():
                removed += 1
                del self.table[key]
            added += len(new.keys() - old.keys())
            renewed += sum(old[key].expires_at != new[key].expires_at for key in new.keys() & old.keys())
            self.table.update(new)
        return RefreshChanges(added, renewed, removed)


@cache
def translated(name: str) -> str:
    """Return one of the workflow's queries in DuckDB's SQL, with `SOME_DAY` where the day of the refresh stands."""
    some_time = datetime.combine(SOME_DAY, time())
    if name == "candidates":
        text = queries.candidates(version="now", as_of=some_time)
    else:
        text = queries.render(queries.sql_file(name), {"version": "now", "previous": "before", "horizon": SOME_DAY})
    schemas = {
        ("ioc", table): TableSchema(COLUMNS[table], dict.fromkeys(PARTITIONS[table], "string")) for table in TABLES
    }
    return translate_query(
        text, schemas=lambda database, table: schemas[database or "ioc", table], default_database="ioc"
    ).duckdb_sql


def _evidence_table(evidence: Iterable[Evidence]) -> object:
    import io

    import pyarrow.parquet as pq

    from include.ioc_refresh.evidence import evidence_parquet

    return pq.read_table(io.BytesIO(evidence_parquet(evidence)))
