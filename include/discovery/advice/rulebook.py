"""Rules as data: read from YAML, checked, and spoken over a table of facts in one statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from include.discovery.advice.conditions import Binding, Facts, RuleError, condition_sql

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA: Final = Path(__file__).parent / "data"
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLACE: Final = re.compile(r"\{([a-z_0-9]+)(?::\.([0-3])f)?\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `then` is what it decides; a note decides nothing; a fallback holds only if none before it decides."""

    id: str
    when: Any
    then: str
    sentence: str
    source: str
    as_of: str
    confidence: float
    is_fallback: bool
    details: dict[str, Any]

    @property
    def is_note(self) -> bool:
        """Whether it decides nothing."""
        return not self.then


@cache
def load(name: str) -> dict[str, Any]:
    """Return a YAML file of the package's data folder as plain data."""
    with (DATA / name).open(encoding="utf-8") as file:
        found = yaml.load(file, Loader=_LOADER)  # noqa: S506  # a subclass of SafeLoader, or SafeLoader itself
    return dict(found)


def read_rules(name: str, part: str, *, disabled: Sequence[str] = ()) -> tuple[Rule, ...]:
    """Return the rules of one part of a data file, in order, without the disabled ones.

    :raises RuleError: a rule lacks a key, or `disabled` names no rule of the file.
    """
    rules = tuple(_rule(one) for one in load(name)[part])
    if len({rule.id for rule in rules}) != len(rules):
        raise RuleError(f"{name} has two rules with the same id; rename one.")
    return tuple(rule for rule in rules if rule.id not in disabled)


def _rule(found: dict[str, Any]) -> Rule:
    rest = dict(found)
    try:
        taken = {key: rest.pop(key) for key in ("id", "when", "sentence", "source", "as_of")}
    except KeyError as error:
        raise RuleError(f"the rule {found.get('id', found)!r} lacks {error.args[0]}; add it.") from None
    then, confidence, is_fallback = rest.pop("then", ""), rest.pop("confidence", 1.0), rest.pop("fallback", False)
    return Rule(**taken, then=then, confidence=float(confidence), is_fallback=is_fallback, details=rest)


def speak(connection: Any, *, rules: Sequence[Rule], facts: Facts, into: str) -> None:
    """Apply rules to every row of the facts; create the temporary table `into`.

    Its columns: the key, `winner` (index of the first rule that decides, NULL: none) and `said` (VARCHAR[]: the
    sentences of all rules that hold, in the rules' order, each as `then by id: sentence`).
    """
    binding = Binding()
    bare = ", ".join(f"{_checked(rule, facts, binding)} AS b{i}" for i, rule in enumerate(rules))
    holds = ", ".join(f"{_holds_sql(i, rules)} AS r{i}" for i in range(len(rules)))
    first = " ".join(f"WHEN r{i} THEN {i}" for i, rule in enumerate(rules) if not rule.is_note)
    said = ", ".join(f"CASE WHEN r{i} THEN {_said_sql(rule, facts, binding)} END" for i, rule in enumerate(rules))
    connection.execute(
        f'CREATE OR REPLACE TEMP TABLE "{into}" AS '
        f'WITH bare AS (SELECT *, {bare} FROM "{facts.table}"), spoken AS (SELECT *, {holds} FROM bare) '
        f'SELECT "{facts.key}", {f"CASE {first} END" if first else "NULL::INTEGER"} AS winner, '
        f"list_filter([{said}], lambda one: one IS NOT NULL) AS said FROM spoken",
        binding.values,
    ).fetchall()


def _checked(rule: Rule, facts: Facts, binding: Binding) -> str:
    try:
        return condition_sql(rule.when, facts, binding)
    except RuleError as error:
        raise RuleError(f"rule {rule.id}: {error}") from None


def _holds_sql(index: int, rules: Sequence[Rule]) -> str:
    """Return whether a rule holds, over the columns b0, b1, ... with what the conditions alone say."""
    before = [f"b{i}" for i in range(index) if not rules[i].is_note]
    return f"(b{index} AND NOT ({' OR '.join(before)}))" if rules[index].is_fallback and before else f"b{index}"


def _said_sql(rule: Rule, facts: Facts, binding: Binding) -> str:
    """Return the SQL of a sentence with its figures: `{column}` or `{column:.1f}`."""
    head = f"{rule.then} by {rule.id}: " if rule.then else f"note {rule.id}: "
    parts, end, text = [], 0, head + rule.sentence
    for place in _PLACE.finditer(text):
        parts.append(binding.bind(text[end : place.start()]) + "::VARCHAR")
        parts.append(_figure_sql(place, rule, facts, binding))
        end = place.end()
    parts.append(binding.bind(text[end:]) + "::VARCHAR")
    return "concat(" + ", ".join(parts) + ")"


def _figure_sql(place: re.Match[str], rule: Rule, facts: Facts, binding: Binding) -> str:
    column, digits = place.group(1), place.group(2)
    if column in facts.settings and column not in facts.columns:
        value = facts.settings[column]
        return binding.bind(f"{value:g}" if isinstance(value, float) else str(value)) + "::VARCHAR"
    if column not in facts.columns:
        raise RuleError(f"rule {rule.id}: its sentence shows {column}, which is no column of {facts.table}.")
    if facts.columns[column] == "VARCHAR[]":
        return f"""array_to_string("{column}", ', ')"""
    if digits is not None:
        return f"""coalesce(printf('%.{digits}f', "{column}"::DOUBLE), 'unknown')"""
    return f"""coalesce("{column}"::VARCHAR, 'unknown')"""


def keep_rows(connection: Any, table: str, columns: dict[str, str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Create a temporary table of a few rows in two statements; `columns` maps names to DuckDB types."""
    listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    connection.execute(f'CREATE OR REPLACE TEMP TABLE "{table}" ({listed})').fetchall()
    values = {f"c{i}": [row[i] for row in rows] for i in range(len(columns))}
    taken = ", ".join(f"unnest($c{i}::{kind}[])" for i, kind in enumerate(columns.values()))
    connection.execute(f'INSERT INTO "{table}" SELECT {taken}', values).fetchall()
