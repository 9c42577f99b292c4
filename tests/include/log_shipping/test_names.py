"""Any database name has file names of its own, which are read back."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.log_shipping.names import backup_file_name, file_prefix, legible, parse_file_name, quoted

AT = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=15)


def file_name(database: str, server: str = "SQLFCI01") -> str:
    return backup_file_name(database=database, server=server, at=AT, short_id="0a1b2c3d")


def test_the_name_says_database_time_and_server() -> None:
    assert file_name("Sales") == "Sales_20260301T120005Z_SQLFCI01_0a1b2c3d.trn"


@given(NAMES, NAMES)
def test_a_name_is_read_back_and_is_one_plain_file(database: str, server: str) -> None:
    name = file_name(database, server)
    parsed = parse_file_name(name)
    assert parsed
    assert (parsed.database, parsed.server, parsed.at, parsed.kind) == (database, server, AT, "trn")
    assert not set(name) & set('/\\:*?"<>| ')


@given(NAMES, NAMES)
def test_no_other_databases_files_begin_the_same(one: str, other: str) -> None:
    assert one == other or not file_name(other).startswith(file_prefix(one))
    assert one == other or quoted(one) != quoted(other)


@pytest.mark.parametrize("name", ["x.trn", "Sales_20261301T000000Z_A_0a1b2c3d.trn", "Sales.undo", "a.trn.0a.part"])
def test_other_files_are_not_ours(name: str) -> None:
    assert parse_file_name(name) is None


def test_a_name_too_long_for_a_file_is_refused() -> None:
    with pytest.raises(ValueError, match="180 are possible"):
        file_name("ü" * 60)


def test_a_runs_id_is_a_folder_that_a_browser_opens_as_it_reads() -> None:
    assert legible("manual__2026-03-01T12:00:00.5+00:00") == "manual__2026-03-01T12-00-00.5-00-00"
    assert "/" not in legible("odd/../id")
