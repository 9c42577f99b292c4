"""`landfall fsx reconcile` says what it found and how it ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from include.cli.main import main
from tests.include.fsx_migration.test_reconciling import row, write

if TYPE_CHECKING:
    from pathlib import Path


def reconcile(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["landfall", "fsx", "reconcile", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    found = capsys.readouterr()
    return int(ended.value.code or 0), found.out + found.err


def test_it_prints_counts_and_writes_each_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "a.parquet", [row("same"), row("gone"), row("both", size=1, mode=0o600)])
    target = write(tmp_path / "b.parquet", [row("same"), row("new"), row("both")])
    options = ("--source", source, "--target", target, "--out", tmp_path / "deep" / "out", "--memory-limit", "500MB")
    code, printed = reconcile(capsys, monkeypatch, *options, "--json")
    document = json.loads(printed)
    assert code == 0
    assert document.pop("seconds") > 0
    assert document == {
        "same": 1,
        "missing": 1,
        "extra": 1,
        "changed": {"size": 1, "mtime": 0, "mode": 1, "owner": 0, "checksum": 0},
    }
    assert pq.read_table(tmp_path / "deep" / "out" / "differences.parquet").num_rows == 4
    code, printed = reconcile(capsys, monkeypatch, *options, "--fail-on-difference")
    assert code == 1
    assert "1 are the same, 1 missing, 1 extra, 1 changed" in printed


def test_equal_listings_end_well_even_when_differences_would_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "a.parquet", [row("same")])
    options = ("--source", source, "--target", source, "--out", tmp_path, "--fail-on-difference")
    assert reconcile(capsys, monkeypatch, *options)[0] == 0


@pytest.mark.parametrize(
    ("rows", "limit", "told"),
    [
        ([row("a"), row("a")], "1GB", "rows 1 and 2 both are 'a'"),
        ([row("a", size=-1)], "1GB", "row 1 ('a'): its size is"),
        ([row("a")], "much", "much is no memory limit"),
    ],
)
def test_a_listing_that_cannot_be_meant_is_refused_with_the_row(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    rows: list[dict[str, object]],
    limit: str,
    told: str,
) -> None:
    source = write(tmp_path / "a.parquet", rows)
    options = ("--source", source, "--target", source, "--out", tmp_path, "--memory-limit", limit)
    code, printed = reconcile(capsys, monkeypatch, *options)
    assert (code, told in printed) == (3, True), printed


def test_a_folder_that_cannot_be_made_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "a.parquet", [row("a")])
    code, printed = reconcile(capsys, monkeypatch, "--source", source, "--target", source, "--out", source / "x")
    assert (code, "cannot be written" in printed) == (3, True)
