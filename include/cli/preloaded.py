"""Run a Python program whose process forks, with modules imported beforehand: its children find them imported.

    python -m include.cli.preloaded pandas,great_expectations airflow scheduler

Airflow's LocalExecutor forks its workers from the scheduler and each task from a worker, and the DAG processor forks
for each file. Without this, every task reads the same libraries again: Great Expectations alone takes 4 s. Only
libraries are named here, never this project's modules: those change while the stack runs.
"""

import importlib
import runpy
import sys
from collections.abc import Iterable
from contextlib import suppress

DAG_LIBRARIES = (
    "airflow.providers.amazon.aws.hooks.athena",
    "airflow.providers.amazon.aws.hooks.s3",
    "airflow.providers.amazon.aws.triggers.base",
    "airflow.providers.microsoft.mssql.hooks.mssql",
    "airflow.providers.standard.decorators.branch_python",
    "airflow.providers.standard.decorators.short_circuit",
    "airflow.providers.standard.operators.hitl",
)
"""What the DAG files of this project import, by way of its plugins."""

# Great Expectations comes before Airflow: it says 200 lines about itself to a log that is set up to hear them.
TASK_LIBRARIES = (
    "great_expectations",
    "pandas",
    "duckdb",
    "pyarrow.compute",
    "pyarrow.parquet",
    *DAG_LIBRARIES,
    "airflow.dag_processing.dagbag",
    "airflow.sdk.execution_time.task_runner",
)
"""What its tasks import besides."""


def command(program: tuple[str, ...], *, libraries: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command line that runs `program` (module, arguments) with `libraries` imported."""
    before = (__name__, ",".join(libraries)) if libraries else ()
    return (sys.executable, "-m", *before, *program)


def preload(libraries: Iterable[str]) -> None:
    """Import modules by name; one that is not there is left to whoever needs it, and says so."""
    for name in libraries:
        with suppress(ImportError):
            importlib.import_module(name)


def main(arguments: list[str]) -> None:
    """Import the modules of the first argument, then run the module of the second one as `python -m` does."""
    libraries, program, *rest = arguments
    preload(libraries.split(","))
    sys.argv = [program, *rest]
    runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
