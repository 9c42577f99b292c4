"""Metric math: expressions over the ids of other queries.

Source: CloudWatch user guide, "Using math expressions with CloudWatch metrics". Modelled: numbers, ids, + - * / ^,
comparisons, AND OR && ||, lists, ABS CEIL FLOOR SUM AVG MIN MAX FILL IF RATE DIFF PERIOD. SEARCH, METRICS, SELECT,
anomaly bands and the rest are refused by name. A time at which an operand has no value has no result; division by
zero has none either.
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class MathError(ValueError):
    """An expression that cannot be read, or that asks for what is not modelled."""


@dataclass(frozen=True)
class Series:
    """Values by time, in seconds since the epoch; `times` are all periods that were asked for."""

    values: dict[int, float]
    period: int
    times: tuple[int, ...] = field(default=())


Operand: TypeAlias = "float | Series | list[Operand]"

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/^(),<>\[\]]))"
)


def evaluate(expression: str, resolve: Callable[[str], Operand]) -> Operand:
    """Evaluate an expression; `resolve` gives what an id stands for. Raises MathError."""
    return _Reader(expression, resolve).whole()


class _Reader:
    """A recursive-descent evaluator; one method for each level of precedence, loosest first."""

    def __init__(self, text: str, resolve: Callable[[str], Operand]) -> None:
        self._text = text
        self._resolve = resolve
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            token = _TOKEN.match(text, position)
            if not token or not token.lastgroup:
                raise self._error(f"cannot read {text[position:].strip()[:20]!r}")
            self._tokens.append((token.lastgroup, token[token.lastgroup]))
            position = token.end()

    def _error(self, what: str) -> MathError:
        return MathError(f"Error in expression '{self._text}': {what}")

    def _next_is(self, *signs: str) -> bool:
        return bool(self._tokens) and self._tokens[0][1].upper() in signs

    def _take(self, expected: str = "") -> str:
        if not self._tokens or (expected and self._tokens[0][1] != expected):
            raise self._error(f"{expected or 'a value'} is missing")
        return self._tokens.pop(0)[1]

    def whole(self) -> Operand:
        value = self._either()
        if self._tokens:
            raise self._error(f"unexpected {self._tokens[0][1]!r}")
        return value

    def _either(self) -> Operand:
        return self._chain(self._both, {"OR": _logical_or, "||": _logical_or})

    def _both(self) -> Operand:
        return self._chain(self._comparison, {"AND": _logical_and, "&&": _logical_and})

    def _comparison(self) -> Operand:
        return self._chain(self._sum, _COMPARISONS)

    def _sum(self) -> Operand:
        return self._chain(self._product, {"+": operator.add, "-": operator.sub})

    def _product(self) -> Operand:
        return self._chain(self._power, {"*": operator.mul, "/": _divide})

    def _power(self) -> Operand:
        return self._chain(self._unary, {"^": operator.pow})

    def _chain(self, inner: Callable[[], Operand], signs: dict[str, Callable[[float, float], float]]) -> Operand:
        value = inner()
        while self._next_is(*signs):
            apply = signs[self._take().upper()]
            value = self._combine(apply, value, inner())
        return value

    def _unary(self) -> Operand:
        if self._next_is("-"):
            self._take()
            return self._combine(operator.mul, -1.0, self._unary())
        return self._primary()

    def _primary(self) -> Operand:
        if self._next_is("("):
            self._take("(")
            value = self._either()
            self._take(")")
            return value
        if self._next_is("["):
            return self._between("[", "]")
        kind = self._tokens[0][0] if self._tokens else ""
        text = self._take()
        if kind == "number":
            return float(text)
        if kind != "name":
            raise self._error(f"unexpected {text!r}")
        if self._next_is("("):
            return self._call(text)
        if text == "REPEAT":
            return math.nan  # only FILL looks at it
        return self._resolve(text)

    def _between(self, opening: str, closing: str) -> list[Operand]:
        self._take(opening)
        values = [self._either()]
        while self._next_is(","):
            self._take()
            values.append(self._either())
        self._take(closing)
        return values

    def _call(self, name: str) -> Operand:
        function = _FUNCTIONS.get(name.upper())
        if function is None:
            raise self._error(f"the local AWS does not model the function {name}")
        try:
            return function(*self._between("(", ")"))
        except TypeError as error:
            raise self._error(f"{name} does not take these operands") from error

    def _combine(self, apply: Callable[[float, float], float], left: Operand, right: Operand) -> Operand:
        try:
            return combine(apply, left, right)
        except TypeError as error:
            raise self._error("a list cannot be an operand here") from error


def combine(apply: Callable[[float, float], float], left: Operand, right: Operand) -> Operand:
    """Apply a function of two numbers at every time at which both sides have one."""
    if isinstance(left, list) or isinstance(right, list):
        raise TypeError
    shape = right if isinstance(right, Series) else left
    if not isinstance(shape, Series):
        return apply(_at(left, 0), _at(right, 0))
    times = [time for time in shape.values if not isinstance(left, Series) or time in left.values]
    results = {time: apply(_at(left, time), _at(right, time)) for time in times}
    return Series({time: value for time, value in results.items() if math.isfinite(value)}, shape.period, shape.times)


def _at(operand: float | Series, time: int) -> float:
    return operand.values[time] if isinstance(operand, Series) else operand


def _divide(left: float, right: float) -> float:
    return left / right if right else math.nan


def _logical_and(left: float, right: float) -> float:
    return float(bool(left) and bool(right))


def _logical_or(left: float, right: float) -> float:
    return float(bool(left) or bool(right))


def _compare(compare: Callable[[float, float], bool]) -> Callable[[float, float], float]:
    return lambda left, right: float(compare(left, right))


def _single(apply: Callable[[float], float]) -> Callable[[Operand], Operand]:
    return lambda value: combine(lambda number, _: apply(number), value, 0.0)


def _aggregate(reduce: Callable[[Sequence[float]], float]) -> Callable[[Operand], Operand]:
    """Reduce a series to one number, or a list of series to one series: at each time, over those that have a value."""

    def applied(value: Operand) -> Operand:
        if isinstance(value, Series):
            return reduce(list(value.values.values())) if value.values else math.nan
        if not isinstance(value, list):
            return value
        series = [member for member in value if isinstance(member, Series)]
        numbers = [member for member in value if isinstance(member, float)]
        if not series:
            return reduce(numbers)
        times = sorted(set().union(*(member.values for member in series)))
        merged = {
            time: reduce([*(member.values[time] for member in series if time in member.values), *numbers])
            for time in times
        }
        return Series(merged, series[0].period, series[0].times)

    return applied


def _fill(value: Operand, filler: Operand) -> Operand:
    if not isinstance(value, Series) or isinstance(filler, list):
        raise TypeError
    filled: dict[int, float] = {}
    for time in value.times:
        if time in value.values:
            filled[time] = value.values[time]
        elif isinstance(filler, Series):
            filled |= {time: filler.values[time]} if time in filler.values else {}
        elif math.isnan(filler):
            filled |= {time: list(filled.values())[-1]} if filled else {}
        else:
            filled[time] = filler
    return Series(filled, value.period, value.times)


def _if(condition: Operand, then: Operand, otherwise: Operand) -> Operand:
    if isinstance(condition, list) or isinstance(then, list) or isinstance(otherwise, list):
        raise TypeError
    if not isinstance(condition, Series):
        return then if condition else otherwise
    chosen = {time: then if flag else otherwise for time, flag in condition.values.items()}
    values = {
        time: _at(side, time) for time, side in chosen.items() if not isinstance(side, Series) or time in side.values
    }
    return Series(values, condition.period, condition.times)


def _steps(value: Operand) -> tuple[Series, list[tuple[int, int]]]:
    if not isinstance(value, Series):
        raise TypeError
    times = sorted(value.values)
    return value, list(pairwise(times))


def _diff(value: Operand) -> Operand:
    series, steps = _steps(value)
    return Series({b: series.values[b] - series.values[a] for a, b in steps}, series.period, series.times)


def _rate(value: Operand) -> Operand:
    series, steps = _steps(value)
    rates = {b: (series.values[b] - series.values[a]) / (b - a) for a, b in steps}
    return Series(rates, series.period, series.times)


def _period(value: Operand) -> Operand:
    if not isinstance(value, Series):
        raise TypeError
    return float(value.period)


_COMPARISONS = {
    sign: _compare(function)
    for sign, function in {
        "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
    }.items()
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Operand]] = {
    "ABS": _single(abs), "CEIL": _single(math.ceil), "FLOOR": _single(math.floor), "SUM": _aggregate(math.fsum),
    "AVG": _aggregate(lambda numbers: math.fsum(numbers) / len(numbers)), "MIN": _aggregate(min),
    "MAX": _aggregate(max), "FILL": _fill, "IF": _if, "RATE": _rate, "DIFF": _diff, "PERIOD": _period,
}  # fmt: skip
