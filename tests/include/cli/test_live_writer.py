"""The live writer's bookkeeping: what was acknowledged, what is in doubt, what is missing afterwards."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.cli.live_writer import CREATE_TABLE, Commit, Ledger, LiveWriter, compared, survival
from tests.local_sql_server import LocalSqlServer, start_local_sql_server

AT = datetime(2026, 1, 1, tzinfo=UTC)


def ledger(*numbers: int, in_doubt: tuple[int, ...] = ()) -> Ledger:
    commits = [Commit(n, AT + timedelta(seconds=n), AT + timedelta(seconds=n)) for n in numbers]
    return Ledger(acknowledged=commits, in_doubt=list(in_doubt))


@pytest.mark.parametrize(
    ("found", "lost", "is_prefix", "strangers"),
    [
        ({1, 2, 3}, [], True, 0),
        ({1, 2, 3, 4}, [], True, 0),
        ({1}, [2, 3], True, 0),
        (set(), [1, 2, 3], True, 0),
        ({1, 3}, [2], False, 0),
        ({1, 2, 3, 9}, [], True, 1),
    ],
)
def test_what_is_missing_is_told_from_what_was_in_doubt(
    found: set[int], lost: list[int], is_prefix: bool, strangers: int
) -> None:
    seen = compared(ledger(1, 2, 3, in_doubt=(4,)), found)
    assert [commit.number for commit in seen.lost] == lost
    assert (seen.acknowledged, seen.found) == (3, len(found))
    assert (seen.is_prefix, seen.strangers) == (is_prefix, strangers)


def test_longest_pause_is_between_two_acknowledgements() -> None:
    assert ledger(1, 2, 7, 8).longest_pause() == 5
    assert ledger(1).longest_pause() == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSqlServer]:
    with start_local_sql_server(tmp_path_factory.mktemp("writer") / "primary") as running:
        running.execute("CREATE DATABASE orders")
        running.execute(CREATE_TABLE, database="orders")
        yield running


def test_every_commit_outlives_a_killed_server_and_a_row_in_doubt_is_never_sent_twice(server: LocalSqlServer) -> None:
    def connect() -> Any:
        return server.connect("orders")

    with LiveWriter(connect) as writer:
        assert writer.wait_for(more=20, timeout_seconds=30)
        server.kill()
        server.restart()
        assert writer.wait_for(more=20, timeout_seconds=30)
    with closing(connect()) as connection:
        seen = survival(writer.ledger, connection)
    assert seen.acknowledged >= 40
    assert (seen.lost, seen.strangers) == ((), 0)
    assert seen.found - seen.acknowledged <= len(writer.ledger.in_doubt) <= 1
    assert writer.ledger.longest_pause() > 0
