"""When Airflow's database is made, migrated or left alone. The migration itself is a stub here."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from include.cli import schema
from include.cli.refusal import RefusalError
from include.cli.settings import StackSettings


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    settings = StackSettings(project_root=tmp_path, home=tmp_path)
    settings.airflow_home.mkdir()
    return settings


@pytest.fixture
def migrations(settings: StackSettings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the migration by one that makes a database and counts."""
    ran: list[str] = []

    def migrate(_: StackSettings, **__: object) -> None:
        ran.append("migrated")
        make_database(settings, finished=True)

    monkeypatch.setattr(schema, "_migrate", migrate)
    monkeypatch.setattr(schema, "version", lambda _: "3.3.2")
    return ran


def make_database(settings: StackSettings, *, finished: bool) -> Path:
    path = settings.airflow_home / "airflow.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS dag_run (run_id TEXT)")
        connection.execute("INSERT INTO dag_run VALUES ('kept')")
        connection.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num TEXT)")
        if finished:
            connection.execute("INSERT INTO alembic_version VALUES ('abc')")
    return path


def runs(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM dag_run").fetchone()[0])


def test_current_database_is_not_migrated_again(settings: StackSettings, migrations: list[str]) -> None:
    assert schema.migrate_if_needed(settings, environment={})
    assert not schema.migrate_if_needed(settings, environment={})
    assert migrations == ["migrated"]


def test_database_that_vanished_is_made_again(settings: StackSettings, migrations: list[str]) -> None:
    schema.migrate_if_needed(settings, environment={})
    (settings.airflow_home / "airflow.db").unlink()
    assert schema.migrate_if_needed(settings, environment={})


def test_new_airflow_migrates_and_keeps_a_copy_of_the_old_database(
    settings: StackSettings, migrations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    schema.migrate_if_needed(settings, environment={})
    monkeypatch.setattr(schema, "version", lambda _: "3.4.0")
    assert schema.migrate_if_needed(settings, environment={})
    assert runs(settings.airflow_home / "before-3.4.0.db") == 1
    assert runs(settings.airflow_home / "airflow.db") == 2


def test_what_a_killed_first_migration_left_is_made_anew(settings: StackSettings, migrations: list[str]) -> None:
    make_database(settings, finished=False)
    schema.migrate_if_needed(settings, environment={})
    assert runs(settings.airflow_home / "airflow.db") == 1


def test_lost_marker_does_not_lose_the_history(settings: StackSettings, migrations: list[str]) -> None:
    make_database(settings, finished=True)
    (settings.airflow_home / "schema.json").write_text("{")
    schema.migrate_if_needed(settings, environment={})
    assert runs(settings.airflow_home / "airflow.db") == 2


def test_failed_migration_leaves_no_marker_and_shows_its_last_lines(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = schema.launch

    def failing(name: str, command: object, **options: object) -> object:
        return launch(name, ("/bin/sh", "-c", "echo no such column; exit 7"), **options)

    monkeypatch.setattr(schema, "launch", failing)
    with pytest.raises(RefusalError, match="ended with 7") as refusal:
        schema.migrate_if_needed(settings, environment={"PATH": "/bin"})
    assert refusal.value.details == ("no such column",)
    assert not (settings.airflow_home / "schema.json").exists()
