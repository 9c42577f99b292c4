"""The SQL files: parameters are literals, versions are stated, and every file is Athena's dialect."""

from datetime import UTC, date, datetime

import pytest
import sqlglot

from include.ioc_refresh import queries
from include.ioc_refresh.kinds import Kind

AS_OF = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("it's", "'it''s'"),
        (7, "7"),
        (date(2026, 3, 10), "DATE '2026-03-10'"),
        (AS_OF, "TIMESTAMP '2026-03-10 12:30:00.000'"),
        (["a", "b'"], "'a', 'b'''"),
        ([], "''"),
    ],
)
def test_a_value_becomes_a_literal_that_cannot_leave_its_quotes(value: object, text: str) -> None:
    assert queries.literal(value) == text


def test_a_placeholder_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        queries.render("SELECT :missing", {})


def test_a_value_that_looks_like_a_placeholder_is_not_replaced_again() -> None:
    assert queries.render("SELECT :a, :b", {"a": ":b", "b": "x"}) == "SELECT ':b', 'x'"


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_query_with_a_version_and_states_its_life(kind: Kind) -> None:
    assert queries.query_version(kind).startswith(f"{kind}-")
    assert "AS life_days" in queries.sql_file(f"candidates/{kind}")


@pytest.mark.parametrize(
    "sql",
    [
        queries.update_state(version="2", previous="1", as_of=AS_OF),
        queries.update_ledger(version="2", previous="1", as_of=AS_OF),
        queries.candidates(version="2", as_of=AS_OF),
        queries.recount(as_of=AS_OF, horizon=date(2026, 2, 1), open_objects=["s3://b/k"]),
        queries.new_mail(objects=["s3://b/k"], hours=["2026-03-10-12"]),
        queries.new_verdicts(objects=["s3://b/k"], hours=["2026-03-10-12"]),
        queries.compare_state(version="2", horizon=date(2026, 2, 1)),
    ],
    ids=["update_state", "update_ledger", "candidates", "recount", "new_mail", "new_verdicts", "compare_state"],
)
def test_a_query_parses_as_athena_and_leaves_no_placeholder(sql: str) -> None:
    assert sqlglot.parse_one(sql, dialect="athena") is not None
    assert not queries._PLACEHOLDER.search(sql)


def test_a_query_carries_no_comment_to_athena() -> None:
    assert "--" not in queries.candidates(version="2", as_of=AS_OF)


def test_the_state_keeps_as_many_days_as_the_longest_life() -> None:
    lives = [
        int(line.split()[0])
        for kind in Kind
        for line in queries.sql_file(f"candidates/{kind}").splitlines()
        if line.endswith("AS life_days")
    ]
    assert max(lives) <= queries.RETENTION_DAYS
    assert queries.horizon(AS_OF) == date(2025, 9, 11)
