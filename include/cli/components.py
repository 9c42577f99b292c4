"""The processes of the stack: their command lines and environments."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from include.cli.credentials import Credentials
from include.cli.environment import airflow_environment, base_environment, sql_server_environment
from include.cli.preloaded import DAG_LIBRARIES, TASK_LIBRARIES, command
from include.cli.settings import LOOPBACK, StackSettings
from include.cli.sql_servers import sql_servers

LOCAL_AWS = "local-aws"
SQL_PRIMARY = "sql-primary"
SQL_SECONDARY = "sql-secondary"
API_SERVER = "api-server"
SCHEDULER = "scheduler"
DAG_PROCESSOR = "dag-processor"
TRIGGERER = "triggerer"
STAND_INS = (LOCAL_AWS, SQL_PRIMARY, SQL_SECONDARY)
NAMES = (*STAND_INS, API_SERVER, SCHEDULER, DAG_PROCESSOR, TRIGGERER)

# Lambda functions that the local AWS serves at POST /functions/<name>.
FUNCTIONS: Mapping[str, str] = {"ioc_refresh_frontend": "include.ioc_refresh.frontend:handler"}


@dataclass(frozen=True, kw_only=True)
class Component:
    """One long-lived process of the stack."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


def local_aws(settings: StackSettings, *, inherited: Mapping[str, str]) -> Component:
    """The stand-in for AWS, known here as a process only."""
    functions = tuple(f"--function={name}={target}" for name, target in FUNCTIONS.items())
    return Component(
        name=LOCAL_AWS,
        command=(
            *(sys.executable, "-m", "include.standins.aws"),
            *("--host", LOOPBACK, "--port", str(settings.aws_port), "--state-dir", str(settings.aws_state)),
            *functions,
        ),
        environment=base_environment(settings, inherited),
    )


def local_sql_servers(
    settings: StackSettings, credentials: Credentials, *, inherited: Mapping[str, str]
) -> tuple[Component, ...]:
    """Both stand-ins for SQL Server, known here as processes only; their password travels in the environment."""
    environment = sql_server_environment(settings, credentials, inherited=inherited)
    return tuple(
        Component(
            name=place.component,
            command=(
                *(sys.executable, "-m", "include.standins.sqlserver", "--name", place.name),
                *("--host", LOOPBACK, "--port", str(place.port), "--state-dir", str(place.state)),
            ),
            environment=environment,
        )
        for place in sql_servers(settings)
    )


def airflow_components(
    settings: StackSettings, credentials: Credentials, *, inherited: Mapping[str, str]
) -> tuple[Component, ...]:
    """Airflow's four processes, started one by one.

    `airflow standalone` would start the same four, but holds their pids to itself and starts two log servers that
    listen on every interface; on one machine the web UI reads the log files directly (``--skip-serve-logs``).
    The two that fork have read beforehand what every task and every parse would read again.
    """
    environment = airflow_environment(settings, credentials, inherited=inherited)
    preloaded = {SCHEDULER: TASK_LIBRARIES, DAG_PROCESSOR: DAG_LIBRARIES}
    arguments: dict[str, tuple[str, ...]] = {
        API_SERVER: ("api-server",),
        SCHEDULER: ("scheduler", "--skip-serve-logs"),
        DAG_PROCESSOR: ("dag-processor",),
        TRIGGERER: ("triggerer", "--skip-serve-logs"),
    }
    return tuple(
        Component(
            name=name,
            command=command(("airflow", *words), libraries=preloaded.get(name, ())),
            environment=environment,
        )
        for name, words in arguments.items()
    )
