"""Run the benchmarks of the `benchmarks/` folder by the names of their lines."""

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from include.cli.output import print_json, print_table, progress
from include.cli.refusal import RefusalError
from include.cli.settings import project_root

# Line name -> module in benchmarks/. A module's ``run()`` yields one mapping per line:
# {"name", "ours", "peer", "ratio" (ours / peer), "unit", "note"}.
REGISTRY: Mapping[str, str] = {
    "refresh_bytes": "refresh",
    "refresh_seconds": "refresh",
    "refresh_differences": "refresh",
    "refresh_writes": "refresh",
    "lookup_p99": "lookup",
    "lookup_keys_p99": "lookup",
    "lookup_requests_mean": "lookup",
    "gate_seconds": "gates",
    "dag_parsing_seconds": "parsing",
    "ioc_recall_24h": "quality",
    "ioc_items_24h": "quality",
    "ioc_recall_1h": "quality",
    "ioc_items_1h": "quality",
    "lost_with_tail": "log_shipping",
    "lost_without_tail_unstated": "log_shipping",
    "ship_50_seconds": "log_shipping_scheduler",
    "fail_over_1_seconds": "log_shipping_scheduler",
    "fail_over_50_seconds": "log_shipping_scheduler",
    "sql_commit_rate": "sql_server",
    "sql_commit_rate_8": "sql_server",
    "sql_fetch_rate": "sql_server",
    "sql_log_backup_ms": "sql_server",
    "partition_seconds": "fsx_partition",
    "partition_balance": "fsx_partition",
    "partition_memory": "fsx_partition",
    "reconcile_seconds": "fsx_reconcile",
    "reconcile_memory": "fsx_reconcile",
    "watch_memory_growth": "fsx_watch",
    "eta_coverage": "fsx_eta",
    "scan_rate": "fsx_scan",
    "assess_seconds": "discovery_assess",
    "assess_memory": "discovery_assess",
    "read_rate": "discovery_read",
    "join_and_group_seconds": "discovery_groups",
    "group_f1_easy": "discovery_groups",
    "group_f1_noisy": "discovery_groups",
    "tier_ari": "discovery_groups",
    "waves_over_capacity": "discovery_waves",
    "wave_cut": "discovery_waves",
    "wave_count": "discovery_waves",
    "sizing_breaches": "discovery_sizing",
    "cost_difference_cents": "discovery_costs",
    "parse_rate": "scanner_parse",
    "parse_memory": "scanner_parse",
    "bytes_per_run": "scanner_bytes",
}
GROUPS: Mapping[str, tuple[str, ...]] = {
    "log_shipping": ("log_shipping", "log_shipping_scheduler"),
    "sql_server": ("sql_server",),
    "fsx_migration": ("fsx_partition", "fsx_reconcile", "fsx_watch", "fsx_eta", "fsx_scan"),
    "discovery": (
        "discovery_assess",
        "discovery_read",
        "discovery_groups",
        "discovery_waves",
        "discovery_sizing",
        "discovery_costs",
    ),
    "scanner_block": ("scanner_parse", "scanner_bytes"),
}
"""Names for all lines of several modules."""


def run_benchmarks(names: Sequence[str], *, as_json: bool) -> None:
    """Run the named lines (all when none is named) and print each as soon as it is known.

    A module runs once, even when several of its lines were asked for.

    :raises RefusalError: a name is unknown, a module is missing, or a module did not yield a line it owes.
    """
    wanted = wanted_lines(names)
    modules = list(dict.fromkeys(REGISTRY[name] for name in wanted))
    _make_importable(project_root())
    printed = []
    with progress("landfall bench", steps=len(modules), as_json=as_json) as announce:
        for done, module in enumerate(modules):
            announce(done, f"running {module}")
            for line in _lines(module, wanted):
                printed.append(line)
                if as_json:
                    print_json(line)
        announce(len(modules), "done")
    if not as_json:
        columns = ("name", "ours", "peer", "ratio", "unit")
        print_table(columns, [tuple(_cell(line.get(column)) for column in columns) for line in printed])
        for line in printed:
            sys.stdout.write(f"{line['name']}: {line.get('note', '')}\n")
    missing = wanted - {line["name"] for line in printed}
    if missing:
        raise RefusalError(f"The benchmarks gave no line {', '.join(sorted(missing))}: look at benchmarks/.")


def wanted_lines(names: Sequence[str]) -> set[str]:
    """Check the names against the registry and replace groups by their lines; no name means every line."""
    known = [*REGISTRY, *GROUPS]
    if unknown := [name for name in names if name not in known]:
        raise RefusalError(f"There is no benchmark line {', '.join(unknown)}: choose from {', '.join(known)}.")
    grouped = {module for name in names for module in GROUPS.get(name, ())}
    lines = {name for name in names if name in REGISTRY} | {name for name in REGISTRY if REGISTRY[name] in grouped}
    return lines or set(REGISTRY)


def _lines(module: str, wanted: set[str]) -> Iterator[dict[str, Any]]:
    try:
        benchmark = importlib.import_module(f"benchmarks.{module}")
    except ModuleNotFoundError as error:
        raise RefusalError(
            f"benchmarks/{module}.py cannot be run because {error.name} is missing: run `make install`."
        ) from error
    owed = {name for name in wanted if REGISTRY[name] == module}
    for line in benchmark.run():
        if line["name"] in wanted:
            yield dict(line)
            owed.discard(line["name"])
        if not owed:  # what nobody asked for may take minutes
            return


def _make_importable(root: Path) -> None:
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))


def _cell(value: object) -> str | None:
    if value is None:
        return None
    return f"{value:.4g}" if isinstance(value, float) else str(value)
