"""Fill one raw table from one sheet: values by SQL, and what does not fit into `quarantine`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.discovery.sources.casting import NUMERIC, Check, Expression, Reading, express, odd_columns, quoted
from include.discovery.sources.problems import VALUE_LENGTH
from include.discovery.sources.staging import Stage
from include.discovery.tables import RAW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.discovery.sources.matching import Match
    from include.discovery.sources.settings import ReadingSettings

_PLACE: Final = ("source_id", "source_row")
_ISO: Final = r"^\d{4}-\d\d-\d\d"
_PLAIN_NUMBER: Final = r"[-+]?\d{1,15}(\.\d+)?"
NUMBERS: Final = "discovery_numbers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The SQL that reads one sheet.

    :param values: column of the table to SQL.
    :param checks: all conditions to tell; those with drops_row set the row aside.
    """

    table: str
    values: dict[str, str]
    checks: tuple[Check, ...]
    filled: str

    @property
    def kept(self) -> str:
        """The condition under which a row is read."""
        drops = [f"({check.condition})" for check in self.checks if check.drops_row]
        return " AND ".join([self.filled, *(f"({drop}) IS NOT TRUE" for drop in drops)])


def read_habits(connection: Any, found: Match, stage: Stage, settings: ReadingSettings) -> Reading:
    """Decide by the values how the sheet writes numbers and dates, and which columns are plain."""
    kinds = _kinds(found)
    odd = _odd_columns(connection, kinds, stage)
    numbers = [index for index, kind in kinds.items() if kind in NUMERIC]
    dates = [index for index, kind in kinds.items() if kind == "time" and index in odd]
    comma = settings.decimal == "comma"
    if settings.decimal == "auto" and odd.intersection(numbers):
        comma = _has_decimal_comma(connection, numbers, stage)
    if comma:
        odd |= frozenset(numbers)
    if settings.dates == "auto":
        dates = [index for index in dates if _is_day_first(connection, index, stage)]
    day_first = frozenset(dates if settings.dates != "month_first" else ())
    return Reading(has_decimal_comma=comma, day_first=day_first, odd=odd)


def with_numbers(connection: Any, stage: Stage, found: Match, reading: Reading) -> Stage:
    """Return the stage with the numbers of its odd columns beside the texts."""
    numbers = frozenset(index for index, kind in _kinds(found).items() if kind in NUMERIC)
    more = odd_columns(reading, numbers)
    if not more:
        return stage
    relation = f"(SELECT *, {more} FROM {stage.relation})"
    if stage.parameters:
        return Stage(relation, stage.parameters)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {NUMBERS} AS FROM {relation}").fetchall()
    return Stage(NUMBERS)


def make_plan(found: Match, reading: Reading) -> Plan:
    """Return the SQL for a format that was found."""
    one = found.format
    kinds = {name: kind for name, (kind, _) in RAW[one.fills].items()}
    made = {name: express(filling, reading, kind_of_column=kinds.get(name)) for name, filling in found.fillings.items()}
    values = {name: expression.sql for name, expression in made.items() if name in kinds}
    values.update({name: quoted(value) for name, value in one.marks.items() if name not in values})
    reference = _reference(one.ref, made)
    if "ref" in kinds and reference:
        values["ref"] = reference
    if one.fills == "raw_connections":
        values.setdefault("count", "1")
        values["count"] = f"coalesce({values['count']}, 1)"
    checks = [check for expression in made.values() for check in expression.checks]
    filled = " OR ".join(f"c{index} IS NOT NULL" for index in sorted(found.used)) or "true"
    return Plan(
        table=one.fills,
        values=values,
        checks=(*_row_checks(found, made, values), *dict.fromkeys(checks)),
        filled=f"({filled})",
    )


