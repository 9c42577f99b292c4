"""The end of a refresh: prove what stands in the table, publish it as a snapshot, and enter it into the commit log."""

from collections.abc import Iterator, Mapping
from typing import Any

from include.ioc_refresh.changes import Changes
from include.ioc_refresh.cost import run_cost
from include.ioc_refresh.dead_letters import count_dead_letters
from include.ioc_refresh.drafts import read_draft
from include.ioc_refresh.indicators import TableEntry
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.refreshes import RefreshPlan, commit_refresh
from include.ioc_refresh.snapshots import snapshot_objects
from include.ioc_refresh.table import IndicatorTable


class TableDiffersError(RuntimeError):
    """The table does not hold what this refresh wrote: somebody else wrote meanwhile."""


def commit(
    lake: Lake, table: IndicatorTable, plan: RefreshPlan, *, results: Mapping[str, Any], note: str | None = None
) -> dict[str, Any]:
    """Publish the snapshot of a refresh and commit it; `results` are what its tasks returned, by task.

    Run again it publishes the same objects. Returns the summary that people read.
    """
    known = {**results, "dead_letters": count_dead_letters(lake, plan.dead_letters)}
    summary = publish(lake, table, version=plan.version, sequence=plan.sequence, results=known)
    verdicts = results.get("collect_verdicts") or {}
    commit_refresh(lake, plan, pending=verdicts.get("pending", 0), indicators=summary["indicators"], note=note)
    return summary


def publish(
    lake: Lake, table: IndicatorTable, *, version: str, sequence: int, results: Mapping[str, Any]
) -> dict[str, Any]:
    """Write the snapshot of the table with the changes that led to it; returns its summary, cost included.

    Raises TableDiffersError unless the table holds what the changes wanted.
    """
    entries, changes = table.read_all(), read_draft(lake, version)
    require_written(entries, changes)
    indicators = [entry.indicator for _, entry in sorted(entries.items()) if entry.indicator]
    folder = lake.settings.key("snapshots", f"{sequence:08d}")
    for name, body in snapshot_objects(indicators, changes, sequence=sequence).items():
        lake.put_bytes(f"{folder}/{name}", body, content_type="application/gzip")
    written = results.get("write_changes") or {}
    cost = run_cost(
        _scanned(results),
        read_units=table.consumed.read_units + written.get("read_units", 0.0),
        write_units=written.get("write_units", 0.0),
    )
    summary = {
        "sequence": sequence,
        "version": version,
        "as_of": changes.as_of.isoformat(),
        "indicators": len(indicators),
        "suppressed": sum(entry.is_suppressed(changes.as_of) for entry in entries.values()),
        "changes": changes.summary(),
        "results": dict(results),
        "cost": cost.to_dict(),
        "snapshot": f"s3://{lake.settings.bucket}/{folder}/",
    }
    lake.put_json(f"{folder}/summary.json", summary)
    return summary


def require_written(entries: Mapping[str, TableEntry], changes: Changes) -> None:
    """Raise TableDiffersError, naming a key, unless everything that was to change has changed."""
    wanted = [*changes.added, *(renewal.indicator for renewal in changes.renewed)]
    missing = [one.key for one in wanted if _life(entries.get(one.key)) != (one.expires_at, one.query_version)]
    left = [gone.indicator.key for gone in changes.removed if _life(entries.get(gone.indicator.key))]
    if missing or left:
        raise TableDiffersError(
            f"{len(missing)} written and {len(left)} removed indicators are not as this refresh left them, "
            f"{(missing + left)[0]!r} among them: clear write_changes to write them again."
        )


def _life(entry: TableEntry | None) -> tuple[Any, ...] | None:
    return (entry.indicator.expires_at, entry.indicator.query_version) if entry and entry.indicator else None


def _scanned(results: Any) -> Iterator[int]:
    """Yield the bytes of each query among the tasks' results, wherever a task put its outcomes."""
    if isinstance(results, list):
        for result in results:
            yield from _scanned(result)
    elif isinstance(results, Mapping) and "scanned_bytes" in results:
        yield int(results["scanned_bytes"])
    elif isinstance(results, Mapping):
        yield from _scanned(list(results.values()))
