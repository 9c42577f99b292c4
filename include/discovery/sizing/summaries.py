"""Utilisation of each server and metric: average and percentiles weighted by duration, days and coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables
from include.discovery.sizing.percentiles import SHARES, lay_out, summarise

if TYPE_CHECKING:
    from include.discovery.sizing.percentiles import Summary
    from include.discovery.sizing.settings import SizingSettings

METRICS: Final = (
    "cpu_percent",
    "memory_percent",
    "disk_read_iops",
    "disk_write_iops",
    "disk_read_mb_s",
    "disk_write_mb_s",
    "network_in_mb_s",
    "network_out_mb_s",
)
_ROWS_AT_ONCE: Final = 1_000_000
_NAMES: Final = tuple(f"p{round(share * 100)}" for share in SHARES)
# Servers are numbered in the order in which their samples lie, so that a range of them is a range of rows.
_SAMPLED: Final = """
CREATE OR REPLACE TEMP TABLE sampled_refs AS
WITH lies AS (
    SELECT source_id, ref, count(*) AS samples, min(rowid) AS first_row, max(rowid) AS last_row
    FROM raw_utilisation GROUP BY source_id, ref
), found AS (
    SELECT r.server_id, l.*, min(l.first_row) OVER (PARTITION BY r.server_id) AS first
    FROM server_refs r JOIN lies l USING (source_id, ref)
)
SELECT source_id, ref, server_id, samples, first_row, last_row, dense_rank() OVER (ORDER BY first) - 1 AS server
FROM found
"""
_FOUND: Final = f"""
CREATE OR REPLACE TEMP TABLE found_summaries (server BIGINT, metric VARCHAR, days DOUBLE, coverage DOUBLE,
    samples BIGINT, avg DOUBLE, {", ".join(f"{name} DOUBLE" for name in _NAMES)}, max DOUBLE)
"""


def summarise_utilisation(connection: Any, *, settings: SizingSettings) -> None:
    """Fill `utilisation_summary` from `raw_utilisation` and `server_refs`, ordered by server and metric.

    Samples of one server from several sources are taken together by time. Works through ranges of servers, so memory
    depends on a range, not on the number of samples; samples that do not lie by server are sorted once, on disk if
    DuckDB must.
    """
    tables.create(connection, "utilisation_summary")
    for statement in (_SAMPLED, _FOUND):
        connection.execute(statement).fetchall()
    metrics = _metrics(connection)
    ranges = _ranges(connection)
    is_sorted = _sort(connection, metrics) if len(ranges) > 1 and not _is_clustered(connection) else False
    for servers, rows in ranges:
        samples = _sorted_samples(connection, servers) if is_sorted else _samples(connection, servers, rows, metrics)
        _summarise_range(connection, samples, metrics, settings.longest_gap_seconds)
    connection.execute(
        "INSERT INTO utilisation_summary BY NAME SELECT n.server_id, f.* EXCLUDE (server) FROM found_summaries f "
        "JOIN (SELECT DISTINCT server, server_id FROM sampled_refs) n USING (server) ORDER BY n.server_id, f.metric"
    ).fetchall()
    for table in ("found_summaries", "sampled_refs", "sorted_samples"):
        connection.execute(f"DROP TABLE IF EXISTS {table}").fetchall()


def _metrics(connection: Any) -> tuple[str, ...]:
    """Return the metrics that have any sample."""
    told = connection.execute(f"SELECT {', '.join(f'count({metric})' for metric in METRICS)} FROM raw_utilisation")
    return tuple(metric for metric, count in zip(METRICS, told.fetchall()[0], strict=True) if count)


def _ranges(connection: Any) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return ranges (first server, last server), (first row, last row) of about _ROWS_AT_ONCE samples each."""
    return [
        ((first, last), (first_row, last_row))
        for first, last, first_row, last_row in connection.execute(
            "SELECT min(server), max(server), min(first_row), max(last_row) FROM (SELECT *, "
            "(sum(samples) OVER (ORDER BY server)) // ? AS part FROM (SELECT server, sum(samples) AS samples, "
            "min(first_row) AS first_row, max(last_row) AS last_row FROM sampled_refs GROUP BY server)) "
            "GROUP BY part ORDER BY part",
            [_ROWS_AT_ONCE],
        ).fetchall()
    ]


