"""`landfall fsx scan` and `partition` from outside: exit codes, sentences, JSON, files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from include.cli.settings import project_root
from include.fsx_migration.partition.manifests import read_manifest

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "path,size,mtime,mode,uid,gid,type\n"


def fsx(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "include.cli.main", "fsx", *map(str, arguments)],
        cwd=project_root(), capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "a").mkdir(parents=True)
    for number in range(10):
        (root / "a" / f"document-{number}").write_bytes(b"x" * number)
    (root / "link").symlink_to("a")
    return root


def test_a_scanned_tree_is_partitioned_into_manifests(tree: Path, tmp_path: Path) -> None:
    listing, out = tmp_path / "l.parquet", tmp_path / "out"
    scanned = fsx("scan", tree, "--out", listing, "--checksums", "--json")
    assert scanned.returncode == 0, scanned.stderr
    facts = json.loads(scanned.stdout)
    names = ("files", "directories", "symlinks", "bytes", "checksums", "unreadable")
    assert [facts[name] for name in names] == [10, 1, 1, 45, 10, 0]
    split = fsx("partition", "--listing", listing, "--parts", "2", "--max-files", "4", "--out", out, "--json")
    made = json.loads(split.stdout)
    assert split.returncode == 0
    assert (made["parts"], made["raised_from"], made["files"], made["bytes"]) == (3, 2, 11, 45 + 1)
    assert made["cost_per_file_bytes"] == 1 << 20
    assert 1.0 <= made["lower_bound"] <= made["max_over_mean"] < 1.2
    assert made["seconds"] > 0
    found = sorted(path for part in made["manifests"] for path in read_manifest(out / part["manifest"]))
    rows = pq.read_table(listing).to_pylist()
    assert found == sorted(row["path"] for row in rows if row["type"] != "directory")


def test_text_says_what_was_done_and_what_was_not(tree: Path, tmp_path: Path) -> None:
    os.mkfifo(tree / "pipe")
    scanned = fsx("scan", tree, "--out", tmp_path / "l.parquet", "--strict")
    assert scanned.returncode == 0
    assert "10 files (45 bytes), 1 directories, 1 symbolic links" in scanned.stdout
    assert "1 sockets, pipes or devices are in no listing: DataSync does not copy them:\n    pipe\n" in scanned.stdout
    listing = tmp_path / "l.csv"
    listing.write_text(HEADER + "a,1,0,0644,0,0,file\nd,0,0,0755,0,0,directory\n" + r"\xff,1,0,0644,0,0,file" + "\n")
    split = fsx("partition", "--listing", listing, "--parts", "4", "--out", tmp_path / "out")
    assert split.returncode == 0
    assert "There are 1 parts instead of 4: one for each file." in split.stdout
    assert "1 names fit no manifest" in split.stdout
    assert "1 directories are in no manifest: the closing pass copies them." in split.stdout
    assert "partition 1/4: sorting 3 rows by path" in split.stderr


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("a,1,0,0644,0,0,file\nb,-1,0,0644,0,0,file\n", "row 2 ('b'): its size is missing, negative"),
        ("a,1,0,0644,0,0,file\nb,1,0,0644,0,0,file\na,2,0,0644,0,0,file\n", "rows 1 and 3 both are 'a'"),
        ("", "names no file that a manifest can hold"),
    ],
)
def test_a_listing_that_cannot_be_meant_ends_with_3_and_one_sentence(tmp_path: Path, lines: str, sentence: str) -> None:
    listing = tmp_path / "l.csv"
    listing.write_text(HEADER + lines)
    ended = fsx("partition", "--listing", listing, "--parts", "2", "--out", tmp_path / "out", "--json")
    assert ended.returncode == 3
    assert sentence in json.loads(ended.stdout)["error"]


def test_wrong_use_ends_with_2_and_a_refused_tree_with_3(tree: Path, tmp_path: Path) -> None:
    ended = fsx("partition", "--listing", tmp_path / "l.csv", "--parts", "0", "--out", tmp_path / "out")
    assert (ended.returncode, "0 parts cannot be made" in ended.stderr) == (2, True)
    ended = fsx("scan", tree, "--out", tree / "l.parquet")
    assert (ended.returncode, "lies in the tree to scan" in ended.stderr) == (3, True)
