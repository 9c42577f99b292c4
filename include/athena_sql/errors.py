"""Refusals and failures in Athena's words."""

from __future__ import annotations


class AthenaSqlError(Exception):
    """A query that Athena would refuse or that failed while running.

    `code` is Trino's error name (``SYNTAX_ERROR``, ``COLUMN_NOT_FOUND``, ``DIVISION_BY_ZERO`` ...), `message` the text
    behind it. ``str(error)`` is what Athena shows as StateChangeReason: ``CODE: line 1:8: message``.
    """

    def __init__(self, code: str, message: str, *, at: tuple[int, int] | None = None) -> None:
        self.code = code
        self.message = f"line {at[0]}:{at[1]}: {message}" if at else message
        super().__init__(f"{code}: {self.message}")


def not_supported(what: str, *, at: tuple[int, int] | None = None) -> AthenaSqlError:
    """Refuse what Athena may know but this engine does not model, so that it never answers by guessing."""
    return AthenaSqlError("NOT_SUPPORTED", f"{what} is not modelled by this engine", at=at)
