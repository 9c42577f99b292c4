"""Every DAG file parses, by itself and cheaply."""

from typing import Any

from tests.dags.conftest import dag_files


def test_every_dag_file_gives_one_dag_and_no_import_error(dag_bag: Any) -> None:
    assert len(dag_files()) >= 4
    assert len(dag_bag.dags) == len(dag_files())
    assert dag_bag.import_errors == {}


def test_parsing_loads_no_heavy_library() -> None:
    import subprocess
    import sys

    from tests.dags.conftest import ROOT

    script = (
        "import sys, runpy\n"
        "for path in sys.argv[1:]: runpy.run_path(path)\n"
        "heavy = {'great_expectations', 'pandas', 'duckdb', 'pyarrow', 'moto'} & set(sys.modules)\n"
        "print(','.join(sorted(heavy)) or 'light')\n"
    )
    command = [sys.executable, "-c", script, *map(str, dag_files())]
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    with __import__("tempfile").TemporaryDirectory() as home:
        done = subprocess.run(
            command, env={**environment, "AIRFLOW_HOME": home}, capture_output=True, text=True, check=True, timeout=120
        )
    assert done.stdout.splitlines()[-1] == "light"
