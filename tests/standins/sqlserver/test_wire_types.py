"""Values keep their meaning on the wire: what is encoded for a column decodes as an RPC parameter would."""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.results import Column, SqlType
from include.standins.sqlserver.wire.byte_reader import ByteReader, ProtocolError
from include.standins.sqlserver.wire.decoders import read_type_info
from include.standins.sqlserver.wire.encoders import row_encoder, type_info, value_encoder

naive = dt.datetime.fromisoformat  # SQL Server's moments have no zone


def through_the_wire(kind: SqlType, value):
    message = type_info(kind) + value_encoder(kind)(value)
    reader = ByteReader(message)
    wire_type = read_type_info(reader)
    decoded = wire_type.value(reader)
    assert reader.remaining == 0
    assert wire_type.type.name == kind.name
    return decoded


TIMES = st.times()
MOMENTS = st.datetimes()
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
ZONED = st.datetimes(
    min_value=naive("0001-01-02"), max_value=naive("9999-12-30"), timezones=OFFSETS, allow_imaginary=False
)
EXACT = {
    "bit": (SqlType("bit"), st.booleans()),
    "tinyint": (SqlType("tinyint"), st.integers(0, 255)),
    "smallint": (SqlType("smallint"), st.integers(-(2**15), 2**15 - 1)),
    "int": (SqlType("int"), st.integers(-(2**31), 2**31 - 1)),
    "bigint": (SqlType("bigint"), st.integers(-(2**63), 2**63 - 1)),
    "float": (SqlType("float"), st.floats(allow_nan=False)),
    "real": (SqlType("real"), st.floats(allow_nan=False, width=32)),
    "date": (SqlType("date"), st.dates()),
    "time": (SqlType("time", scale=7), TIMES),
    "time6": (SqlType("time", scale=6), TIMES),
    "datetime2": (SqlType("datetime2", scale=7), MOMENTS),
    "datetimeoffset": (SqlType("datetimeoffset", scale=7), ZONED),
    "uniqueidentifier": (SqlType("uniqueidentifier"), st.uuids()),
    "nvarchar": (SqlType("nvarchar", 80), st.text(max_size=40)),
    "nvarchar(max)": (SqlType("nvarchar"), st.text()),
    "varchar": (SqlType("varchar", 40), st.text(st.characters(codec="cp1252"), max_size=40)),
    "varchar(max)": (SqlType("varchar"), st.text(st.characters(codec="cp1252"))),
    "varbinary": (SqlType("varbinary", 40), st.binary(max_size=40)),
    "varbinary(max)": (SqlType("varbinary"), st.binary()),
}


@pytest.mark.parametrize("name", EXACT)
@given(data=st.data())
def test_a_value_comes_back_as_it_was(name, data):
    kind, values = EXACT[name]
    value = data.draw(values)

    assert through_the_wire(kind, value) == value


@pytest.mark.parametrize(
    "kind",
    [*(kind for kind, _ in EXACT.values()), SqlType("decimal", precision=38), SqlType("money"), SqlType("nchar", 3)],
)
def test_null_comes_back_as_none(kind):
    assert through_the_wire(kind, None) is None


@st.composite
def decimals(draw):
    precision = draw(st.integers(1, 38))
    scale = draw(st.integers(0, precision))
    digits = draw(st.integers(-(10**precision) + 1, 10**precision - 1))
    return precision, scale, digits


@given(decimals())
def test_decimals_are_exact_to_38_digits(drawn):
    precision, scale, digits = drawn
    with decimal.localcontext(prec=60):
        value = Decimal(digits).scaleb(-scale)

    back = through_the_wire(SqlType("decimal", precision=precision, scale=scale), value)

    assert back == value
    assert back.as_tuple().exponent == -scale


@given(st.integers(-(2**63), 2**63 - 1))
def test_money_is_exact_to_its_ten_thousandth(ten_thousandths):
    value = Decimal(ten_thousandths).scaleb(-4)

    assert through_the_wire(SqlType("money"), value) == value


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("1.005", "1.01"), ("-1.005", "-1.01"), ("1.0049999999999999999999", "1.00"), ("0.004", "0.00"), ("-0.004", "0")],
)
def test_decimals_round_half_away_from_zero(value, rounded):
    assert through_the_wire(SqlType("decimal", precision=9, scale=2), Decimal(value)) == Decimal(rounded)


@pytest.mark.parametrize(
    ("milliseconds", "kept"), [(0, 0), (1, 0), (2, 3), (3, 3), (4, 3), (5, 7), (6, 7), (7, 7), (8, 7), (9, 10)]
)
def test_datetime_rounds_to_a_three_hundredth_second(milliseconds, kept):
    value = naive(f"2026-07-01 12:00:00.{milliseconds:03}")

    assert through_the_wire(SqlType("datetime"), value) == naive(f"2026-07-01 12:00:00.{kept:03}")


def test_datetime_rounds_into_the_next_day():
    value = naive("2026-12-31 23:59:59.999000")

    assert through_the_wire(SqlType("datetime"), value) == naive("2027-01-01")


def test_datetime2_of_scale_0_rounds_into_the_next_day():
    value = naive("2026-12-31 23:59:59.500000")

    assert through_the_wire(SqlType("datetime2", scale=0), value) == naive("2027-01-01")


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [
        (SqlType("tinyint"), 256, 8115),
        (SqlType("int"), 2**31, 8115),
        (SqlType("decimal", precision=3, scale=1), Decimal("100"), 8115),
        (SqlType("decimal", precision=3, scale=1), Decimal("NaN"), 8115),
        (SqlType("money"), Decimal(2**60), 8115),
        (SqlType("real"), 1e300, 8115),
        (SqlType("datetime"), naive("1752-12-31"), 242),
        (SqlType("datetime"), naive("9999-12-31 23:59:59.999999"), 242),
        (SqlType("datetime2", scale=0), naive("9999-12-31 23:59:59.999999"), 242),
        (SqlType("smalldatetime"), naive("2080-01-01"), 242),
        (SqlType("nvarchar", 3), "four", 8152),
        (SqlType("varbinary", 3), b"four", 8152),
    ],
)
def test_a_value_that_does_not_fit_its_column_is_an_sql_error(kind, value, number):
    with pytest.raises(SqlError) as caught:
        value_encoder(kind)(value)

    assert caught.value.number == number


def test_fixed_lengths_are_padded():
    assert through_the_wire(SqlType("nchar", 4), "ab") == "ab  "
    assert through_the_wire(SqlType("char", 4), "ab") == "ab  "
    assert through_the_wire(SqlType("binary", 4), b"ab") == b"ab\0\0"


def test_an_unknown_type_is_refused_by_name():
    with pytest.raises(SqlError, match="The type hierarchyid is not modelled"):
        type_info(SqlType("hierarchyid"))


def test_a_row_of_the_wrong_length_is_not_sent():
    encode = row_encoder([Column("a", SqlType("int")), Column("b", SqlType("int"))])

    with pytest.raises(ValueError, match="shorter"):
        encode([1])


@given(st.binary(max_size=60))
def test_damaged_parameters_never_break_out_of_protocol_errors(data):
    reader = ByteReader(data)
    with contextlib.suppress(ProtocolError, SqlError):
        read_type_info(reader).value(reader)
    assert reader.remaining >= 0


def test_a_guid_has_sql_servers_byte_order():
    value = uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")

    assert value_encoder(SqlType("uniqueidentifier"))(value)[1:5] == bytes.fromhex("ff19966f")
