"""Say for each outcome whether the data carry it, and which missing fields matter most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery.quality.fixes import list_fixes
from include.discovery.quality.measures import MEASURES, OUTCOMES, Measure, Side
from include.discovery.tables import create

if TYPE_CHECKING:
    from datetime import date

    from include.discovery.quality.settings import QualitySettings

CONFIDENCE: Final = "confidence"
"""The check whose value is how far an outcome's other checks are met, 0 to 1, and whose verdict is the outcome's."""
BLOCK, PASS = "block", "pass"


def judge(connection: Any, *, settings: QualitySettings, at: date) -> None:
    """Make `gate_results` and `fix_list`.

    An outcome blocks when one of its checks does, or when there is no server in scope.
    """
    create(connection, "gate_results", "fix_list")
    rows = [row for measure in MEASURES for row in _judge(connection, measure, settings, at)]
    for outcome in OUTCOMES:
        rows.append(_confidence(outcome, [row for row in rows if row[0] == outcome]))
    connection.executemany("INSERT INTO gate_results VALUES (?, ?, ?, ?, ?, ?)", rows)
    list_fixes(connection)


def blocked_outcomes(connection: Any) -> dict[str, list[str]]:
    """Return the sentences of what blocks, for each outcome that is blocked."""
    found = connection.execute(
        "FROM gate_results SELECT outcome, sentence WHERE verdict = 'block' AND \"check\" <> ? ORDER BY ALL",
        [CONFIDENCE],
    ).fetchall()
    return {outcome: [sentence for name, sentence in found if name == outcome] for outcome, _ in found}


def verdicts(connection: Any) -> dict[str, str]:
    """Return pass or block for each outcome."""
    rows = connection.execute('FROM gate_results SELECT outcome, verdict WHERE "check" = ?', [CONFIDENCE]).fetchall()
    return dict(sorted(rows))


def _judge(connection: Any, measure: Measure, settings: QualitySettings, at: date) -> list[tuple[Any, ...]]:
    asked = {"at": at.isoformat()} if "$at" in measure.query else None
    value = connection.execute(measure.query, asked).fetchone()[0]
    limit = float(getattr(settings, measure.limit))
    met = measure.when_absent if value is None else _meets(float(value), limit, measure.side)
    number = None if value is None else float(value)
    sentence = _sentence(measure, number, limit, met=met)
    verdict = PASS if met else BLOCK
    return [(outcome, measure.check, verdict, number, limit, sentence) for outcome in measure.outcomes]


def _meets(value: float, limit: float, side: Side) -> bool:
    return value >= limit if side is Side.AT_LEAST else value <= limit


def _sentence(measure: Measure, value: float | None, limit: float, *, met: bool) -> str:
    found = "nothing to measure" if value is None else _number(value, share=measure.is_share)
    wanted = _number(limit, share=measure.is_share)
    told = f"{measure.told.capitalize()}: {found} ({measure.side.value} {wanted} wanted)"
    return f"{told}." if met else f"{told}; {measure.advice}."


def _number(value: float, *, share: bool) -> str:
    return f"{value:.1%}" if share else f"{value:,.1f}".removesuffix(".0")


def _confidence(outcome: str, rows: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    sides = {measure.check: measure.side for measure in MEASURES}
    parts = [_attained(row, sides[row[1]]) for row in rows]
    value = sum(parts) / len(parts)
    blocking = [row[1] for row in rows if row[2] == BLOCK]
    told = f"blocked by {', '.join(blocking)}" if blocking else "every check passes"
    sentence = f"Confidence in the {outcome.replace('_', ' ')}: {value:.0%}; {told}."
    return (outcome, CONFIDENCE, BLOCK if blocking else PASS, value, 1.0, sentence)


def _attained(row: tuple[Any, ...], side: Side) -> float:
    """Return how much of a check is met: 1 when it passes, else the value as a part of its limit."""
    _, _, verdict, value, limit, _ = row
    if verdict == PASS:
        return 1.0
    if value is None or limit == 0 or (side is Side.AT_MOST and value == 0):
        return 0.0
    return float(value / limit if side is Side.AT_LEAST else limit / value)
