"""Airflow's metadata database: made once, migrated only when Airflow's version changed."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from include.cli.credentials import write_private
from include.cli.logs import last_lines
from include.cli.processes import launch
from include.cli.refusal import RefusalError
from include.cli.settings import StackSettings

_MIGRATE_SECONDS = 300.0


def migrate_if_needed(settings: StackSettings, *, environment: Mapping[str, str]) -> bool:
    """Bring the database to the installed Airflow's schema; return whether there was anything to do.

    A marker file names the version that last finished. What a killed first migration left is made anew; an older
    database is copied beside itself before it is upgraded.

    :raises RefusalError: the migration failed or took longer than five minutes.
    """
    installed = version("apache-airflow-core")
    marker = settings.airflow_home / "schema.json"
    database = settings.airflow_home / "airflow.db"
    if _marked_version(marker) == installed and database.exists():
        return False
    if has_schema(database):
        _copy(database, to=database.with_name(f"before-{installed}.db"))
    else:
        for leftover in settings.airflow_home.glob("airflow.db*"):
            leftover.unlink()
    _migrate(settings, environment=environment)
    _let_readers_and_writer_in(database)
    write_private(marker, json.dumps({"airflow_version": installed}) + "\n")
    return True


def has_schema(database: Path) -> bool:
    """Tell whether a migration of this database ever finished: alembic records its version at the end."""
    if not database.exists():
        return False
    try:
        with closing(sqlite3.connect(database)) as connection:
            return bool(connection.execute("SELECT count(*) FROM alembic_version").fetchone() != (0,))
    except sqlite3.DatabaseError:
        return False


def _marked_version(marker: Path) -> str | None:
    try:
        return str(json.loads(marker.read_text())["airflow_version"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _let_readers_and_writer_in(database: Path) -> None:
    """Switch to a write-ahead log: five processes share the file, and a reader must not lock the scheduler out."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _copy(database: Path, *, to: Path) -> None:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
    to.chmod(0o600)


def _migrate(settings: StackSettings, *, environment: Mapping[str, str]) -> None:
    log = settings.logs / "migrate.log"
    process = launch(
        "migrate",
        (sys.executable, "-m", "airflow", "db", "migrate"),
        environment=environment,
        folder=settings.project_root,
        log=log,
    ).process
    try:
        code = process.wait(timeout=_MIGRATE_SECONDS)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if code != 0:
        ending = "did not finish in five minutes" if code is None else f"ended with {code}"
        raise RefusalError(
            f"Airflow's database could not be prepared (`airflow db migrate` {ending}): read {log}.",
            details=last_lines(log),
        )
