"""Old working data goes; nothing that anybody reads again does."""

from collections.abc import Iterator

import pytest

from include.ioc_refresh.housekeeping import VERSIONED, remove_old_versions
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.refreshes import commit_key
from tests.include.ioc_refresh.moto_lake import moto_place


@pytest.fixture
def lake() -> Iterator[Lake]:
    with moto_place() as place:
        yield place.lake


def write(lake: Lake, sequence: int, *, committed: bool = True, version: str | None = None) -> str:
    version = version or f"{sequence:08d}-abcdef01"
    for table in VERSIONED:
        lake.put_bytes(lake.settings.key(table, f"version={version}", "part"), b"x")
    if committed:
        lake.put_json(commit_key(lake, sequence), {"sequence": sequence, "version": version})
        lake.put_bytes(lake.settings.key("snapshots", f"{sequence:08d}", "indicators.jsonl.gz"), b"x")
    return version


def versions(lake: Lake, table: str) -> list[str]:
    return sorted({key.split("version=")[1].split("/")[0] for key in lake.list_keys(table, "version=")})


def test_only_the_newest_refreshes_keep_their_working_data(lake: Lake) -> None:
    names = [write(lake, sequence) for sequence in range(1, 7)]
    assert remove_old_versions(lake, kept=2) == dict.fromkeys(VERSIONED, 4)
    assert all(versions(lake, table) == names[4:] for table in VERSIONED)


def test_the_version_the_next_refresh_reads_stays_however_old_it_is(lake: Lake) -> None:
    state = write(lake, 1)
    for sequence in range(2, 9):  # roll-backs commit without a state of their own
        lake.put_json(commit_key(lake, sequence), {"sequence": sequence, "version": state})
    remove_old_versions(lake, kept=2)
    assert versions(lake, "state") == [state]


def test_data_of_a_run_that_never_committed_goes_too_but_not_before_its_time(lake: Lake) -> None:
    for sequence in range(1, 4):
        write(lake, sequence)
    dead = write(lake, 4, committed=False, version="00000001-deadbeef")
    rival = write(lake, 4, committed=False, version="00000004-12345678")
    remove_old_versions(lake, kept=2)
    assert dead not in versions(lake, "state")
    assert rival in versions(lake, "state")


def test_snapshots_and_the_commit_log_are_never_touched(lake: Lake) -> None:
    for sequence in range(1, 6):
        write(lake, sequence)
    before = list(lake.list_keys("snapshots/")) + list(lake.list_keys("refreshes/"))
    remove_old_versions(lake, kept=1)
    assert list(lake.list_keys("snapshots/")) + list(lake.list_keys("refreshes/")) == before


def test_an_empty_lake_is_left_alone(lake: Lake) -> None:
    assert remove_old_versions(lake) == {}
