"""Listings, profiles and surveys that the tests of planning share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from include.fsx_migration.partition.partitioning import Part, Partition
from include.fsx_migration.planning.plans import deal_parts
from include.fsx_migration.planning.preflight import Survey
from include.fsx_migration.planning.profile import Profile
from include.fsx_migration.planning.target_state import described
from tests.include.fsx_migration.fake_aws import migration

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday
MIB, GIB, TIB = 1 << 20, 1 << 30, 1 << 40


def write_listing(target: Path, rows: list[dict[str, Any]]) -> Path:
    """Write a listing; each row has a path, the rest has defaults."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = {"size": 1, "mtime": NOW - timedelta(days=400), "mode": 0o644, "uid": 0, "gid": 0, "type": "file"}
    kinds = {
        "path": pa.string(),
        "size": pa.int64(),
        "mtime": pa.timestamp("us", "UTC"),
        "mode": pa.int32(),
        "uid": pa.int64(),
        "gid": pa.int64(),
        "type": pa.string(),
    }
    if any("inode" in row for row in rows):
        kinds |= {"inode": pa.int64(), "links": pa.int32()}
        plain |= {"inode": 0, "links": 1}
    full = [plain | row for row in rows]
    table = pa.table({name: pa.array([row[name] for row in full], kind) for name, kind in kinds.items()})
    pq.write_table(table, target)
    return target


def profile_of(**changes: Any) -> Profile:
    """The profile of an unremarkable tree of 1 TiB in a million files."""
    plain: dict[str, Any] = {
        "files": 1_000_000,
        "directories": 50_000,
        "symlinks": 0,
        "bytes": TIB,
        "newest": "2026-02-28",
        "oldest": "2014-05-01",
        "sizes": {20: (1_000_000, TIB)},
        "ages": (("< 1 day", 10, 10 * MIB), ("1 - 2 years", 999_990, TIB - 10 * MIB)),
        "quantiles": {50: MIB, 90: MIB, 99: MIB},
        "largest": (("big.bin", GIB),),
        "fullest": (("", 1000),),
        "deepest": (("a/b/c", 3),),
        "odd": {},
        "links": None,
        "link_bytes": 0,
        "fair_share": float(TIB),
        "above_share": 0,
    }
    return Profile(**plain | changes)


def partition_of(costs: list[int], *, files: int = 1_000_000, left_out: int = 0) -> Partition:
    """A partition with parts of these costs."""
    share = files // len(costs)
    counts = [share] * (len(costs) - 1) + [files - share * (len(costs) - 1)]
    parts = tuple(
        Part(index, f"part-{index:04d}.csv", held, max(0, cost - held * MIB), cost)
        for index, (cost, held) in enumerate(zip(costs, counts, strict=True))
    )
    mean = sum(costs) / len(costs)
    return Partition(
        parts=parts,
        files=files,
        bytes=sum(part.bytes for part in parts),
        cost_per_file_bytes=MIB,
        max_over_mean=max(costs) / mean,
        lower_bound=1.0,
        raised_from=None,
        left_out=left_out,
        directories=50_000,
        seconds=0.0,
    )


def survey_of(**changes: Any) -> Survey:
    """A survey in which nothing is wrong: 1 TiB for 2,400 GiB of Lustre at 600 MB/s, by two agents."""
    wanted = changes.pop("migration", None) or migration()
    parts, balance = deal_parts(partition_of([TIB] * 2), wanted.source.agents, keys=["part-0000.csv", "part-0001.csv"])
    plain: dict[str, Any] = {
        "migration": wanted,
        "profile": profile_of(),
        "parts": parts,
        "balance": balance,
        "left_out": 0,
        "cost_per_file_bytes": MIB,
        "target": described(wanted.target),
        "now": NOW,
        "tasks_in_region": 0,
        "window_hours": 24.0,
    }
    return Survey(**plain | changes)
