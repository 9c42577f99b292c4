"""What `landfall up`, `down` and `status` print."""

import sys
from collections.abc import Mapping
from dataclasses import asdict

from include.cli import stack, stack_status
from include.cli.credentials import USER_ROLES, read_credentials
from include.cli.output import print_json, print_table, progress
from include.cli.settings import StackSettings, stack_settings
from include.cli.sql_servers import SQL_LOGIN


def up(environment: Mapping[str, str], *, as_json: bool) -> None:
    """Start the stack with progress, then say where it is and how to log in."""
    settings = stack_settings(environment)
    with progress("landfall up", steps=stack.STEPS, as_json=as_json) as announce:
        now, started = stack.up(settings, announce=announce)
    if as_json:
        print_json(asdict(now) | {"started": started})
        return
    _say(f"{'The stack is up' if started else 'The stack was already up'}: Airflow at {now.ui_url},")
    _say(f"the local AWS at {now.aws_url}, SQL Servers {' and '.join(now.sql_servers)}.")
    _say(f"Log in to Airflow as {', '.join(USER_ROLES)}, to the SQL Servers as {SQL_LOGIN};")
    _say("their passwords: `landfall status --passwords`. Stop it with `landfall down`.")


def down(environment: Mapping[str, str], *, as_json: bool) -> None:
    """Stop the stack and say how many processes that were."""
    report = stack.down(stack_settings(environment))
    if as_json:
        print_json(asdict(report))
    elif report.stopped + report.killed == 0:
        _say("Nothing was running.")
    else:
        killed = f", {report.killed} of them by force" if report.killed else ""
        _say(f"The stack is down: {report.stopped + report.killed} processes ended{killed}.")


def status(environment: Mapping[str, str], *, as_json: bool, passwords: bool) -> bool:
    """Print the state of every component; return whether all are healthy."""
    settings = stack_settings(environment)
    now = stack_status.status(settings)
    known = _passwords(settings) if passwords else {}
    if as_json:
        print_json(asdict(now) | ({"passwords": known} if passwords else {}))
    else:
        rows = [(part.name, part.state, part.pid, part.port, part.log) for part in now.components]
        print_table(("component", "state", "pid", "port", "log"), rows)
        _say(f"The stack is {now.state}. Airflow: {now.ui_url}  local AWS: {now.aws_url}")
        _say(f"SQL Servers: {'  '.join(now.sql_servers)}")
        if known:
            roles = {**USER_ROLES, SQL_LOGIN: "both SQL Servers"}
            print_table(("user", "role", "password"), [(user, roles[user], word) for user, word in known.items()])
    return now.state == "up"


def _passwords(settings: StackSettings) -> dict[str, str]:
    credentials = read_credentials(settings.secrets_file)
    return {**credentials.passwords, SQL_LOGIN: credentials.sqlserver_password}


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
