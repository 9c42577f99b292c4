"""Expressions of Insights queries: comparisons, arithmetic, functions, and aggregates within stats.

Source: CloudWatch Logs user guide, "Supported operations and functions". An expression becomes a function of a row.
Functions that are not in the tables below are refused by name.
"""

from __future__ import annotations

import math
import operator
import re
from typing import TYPE_CHECKING, TypeAlias

from include.standins.aws.logs_insights_rows import Moment, Row, Value, compare, number, shown
from include.standins.aws.logs_insights_stats import AGGREGATES, count, percentile
from include.standins.aws.logs_insights_text import Scanner, Token, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Expression: TypeAlias = Callable[[Row], Value]
    Aggregate: TypeAlias = Callable[[Sequence[Row]], Value]

_SPANS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_ORDERS: dict[str, Callable[[int], bool]] = {
    "=": lambda order: order == 0, "!=": lambda order: order != 0, "<": lambda order: order < 0,
    "<=": lambda order: order <= 0, ">": lambda order: order > 0, ">=": lambda order: order >= 0,
}  # fmt: skip
_SUMS: dict[str, Callable[[float, float], float]] = {"+": operator.add, "-": operator.sub}
_PRODUCTS: dict[str, Callable[[float, float], float]] = {
    "*": operator.mul, "/": operator.truediv, "%": operator.mod, "^": operator.pow,
}  # fmt: skip


