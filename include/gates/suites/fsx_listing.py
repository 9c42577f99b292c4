"""What a listing owes before a plan is made from it, and what a plan owes before runs follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.gates.result import Severity
from include.gates.suite import ColumnKind, GateExpectation, GateSuite

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLD: Final = 5
"""Findings that the message of a blocked plan gives; its page has all."""


def listing_suite(*, refusal: str = "") -> GateSuite:
    """Block a listing that cannot be read or names nothing to move; the frame is one row of facts.

    :param refusal: why the listing cannot be meant (`planning.keep_listing`), for the message.
    """
    whole = GateExpectation(
        "ExpectColumnValuesToBeInSet",
        {"column": "is_readable", "value_set": [True]},
        Severity.BLOCK,
        f"The listing is refused: {_plain(refusal)}",
    )
    filled = GateExpectation(
        "ExpectColumnValuesToBeBetween",
        {"column": "movable", "min_value": 1},
        Severity.BLOCK,
        "The listing names no file and no link: there is nothing to move.",
    )
    return GateSuite(
        name="fsx_listing",
        columns={
            "listing": ColumnKind.TEXT,
            "is_readable": ColumnKind.FLAG,
            "refusal": ColumnKind.TEXT,
            "files": ColumnKind.WHOLE_NUMBER,
            "directories": ColumnKind.WHOLE_NUMBER,
            "symlinks": ColumnKind.WHOLE_NUMBER,
            "bytes": ColumnKind.WHOLE_NUMBER,
            "movable": ColumnKind.WHOLE_NUMBER,
        },
        expectations=(whole,) if refusal else (whole, filled),
        identity=("listing",),
    )


def plan_suite(*, blocks: Sequence[str] = ()) -> GateSuite:
    """Block a plan with a finding that blocks; the frame has one row for each finding and one for the plan itself.

    :param blocks: the sentences of the findings that block, for the message.
    """
    told = " ".join(map(_plain, blocks[:TOLD]))
    return GateSuite(
        name="fsx_plan",
        columns={"code": ColumnKind.TEXT, "severity": ColumnKind.TEXT, "sentence": ColumnKind.TEXT},
        expectations=(
            GateExpectation(
                "ExpectColumnValuesToBeInSet",
                {"column": "severity", "value_set": ["warn", "note"]},
                Severity.BLOCK,
                f"Findings that block: {{count}}. {told}",
            ),
            GateExpectation(
                "ExpectColumnValuesToNotBeNull",
                {"column": "sentence"},
                Severity.BLOCK,
                "Findings without a sentence: {count}.",
            ),
        ),
        identity=("code",),
    )


def _plain(sentence: str) -> str:
    """Return a sentence whose braces are no placeholders: names of files may stand in it."""
    return sentence.replace("{", "{{").replace("}", "}}")
