"""Counts of an hour come together from every run that committed, and from no other."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.scanner_block.counts import counts_schema
from include.scanner_block.lake.count_files import CountFiles
from include.scanner_block.lake.counts_store import (
    CountsMissingError,
    hour_text,
    prune_counts,
    read_hours,
    touched_hours,
    write_counts,
)
from include.scanner_block.settings import ScannerSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.object_store import ObjectStore

FIVE = int(datetime(2026, 11, 24, 5, tzinfo=UTC).timestamp())
V1, V2, V3 = (f"{number:08d}-aaaaaaaa" for number in (1, 2, 3))


@pytest.fixture
def store(scanner_lake: Any) -> ObjectStore:
    store = ScannerSettings().store(scanner_lake)
    store.delete_prefix("counts", "")
    return store


def table(rows: Sequence[tuple[Any, ...]]) -> Any:
    import pyarrow as pa

    names = counts_schema().names
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=counts_schema())


def rows_of(found: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in found.to_pylist()]


def test_counts_lie_by_hour_and_come_back_by_hour(store: ObjectStore) -> None:
    late = (FIVE + 3600, FIVE + 3601, "2001:db8::1", "/login", None, 2)
    early = (FIVE + 3540, FIVE + 3599, "192.0.2.1", None, "0123456789abcdef", 7)
    hours = write_counts(store, source="web", version=V1, counts=table([late, early]))
    assert hours == ["2026-11-24-05", "2026-11-24-06"]
    assert list(store.list_keys("counts", "")) == [
        f"scanner/counts/source=web/hour={hour}/{V1}.parquet" for hour in hours
    ]
    files = CountFiles().adding("web", V1, hours)
    assert rows_of(read_hours(store, "web", ["2026-11-24-05"], files=files)) == [early]
    assert rows_of(read_hours(store, "web", reversed(hours), files=files)) == [early, late]
    assert rows_of(read_hours(store, "app", hours, files=files)) == []


def test_a_late_log_is_added_to_its_hour(store: ObjectStore) -> None:
    row = (FIVE, FIVE + 9, "192.0.2.1", None, None, 30)
    files = CountFiles()
    for version in (V1, V2):
        files = files.adding("web", version, write_counts(store, source="web", version=version, counts=table([row])))
    assert rows_of(read_hours(store, "web", ["2026-11-24-05"], files=files)) == [row, row]


def test_counts_of_a_run_that_never_committed_count_for_nobody(store: ObjectStore) -> None:
    row = (FIVE, FIVE, "192.0.2.1", None, None, 30)
    for version in (V1, V2):
        write_counts(store, source="web", version=version, counts=table([row]))
    files = CountFiles().adding("web", V2, ["2026-11-24-05"])
    assert rows_of(read_hours(store, "web", ["2026-11-24-05"], files=files)) == [row]


def test_writing_again_in_another_order_gives_the_same_bytes_and_no_second_count(store: ObjectStore) -> None:
    rows = [(FIVE + 60 * minute, FIVE, f"192.0.2.{minute}", None, None, 1) for minute in range(9)]
    write_counts(store, source="web", version=V1, counts=table(rows))
    key = f"scanner/counts/source=web/hour=2026-11-24-05/{V1}.parquet"
    first = store.get_bytes(key)
    assert write_counts(store, source="web", version=V1, counts=table(rows[::-1])) == ["2026-11-24-05"]
    assert store.get_bytes(key) == first
    assert list(store.list_keys("counts", "")) == [key]


def test_no_counts_write_nothing(store: ObjectStore) -> None:
    assert write_counts(store, source="web", version=V1, counts=counts_schema().empty_table()) == []
    assert list(store.list_keys("counts", "")) == []


def test_a_table_without_a_column_of_counts_is_refused(store: ObjectStore) -> None:
    with pytest.raises(KeyError, match="last"):
        write_counts(store, source="web", version=V1, counts=counts_schema().empty_table().drop(["last"]))


def test_a_damaged_log_may_name_any_year(store: ObjectStore) -> None:
    rows = [(at, at, "192.0.2.1", None, None, 1) for at in (-62135596800, -1, 0, 253402300799)]
    hours = write_counts(store, source="web", version=V1, counts=table(rows))
    assert hours == ["0001-01-01-00", "1969-12-31-23", "1970-01-01-00", "9999-12-31-23"]
    files = CountFiles().adding("web", V1, hours)
    assert rows_of(read_hours(store, "web", hours, files=files)) == rows
    assert list(files.since("2026-11-21-05", sources=["web"])) == [("web", "9999-12-31-23", V1)]


def test_a_sliding_minute_touches_the_hours_beside() -> None:
    assert touched_hours(["2026-11-24-00"], sliding_minute=False) == ["2026-11-24-00"]
    assert touched_hours(["2026-12-01-00", "2026-12-01-01"], sliding_minute=True) == [
        "2026-11-30-23",
        "2026-12-01-00",
        "2026-12-01-01",
        "2026-12-01-02",
    ]
    assert hour_text(datetime.fromisoformat("2026-11-24T01:10:00+02:00")) == "2026-11-23-23"


def test_counts_that_somebody_deleted_are_named_and_can_be_given_up(store: ObjectStore) -> None:
    row = (FIVE, FIVE, "192.0.2.1", None, None, 30)
    files = CountFiles()
    for version in (V1, V2):
        files = files.adding("web", version, write_counts(store, source="web", version=version, counts=table([row])))
    store.delete(f"scanner/counts/source=web/hour=2026-11-24-05/{V1}.parquet")
    with pytest.raises(CountsMissingError, match=rf"1 objects of counts are gone.*hour=2026-11-24-05/{V1}") as caught:
        read_hours(store, "web", ["2026-11-24-05"], files=files)
    kept = files.without(caught.value.missing)
    assert rows_of(read_hours(store, "web", ["2026-11-24-05"], files=kept)) == [row]


def test_pruning_takes_what_the_last_commit_does_not_rely_on_and_leaves_a_run_under_way_alone(
    store: ObjectStore,
) -> None:
    row = (FIVE, FIVE, "192.0.2.1", None, None, 30)
    for source, version in (("web", V1), ("web", V2), ("web", V3), ("gone", V1)):
        write_counts(store, source=source, version=version, counts=table([row]))
    store.put_bytes(store.key("counts", "source=web", "notes.txt"), b"a person's")
    files = CountFiles().adding("web", V2, ["2026-11-24-05"])
    assert prune_counts(store, files=files, sequence=2) == 2
    assert [key.rpartition("/")[2] for key in store.list_keys("counts", "")] == [
        f"{V2}.parquet",
        f"{V3}.parquet",
        "notes.txt",
    ]


def test_files_of_old_hours_and_of_sources_no_longer_read_are_dropped() -> None:
    files = CountFiles().adding("web", V1, ["2026-11-20-05", "2026-11-24-05"]).adding("gone", V1, ["2026-11-24-05"])
    assert files.since("2026-11-21-05", sources=["web", "new"]).to_document() == {"web": {"2026-11-24-05": [V1]}}
    assert CountFiles.from_document(files.to_document()) == files


counts_rows = st.lists(
    st.tuples(
        st.integers(0, 4).map(lambda step: FIVE + 1800 * step),
        st.just(FIVE),
        st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]),
        st.sampled_from([None, "/login"]),
        st.none(),
        st.integers(1, 9),
    ),
    max_size=12,
)


@settings(derandomize=True, deadline=None, max_examples=12)
@given(st.lists(counts_rows, min_size=1, max_size=3))
def test_the_hours_hold_every_row_of_every_run(scanner_lake: Any, runs: list[list[tuple[Any, ...]]]) -> None:
    store, files = ScannerSettings().store(scanner_lake), CountFiles()
    for version, rows in zip((V1, V2, V3), runs, strict=False):
        hours = write_counts(store, source="property", version=version, counts=table(rows))
        files = files.adding("property", version, hours)
    every_hour = {hour for _, hour, _ in files}
    found = read_hours(store, "property", every_hour, files=files)
    assert Counter(rows_of(found)) == Counter(row for rows in runs for row in rows)
