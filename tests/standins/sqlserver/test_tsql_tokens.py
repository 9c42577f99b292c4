"""The tokenizer reads T-SQL's literals, names and comments as SQL Server does."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.tsql.tokens import Kind, tokenize


def one(sql: str):
    tokens = tokenize(sql)
    assert len(tokens) == 2
    return tokens[0]


@pytest.mark.parametrize(
    ("sql", "kind", "value"),
    [
        ("select", Kind.WORD, "SELECT"),
        ("#temp", Kind.WORD, "#TEMP"),
        ("straße", Kind.WORD, "STRASSE"),
        ("[a b]", Kind.QUOTED, "a b"),
        ("[a]]b]", Kind.QUOTED, "a]b"),
        ('"a""b"', Kind.QUOTED, 'a"b'),
        ("'it''s'", Kind.LITERAL, "it's"),
        ("N'x'", Kind.LITERAL, "x"),
        ("''", Kind.LITERAL, ""),
        ("'a--b'", Kind.LITERAL, "a--b"),
        ("42", Kind.LITERAL, 42),
        ("1.50", Kind.LITERAL, Decimal("1.50")),
        (".5", Kind.LITERAL, Decimal("0.5")),
        ("2147483648", Kind.LITERAL, Decimal(2147483648)),
        ("1e3", Kind.LITERAL, 1000.0),
        ("0xABC", Kind.LITERAL, b"\x0a\xbc"),
        ("@Name", Kind.VARIABLE, "@name"),
        ("@@rowcount", Kind.GLOBAL, "@@ROWCOUNT"),
        ("<>", Kind.OPERATOR, "<>"),
    ],
)
def test_a_token_has_its_kind_and_value(sql, kind, value):
    token = one(sql)
    assert (token.kind, token.value) == (kind, value)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("a--b\nc", ["a", "c"]),
        ("a/* b /* nested */ still */c", ["a", "c"]),
        ("a -- it's\n b", ["a", "b"]),
        ("a/*'*/b", ["a", "b"]),
        ("SELECT'x'", ["SELECT", "'x'"]),
    ],
)
def test_comments_separate_and_vanish(sql, words):
    assert [token.text for token in tokenize(sql)[:-1]] == words


@pytest.mark.parametrize(
    ("sql", "number"), [("'open", 105), ("[open", 105), ("/* /* */", 113), ("a ` b", 102), ("N'open", 105)]
)
def test_what_never_ends_is_named(sql, number):
    with pytest.raises(SqlError) as caught:
        tokenize(sql)
    assert caught.value.number == number


def test_literal_types_follow_their_spelling():
    types = [token.type for token in tokenize("'a' N'a' 1 1.25 1e0 0xFF 12345678901")[:-1]]
    assert [(each.name, each.precision, each.scale) for each in types if each] == [
        ("varchar", 0, 0),
        ("nvarchar", 0, 0),
        ("int", 1, 0),
        ("numeric", 3, 2),
        ("float", 0, 0),
        ("varbinary", 0, 0),
        ("numeric", 11, 0),
    ]


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=("Cs",))))
def test_any_text_survives_quoting(text):
    literal = one("N'" + text.replace("'", "''") + "'")
    name = one("[" + text.replace("]", "]]") + "]")
    assert (literal.value, name.value) == (text, text)


@given(st.lists(st.sampled_from(["SELECT", "[a]]]", "'x''y'", "1.5", "@v", "/*c*/", "--c\n", "<=", "\t"])))
def test_places_and_texts_are_those_of_the_source(pieces):
    sql = " ".join(pieces)
    for token in tokenize(sql)[:-1]:
        assert sql[token.start : token.start + len(token.text)] == token.text
