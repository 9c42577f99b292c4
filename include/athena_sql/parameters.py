"""Athena's execution parameters: ``?`` in a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot.tokens import TokenType

from include.athena_sql.errors import AthenaSqlError
from include.athena_sql.syntax import tokenize

if TYPE_CHECKING:
    from collections.abc import Sequence


def substitute_parameters(sql: str, parameters: Sequence[str]) -> str:
    """Put SQL texts in the place of each ``?`` that is not inside a text, a name or a comment.

    Raises AthenaSqlError INVALID_PARAMETER_USAGE when the counts differ.
    """
    places = [token for token in tokenize(sql) if token.token_type == TokenType.PLACEHOLDER]
    if len(places) != len(parameters):
        words = f"Incorrect number of parameters: expected {len(places)} but found {len(parameters)}"
        raise AthenaSqlError("INVALID_PARAMETER_USAGE", words, at=(1, 1))
    for token, value in reversed(list(zip(places, parameters, strict=True))):
        sql = sql[: token.start] + value + sql[token.end + 1 :]
    return sql
