"""The aggregates that run inside SQLite, exact where SQLite's own are not."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Any

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query.collation import sort_key
from include.standins.sqlserver.query.decimals import EXACT, at_scale, decode_decimal, encode_decimal, overflow


class WholeSum:
    """SUM and AVG of whole numbers, exact; AVG truncates."""

    def __init__(self) -> None:
        self.total = 0
        self.count = 0

    def step(self, value: int | None) -> None:
        if value is not None:
            self.total += value
            self.count += 1

    def inverse(self, value: int | None) -> None:
        if value is not None:
            self.total -= value
            self.count -= 1

    def value(self) -> int | None:
        if not self.count:
            return None
        return self._checked(self.total)

    def finalize(self) -> int | None:
        return self.value()

    @staticmethod
    def _checked(number: int) -> int:
        if not -(2**63) <= number < 2**63:
            raise overflow("expression", "bigint")
        return number


class WholeAverage(WholeSum):
    """AVG of whole numbers."""

    def value(self) -> int | None:
        if not self.count:
            return None
        whole = abs(self.total) // self.count
        return whole if self.total >= 0 else -whole


class DecimalSum:
    """SUM of decimals at a scale."""

    scale = 0

    def __init__(self) -> None:
        self.total = Decimal(0)
        self.count = 0

    def step(self, cell: str | None) -> None:
        if cell is not None:
            self.total = EXACT.add(self.total, decode_decimal(cell))
            self.count += 1

    def inverse(self, cell: str | None) -> None:
        if cell is not None:
            self.total = EXACT.subtract(self.total, decode_decimal(cell))
            self.count -= 1

    def value(self) -> str | None:
        if not self.count:
            return None
        if abs(self.total) >= EXACT.scaleb(1, 38 - self.scale):
            raise overflow("expression", "numeric")
        return encode_decimal(self.total)

    def finalize(self) -> str | None:
        return self.value()


class DecimalAverage(DecimalSum):
    """AVG of decimals: a division, so it truncates."""

    def value(self) -> str | None:
        if not self.count:
            return None
        return encode_decimal(at_scale(EXACT.divide(self.total, self.count), self.scale, rounding=ROUND_DOWN))


class ChecksumAgg:
    """CHECKSUM_AGG: the order of the rows does not count. Not the engine's numbers."""

    def __init__(self) -> None:
        self.bits: int | None = None

    def step(self, value: int | None) -> None:
        if value is not None:
            self.bits = (self.bits or 0) ^ (value & 0xFFFFFFFF)

    def inverse(self, value: int | None) -> None:
        self.step(value)

    def value(self) -> int | None:
        return None if self.bits is None else self.bits - 2**32 * (self.bits >> 31)

    def finalize(self) -> int | None:
        return self.value()


class StringAgg:
    """STRING_AGG."""

    def __init__(self) -> None:
        self.items: list[tuple[Any, str]] = []
        self.separator = ""
        self.descending = False

    def step(self, text: str | None, separator: str | None, key: Any, descending: int) -> None:
        if text is not None:
            self.items.append((key, text))
        self.separator = separator or ""
        self.descending = bool(descending)

    def finalize(self) -> str | None:
        if not self.items:
            return None
        if any(key is not None for key, _ in self.items):
            self.items.sort(key=lambda item: _nulls_first(item[0]), reverse=self.descending)
        return self.separator.join(text for _, text in self.items)


def _nulls_first(key: Any) -> tuple[bool, Any]:
    if key is None:
        return False, 0
    return True, sort_key(key) if isinstance(key, str) else key


class Only:
    """A subquery used as a value: one row at most."""

    def __init__(self) -> None:
        self.rows = 0
        self.result: Any = None

    def step(self, value: Any) -> None:
        self.rows += 1
        self.result = value
        if self.rows > 1:
            raise SqlError(
                512,
                "Subquery returned more than 1 value. This is not permitted when the subquery "
                "follows =, !=, <, <= , >, "
                ">= or when the subquery is used as an expression.",
            )

    def finalize(self) -> Any:
        return self.result
