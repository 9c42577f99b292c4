"""Suites as data: what a load of rows must look like before it may change anything."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.gates.result import Severity

_SUITE_NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")
_RESERVED_NAMES = frozenset({"quarantine", "passed"})  # folders beside the suites in the evidence bucket
_FACTS = frozenset({"count", "rows", "percent", "observed", "examples"})
_COLUMN_ARGUMENTS = ("column", "column_A", "column_B")
_COLUMN_LIST_ARGUMENTS = ("column_list", "column_set")


class ColumnKind(StrEnum):
    """The kinds of value a column may hold; nulls are allowed in each (expect them away where they are not)."""

    TEXT = "text"
    WHOLE_NUMBER = "whole numbers"
    NUMBER = "numbers"
    TIMESTAMP = "timestamps"
    FLAG = "flags"


@dataclass(frozen=True, slots=True)
class GateExpectation:
    """One Great Expectations class, by name, with what its failure means.

    :param kind: a class of `great_expectations.expectations`, as "ExpectColumnValuesToBeBetween". Null values pass
        every row-level class except the ones about nulls.
    :param kwargs: its arguments. `mostly` is refused: how many rows may fail is the suite's `quarantine_limit`.
    :param severity: `quarantine` sets failing rows aside, `block` stops the load. A failing expectation about a whole
        column or table always blocks: it has no rows to set aside.
    :param sentence: what a person reads, with {count}, {rows}, {percent}, {observed}, {examples} and any kwarg.
    :param reason: what a set-aside row carries in `_reasons`; the sentence's short form. Default: kind and column.
    Raises ValueError for `mostly` and for a placeholder nobody fills.
    """

    kind: str
    kwargs: Mapping[str, Any]
    severity: Severity
    sentence: str
    reason: str = ""

    def __post_init__(self) -> None:
        if "mostly" in self.kwargs:
            raise ValueError(f"{self.kind} on {self.subject} may not use `mostly`; set the suite's quarantine_limit.")
        known = _FACTS | self.kwargs.keys()
        for _, placeholder, _, _ in string.Formatter().parse(self.sentence):
            if placeholder is not None and placeholder not in known:
                raise ValueError(
                    f"The sentence of {self.kind} on {self.subject} asks for {{{placeholder}}}; "
                    f"use one of {', '.join(sorted(known))}."
                )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads; empty when it judges the whole table."""
        single = [self.kwargs[name] for name in _COLUMN_ARGUMENTS if name in self.kwargs]
        several = [column for name in _COLUMN_LIST_ARGUMENTS for column in self.kwargs.get(name, ())]
        return tuple(single + several)

    @property
    def subject(self) -> str:
        """The columns it reads as words, or "table"."""
        return ", ".join(self.columns) or "table"

    @property
    def row_reason(self) -> str:
        """What a row that failed it carries."""
        return self.reason or f"{self.subject}: {self.kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSuite:
    """Everything a load owes before it may go on.

    :param name: lower-case letters, digits and underscores; it names the evidence folder.
    :param columns: columns that must be there and the kind of value each holds; a violation blocks.
    :param owed_rows_at_least: fewer evaluated rows block.
    :param quarantine_limit: the share of rows (0 to 1) that may be set aside; more block.
    :param quarantine_rows: so many rows may be set aside whatever their share, so that one bad row of five does not
        stop a quiet hour.
    :param identity: columns that name a row in messages and examples.
    Raises ValueError for a name, limit or empty suite that cannot be meant.
    """

    name: str
    expectations: tuple[GateExpectation, ...]
    columns: Mapping[str, ColumnKind] = field(default_factory=dict)
    owed_rows_at_least: int = 1
    quarantine_limit: float = 0.0
    quarantine_rows: int = 0
    identity: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _SUITE_NAME.fullmatch(self.name) or self.name in _RESERVED_NAMES:
            raise ValueError(f"Suite name {self.name!r} is not usable; take lower-case letters, digits, underscores.")
        if not self.expectations:
            raise ValueError(f"Suite {self.name} expects nothing and would let everything pass; add an expectation.")
        if not 0.0 <= self.quarantine_limit <= 1.0 or self.quarantine_rows < 0 or self.owed_rows_at_least < 0:
            raise ValueError(
                f"Suite {self.name}: quarantine_limit is a share from 0 to 1, row counts are not negative."
            )


def described(suite: GateSuite) -> str:
    """Return the suite as Markdown: what it owes, and what each expectation does when it fails."""
    rules = [f"- `{name}` holds {kind.value}, else block" for name, kind in suite.columns.items()]
    rules += [f"- `{rule.kind}` on {rule.subject}, else {rule.severity.value}" for rule in suite.expectations]
    head = (
        f"Gate **{suite.name}**: at least {suite.owed_rows_at_least} rows are owed; up to "
        f"{suite.quarantine_limit:.1%} or {suite.quarantine_rows} rows may be set aside."
    )
    return "\n".join([head, "", *rules])
