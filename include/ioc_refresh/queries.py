"""The versioned SQL files, with their parameters filled in as typed literals.

The files are Athena's dialect (Trino) and run unchanged on the service, on the local Athena and in a replay.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from include.ioc_refresh.kinds import Kind

SQL = Path(__file__).parent / "sql"
RETENTION_DAYS = 180
"""Days of receipt that the state keeps: the longest life of a kind, and how long a benign mail protects a key."""

Value = str | int | date | datetime | Iterable[str]

_PLACEHOLDER = re.compile(r"(?<![:\w]):([a-z_]+)\b")
_NOTHING = "''"


@cache
def sql_file(name: str) -> str:
    """Return the text of `sql/<name>.sql` without its comments, which Athena would bill against the query's length."""
    lines = (SQL / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--")).strip()


@cache
def query_version(kind: Kind) -> str:
    """Return the name and version of a candidate query, as `link_domain-1`; the file's first line states it."""
    first = (SQL / "candidates" / f"{kind}.sql").read_text(encoding="utf-8").splitlines()[0]
    match = re.fullmatch(r"-- version: (\d+)", first)
    if match is None:
        raise ValueError(f"sql/candidates/{kind}.sql: the first line must be `-- version: N`")
    return f"{kind}-{match.group(1)}"


def render(sql: str, values: Mapping[str, Value]) -> str:
    """Replace each `:name` by the literal of its value; raises KeyError for a name without a value."""
    return _PLACEHOLDER.sub(lambda match: literal(values[match.group(1)]), sql)


def literal(value: Value) -> str:
    """Return a value as an Athena literal: quotes doubled, times as DATE and TIMESTAMP, lists comma-separated."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    return ", ".join(literal(item) for item in value) or _NOTHING


def horizon(as_of: datetime) -> date:
    """Return the first day of receipt that a state of this time keeps."""
    return as_of.date() - timedelta(days=RETENTION_DAYS)


def update_state(*, version: str, previous: str, as_of: datetime) -> str:
    """Return the SELECT that gives the rows of the next state version."""
    return render(sql_file("update_state"), {"version": version, "previous": previous, "horizon": horizon(as_of)})


def update_ledger(*, version: str, previous: str, as_of: datetime) -> str:
    """Return the SELECT that gives the rows of the next ledger version."""
    return render(sql_file("update_ledger"), {"version": version, "previous": previous, "horizon": horizon(as_of)})


def candidates(*, version: str, as_of: datetime, kinds: Iterable[Kind] = tuple(Kind)) -> str:
    """Return one SELECT over all candidate files, popular domains taken out.

    Columns: kind, value, domain, malicious, benign, first_day, last_day, expires_at, query_version. An indicator
    expires at the end of the last day of its life, counted from the last malicious mail.
    """
    values: dict[str, Value] = {"version": version, "as_of_day": as_of.date()}
    branches = (
        f"SELECT {literal(str(kind))} AS kind, c.value, c.domain, CAST(c.malicious AS bigint) AS malicious, "
        "CAST(c.benign AS bigint) AS benign, c.first_day, c.last_day, "
        "CAST(date_add('day', c.life_days + 1, c.last_day) AS timestamp) AS expires_at, "
        f"{literal(query_version(kind))} AS query_version\n"
        f"FROM (\n{render(sql_file(f'candidates/{kind}'), values)}\n) c\n"
        "LEFT JOIN popular_domains p ON p.domain = c.domain\nWHERE p.domain IS NULL"
        for kind in kinds
    )
    return "\nUNION ALL\n".join(branches)


def new_mail(*, objects: Iterable[str], hours: Iterable[str]) -> str:
    """Return the SELECT that profiles new mail objects (S3 URIs) in the given arrival hours."""
    return render(sql_file("new_mail"), {"objects": objects, "hours": hours})


def new_verdicts(*, objects: Iterable[str], hours: Iterable[str]) -> str:
    """Return the SELECT that reads new verdict objects (S3 URIs) in the given arrival hours."""
    return render(sql_file("new_verdicts"), {"objects": objects, "hours": hours})


def recount(*, as_of: datetime, horizon: date, open_objects: Iterable[str] = ()) -> str:
    """Return the SELECT that counts the state from the mails; verdict objects no refresh has read are left out."""
    values: dict[str, Value] = {
        "first_hour": f"{horizon - timedelta(days=1):%Y-%m-%d}-00",
        "last_hour": f"{as_of:%Y-%m-%d-%H}",
        "horizon": horizon,
        "open_objects": open_objects,
    }
    return render(sql_file("recount"), values)


def compare_state(*, version: str, horizon: date) -> str:
    """Return the SELECT that lists keys and days on which state and recount of a version differ."""
    return render(sql_file("compare_state"), {"version": version, "horizon": horizon})


def unload(select: str, *, to: str, partitioned_by: str | None = None) -> str:
    """Wrap a SELECT to write Parquet below an S3 prefix, which must be empty."""
    partition = f", partitioned_by = ARRAY[{literal(partitioned_by)}]" if partitioned_by else ""
    return f"UNLOAD (\n{select}\n) TO {literal(to)} WITH (format = 'PARQUET', compression = 'SNAPPY'{partition})"
