"""Parsed batches by their text without its literals: clients build literals into the text, statements repeat."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.tsql.parser import Batch, parse
from include.standins.sqlserver.tsql.tokens import Token, tokenize

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_TEXTS = 2000
_MOST_VARIANTS = 20


class Batches:
    """Parses batches, and remembers them."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], list[Batch]] = {}
        self._lock = threading.Lock()

    def read(self, sql: str) -> tuple[Batch, list[Any]]:
        """Return the batch and the values of its literals.

        :raises SqlError: for what is not T-SQL or is not modelled.
        """
        tokens = tokenize(sql)
        literals = [token.value for token in tokens if token.slot >= 0]
        key = tuple(map(_mark, tokens))
        for batch in self._known.get(key, ()):
            if fits(batch.baked.items(), literals):
                return batch, literals
        batch = parse(tokens)
        with self._lock:
            if len(self._known) >= _MOST_TEXTS:
                self._known.clear()
            variants = self._known.setdefault(key, [])
            if len(variants) >= _MOST_VARIANTS:
                variants.clear()
            variants.append(batch)
        return batch, literals


def _mark(token: Token) -> object:
    if token.slot < 0:
        return token.text
    return token.type


def fits(baked: Sequence[tuple[int, Any]] | Any, literals: Sequence[Any]) -> bool:
    """Whether a batch or statement made for some literals is good for these."""
    return all(literals[slot] == value and type(literals[slot]) is type(value) for slot, value in baked)
