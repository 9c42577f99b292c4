"""Athena's SELECT statements as sqlglot trees that keep every function's own name.

sqlglot's parser is used for its grammar only. Its function table is emptied, because it renames and rearranges calls;
the allow-list in `catalogue` decides about them. What the grammar accepts beyond Trino is refused by `dispatch`, where
every node and every argument of a node must be known.
"""

from __future__ import annotations

from typing import Any

from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import TokenType

from include.athena_sql.errors import AthenaSqlError


def _explicit_cast(strict: bool) -> Any:
    """Parse CAST(x AS t) and mark it, so that the typed literal DECIMAL '1.5' can be told from it."""

    def parse(parser: Any) -> Any:
        node = parser._parse_cast(strict)
        node.meta["explicit"] = True
        return node

    return parse


_KEPT = ("EXTRACT", "TRIM", "POSITION", "NORMALIZE", "LISTAGG", "SUBSTRING")
_FUNCTION_PARSERS = {name: Trino.Parser.FUNCTION_PARSERS[name] for name in _KEPT} | {
    "CAST": _explicit_cast(True),
    "TRY_CAST": _explicit_cast(False),
}
_PARSER = type(Trino.Parser)(
    "AthenaSelectParser", (Trino.Parser,), {"FUNCTIONS": {}, "FUNCTION_PARSERS": _FUNCTION_PARSERS}
)
# Subscripts keep the numbers that the query gives: Trino's arrays start at 1 and so do DuckDB's.
_DIALECT = type(Trino)("AthenaSelect", (Trino,), {"Parser": _PARSER, "INDEX_OFFSET": 0})()
_QUERIES = ("Select", "Union", "Except", "Intersect", "Values", "Subquery")


def tokenize(sql: str) -> list[Any]:
    """Tokens of an Athena statement; raises AthenaSqlError for an unterminated string or a foreign character."""
    try:
        return list(_DIALECT.tokenize(sql))
    except TokenError as error:
        raise AthenaSqlError("SYNTAX_ERROR", f"line 1:1: {str(error).splitlines()[0]}") from error


def parse_query(sql: str) -> Any:
    """The tree of one SELECT, WITH, VALUES or set operation; anything else raises AthenaSqlError."""
    tokens = tokenize(sql)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.token_type == TokenType.DCOLON or (token.token_type == TokenType.L_BRACKET and _starts(before)):
            at = (token.line, token.col - len(token.text) + 1)
            raise AthenaSqlError("SYNTAX_ERROR", f"mismatched input '{token.text}'", at=at)
        if token.token_type in (TokenType.PLACEHOLDER, TokenType.PARAMETER):
            raise AthenaSqlError("INVALID_PARAMETER_USAGE", "Incorrect number of parameters: expected 1 but found 0")
    try:
        trees = [tree for tree in _DIALECT.parser().parse(tokens, sql) if tree is not None]
    except ParseError as error:
        raise _syntax_error(error) from error
    if len(trees) != 1:
        raise AthenaSqlError("INVALID_REQUEST", "Only one sql statement is allowed")
    if type(trees[0]).__name__ not in _QUERIES:
        raise AthenaSqlError("SYNTAX_ERROR", "line 1:1: only SELECT, WITH and VALUES queries can be translated")
    return trees[0]


def _starts(before: Any) -> bool:
    """Whether a bracket stands where an expression starts: there Trino wants ARRAY[...]."""
    words = (TokenType.SELECT, TokenType.DISTINCT)
    return before is None or before.token_type in words or before.text in {",", "(", "[", "=", "<", ">", "+", "-", "||"}


def _syntax_error(error: Any) -> AthenaSqlError:
    found = error.errors[0] if error.errors else {}
    word = found.get("highlight") or "<EOF>"
    at = (found.get("line") or 1, max(1, (found.get("col") or 1) - len(word) + 1))
    return AthenaSqlError("SYNTAX_ERROR", f"mismatched input '{word}'", at=at)


def position(node: Any) -> tuple[int, int]:
    """Line and column, from 1, at which a node starts."""
    starts = [
        (meta["start"], meta["line"], meta["col"] - (meta["end"] - meta["start"]))
        for part in node.walk()
        if "start" in (meta := part.meta)
    ]
    return min(starts)[1:] if starts else (1, 1)


def is_a(node: Any, *names: str) -> bool:
    """Whether a node is one of these sqlglot classes."""
    return type(node).__name__ in names


def parts(node: Any, *names: str) -> list[Any]:
    """The nodes of these classes in a tree, the tree itself among them."""
    return [part for part in node.walk() if is_a(part, *names)]


def literal_number(node: Any) -> int | None:
    """The value of a whole-number literal."""
    return int(node.name) if is_a(node, "Literal") and not node.is_string and node.name.isdigit() else None


def type_text(node: Any) -> str:
    """A type in Trino's notation; a bare DECIMAL in a cast is decimal(38, 0)."""
    text = node.sql(dialect="trino")
    return "DECIMAL(38, 0)" if text.upper() == "DECIMAL" else str(text)


def chain(node: Any, name: str) -> list[Any]:
    """The terms of a AND b AND c, or of a OR b OR c; a long chain is a deep tree."""
    terms, open_nodes = [], [node]
    while open_nodes:
        part = open_nodes.pop()
        while is_a(part, "Paren") and is_a(part.this, name, "Paren"):
            part = part.this
        if is_a(part, name):
            open_nodes += [part.expression, part.this]
        else:
            terms.append(part)
    return terms
