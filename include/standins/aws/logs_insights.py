"""Insights queries: fields, filter, parse, stats, sort, limit, display and dedup, one after another.

Source: CloudWatch Logs user guide, "CloudWatch Logs Insights language query syntax". Other commands are refused. Rows
come newest first unless sorted; fields made by `parse` are shown along with the others unless `display` chooses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from include.standins.aws.logs_insights_expressions import Reader, field_value
from include.standins.aws.logs_insights_rows import Row, Value, shown, sort_key
from include.standins.aws.logs_insights_text import Scanner, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from include.standins.aws.logs_insights_expressions import Aggregate, Expression

    Stage: TypeAlias = Callable[[Iterable[Row]], Iterable[Row]]

LIMIT = 10_000
DEFAULT_COLUMNS = ("@timestamp", "@message")


@dataclass
class Query:
    """A query that was read: what to do with rows, and which columns to show."""

    row_stages: list[Stage] = field(default_factory=list)
    later_stages: list[Stage] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    display: list[str] | None = None
    is_grouped: bool = False
    limit: int = LIMIT

    def add(self, stage: Stage, *, by_row: bool) -> None:
        """Append a stage; those that look at single rows run before rows are put in order."""
        (self.row_stages if by_row and not self.later_stages else self.later_stages).append(stage)

    def shown_columns(self) -> list[str]:
        """Give the columns of the result, in order."""
        return self.display or self.columns or list(DEFAULT_COLUMNS)

    def run(self, rows: Iterable[Row], counted: Callable[[], None]) -> list[list[dict[str, str]]]:
        """Give the result's rows; `counted` is called for each event that passes the filters."""
        for stage in self.row_stages:
            rows = stage(rows)
        matched = list(_tell(rows, counted))
        matched.sort(key=lambda row: sort_key(row.get("@timestamp")), reverse=True)
        found: Iterable[Row] = matched
        for stage in self.later_stages:
            found = stage(found)
        columns = self.shown_columns() + ([] if self.is_grouped else ["@ptr"])
        return [_cells(row, columns) for row in islice(found, self.limit)]


def _tell(rows: Iterable[Row], counted: Callable[[], None]) -> Iterator[Row]:
    for row in rows:
        counted()
        yield row


def _cells(row: Row, columns: list[str]) -> list[dict[str, str]]:
    values = {name: row.get(name) for name in dict.fromkeys(columns)}
    return [{"field": name, "value": shown(value)} for name, value in values.items() if value is not None]


def read_query(text: str) -> Query:
    """Read a query; raises AwsError MalformedQueryException."""
    scanner, query = Scanner(text), Query()
    while True:
        command = scanner.expect_kind("name")
        read = _COMMANDS.get(command.text.lower())
        if read is None:
            raise scanner.unexpected(command, "the local AWS does not model this command")
        read(scanner, query)
        if not scanner.take_if("|"):
            break
    if scanner.peek().kind:
        raise scanner.unexpected(scanner.peek())
    return query


def _named(scanner: Scanner, reader: Reader) -> tuple[str, Expression]:
    """Read an expression with its name: what stands behind `as`, or the expression's own text."""
    start = scanner.peek()
    expression = reader.expression()
    end = scanner.peek().start
    name = plain(start) if start.end >= len(scanner.text[:end].rstrip()) else scanner.text[start.start : end].strip()
    if scanner.take_if("as"):
        name = plain(scanner.expect_kind("name", "quoted"))
    return name, expression


def _many(scanner: Scanner, reader: Reader) -> list[tuple[str, Expression]]:
    found = [_named(scanner, reader)]
    while scanner.take_if(","):
        found.append(_named(scanner, reader))
    return found


