"""Values in SQLite's cells compare, sort and calculate as T-SQL's do."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query import dates
from include.standins.sqlserver.query.collation import compare, like
from include.standins.sqlserver.query.conversions import converter
from include.standins.sqlserver.query.decimals import decimal_arithmetic, decode_decimal, encode_decimal
from include.standins.sqlserver.query.types import arithmetic_type, common_type, declared, read_declared
from include.standins.sqlserver.query.values import encode, to_python
from include.standins.sqlserver.results import SqlType

EXACT = Context(prec=200)
at = datetime.fromisoformat
DECIMALS = st.integers(-(10**38) + 1, 10**38 - 1).flatmap(
    lambda digits: st.integers(0, 38).map(lambda scale: Decimal(digits).scaleb(-scale, EXACT))
)


@given(DECIMALS, DECIMALS)
@example(Decimal("-1.2"), Decimal("-1.25"))
@example(Decimal(0), Decimal("-0.0"))
@example(Decimal("9.99"), Decimal(10))
def test_the_text_of_decimals_sorts_as_the_numbers_do(a, b):
    first, second = encode_decimal(a), encode_decimal(b)
    assert (first < second, first == second) == (a < b, a == b)


@given(DECIMALS)
def test_a_decimal_comes_back_exactly(value):
    assert decode_decimal(encode_decimal(value)) == value


@pytest.mark.parametrize("text", ["p1", "b", "c500", "a49~"])
def test_the_text_of_a_decimal_is_never_taken_for_a_number_by_sqlite(text):
    connection = sqlite3.connect(":memory:")
    connection.execute('CREATE TABLE t (a "decimal(18,2)")')
    connection.execute("INSERT INTO t VALUES (?)", (text,))
    assert connection.execute("SELECT typeof(a) FROM t").fetchone() == ("text",)


@given(
    st.integers(-(10**18), 10**18),
    st.integers(-(10**18), 10**18),
    st.integers(0, 18),
    st.integers(0, 18),
    st.sampled_from("+-*/"),
)
def test_arithmetic_on_decimals_is_exact(digits, other, scale, other_scale, operator):
    a, b = Decimal(digits).scaleb(-scale), Decimal(other).scaleb(-other_scale)
    left, right = SqlType("numeric", precision=19, scale=scale), SqlType("numeric", precision=19, scale=other_scale)
    result = arithmetic_type(operator, left, right)
    if operator == "/" and not b:
        with pytest.raises(SqlError) as caught:
            decimal_arithmetic(operator, encode_decimal(a), encode_decimal(b), result.precision, result.scale)
        assert caught.value.number == 8134
        return
    exact = {"+": EXACT.add, "-": EXACT.subtract, "*": EXACT.multiply, "/": EXACT.divide}[operator](a, b)
    rounding = ROUND_DOWN if operator == "/" else ROUND_HALF_UP
    expected = exact.quantize(Decimal(1).scaleb(-result.scale), rounding=rounding, context=EXACT)
    arguments = (operator, encode_decimal(a), encode_decimal(b), result.precision, result.scale)
    if abs(expected) >= Decimal(10) ** (result.precision - result.scale):
        with pytest.raises(SqlError) as caught:
            decimal_arithmetic(*arguments)
        assert caught.value.number == 8115
    else:
        cell = decimal_arithmetic(*arguments)
        assert cell is not None
        assert decode_decimal(cell) == expected


@pytest.mark.parametrize(
    ("operator", "left", "right", "precision", "scale"),
    [
        # learn.microsoft.com, "Precision, scale, and length"
        ("+", (10, 2), (8, 4), 13, 4),
        ("*", (10, 2), (5, 3), 16, 5),
        ("/", (10, 2), (5, 3), 19, 8),
        ("*", (38, 10), (38, 10), 38, 6),
        ("/", (38, 0), (1, 0), 38, 6),
        ("*", (38, 2), (38, 2), 38, 4),
    ],
)
def test_decimal_results_have_the_documented_type(operator, left, right, precision, scale):
    types = [SqlType("numeric", precision=p, scale=s) for p, s in (left, right)]
    result = arithmetic_type(operator, *types)
    assert (result.precision, result.scale) == (precision, scale)


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        ("abc", "ABC", 0),
        ("abc", "abc   ", 0),
        ("", "  ", 0),
        ("a", "b", -1),
        ("a", "á", -1),
        ("á", "b", -1),
        ("É", "é", 0),
        ("_x", "1", -1),
        ("9", "a", -1),
        ("a", "ab", -1),
        ("ß", "ẞ", 0),
    ],
)
def test_strings_compare_without_case_and_with_accents(left, right, order):
    assert compare(left, right) == order
    assert compare(right, left) == -order


@given(st.text(), st.text(), st.text())
def test_the_order_of_strings_is_an_order(a, b, c):
    assert compare(a, b) == -compare(b, a)
    if compare(a, b) <= 0 and compare(b, c) <= 0:
        assert compare(a, c) <= 0


@pytest.mark.parametrize(
    ("text", "pattern", "matches"),
    [
        ("abc", "A%", 1),
        ("abc", "a_c", 1),
        ("abc", "a", 0),
        ("a.c", "a.c", 1),
        ("axc", "a.c", 0),
        ("5", "[0-9]", 1),
        ("x", "[^0-9]", 1),
        ("a%", "a[%]", 1),
        ("ab", "a[%]", 0),
        ("abc  ", "abc", 1),
        ("a\nb", "a%b", 1),
        ("a-b", "a[-]b", 1),
    ],
)
def test_like_has_classes(text, pattern, matches):
    assert like(text, pattern) == matches
    assert like(None, pattern) is None


def test_like_has_an_escape():
    assert like("50%", "50!%", "!") == 1
    assert like("50x", "50!%", "!") == 0


@pytest.mark.parametrize(
    ("text", "style", "expected"),
    [
        ("20240203", 0, at("2024-02-03T00:00:00")),
        ("2024-02-03", 0, at("2024-02-03T00:00:00")),
        ("2024-02-03T04:05:06.789", 126, at("2024-02-03T04:05:06.789000")),
        ("2024-02-03 04:05", 0, at("2024-02-03T04:05:00")),
        ("2024-02-03 04:05:06.1234567", 0, at("2024-02-03T04:05:06.123456")),
        ("02/03/2024", 0, at("2024-02-03T00:00:00")),
        ("02/03/2024", 103, at("2024-03-02T00:00:00")),
        ("Feb 3 2024 2:05PM", 0, at("2024-02-03T14:05:00")),
        ("3 February 2024", 0, at("2024-02-03T00:00:00")),
        ("14:30", 0, at("1900-01-01T14:30:00")),
        ("", 0, at("1900-01-01T00:00:00")),
        ("9999-12-31 23:59:59.9999999", 0, at("9999-12-31T23:59:59.999999")),
        ("12:00AM", 0, at("1900-01-01T00:00:00")),
    ],
)
def test_dates_are_read_in_the_usual_forms(text, style, expected):
    assert dates.parse_datetime(text, style) == expected


@pytest.mark.parametrize(
    ("text", "number"), [("nope", 241), ("2024-13-01", 242), ("2024-02-30", 242), ("25:00", 242), ("13:00PM", 241)]
)
def test_what_is_no_date_is_an_error(text, number):
    with pytest.raises(SqlError) as caught:
        dates.parse_datetime(text)
    assert caught.value.number == number


@given(st.datetimes(at("1753-01-01T00:00:00"), at("9999-12-31T00:00:00")), st.datetimes(at("1753-01-01T00:00:00")))
def test_the_text_of_times_sorts_as_time_does(a, b):
    assert (dates.encode_datetime(a) < dates.encode_datetime(b)) == (a < b)
    assert dates.decode_datetime(dates.encode_datetime(a)) == a


@pytest.mark.parametrize(
    ("micro", "milli"), [(0, 0), (1000, 0), (2000, 3), (5000, 7), (8000, 7), (9000, 10), (999000, 1000)]
)
def test_datetime_has_ticks_of_a_three_hundredth(micro, milli):
    rounded = dates.to_datetime(at("2024-01-01").replace(microsecond=micro))
    assert (rounded - at("2024-01-01T00:00:00")).total_seconds() * 1000 == pytest.approx(milli)


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("12", "varchar(5)", "int", 12),
        ("1.239", "varchar(9)", "decimal(9,2)", Decimal("1.24")),
        (Decimal("1.9"), "decimal(5,1)", "int", 1),
        (Decimal("1.5"), "money", "int", 2),
        (1.9, "float", "int", 1),
        (123456789.0, "float", "varchar(30)", "1.23457e+008"),
        (Decimal("1.50"), "decimal(9,2)", "varchar(30)", "1.50"),
        (True, "bit", "varchar(5)", "1"),
        ("abcdef", "varchar(9)", "varchar(3)", "abc"),
        ("a", "varchar(9)", "char(3)", "a  "),
        (12345, "int", "varchar(3)", "*"),
        ("ab", "varchar(9)", "varbinary(9)", b"ab"),
        ("ab", "nvarchar(9)", "varbinary(9)", b"a\0b\0"),
        (258, "int", "varbinary(4)", b"\0\0\1\2"),
        (b"\1\2", "varbinary(9)", "int", 258),
    ],
)
def test_conversions_give_the_documented_value(value, source, target, expected):
    from_type, to_type = read_declared(source), read_declared(target)
    assert to_python(converter(from_type, to_type)(encode(value, from_type)), to_type) == expected


@pytest.mark.parametrize(
    ("value", "source", "target", "number"),
    [
        ("x", "varchar(9)", "int", 245),
        ("99999999999", "varchar(20)", "int", 248),
        ("x", "varchar(9)", "decimal(9,2)", 8114),
        (Decimal(1000), "decimal(9,2)", "decimal(4,2)", 8115),
        (300, "int", "tinyint", 8115),
        (1e30, "float", "int", 8115),
        (12345, "int", "nvarchar(3)", 8115),
        ("x", "varchar(40)", "uniqueidentifier", 8169),
        ("x", "varchar(9)", "float", 8114),
        ("x", "varchar(9)", "date", 241),
    ],
)
def test_what_does_not_convert_is_an_error(value, source, target, number):
    from_type, to_type = read_declared(source), read_declared(target)
    with pytest.raises(SqlError) as caught:
        converter(from_type, to_type)(encode(value, from_type))
    assert caught.value.number == number


@pytest.mark.parametrize(("source", "target"), [("datetime", "int"), ("int", "date"), ("float", "varbinary(8)")])
def test_pairs_of_types_that_are_not_modelled_are_refused(source, target):
    with pytest.raises(SqlError) as caught:
        converter(read_declared(source), read_declared(target))
    assert caught.value.number == 40515


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("int", "bigint", "bigint"),
        ("int", "decimal(5,2)", "numeric(12,2)"),
        ("varchar(3)", "nvarchar(9)", "nvarchar(9)"),
        ("int", "varchar(9)", "int"),
        ("datetime", "varchar(9)", "datetime"),
        ("decimal(5,2)", "float", "float"),
        ("varchar(max)", "varchar(9)", "varchar(max)"),
        ("date", "datetime2(3)", "datetime2(3)"),
    ],
)
def test_the_common_type_follows_precedence(left, right, expected):
    for a, b in ((left, right), (right, left)):
        assert declared(common_type(read_declared(a), read_declared(b))) == expected
