"""How far an outcome can be trusted: how near each of its checks is to its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

OUTCOMES: Final = ("snapshot", "tco", "wave_plan")
_WORST: Final = {"pass": 0, "quarantine": 1, "block": 2}


def confidence_of(gates: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return, for each outcome, {confidence 0 to 1, verdict, checks, passed}.

    A check that passes counts 1; one that does not counts the ratio of its value and its limit, the smaller by the
    larger. The confidence is their mean. An outcome without checks has none (None) and is blocked: a gate fails closed.
    """
    found = {}
    for outcome in OUTCOMES:
        rows = [row for row in gates if row["outcome"] == outcome]
        verdict = max((row["verdict"] for row in rows), key=lambda name: _WORST.get(name, 2), default="block")
        found[outcome] = {
            "confidence": round(sum(_score(row) for row in rows) / len(rows), 4) if rows else None,
            "verdict": verdict,
            "checks": len(rows),
            "passed": sum(row["verdict"] == "pass" for row in rows),
        }
    return found


def _score(row: dict[str, Any]) -> float:
    if row["verdict"] == "pass":
        return 1.0
    value, limit = row["value"], row["limit"]
    if value is None or limit is None or max(value, limit) <= 0:
        return 0.0
    return float(max(min(value, limit), 0.0) / max(value, limit))
