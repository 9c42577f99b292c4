"""Databases: rows of several tools merged, names in one spelling, engines seen only as programs added."""

from __future__ import annotations

from typing import Any, Final

from include.discovery import tables
from include.discovery.inventory.engines import programs, recognise_engine

_COLUMNS: Final = tuple(name for name in tables.columns("raw_databases") if name not in ("database_id", "ref"))


def fill_databases(connection: Any) -> None:
    """Fill `databases`, ordered by database_id; a program that shows an engine's server gives a row of low detail."""
    tables.create(connection, "databases", "raw_databases", "raw_software", "raw_processes")
    _keep_engines(connection)
    first = ", ".join(
        f"arg_min({name}, number) AS {name}" for name in _COLUMNS if name not in ("source_id", "source_row")
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE inv_databases AS
        WITH told AS (
            SELECT r.*, server_id, e.family, e.release, e.kind,
                row_number() OVER (ORDER BY tool_order, exported_at DESC NULLS LAST, r.source_id, database_id, r.name,
                    instance,
                    source_row) AS number
            FROM raw_databases r JOIN inv_sources USING (source_id)
            LEFT JOIN server_refs f ON f.source_id = r.source_id AND f.ref = lower(r.ref)
            JOIN inv_engines e ON e.engine IS NOT DISTINCT FROM r.engine AND e.version IS NOT DISTINCT FROM r.version
                AND e.edition IS NOT DISTINCT FROM r.edition),
        keyed AS (
            SELECT *, CASE WHEN server_id IS NOT NULL AND (instance IS NOT NULL OR name IS NOT NULL)
                THEN concat_ws('|', server_id, family, lower(coalesce(instance, '')), lower(coalesce(name, '')))
                ELSE coalesce('|' || database_id, '|' || source_id || '|' || source_row) END AS same FROM told)
        SELECT arg_min(database_id, number) AS database_id, min(server_id) AS server_id, {first},
            min(number) AS number, arg_min(source_id, number) AS source_id, arg_min(source_row, number) AS source_row,
            arg_min(family, number) AS engine_family, arg_min(release, number) AS engine_version,
            arg_min(kind, number) AS engine_edition
        FROM keyed GROUP BY same
        """
    ).fetchall()
    _add_programs(connection)
    connection.execute(
        """
        INSERT INTO databases BY NAME
        WITH named AS (
            SELECT * EXCLUDE (database_id, number), number, coalesce(database_id,
                concat_ws('/', coalesce(server_id, 'unknown'), coalesce(instance, engine_family), name)) AS plain
            FROM inv_databases),
        placed AS (SELECT *, row_number() OVER (PARTITION BY lower(plain) ORDER BY server_id, name, instance, number)
            AS place FROM named)
        SELECT plain || CASE WHEN place > 1 THEN '~' || place ELSE '' END AS database_id, * EXCLUDE (plain, place,
            number)
        FROM placed ORDER BY database_id
        """
    ).fetchall()


def _keep_engines(connection: Any) -> None:
    """Create `inv_engines`: what each (engine, version, edition) as written means."""
    import pyarrow as pa

    told = connection.execute("SELECT DISTINCT engine, version, edition FROM raw_databases ORDER BY ALL").fetchall()
    found = [recognise_engine(*one) for one in told]
    names = ("engine", "version", "edition", "family", "release", "kind")
    rows = [(*one, *what) for one, what in zip(told, found, strict=True)]
    table = pa.table({name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(names)})
    connection.register("inv_found", table)
    connection.execute("CREATE OR REPLACE TEMP TABLE inv_engines AS FROM inv_found").fetchall()
    connection.unregister("inv_found")


def _add_programs(connection: Any) -> None:
    """Add a row to `inv_databases` for each engine that runs on a machine and that no database row names."""
    connection.execute("CREATE OR REPLACE TEMP TABLE inv_programs (pattern VARCHAR, family VARCHAR)").fetchall()
    connection.executemany("INSERT INTO inv_programs VALUES (?, ?)", programs())
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE inv_seen_engines AS
        WITH names AS (SELECT DISTINCT lower(name) AS name FROM (SELECT name FROM raw_software UNION SELECT name FROM
            raw_processes)),
        matched AS (SELECT DISTINCT name, family FROM names JOIN inv_programs ON regexp_matches(name, pattern)),
        seen AS (
            SELECT source_id, source_row, lower(ref) AS ref, name, version FROM raw_software
            UNION ALL SELECT source_id, source_row, lower(ref), name, NULL FROM raw_processes)
        SELECT server_id, family,
            arg_min({'source_id': s.source_id, 'source_row': s.source_row, 'name': s.name, 'version': s.version},
            (s.version IS NULL, s.source_id, s.source_row)) AS found
        FROM seen s JOIN matched m ON m.name = lower(s.name) JOIN server_refs f ON f.source_id = s.source_id AND f.ref
            = s.ref
        ANTI JOIN inv_databases d ON d.server_id = f.server_id AND d.engine_family = family
        GROUP BY ALL ORDER BY server_id, family
        """
    ).fetchall()
    rows = connection.execute("SELECT server_id, family, found FROM inv_seen_engines ORDER BY ALL").fetchall()
    if not rows:
        return
    import pyarrow as pa

    told = [
        (server, family, found, recognise_engine(f"{family} {found['name']}", found["version"], None))
        for server, family, found in rows
    ]
    table = pa.table(
        {
            "server_id": [one[0] for one in told],
            "engine_family": [one[1] for one in told],
            "engine": [one[2]["name"] for one in told],
            "version": pa.array([one[2]["version"] for one in told], pa.string()),
            "source_id": pa.array([one[2]["source_id"] for one in told], pa.int32()),
            "source_row": pa.array([one[2]["source_row"] for one in told], pa.int64()),
            "engine_version": pa.array([one[3][1] for one in told], pa.string()),
            "engine_edition": pa.array([one[3][2] for one in told], pa.string()),
            "number": pa.array([10**9 + place for place in range(len(told))], pa.int64()),
        }
    )
    connection.register("inv_found", table)
    connection.execute("INSERT INTO inv_databases BY NAME FROM inv_found").fetchall()
    connection.unregister("inv_found")
