"""Expressions and conditions, by precedence: OR, AND, NOT, predicates, sums, products, signs, atoms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.tsql import expressions as ast
from include.standins.sqlserver.tsql import query_tree as tree
from include.standins.sqlserver.tsql.parse_calls import parse_call, parse_case, parse_cast, parse_convert
from include.standins.sqlserver.tsql.tokens import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.standins.sqlserver.tsql.cursor import TokenCursor

_COMPARISONS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "!<": ">=", "!>": "<="}
_SUMS = frozenset("+-&|^")
_PRODUCTS = frozenset("*/%")
_CALLABLE_KEYWORDS = frozenset(("LEFT", "RIGHT", "COALESCE", "NULLIF", "USER", "SYSTEM_USER", "CURRENT_USER"))
_BARE_FUNCTIONS = frozenset(("CURRENT_TIMESTAMP", "SYSTEM_USER", "CURRENT_USER", "SESSION_USER", "USER"))
_CONSTANTS: dict[str, Callable[[], ast.Expression]] = {"NULL": ast.Null, "DEFAULT": ast.Default}
_CONVERSIONS = {"CAST": parse_cast, "TRY_CAST": parse_cast, "CONVERT": parse_convert, "TRY_CONVERT": parse_convert}


def parse_expression(cursor: TokenCursor) -> ast.Expression:
    """Read a value or a condition; which of the two is right there is decided when it is compiled."""
    left = _conjunction(cursor)
    while cursor.accept("OR"):
        left = ast.Logical("OR", left, _conjunction(cursor))
    return left


def _conjunction(cursor: TokenCursor) -> ast.Expression:
    left = _negation(cursor)
    while cursor.accept("AND"):
        left = ast.Logical("AND", left, _negation(cursor))
    return left


def _negation(cursor: TokenCursor) -> ast.Expression:
    if cursor.accept("NOT"):
        return ast.Not(_negation(cursor))
    return _predicate(cursor)


def _predicate(cursor: TokenCursor) -> ast.Expression:
    if cursor.at_words("EXISTS") and cursor.ahead().value == "(":
        cursor.advance()
        return ast.Exists(_parenthesised_query(cursor))
    left = parse_value(cursor)
    if cursor.here.kind is Kind.OPERATOR and cursor.here.value in _COMPARISONS:
        operator = _COMPARISONS[cursor.advance().value]
        if cursor.at_word("ANY", "ALL", "SOME"):
            raise cursor.refuse(f"A comparison with {cursor.here.value}")
        return ast.Comparison(operator, left, parse_value(cursor))
    if cursor.accept("IS"):
        negated = cursor.accept("NOT")
        if cursor.at_word("DISTINCT"):
            raise cursor.refuse("IS DISTINCT FROM")
        cursor.expect("NULL")
        return ast.IsNull(left, negated)
    return _named_predicate(cursor, left)


def _named_predicate(cursor: TokenCursor, left: ast.Expression) -> ast.Expression:
    negated = cursor.at_word("NOT") and cursor.ahead().value in {"BETWEEN", "IN", "LIKE"}
    if negated:
        cursor.advance()
    if cursor.accept("BETWEEN"):
        low = parse_value(cursor)
        cursor.expect("AND")
        return ast.Between(left, low, parse_value(cursor), negated)
    if cursor.accept("IN"):
        return _membership(cursor, left, negated=negated)
    if cursor.accept("LIKE"):
        pattern = parse_value(cursor)
        escape = parse_value(cursor) if cursor.accept("ESCAPE") else None
        return ast.Like(left, pattern, escape, negated)
    return left


def _membership(cursor: TokenCursor, left: ast.Expression, *, negated: bool) -> ast.Expression:
    if _opens_query(cursor):
        return ast.InQuery(left, _parenthesised_query(cursor), negated)
    cursor.expect_operator("(")
    items = parse_list(cursor, parse_value)
    cursor.expect_operator(")")
    return ast.InList(left, tuple(items), negated)


def parse_list(cursor: TokenCursor, item: Callable[[TokenCursor], ast.Expression]) -> list[ast.Expression]:
    """Read items between commas."""
    items = [item(cursor)]
    while cursor.accept_operator(","):
        items.append(item(cursor))
    return items


def parse_value(cursor: TokenCursor) -> ast.Expression:
    """Read a value: sums of products of atoms."""
    left = _product(cursor)
    while cursor.here.kind is Kind.OPERATOR and cursor.here.value in _SUMS:
        left = ast.Binary(cursor.advance().value, left, _product(cursor))
    return left


def _product(cursor: TokenCursor) -> ast.Expression:
    left = _signed(cursor)
    while cursor.here.kind is Kind.OPERATOR and cursor.here.value in _PRODUCTS:
        left = ast.Binary(cursor.advance().value, left, _signed(cursor))
    return left


def _signed(cursor: TokenCursor) -> ast.Expression:
    if cursor.here.kind is Kind.OPERATOR and cursor.here.value in {"-", "+", "~"}:
        return ast.Unary(cursor.advance().value, _signed(cursor))
    value = _atom(cursor)
    while cursor.accept("COLLATE"):
        value = ast.Collate(value, cursor.name())
    if cursor.at_words("AT", "TIME", "ZONE"):
        raise cursor.refuse("AT TIME ZONE")
    return value


def _atom(cursor: TokenCursor) -> ast.Expression:
    token = cursor.here
    if token.kind is Kind.LITERAL:
        cursor.advance()
        return ast.Literal(token.slot, token.type)
    if token.kind is Kind.VARIABLE:
        cursor.advance()
        return ast.Variable(token.value)
    if token.kind is Kind.GLOBAL:
        cursor.advance()
        return ast.Global(token.value)
    if token.kind is Kind.OPERATOR:
        return _operator_atom(cursor)
    if token.kind is Kind.WORD:
        return _word_atom(cursor)
    if token.kind is Kind.QUOTED:
        return _column_or_call(cursor)
    raise cursor.error()


def _operator_atom(cursor: TokenCursor) -> ast.Expression:
    if cursor.accept_operator("*"):
        return ast.Star()
    if _opens_query(cursor):
        return ast.Subquery(_parenthesised_query(cursor))
    if cursor.accept_operator("("):
        inner = parse_expression(cursor)
        cursor.expect_operator(")")
        return inner
    raise cursor.error()


def _word_atom(cursor: TokenCursor) -> ast.Expression:
    word = str(cursor.here.value)
    if word in _CONSTANTS:
        cursor.advance()
        return _CONSTANTS[word]()
    if word == "CASE":
        return parse_case(cursor)
    opens = cursor.ahead().value == "(" and cursor.ahead().kind is Kind.OPERATOR
    if opens and word in _CONVERSIONS:
        return _CONVERSIONS[word](cursor)
    if opens and word in _CALLABLE_KEYWORDS:
        cursor.advance()
        return parse_call(cursor, word)
    if word in _BARE_FUNCTIONS and not opens:
        cursor.advance()
        return ast.Call(word, ())
    return _column_or_call(cursor)


def _column_or_call(cursor: TokenCursor) -> ast.Expression:
    parts = [cursor.name()]
    while cursor.accept_operator("."):
        if cursor.accept_operator("*"):
            return ast.Star(tuple(parts))
        parts.append("" if cursor.at_operator(".") else cursor.name())
    if cursor.at_operator("("):
        if len(parts) > 1:
            raise cursor.refuse(f"Function {'.'.join(parts)}")
        return parse_call(cursor, parts[0].upper())
    if cursor.at_operator("::"):
        raise cursor.refuse("A method of a type")
    return ast.Name(tuple(parts))


def _opens_query(cursor: TokenCursor) -> bool:
    """Whether a parenthesis here holds a query; `((SELECT 1))` does too."""
    offset = 0
    while (token := cursor.ahead(offset)).kind is Kind.OPERATOR and token.value == "(":
        offset += 1
    return (
        offset > 0
        and cursor.ahead(offset).kind is Kind.WORD
        and cursor.ahead(offset).value in {"SELECT", "WITH"}
        and (offset == 1 or _closes_with(cursor, offset))
    )


def _closes_with(cursor: TokenCursor, depth: int) -> bool:
    """Whether the parentheses opened together also close together, so that they hold nothing but the query."""
    level, at = depth, depth
    while level:
        token = cursor.ahead(at)
        if token.kind is Kind.END:
            return False
        if token.kind is Kind.OPERATOR and token.value in "()":
            level += 1 if token.value == "(" else -1
            if level < depth and level and cursor.ahead(at + 1).value != ")":
                return False
        at += 1
    return True


def _parenthesised_query(cursor: TokenCursor) -> tree.Query:
    # Queries contain expressions and expressions contain queries: one of the two modules imports the other late.
    from include.standins.sqlserver.tsql.parse_queries import parse_query

    cursor.expect_operator("(")
    query = _parenthesised_query(cursor) if _opens_query(cursor) else parse_query(cursor)
    cursor.expect_operator(")")
    return query