def _is_clustered(connection: Any) -> bool:
    """Tell whether the samples of a server lie together, so that a range of servers is a range of rows."""
    told = connection.execute("SELECT sum(last_row - first_row + 1) <= 2 * sum(samples) FROM sampled_refs")
    return bool(told.fetchall()[0][0])


def _sort(connection: Any, metrics: tuple[str, ...]) -> bool:
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE sorted_samples AS {_selected(metrics)} "
        "ORDER BY s.server, u.at, u.source_id, u.source_row"
    ).fetchall()
    return True


def _sorted_samples(connection: Any, servers: tuple[int, int]) -> dict[str, Any]:
    return _fetch(connection, "SELECT * FROM sorted_samples WHERE server BETWEEN ? AND ?", servers)


def _samples(
    connection: Any, servers: tuple[int, int], rows: tuple[int, int], metrics: tuple[str, ...]
) -> dict[str, Any]:
    """Return the samples of a range as columns, ordered by server and time; the later source is the later row."""
    import numpy as np

    query = f"{_selected(metrics)} WHERE s.server BETWEEN ? AND ? AND u.rowid BETWEEN ? AND ?"
    columns = _fetch(connection, query, (*servers, *rows))
    moment = (columns["server"] << 36) + columns["at"]  # 36 bits of seconds reach beyond the year 4000
    if np.all(moment[1:] > moment[:-1]):
        return columns
    order = np.argsort(moment, kind="stable")
    if np.any(moment[order][1:] == moment[order][:-1]):  # rare, and slower: the sources decide
        return _fetch(connection, f"{query} ORDER BY s.server, u.at, u.source_id, u.source_row", (*servers, *rows))
    return {name: columns.pop(name)[order] for name in list(columns)}


def _selected(metrics: tuple[str, ...]) -> str:
    rates = "".join(f", coalesce({_cut(metric)}, 'nan'::DOUBLE) AS {metric}" for metric in metrics)
    return (
        f"SELECT s.server, epoch(u.at)::BIGINT AS at, coalesce(u.seconds::DOUBLE, 'nan'::DOUBLE) AS seconds{rates} "
        "FROM raw_utilisation u JOIN sampled_refs s USING (source_id, ref)"
    )


def _fetch(connection: Any, query: str, parameters: tuple[int, ...]) -> dict[str, Any]:
    told = connection.sql(query, params=list(parameters)).to_arrow_table()
    return {name: told[name].to_numpy() for name in told.column_names}


def _summarise_range(connection: Any, samples: dict[str, Any], metrics: tuple[str, ...], longest_gap: float) -> None:
    import numpy as np

    times = [samples[name] for name in ("server", "at", "seconds")]
    whole = lay_out(*times, longest_gap=longest_gap)
    for metric in metrics:
        value = samples.pop(metric)
        known = ~np.isnan(value)
        if known.all():
            _keep(connection, metric, summarise(whole, value))
        elif known.any():
            layout = lay_out(*(column[known] for column in times), longest_gap=longest_gap)
            _keep(connection, metric, summarise(layout, value[known]))


def _cut(metric: str) -> str:
    """Hypervisors report up to 105 % when a CPU runs above its nominal speed: that is all of it."""
    return f"CASE WHEN u.{metric} > 100 THEN 100 ELSE u.{metric} END" if metric.endswith("_percent") else f"u.{metric}"


def _keep(connection: Any, metric: str, found: Summary) -> None:
    import pyarrow as pa

    part = pa.table(
        {
            "server": found.layout.server,
            "metric": pa.array([metric] * len(found.max)),
            "days": found.layout.days,
            "coverage": found.layout.coverage,
            "samples": found.layout.counts,
            "avg": found.avg,
            **{name: found.percentiles[:, i] for i, name in enumerate(_NAMES)},
            "max": found.max,
        }
    )
    connection.register("found_part", part)
    connection.execute("INSERT INTO found_summaries BY NAME SELECT * FROM found_part").fetchall()
    connection.unregister("found_part")
