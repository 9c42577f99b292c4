"""Mathematics and bits (docs: functions/math, functions/bitwise)."""

from __future__ import annotations

from include.athena_sql.calls import Call, builder
from include.athena_sql.context import Typed
from include.athena_sql.errors import not_supported
from include.athena_sql.operators import decimal_arithmetic
from include.athena_sql.syntax import literal_number, position
from include.athena_sql.types import decimal

TABLE = """
abs(N) -> N | abs($1)
ceil(W) -> W | $1
ceil(double) -> double | ceil($1)
ceil(decimal) -> decimal | @round_decimal
ceiling(W) -> W | $1
ceiling(double) -> double | ceil($1)
ceiling(decimal) -> decimal | @round_decimal
floor(W) -> W | $1
floor(double) -> double | floor($1)
floor(decimal) -> decimal | @round_decimal
round(W) -> W | $1
round(double) -> double | round($1)
round(decimal) -> decimal | @round_decimal
round(W, integer) -> W | CAST(round($1, $2) AS $R)
round(double, integer) -> double | round($1, $2)
round(decimal, integer) -> decimal | @round_decimal_to
truncate(double) -> double | trunc($1)
truncate(decimal) -> decimal | @round_decimal
truncate(double, integer) -> double | ath_truncate($1, $2)
sign(W) -> W | CAST(sign($1) AS $R)
sign(double) -> double | CAST(sign($1) AS DOUBLE)
mod(W, W) -> W | ath_modulo($1, $2)
mod(double, double) -> double | ($1 % $2)
mod(decimal, decimal) -> decimal | @mod_decimal
power(double, double) -> double | power($1, $2)
pow(double, double) -> double | power($1, $2)
sqrt(double) -> double | sqrt($1)
cbrt(double) -> double | cbrt($1)
exp(double) -> double | exp($1)
ln(double) -> double | ln($1)
log2(double) -> double | log2($1)
log10(double) -> double | log10($1)
log(double, double) -> double | (ln($2) / ln($1))
pi() -> double | pi()
e() -> double | exp(1.0::DOUBLE)
radians(double) -> double | radians($1)
degrees(double) -> double | degrees($1)
sin(double) -> double | sin($1)
cos(double) -> double | cos($1)
tan(double) -> double | tan($1)
asin(double) -> double | asin($1)
acos(double) -> double | acos($1)
atan(double) -> double | atan($1)
atan2(double, double) -> double | atan2($1, $2)
sinh(double) -> double | sinh($1)
cosh(double) -> double | cosh($1)
tanh(double) -> double | tanh($1)
infinity() -> double | 'infinity'::DOUBLE
nan() -> double | 'nan'::DOUBLE
is_nan(double) -> boolean | isnan($1)
is_infinite(double) -> boolean | isinf($1)
is_finite(double) -> boolean | isfinite($1)
width_bucket(double, double, double, bigint) -> bigint | ath_width_bucket($1, $2, $3, $4)
from_base(varchar, bigint) -> bigint | ath_from_base($1, $2)
to_base(bigint, bigint) -> varchar | ath_to_base($1, $2)
bitwise_and(bigint, bigint) -> bigint | ($1 & $2)
bitwise_or(bigint, bigint) -> bigint | ($1 | $2)
bitwise_xor(bigint, bigint) -> bigint | xor($1, $2)
bitwise_not(bigint) -> bigint | (~ $1)
bitwise_left_shift(bigint, bigint) -> bigint | ath_shift_left($1, $2)
bitwise_right_shift(bigint, bigint) -> bigint | ath_shift_right($1, $2)
bitwise_right_shift_arithmetic(bigint, bigint) -> bigint | ath_shift_right_arithmetic($1, $2)
bit_count(bigint, bigint) -> bigint | ath_bit_count($1, $2)
"""

_ROUNDING = {"ceil": "ceil", "ceiling": "ceil", "floor": "floor", "round": "round", "truncate": "trunc"}


@builder("round_decimal")
def _round_decimal(made: Call) -> Typed:
    precision, scale = made.arguments[0].type.numbers
    kind = decimal(max(1, precision - scale + (min(scale, 1) if made.name != "truncate" else 0)), 0)
    sql = f"{_ROUNDING[made.name]}({made.arguments[0].sql})"
    return Typed(f"CAST({sql} AS DECIMAL({kind.numbers[0]}, 0))", kind)


@builder("round_decimal_to")
def _round_decimal_to(made: Call) -> Typed:
    precision, scale = made.arguments[0].type.numbers
    kind = decimal(precision + 1, scale)
    if literal_number(made.node.expressions[1].unnest()) is None:
        raise not_supported("round of a decimal to a number of digits that is not a constant", at=position(made.node))
    sql = f"round({made.arguments[0].sql}, {made.arguments[1].sql})"
    return Typed(f"CAST({sql} AS DECIMAL({kind.numbers[0]}, {scale}))", kind)


@builder("mod_decimal")
def _mod_decimal(made: Call) -> Typed:
    return decimal_arithmetic("%", made.arguments[0], made.arguments[1])