class Reader:
    """Reads expressions from a scanner, loosest operator first; raises AwsError MalformedQueryException.

    :param aggregates: where stats collects its aggregates; None where none may stand.
    """

    def __init__(self, scanner: Scanner, aggregates: list[Aggregate] | None = None) -> None:
        self._scanner = scanner
        self._aggregates = aggregates

    def expression(self) -> Expression:
        """Read a whole expression."""
        terms = [self._conjunction()]
        while self._scanner.take_if("or"):
            terms.append(self._conjunction())
        return terms[0] if len(terms) == 1 else lambda row: int(any(term(row) for term in terms))

    def _conjunction(self) -> Expression:
        terms = [self._negation()]
        while self._scanner.take_if("and"):
            terms.append(self._negation())
        return terms[0] if len(terms) == 1 else lambda row: int(all(term(row) for term in terms))

    def _negation(self) -> Expression:
        if self._scanner.take_if("not"):
            inner = self._negation()
            return lambda row: int(not inner(row))
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._arithmetic()
        if self._scanner.take_if("not"):
            found = self._search(left)
            if found is None:
                raise self._scanner.unexpected(self._scanner.peek(), "like or in is expected")
            return lambda row: int(left(row) is not None and not found(row))
        searched = self._search(left)
        if searched:
            return searched
        if not self._scanner.is_next(*_ORDERS):
            return left
        holds, right = _ORDERS[self._scanner.take().text], self._arithmetic()

        def compared(row: Row) -> int:
            order = compare(left(row), right(row))
            return int(order is not None and holds(order))

        return compared

    def _search(self, left: Expression) -> Expression | None:
        if self._scanner.take_if("like", "=~"):
            pattern = self._scanner.regex()
            if pattern is None:
                pattern = re.compile(re.escape(plain(self._scanner.expect_kind("string"))))
            return lambda row: int((value := left(row)) is not None and pattern.search(shown(value)) is not None)
        if self._scanner.take_if("in"):
            options = self._list("[", "]")
            return lambda row: int(any(compare(left(row), option(row)) == 0 for option in options))
        return None

    def _list(self, opening: str, closing: str) -> list[Expression]:
        self._scanner.expect(opening)
        members: list[Expression] = []
        while not self._scanner.is_next(closing):
            if members:
                self._scanner.expect(",")
            members.append(self.expression())
        self._scanner.expect(closing)
        return members

    def _arithmetic(self) -> Expression:
        left = self._product()
        while self._scanner.is_next(*_SUMS):
            left = _calculated(_SUMS[self._scanner.take().text], left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._unary()
        while self._scanner.is_next(*_PRODUCTS):
            left = _calculated(_PRODUCTS[self._scanner.take().text], left, self._unary())
        return left

    def _unary(self) -> Expression:
        if self._scanner.take_if("-"):
            inner = self._unary()
            return _calculated(operator.sub, lambda _row: 0, inner)
        if self._scanner.take_if("("):
            inside = self.expression()
            self._scanner.expect(")")
            return inside
        return self._primary(self._scanner.expect_kind("name", "quoted", "number", "string"))

    def _primary(self, token: Token) -> Expression:
        if token.kind == "string":
            text = plain(token)
            return lambda _row: text
        if token.kind == "number":
            value = float(token.text) if "." in token.text else int(token.text)
            return lambda _row: value
        if token.kind == "name" and self._scanner.is_next("("):
            return self._call(token)
        if token.kind == "name" and token.text in ("true", "false"):
            flag = int(token.text == "true")
            return lambda _row: flag
        return field_value(plain(token))

    def _call(self, name: Token) -> Expression:
        function = name.text.lower()
        if function in ("bin", "datefloor"):
            return self._bin(function)
        if function in AGGREGATES or function in ("count", "pct", "median"):
            return self._aggregate(name)
        if function not in _FUNCTIONS:
            raise self._scanner.unexpected(name, "the local AWS does not model this function")
        arguments = self._list("(", ")")
        least, apply = _FUNCTIONS[function]
        if len(arguments) < least:
            raise self._scanner.unexpected(name, f"it takes {least} or more arguments")
        return lambda row: apply([argument(row) for argument in arguments])

    def _bin(self, function: str) -> Expression:
        self._scanner.expect("(")
        of = field_value("@timestamp")
        if function == "datefloor":
            of = self.expression()
            self._scanner.expect(",")
        span = self._scanner.expect_kind("span").text
        self._scanner.expect(")")
        digits = re.match(r"\d+", span)
        step = int(digits[0] if digits else 1) * _SPANS[span.lstrip("0123456789")]

        def floor(row: Row) -> Value:
            at = number(of(row))
            return None if at is None else Moment(int(at) // step * step)

        return floor

    def _aggregate(self, name: Token) -> Expression:
        if self._aggregates is None:
            raise self._scanner.unexpected(name, "aggregates belong into stats")
        slot = f"\0{len(self._aggregates)}"
        self._aggregates.append(self._read_aggregate(name.text.lower()))
        return lambda row: row.get(slot)

    def _read_aggregate(self, function: str) -> Aggregate:
        if function == "count":
            of = self._counted()
            return lambda rows: count(rows, of)
        self._scanner.expect("(")
        of = Reader(self._scanner).expression()
        percent = 50.0
        if function == "pct":
            self._scanner.expect(",")
            percent = float(self._scanner.expect_kind("number").text)
        self._scanner.expect(")")
        if function in ("pct", "median"):
            return lambda rows: percentile(rows, of, percent)
        return lambda rows: AGGREGATES[function](rows, of)

    def _counted(self) -> Expression | None:
        self._scanner.expect("(")
        if self._scanner.take_if(")"):
            return None
        of = None if self._scanner.take_if("*") else Reader(self._scanner).expression()
        self._scanner.expect(")")
        return of


def field_value(name: str) -> Expression:
    """Give the expression of a field."""
    return lambda row: row.get(name)


def _calculated(apply: Callable[[float, float], float], left: Expression, right: Expression) -> Expression:
    def result(row: Row) -> Value:
        a, b = number(left(row)), number(right(row))
        if a is None or b is None:
            return None
        try:
            return apply(a, b)
        except (ZeroDivisionError, OverflowError):
            return None

    return result


def _of_number(apply: Callable[[float], float]) -> Callable[[list[Value]], Value]:
    return lambda values: None if (value := number(values[0])) is None else apply(value)


def _of_text(apply: Callable[[str], Value]) -> Callable[[list[Value]], Value]:
    return lambda values: None if values[0] is None else apply(shown(values[0]))


def _replace(values: list[Value]) -> Value:
    text, old, new = (shown(value) for value in values[:3])
    return None if values[0] is None else text.replace(old, new)


_FUNCTIONS: dict[str, tuple[int, Callable[[list[Value]], Value]]] = {
    "ispresent": (1, lambda values: int(values[0] is not None)),
    "isempty": (1, lambda values: int(values[0] in (None, ""))),
    "isblank": (1, lambda values: int(values[0] is None or not shown(values[0]).strip())),
    "coalesce": (1, lambda values: next((value for value in values if value is not None), None)),
    "concat": (1, lambda values: "".join(shown(value) for value in values if value is not None)),
    "strcontains": (2, lambda values: int(values[0] is not None and shown(values[1]) in shown(values[0]))),
    "replace": (3, _replace),
    "strlen": (1, _of_text(len)), "tolower": (1, _of_text(str.lower)), "toupper": (1, _of_text(str.upper)),
    "trim": (1, _of_text(str.strip)), "ltrim": (1, _of_text(str.lstrip)), "rtrim": (1, _of_text(str.rstrip)),
    "abs": (1, _of_number(abs)), "ceil": (1, _of_number(math.ceil)), "floor": (1, _of_number(math.floor)),
    "frommillis": (1, lambda values: None if (at := number(values[0])) is None else Moment(int(at))),
    "tomillis": (1, lambda values: None if (at := number(values[0])) is None else int(at)),
}  # fmt: skip
