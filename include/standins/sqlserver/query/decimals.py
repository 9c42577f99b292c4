"""Exact decimals in SQLite: text that sorts as the numbers do, and T-SQL's arithmetic on it.

SQLite keeps numbers beyond 64 bits as binary floats. Here a decimal is text of one form only: `a` negative,
`b` zero, `c` positive; two digits of exponent; the digits without trailing zeros. Equal numbers are equal text whatever
their scale, and byte order is number order, so comparison, uniqueness, indexes, DISTINCT, GROUP BY, MIN and MAX are
SQLite's own. Negative numbers are written in nines' complement and end in `~`, which sorts after every digit.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from include.standins.sqlserver.errors import SqlError

EXACT = Context(prec=120, rounding=ROUND_HALF_UP)
_SHIFT = 50
_COMPLEMENT = str.maketrans("0123456789", "9876543210")
_ZERO = "b"


def scale_of(value: Decimal) -> int:
    """Digits after the point; negative for trailing zeros before it.

    :raises ValueError: infinite, or not a number.
    """
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{value} is no finite number")  # noqa: TRY004 -- the value is wrong, not its type
    return -exponent


@lru_cache(maxsize=65536)
def encode_decimal(value: Decimal) -> str:
    """Return the sortable text of a number."""
    sign, digits, _ = value.as_tuple()
    exponent = -scale_of(value)
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return _ZERO
    magnitude = f"{len(text) + exponent + _SHIFT:02d}{text.rstrip('0')}"
    return f"a{magnitude.translate(_COMPLEMENT)}~" if sign else f"c{magnitude}"


@lru_cache(maxsize=65536)
def decode_decimal(text: str) -> Decimal:
    """Return the number of a sortable text."""
    if text == _ZERO:
        return Decimal(0)
    magnitude = text[1:] if text[0] == "c" else text[1:-1].translate(_COMPLEMENT)
    digits = magnitude[2:]
    exponent = int(magnitude[:2]) - _SHIFT - len(digits)
    return Decimal((0 if text[0] == "c" else 1, tuple(map(int, digits)), exponent))


@lru_cache(maxsize=1024)
def _step(scale: int) -> Decimal:
    return Decimal(1).scaleb(-scale)


def at_scale(value: Decimal, scale: int, *, rounding: str = ROUND_HALF_UP) -> Decimal:
    """Return the number with exactly `scale` digits after the point."""
    return value.quantize(_step(scale), rounding=rounding, context=EXACT)


def fit_decimal(value: Decimal, *, precision: int, scale: int, source: str, rounding: str = ROUND_HALF_UP) -> Decimal:
    """Round to a scale and check the precision.

    :raises SqlError: 8115 when the whole part does not fit.
    """
    rounded = at_scale(value, scale, rounding=rounding)
    if abs(rounded) >= Decimal(10) ** (precision - scale):
        raise overflow(source, "numeric")
    return rounded


def overflow(source: str, target: str) -> SqlError:
    """8115, as the engine words it for conversions."""
    return SqlError(8115, f"Arithmetic overflow error converting {source} to data type {target}.")


def divide_by_zero() -> SqlError:
    """8134."""
    return SqlError(8134, "Divide by zero error encountered.")


def decimal_arithmetic(operator: str, left: str | None, right: str | None, precision: int, scale: int) -> str | None:
    """Apply + - * / % to two sortable texts; division truncates as the engine's does, all else rounds half up.

    :raises SqlError: 8115 when the result does not fit, 8134 for a division by zero.
    """
    if left is None or right is None:
        return None
    a, b = decode_decimal(left), decode_decimal(right)
    rounding = ROUND_HALF_UP
    if operator == "+":
        result = EXACT.add(a, b)
    elif operator == "-":
        result = EXACT.subtract(a, b)
    elif operator == "*":
        result = EXACT.multiply(a, b)
    else:
        if not b:
            raise divide_by_zero()
        result = EXACT.divide(a, b) if operator == "/" else EXACT.remainder(a, b)
        rounding = ROUND_DOWN
    fitted = fit_decimal(result, precision=precision, scale=scale, source="expression", rounding=rounding)
    return encode_decimal(fitted)
