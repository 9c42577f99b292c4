"""Prices as a dated input: the file that comes with Landfall, or the user's own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT: Final = Path(__file__).parent / "data" / "prices_2026-11.json"


class PricesRefusedError(ValueError):
    """A price file cannot be used; the message has a sentence for everything that is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a unit costs; `unsure` says that nobody confirmed it."""

    value: float
    unit: str
    unsure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """A price file.

    :ivar date: the day that the prices were true, ISO 8601.
    """

    date: str
    region: str
    currency: str
    source: str
    items: Mapping[str, Price]

    def __getitem__(self, name: str) -> Price:
        return self.items[name]


def default_prices() -> Prices:
    """Return the prices that come with Landfall."""
    return read_prices(DEFAULT.read_text(encoding="utf-8"))


def read_prices(text: str) -> Prices:
    """Read the JSON text of a price file with the members and price names of `DEFAULT`, all of them.

    :raises PricesRefusedError: it is no such file; a missing price would be a cost of nothing.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise PricesRefusedError(f"The price file is no JSON ({error}): start from {DEFAULT.name}.") from None
    known = json.loads(DEFAULT.read_text(encoding="utf-8"))["prices"]
    problems = list(_problems(document, known))
    if problems:
        raise PricesRefusedError(" ".join(problems))
    items = {
        name: Price(value=float(item["value"]), unit=known[name]["unit"], unsure=bool(item.get("unsure", False)))
        for name, item in document["prices"].items()
    }
    told = {name: str(document[name]) for name in ("date", "region", "currency", "source")}
    return Prices(items=items, **told)


def _problems(document: Any, known: Mapping[str, Any]) -> list[str]:
    if not isinstance(document, dict) or not isinstance(document.get("prices"), dict):
        return [f"The price file has no object `prices`: start from {DEFAULT.name}."]
    found = [
        f"The price file has no {name}: add it as text."
        for name in ("date", "region", "currency", "source")
        if not isinstance(document.get(name), str) or not document[name]
    ]
    if not found:
        try:
            date.fromisoformat(document["date"])
        except ValueError:
            found.append(f"The price file's date {document['date']!r} is no day: write it as 2026-11-01.")
    prices = document["prices"]
    missing, strange = sorted(known.keys() - prices.keys()), sorted(prices.keys() - known.keys())
    if missing:
        found.append(f"Prices are missing: {', '.join(missing)}.")
    if strange:
        found.append(f"Nobody asks for these prices: {', '.join(strange)}; known are {', '.join(known)}.")
    for name in known.keys() & prices.keys():
        value = prices[name].get("value") if isinstance(prices[name], dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
            found.append(f"The price {name} has no value from 0 to 1,000,000: write it as a number.")
    return found
