"""Partition projection: which partition values a table has without asking the catalog.

Source: Athena user guide, "Partition projection with Amazon Athena" and "Supported types for partition projection".
Values are found by matching the objects that exist against the location template and then checking each value
against the column's type and range; that gives the rows that listing every projected value would give.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from include.standins.aws.athena_errors import QueryFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.standins.aws.athena_catalog import CatalogTable

_JAVA_TO_PYTHON = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_NOW = re.compile(r"NOW\s*(?:([+-])\s*(\d+)\s*([A-Z]+?)S?)?", re.IGNORECASE)
_UNITS = {
    "SECOND": timedelta(seconds=1),
    "MINUTE": timedelta(minutes=1),
    "HOUR": timedelta(hours=1),
    "DAY": timedelta(days=1),
    "WEEK": timedelta(weeks=1),
}
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Projection:
    """The projected partitions of one table."""

    prefix: str
    pattern: re.Pattern[str]
    accepts: dict[str, Callable[[str], bool]]
    injected: frozenset[str]

    def values(self, uri: str) -> dict[str, str] | None:
        """Give the partition values of an object, None when it lies in no projected partition."""
        match = self.pattern.match(uri)
        if match is None:
            return None
        found = match.groupdict()
        return found if all(self.accepts[name](value) for name, value in found.items()) else None


def location_template(table: CatalogTable) -> str:
    """Give storage.location.template, or Hive's k=v folders under the table's location."""
    given = table.parameters.get("storage.location.template")
    folders = "/".join(f"{name}=${{{name}}}" for name in table.partition_columns)
    return (given or f"{table.location.rstrip('/')}/{folders}").rstrip("/") + "/"


def projection(table: CatalogTable, *, now: datetime) -> Projection:
    """Read a table's projection properties; `now` is naive UTC. Raises QueryFailedError for an impossible one."""
    template = location_template(table)
    accepts, injected = {}, set()
    for name in table.partition_columns:
        kind = table.parameters.get(f"projection.{name}.type", "").lower()
        if kind == "injected":
            injected.add(name)
        accepts[name] = _acceptor(table, name, kind, now=now)
    pattern = re.compile(_PLACEHOLDER.sub(lambda m: _group(table, m[1]), _escaped(template)))
    return Projection(template.partition("${")[0], pattern, accepts, frozenset(injected))


def _escaped(template: str) -> str:
    return "".join(part if part.startswith("${") else re.escape(part) for part in re.split(r"(\$\{\w+\})", template))


def _group(table: CatalogTable, name: str) -> str:
    if name not in table.partition_columns:
        raise _invalid(table, f"storage.location.template names {name}, which is no partition column")
    depth = table.parameters.get(f"projection.{name}.format", "").count("/") + 1
    return f"(?P<{name}>{'/'.join(['[^/]+'] * depth)})"


def _acceptor(table: CatalogTable, name: str, kind: str, *, now: datetime) -> Callable[[str], bool]:
    settings = _Settings(table, name)
    if kind == "enum":
        allowed = {value.strip() for value in settings.required("values").split(",")}
        return lambda value: value in allowed
    if kind == "integer":
        return _integers(settings)
    if kind == "date":
        return _dates(settings, now=now)
    if kind == "injected":
        return bool
    raise _invalid(table, f"projection.{name}.type is {kind or 'missing'}; use enum, integer, date or injected")


@dataclass(frozen=True)
class _Settings:
    table: CatalogTable
    column: str

    def get(self, setting: str, default: str = "") -> str:
        return self.table.parameters.get(f"projection.{self.column}.{setting}", default)

    def required(self, setting: str) -> str:
        value = self.get(setting)
        if not value:
            raise _invalid(self.table, f"projection.{self.column}.{setting} is missing")
        return value


def _integers(settings: _Settings) -> Callable[[str], bool]:
    low, high = (int(bound) for bound in settings.required("range").split(","))
    step, digits = int(settings.get("interval", "1")), int(settings.get("digits", "0"))

    def accepts(value: str) -> bool:
        if not re.fullmatch(r"-?\d+", value):
            return False
        number = int(value)
        written = str(number).zfill(digits) if digits else str(number)
        return low <= number <= high and (number - low) % step == 0 and value == written

    return accepts


def _dates(settings: _Settings, *, now: datetime) -> Callable[[str], bool]:
    form = python_date_format(settings.required("format"))
    low, high = (_bound(text, form, now=now) for text in settings.required("range").split(","))

    def accepts(value: str) -> bool:
        try:
            moment = datetime.strptime(value, form)  # noqa: DTZ007 - projection knows no zones
        except ValueError:
            return False
        return low <= moment <= high and moment.strftime(form) == value

    return accepts


def python_date_format(java: str) -> str:
    """Turn a Java date pattern into Python's; letters in '...' are literal."""
    parts = re.split(r"('[^']*')", java)
    return "".join(part.strip("'") if part.startswith("'") else _translated(part) for part in parts)


def _translated(pattern: str) -> str:
    for java, python in _JAVA_TO_PYTHON.items():
        pattern = pattern.replace(java, python)
    return pattern


def _bound(text: str, form: str, *, now: datetime) -> datetime:
    match = _NOW.fullmatch(text.strip())
    if match is None:
        return datetime.strptime(text.strip(), form)  # noqa: DTZ007 - projection knows no zones
    sign, count, unit = match.groups()
    if not unit:
        return now
    if unit.upper() in _UNITS:
        distance = _UNITS[unit.upper()] * int(count)
        return now + distance if sign == "+" else now - distance
    months = int(count) * (12 if unit.upper() == "YEAR" else 1) * (1 if sign == "+" else -1)
    return _months_later(now, months)


def _months_later(moment: datetime, months: int) -> datetime:
    total = moment.year * 12 + moment.month - 1 + months
    return moment.replace(year=total // 12, month=total % 12 + 1, day=min(moment.day, 28))


def _invalid(table: CatalogTable, sentence: str) -> QueryFailedError:
    return QueryFailedError("INVALID_TABLE_PROPERTY", f"Table {table.database}.{table.name}: {sentence}")