def _fields(scanner: Scanner, query: Query) -> None:
    named = _many(scanner, Reader(scanner))

    def stage(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            row.values.update({name: value for name, of in named if (value := of(row)) is not None})
            yield row

    query.add(stage, by_row=True)
    query.columns += [name for name, _ in named if name not in query.columns]


def _display(scanner: Scanner, query: Query) -> None:
    columns = query.columns
    query.columns = []
    _fields(scanner, query)
    query.display, query.columns = query.columns, columns


def _filter(scanner: Scanner, query: Query) -> None:
    holds = Reader(scanner).expression()
    query.add(lambda rows: (row for row in rows if holds(row)), by_row=True)


def _parse(scanner: Scanner, query: Query) -> None:
    of = field_value(plain(scanner.take()) if scanner.peek().kind in ("name", "quoted") else "@message")
    pattern = scanner.regex()
    glob = scanner.expect_kind("string") if pattern is None else None
    if pattern is None and glob is not None:
        pattern = _glob(plain(glob))
    if pattern is None or not pattern.groups:
        raise scanner.unexpected(scanner.peek(), "the pattern extracts nothing")
    names = sorted(pattern.groupindex, key=pattern.groupindex.__getitem__)
    if scanner.take_if("as"):
        names = [plain(scanner.expect_kind("name", "quoted"))]
        while scanner.take_if(","):
            names.append(plain(scanner.expect_kind("name", "quoted")))
    if len(names) != pattern.groups:
        raise scanner.unexpected(scanner.peek(), f"{pattern.groups} names are needed for what the pattern extracts")
    query.add(_extraction(pattern, names, of), by_row=True)
    query.columns = [*(query.columns or DEFAULT_COLUMNS), *names]


def _extraction(pattern: re.Pattern[str], names: list[str], of: Expression) -> Stage:
    def stage(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = of(row)
            found = None if value is None else pattern.search(shown(value))
            if found:
                row.values.update(zip(names, found.groups(), strict=True))
            yield row

    return stage


def _glob(text: str) -> re.Pattern[str]:
    """Turn a glob into a pattern: each * takes as little as it can, the last one at the end takes the rest."""
    pieces = [re.escape(piece) for piece in text.split("*")]
    ending = "(.*)" if text.endswith("*") else "(.*?)"
    joined = "(.*?)".join(pieces[:-1]) + (ending + pieces[-1] if len(pieces) > 1 else "")
    return re.compile(joined or re.escape(text), re.DOTALL)


def _stats(scanner: Scanner, query: Query) -> None:
    aggregates: list[Aggregate] = []
    results = _many(scanner, Reader(scanner, aggregates))
    groups = _many(scanner, Reader(scanner)) if scanner.take_if("by") else []

    def stage(rows: Iterable[Row]) -> Iterator[Row]:
        grouped: dict[tuple[Value, ...], list[Row]] = {}
        for row in rows:
            grouped.setdefault(tuple(of(row) for _, of in groups), []).append(row)
        if not groups and not grouped:
            grouped[()] = []
        for key, members in grouped.items():
            slots = {f"\0{number}": aggregate(members) for number, aggregate in enumerate(aggregates)}
            made = Row({name: value for (name, _), value in zip(groups, key, strict=True)} | slots)
            made.values.update({name: of(made) for name, of in results})
            yield made

    query.add(stage, by_row=False)
    query.columns = [name for name, _ in [*groups, *results]]
    query.display, query.is_grouped = None, True


def _sort(scanner: Scanner, query: Query) -> None:
    orders: list[tuple[Expression, bool]] = []
    while not orders or scanner.take_if(","):
        of = Reader(scanner).expression()
        descending = scanner.take_if("desc")
        if not descending:
            scanner.take_if("asc")
        orders.append((of, descending))

    def stage(rows: Iterable[Row]) -> Iterable[Row]:
        found = list(rows)
        for of, descending in reversed(orders):
            found.sort(key=lambda row: sort_key(of(row)), reverse=descending)
        return found

    query.add(stage, by_row=False)


def _limit(scanner: Scanner, query: Query) -> None:
    most = int(float(scanner.expect_kind("number").text))
    query.add(lambda rows: islice(rows, most), by_row=False)


def _dedup(scanner: Scanner, query: Query) -> None:
    named = _many(scanner, Reader(scanner))

    def stage(rows: Iterable[Row]) -> Iterator[Row]:
        seen: set[tuple[Value, ...]] = set()
        for row in rows:
            key = tuple(of(row) for _, of in named)
            if key not in seen:
                seen.add(key)
                yield row

    query.add(stage, by_row=False)


_COMMANDS: dict[str, Callable[[Scanner, Query], None]] = {
    "fields": _fields, "filter": _filter, "parse": _parse, "stats": _stats, "sort": _sort,
    "limit": _limit, "display": _display, "dedup": _dedup,
}  # fmt: skip
