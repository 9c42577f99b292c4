"""All DAG files, parsed once without a database and without any connection."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAGS = ROOT / "dags"


def dag_files() -> list[Path]:
    """Every DAG file of the project."""
    return sorted(path for path in DAGS.glob("*/*.py") if path.stem != "__init__")


@pytest.fixture(scope="session")
def dag_bag() -> Iterator[Any]:
    """The DagBag of dags/; Airflow's home is an empty folder and no connection is defined."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("AIRFLOW")}
    for name in kept:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
        from airflow.dag_processing.dagbag import DagBag

        yield DagBag(dag_folder=DAGS, bundle_path=DAGS, bundle_name="dags")
    for name in ("AIRFLOW_HOME", "AIRFLOW__CORE__LOAD_EXAMPLES"):
        del os.environ[name]
    os.environ.update(kept)


@pytest.fixture(scope="session")
def dags(dag_bag: Any) -> dict[str, Any]:
    """The parsed DAGs by id; never empty."""
    assert dag_bag.dags, "no DAG was found"
    return dict(dag_bag.dags)
