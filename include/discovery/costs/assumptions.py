"""The numbers nobody can look up: each with a low, a likely and a high value, replaceable by the user's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DATA: Final = Path(__file__).parent / "data"
_FILES: Final = ("on_premises.yaml", "aws.yaml")
DIVISORS: Final = frozenset({"vcpu_per_core", "servers_per_administrator"})
"""assumptions that prices are divided by: zero is refused"""


class CostError(ValueError):
    """A number for the cost model cannot be used; the message is the sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """A number with its band, low <= likely <= high; assumptions of one `moves_with` err together."""

    name: str
    low: Decimal
    likely: Decimal
    high: Decimal
    unit: str
    moves_with: str
    doc: str
    source: str
    region: str = ""
    """the only Region that this price stands for; empty: any"""
    is_yours: bool = False


def load_assumptions(own: Mapping[str, float], *, counted: Mapping[str, float] | None = None) -> dict[str, Assumption]:
    """Return every assumption by name, shipped ones replaced by counted and those by the user's own numbers.

    :param own: `name` for the likely value, `name.low` and `name.high` for its band; without them the band is closed.
    :param counted: likely values that the inventory tells; the shipped band is widened where it would leave them out.
    :raises CostError: an unknown name, a negative number, or a band out of order.
    """
    shipped = {name: _shipped(name, entry) for name, entry in _entries()}
    known = {name: _counted(one, (counted or {}).get(name)) for name, one in shipped.items()}
    for key in sorted(own):
        name, _, part = key.partition(".")
        if name not in known or part not in ("", "low", "high"):
            raise CostError(f"costs.assumptions: {key} is no assumption: write one of {', '.join(sorted(known))}.")
    return {name: _replaced(one, own) for name, one in known.items()}


def support_plans() -> dict[str, Any]:
    """Return the AWS Support plans: {name: {minimum, tiers: [[from USD, share], ...]}}."""
    plans: dict[str, Any] = _read("aws.yaml")["support"]["plans"]
    return plans


@cache
def _read(name: str) -> Any:
    return yaml.safe_load((_DATA / name).read_text(encoding="utf-8"))


def _entries() -> Iterable[tuple[str, Any]]:
    for name in _FILES:
        yield from _read(name)["assumptions"].items()


def _shipped(name: str, entry: Mapping[str, Any]) -> Assumption:
    low, likely, high = (exact(entry[part]) for part in ("low", "likely", "high"))
    return Assumption(
        name=name,
        low=low,
        likely=likely,
        high=high,
        unit=entry["unit"],
        moves_with=entry["moves_with"],
        doc=entry["doc"],
        source=entry["source"],
        region=entry.get("region", ""),
    )


def _counted(shipped: Assumption, value: float | None) -> Assumption:
    if value is None:
        return shipped
    likely = exact(value)
    source = "counted from the inventory; the band is an assumption"
    return replace(shipped, low=min(shipped.low, likely), likely=likely, high=max(shipped.high, likely), source=source)


def _replaced(shipped: Assumption, own: Mapping[str, float]) -> Assumption:
    keys = (f"{shipped.name}.low", shipped.name, f"{shipped.name}.high")
    if not any(key in own for key in keys):
        return shipped
    likely = _number(keys[1], own.get(keys[1], shipped.likely))
    closed = keys[1] in own
    low = _number(keys[0], own.get(keys[0], likely if closed else shipped.low))
    high = _number(keys[2], own.get(keys[2], likely if closed else shipped.high))
    if not low <= likely <= high:
        raise CostError(
            f"costs.assumptions: {shipped.name} has the band {low} to {high} around {likely}: "
            "give low, likely and high in this order."
        )
    if shipped.name in DIVISORS and low == 0:
        raise CostError(f"costs.assumptions: {shipped.name} divides a price, so 0 is not possible: give more.")
    return replace(shipped, low=low, likely=likely, high=high, source="your settings", region="", is_yours=True)


def _number(key: str, value: float | Decimal) -> Decimal:
    try:
        number = exact(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0 or number > Decimal(10) ** 9:
        raise CostError(f"costs.assumptions: {key} is {value}: give a number from 0 to 1,000,000,000.")
    return number


def exact(value: float | str | Decimal) -> Decimal:
    """Return the decimal number that a person wrote, not the binary one nearest to it."""
    return value if isinstance(value, Decimal) else Decimal(str(value))
