"""Conditions of rules: a small typed language that becomes one SQL expression.

A condition is a mapping: `all`, `any` (lists) or `not` of conditions, or a comparison
`{column: cpu_p95, op: lt, value: 2}`. Instead of `value` stands `than`, the name of another column. A value `$name` is
the setting of that name. Columns are checked against the facts they are asked of; values travel as parameters.
A comparison with an unknown value (NULL) is false, so that `not` of it is true: nothing is decided by absence unless
the rule says `unknown`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_ORDER: Final = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=", "ne": "<>"}
_NUMBERS: Final = frozenset({"INTEGER", "BIGINT", "DOUBLE"})
_KINDS: Final = {
    "known": None, "unknown": None,
    "lt": "ordered", "le": "ordered", "gt": "ordered", "ge": "ordered", "eq": "plain", "ne": "plain",
    "in": "text", "not_in": "text", "matches": "text", "is": "boolean", "has_any": "list",
}  # fmt: skip


class RuleError(ValueError):
    """A rule that cannot be applied: the sentence names it and says what to correct."""


@dataclass(slots=True)
class Binding:
    """Values of one statement by the names that stand for them in the SQL."""

    values: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: Any) -> str:
        """Keep a value and return the `$name` that stands for it."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may ask: a table, its key, its columns (name to DuckDB type) and the settings behind `$name`."""

    table: str
    key: str
    columns: Mapping[str, str]
    settings: Mapping[str, Any]


def condition_sql(node: Any, facts: Facts, binding: Binding) -> str:
    """Return the SQL of a condition; never NULL.

    :raises RuleError: an unknown column, operator or setting, or an operator that does not fit the column's type.
    """
    if not isinstance(node, dict) or not node:
        raise RuleError(f"the condition {node!r} is no mapping; write all, any, not, or column with op.")
    if "column" in node:
        return _comparison_sql(node, facts, binding)
    if len(node) != 1 or next(iter(node)) not in ("all", "any", "not", "always"):
        raise RuleError(f"the condition has the keys {sorted(node)}; write one of all, any, not, always, or a column.")
    word, below = next(iter(node.items()))
    if word == "always":
        return "TRUE"
    if word == "not":
        return f"(NOT {condition_sql(below, facts, binding)})"
    if not isinstance(below, list) or not below:
        raise RuleError(f"`{word}` needs a list of conditions.")
    return "(" + (" AND " if word == "all" else " OR ").join(condition_sql(one, facts, binding) for one in below) + ")"


def _comparison_sql(node: dict[str, Any], facts: Facts, binding: Binding) -> str:
    column, operator = node["column"], node.get("op")
    if strange := sorted(set(node) - {"column", "op", "value", "than"}):
        raise RuleError(f"the comparison of {column} has the unknown key {strange[0]}; drop it.")
    kind = _column_kind(column, facts)
    if operator not in _KINDS:
        raise RuleError(f"`{operator}` is no operator; use one of {', '.join(_KINDS)}.")
    if operator in ("known", "unknown"):
        return f'("{column}" IS {"NOT " if operator == "known" else ""}NULL)'
    _refuse_unfit(column, kind, operator)
    if "than" in node:
        if operator not in _ORDER or _column_kind(node["than"], facts) not in (kind, *_like(kind)):
            raise RuleError(f"{column} cannot be compared with {node['than']} by {operator}.")
        return f'coalesce("{column}" {_ORDER[operator]} "{node["than"]}", FALSE)'
    return _against_value(column, operator, binding.bind(_value(node, kind, operator, facts)))


def _column_kind(column: Any, facts: Facts) -> str:
    if column not in facts.columns:
        raise RuleError(f"{column!r} is no column of {facts.table}; it has {', '.join(sorted(facts.columns))}.")
    return facts.columns[column]


def _like(kind: str) -> tuple[str, ...]:
    return tuple(_NUMBERS) if kind in _NUMBERS else ()


def _refuse_unfit(column: str, kind: str, operator: str) -> None:
    needs = _KINDS[operator]
    fits = {
        "ordered": kind in _NUMBERS or kind == "DATE",
        "plain": kind in _NUMBERS or kind in ("VARCHAR", "DATE"),
        "text": kind == "VARCHAR",
        "boolean": kind == "BOOLEAN",
        "list": kind == "VARCHAR[]",
    }
    if needs is not None and not fits[needs]:
        raise RuleError(f"`{operator}` does not fit {column}, which is {kind}.")


def _value(node: dict[str, Any], kind: str, operator: str, facts: Facts) -> Any:
    if "value" not in node:
        raise RuleError(f"the comparison of {node['column']} lacks `value` or `than`.")
    value = node["value"]
    if isinstance(value, str) and value.startswith("$"):
        if value[1:] not in facts.settings:
            raise RuleError(f"{value} is no setting; use one of {', '.join(sorted(facts.settings))}.")
        value = facts.settings[value[1:]]
    if operator in ("in", "not_in", "has_any"):
        value = [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
    wanted = {"BOOLEAN": bool, "VARCHAR": str, "VARCHAR[]": list}.get(kind)
    if operator in ("in", "not_in"):
        wanted = list
    if wanted is not None and not isinstance(value, wanted):
        raise RuleError(f"{node['column']} is {kind}; {value!r} does not fit.")
    return value


def _against_value(column: str, operator: str, name: str) -> str:
    sql = {
        "in": f'list_contains({name}::VARCHAR[], "{column}")',
        "not_in": f'NOT list_contains({name}::VARCHAR[], "{column}")',
        "matches": f'regexp_matches("{column}", {name}::VARCHAR)',
        "has_any": f'list_has_any("{column}", {name}::VARCHAR[])',
        "is": f'"{column}" = {name}',
    }.get(operator)
    return f"coalesce({sql or f'{chr(34)}{column}{chr(34)} {_ORDER[operator]} {name}'}, FALSE)"