def fill(connection: Any, source_id: int, plan: Plan, stage: Stage, *, settings: ReadingSettings) -> tuple[int, int]:
    """Insert the rows and tell what does not fit; return rows read and rows set aside."""
    places = ", ".join(f'"{name}"' for name in ("source_id", "source_row", *plan.values))
    values = ", ".join([str(source_id), "row", *plan.values.values()])
    connection.execute(
        f"INSERT INTO {plan.table} ({places}) SELECT {values} FROM {stage.relation} WHERE {plan.kept} {_order(stage)}",
        list(stage.parameters),
    ).fetchall()
    return tell_checks(connection, source_id, plan, stage, settings=settings)


def tell_checks(
    connection: Any, source_id: int, plan: Plan, stage: Stage, *, settings: ReadingSettings
) -> tuple[int, int]:
    """Insert into `quarantine` the values that fail a check: the first by name, the rest as one count.

    :returns: how many rows the plan reads and how many it sets aside; empty rows are neither.
    """
    counts = [f"count(*) FILTER ({plan.kept})", "count(*)"]
    counts += [f"count(*) FILTER ({check.condition})" for check in plan.checks]
    sql = f"SELECT {', '.join(counts)} FROM {stage.relation} WHERE {plan.filled}"
    read, filled, *found = connection.execute(sql, list(stage.parameters)).fetchone()
    for check, count in zip(plan.checks, found, strict=True):
        if count:
            _tell(connection, source_id, (plan, check, int(count)), stage, settings.told_per_column)
    return int(read), int(filled - read)


def _tell(connection: Any, source_id: int, what: tuple[Plan, Check, int], stage: Stage, most: int) -> None:
    plan, check, count = what
    parameters: list[Any] = [source_id, check.field, check.sentence, *stage.parameters, most]
    connection.execute(
        f"""INSERT INTO quarantine (source_id, source_row, field, value, sentence)
        SELECT ?, row, ?, left({check.value}, {VALUE_LENGTH}), ? FROM {stage.relation}
        WHERE {plan.filled} AND ({check.condition}) ORDER BY row LIMIT ?""",
        parameters,
    ).fetchall()
    if count > most:
        sql = f"SELECT max(source_row) FROM quarantine WHERE source_id = {source_id} AND field = ?"
        last = connection.execute(sql, [check.field]).fetchone()[0]
        sentence = f"{count - most:,} more rows have such a value. {check.sentence}"
        connection.execute("INSERT INTO quarantine VALUES (?, ?, ?, NULL, ?)", [source_id, last, check.field, sentence])


def _reference(names: Sequence[str], made: dict[str, Expression]) -> str:
    known = [f"lower(CAST({made[name].sql} AS VARCHAR))" for name in names if name in made]
    return f"coalesce({', '.join(known)})" if known else ""


def _row_checks(found: Match, made: dict[str, Expression], values: dict[str, str]) -> list[Check]:
    """Return the checks that set a row aside: what the table always holds, and what the format says."""
    table = RAW[found.format.fills]
    checks = []
    for name, (_, text) in table.items():
        if not text.startswith("always") or name in (*_PLACE, "count"):
            continue
        header = _header(found, name)
        sentence = f"The row has no usable {header}; without it the row cannot be read, so complete it."
        condition = f"{values[name]} IS NULL" if name in values else "true"
        checks.append(Check(field=header, condition=condition, value="NULL", sentence=sentence, drops_row=True))
    if found.format.fills == "raw_connections":
        checks.extend(_end_check(side, values, found) for side in ("source", "destination"))
    for one in found.format.conditions:
        if one.column in made:
            sql = made[one.column].sql
            tests = {"empty": f"{sql} IS NULL", "negative": f"{sql} < 0", "over": f"{sql} > {one.value!r}"}
            header = _header(found, one.column)
            value = f"CAST({sql} AS VARCHAR)"
            checks.append(
                Check(field=header, condition=tests[one.test], value=value, sentence=one.sentence, drops_row=True)
            )
    return checks


def _end_check(side: str, values: dict[str, str], found: Match) -> Check:
    ends = [values[name] for name in (f"{side}_ip", f"{side}_ref") if name in values]
    return Check(
        field=_header(found, f"{side}_ip"),
        condition=" AND ".join(f"{end} IS NULL" for end in ends) or "true",
        value="NULL",
        sentence=f"The connection names no {side}: neither an address nor a server; complete it.",
        drops_row=True,
    )


