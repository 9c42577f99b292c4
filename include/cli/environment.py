"""The environment of the stack's processes, as one pure function per kind of process.

Secrets travel in the environment, which only the same user can read, and never on a command line.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from include.cli.credentials import USER_ROLES, Credentials
from include.cli.settings import LOOPBACK, STACK_ID_VARIABLE, StackSettings
from include.cli.sql_servers import SQL_LOGIN, SqlServerPlace, sql_servers

SA_VARIABLE = "LANDFALL_SQLSERVER_PASSWORD"
"""Name of the variable from which a local SQL Server takes the password of its login."""

# What a person's shell may carry must not steer the stack: a foreign AIRFLOW_HOME, a real AWS account, and
# PYTHONDONTWRITEBYTECODE, which makes every process compile everything on every start.
_DROPPED_PREFIXES = ("AIRFLOW", "_AIRFLOW", "AWS_", "PYTHON")
_DROPPED = ("BOTO_CONFIG", "VIRTUAL_ENV", SA_VARIABLE)
_NO_PROXY = f"{LOOPBACK},localhost"


def base_environment(settings: StackSettings, inherited: Mapping[str, str]) -> dict[str, str]:
    """What every process of the stack gets: the caller's environment without what could steer it elsewhere."""
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith(_DROPPED_PREFIXES) and name not in _DROPPED
    }
    root = settings.project_root
    return kept | {
        STACK_ID_VARIABLE: settings.stack_id,
        "PATH": f"{Path(sys.executable).parent}:{inherited.get('PATH', '/usr/bin:/bin')}",
        "PYTHONPATH": f"{root}:{root / 'plugins'}",
        "PYTHONUNBUFFERED": "1",
        # setproctitle would otherwise overwrite /proc/<pid>/environ, by which `landfall down` knows its processes.
        "SPT_NOENV": "1",
        "NO_PROXY": _NO_PROXY,
        "no_proxy": _NO_PROXY,
        "NO_COLOR": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "GX_ANALYTICS_ENABLED": "false",
    }


def aws_connection(settings: StackSettings) -> str:
    """The Airflow connection `aws_default` as JSON; in production only this value differs."""
    return json.dumps(
        {
            "conn_type": "aws",
            "login": "local",
            "password": "local",
            "extra": {"region_name": "us-east-1", "endpoint_url": settings.aws_url},
        }
    )


def sql_server_connection(place: SqlServerPlace, credentials: Credentials) -> str:
    """The Airflow connection to one of the two SQL Servers as JSON; it never leaves the loopback, hence no TLS."""
    return json.dumps(
        {
            "conn_type": "mssql",
            "host": LOOPBACK,
            "port": place.port,
            "login": SQL_LOGIN,
            "password": credentials.sqlserver_password,
            "extra": {"encryption": "off"},
        }
    )


def sql_server_environment(
    settings: StackSettings, credentials: Credentials, *, inherited: Mapping[str, str]
) -> dict[str, str]:
    """What a local SQL Server gets: the base, and the password of its login."""
    return base_environment(settings, inherited) | {SA_VARIABLE: credentials.sqlserver_password}


def airflow_environment(
    settings: StackSettings, credentials: Credentials, *, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Everything Airflow's processes need to run as this stack: settings, secrets, and the connections."""
    connections = {
        f"AIRFLOW_CONN_{place.connection.upper()}": sql_server_connection(place, credentials)
        for place in sql_servers(settings)
    }
    base = base_environment(settings, inherited)
    return base | _airflow_settings(settings) | _airflow_secrets(settings, credentials) | connections


def _airflow_settings(settings: StackSettings) -> dict[str, str]:
    root = settings.project_root
    return {
        "AIRFLOW_HOME": str(settings.airflow_home),
        "AIRFLOW_CONN_AWS_DEFAULT": aws_connection(settings),
        "AIRFLOW__CORE__DAGS_FOLDER": str(root / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        # The default asks DNS for the full name, which takes seconds on a laptop without a network.
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        # The port alone is not enough: tasks find the server by base_url (notes of Airflow 3.3).
        "AIRFLOW__API__HOST": LOOPBACK,
        "AIRFLOW__API__PORT": str(settings.ui_port),
        "AIRFLOW__API__BASE_URL": settings.ui_url,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{settings.ui_url}/execution/",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{settings.airflow_home / 'airflow.db'}?timeout=60",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.airflow_home / "logs"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        # A DAG file that changed is parsed at once all the same; this is how soon a change to what it imports shows.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        # A killed task is noticed after a minute; the default of five is long when one watches.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        # A scheduler that comes back within 30 s of its predecessor's death does not see the dead one's tasks at once;
        # Airflow looks again every five minutes, which is a long time for somebody who watches.
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    }


def _airflow_secrets(settings: StackSettings, credentials: Credentials) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__FERNET_KEY": credentials.fernet_key,
        "AIRFLOW__API_AUTH__JWT_SECRET": credentials.jwt_secret,
        "AIRFLOW__API__SECRET_KEY": credentials.api_secret_key,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USER_ROLES.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(settings.passwords_file),
    }