def _header(found: Match, column: str) -> str:
    names = (column,) if column != "ref" else (*found.format.ref, column)
    for name in names:
        filling = found.fillings.get(name)
        if filling is not None and filling.cells:
            return filling.cells[0].header
    return column


def _order(stage: Stage) -> str:
    """Rows of a table come by row; those of a large file stand in order already, and sorting them costs memory."""
    return "" if stage.parameters else "ORDER BY row"


def _kinds(found: Match) -> dict[int, str]:
    """Return the kind of each of the sheet's columns that are not just text."""
    kinds: dict[int, str] = {}
    for one in found.fillings.values():
        if one.column.kind in (*NUMERIC, "time", "addresses"):
            kinds.update(dict.fromkeys((cell.index for cell in one.cells), one.column.kind))
        kinds.update({cell.index: "size" for cell in (*one.subtract_from, *one.percent_of)})
    return kinds


def _odd_columns(connection: Any, kinds: dict[int, str], stage: Stage) -> frozenset[int]:
    if not kinds:
        return frozenset()
    counts = [f"count(*) FILTER (NOT {_is_plain(index, kind)})" for index, kind in kinds.items()]
    sql = f"SELECT {', '.join(counts)} FROM {stage.relation}"
    found = connection.execute(sql, list(stage.parameters)).fetchone()
    return frozenset(index for index, count in zip(kinds, found, strict=True) if count)


def _is_plain(index: int, kind: str) -> str:
    if kind == "addresses":
        return f"discovery_is_address(c{index})"
    if kind == "time":
        return f"(regexp_matches(c{index}, '{_ISO}') AND TRY_CAST(c{index} AS TIMESTAMPTZ) IS NOT NULL)"
    return f"regexp_full_match(c{index}, '{_PLAIN_NUMBER}')"


def _has_decimal_comma(connection: Any, indexes: Sequence[int], stage: Stage) -> bool:
    """Whether values prove it: 1,5 or 1.234,5 and more of them than of 1.5 or 1,234.5."""
    every = ", ".join(f"c{index}" for index in indexes)
    sql = rf"""SELECT count(*) FILTER (regexp_matches(x, '^[-+]?\d[\d. ]*,(\d{{1,2}}|\d{{4,}})\b|\.\d{{3}},\d')),
        count(*) FILTER (regexp_matches(x, '^[-+]?\d[\d, ]*\.(\d{{1,2}}|\d{{4,}})\b|,\d{{3}}\.\d')),
        count(*) FILTER (regexp_matches(x, '^[-+]?0,\d'))
        FROM (SELECT unnest([{every}]) AS x FROM {_sample(stage)}) WHERE contains(x, ',') OR contains(x, '.')"""
    commas, points, zeros = connection.execute(sql, list(stage.parameters)).fetchone()
    return bool(commas + zeros > points)


def _is_day_first(connection: Any, index: int, stage: Stage) -> bool:
    """Whether dates begin with the day: a first part over 12 proves it, and points without other proof suggest it."""
    sql = rf"""SELECT count(*) FILTER (try_cast(regexp_extract(x, '^(\d\d?)[./-]', 1) AS INTEGER) > 12),
        count(*) FILTER (try_cast(regexp_extract(x, '^\d\d?[./-](\d\d?)[./-]', 1) AS INTEGER) > 12),
        count(*) FILTER (regexp_matches(x, '^\d\d?\.\d\d?\.'))
        FROM (SELECT c{index} AS x FROM {_sample(stage)}) WHERE regexp_matches(x, '^\d\d?[./-]\d\d?[./-]\d')"""
    days, months, points = connection.execute(sql, list(stage.parameters)).fetchone()
    return bool(days > months or (not months and points))


def _sample(stage: Stage) -> str:
    """A large file is judged by its first rows."""
    return f"(SELECT * FROM {stage.relation} LIMIT 100000)" if stage.parameters else stage.relation
