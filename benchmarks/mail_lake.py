"""A month of mail in a lake: hourly Parquet partitions with a heavy tail of domains, made by DuckDB."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HOURS = 720
FIRST_HOUR = datetime(2026, 3, 1, tzinfo=UTC)
URLS_PER_MAIL = 5
VERDICT_SHARE = 0.01
DOMAINS = 2_000_000

MAILS = """
WITH numbers AS (SELECT range AS i, hash(range) AS h FROM range({first}, {last})),
mails AS (
    SELECT i, h,
        TIMESTAMP '{hour}' + to_microseconds(CAST((i - {first}) * 3600e6 / ({last} - {first}) AS BIGINT)) AS arrived_at,
        list_transform(range({urls}), lambda n: hash(i * {urls} + n)) AS seeds
    FROM numbers
),
drawn AS (
    -- The third power of a uniform number makes few domains frequent and leaves a long tail.
    SELECT *, list_transform(
        seeds, lambda s: CAST(floor(pow((s % 1000003) / 1000003.0, 3) * {domains}) AS BIGINT)) AS hosts
    FROM mails
),
built AS (
    SELECT *, list_transform(range({urls}), lambda n: struct_pack(
        domain := 'domain-' || hosts[n + 1] || '-sample.work',
        path := '/' || ['account', 'parcel', 'invoice', 'session'][1 + CAST(seeds[n + 1] % 4 AS INTEGER)] || '/'
            || to_hex(seeds[n + 1]) || '/' || (seeds[n + 1] % 1000),
        shape := '/' || ['account', 'parcel', 'invoice', 'session'][1 + CAST(seeds[n + 1] % 4 AS INTEGER)] || '/*/'
            || chr(CAST(97 + hosts[n + 1] % 26 AS INTEGER)) || (hosts[n + 1] % 50) || 'kit/0'
    )) AS links
    FROM drawn
)
SELECT
    lpad(to_hex(h), 16, '0') AS mail_id,
    arrived_at - to_seconds(CAST(h % 600 AS BIGINT)) AS received_at,
    arrived_at,
    'sender-' || (h % 300000) || '-sample.xyz' AS sender_domain,
    'bounce-' || (h % 300000) || '-sample.xyz' AS envelope_domain,
    CAST(NULL AS VARCHAR) AS reply_to_domain,
    ['landfall.example'] AS receiver_domains,
    CAST(1 AS INTEGER) AS receiver_count,
    'pass' AS spf, 'pass' AS dkim, 'pass' AS dmarc,
    CAST([] AS STRUCT(url VARCHAR, classification INTEGER, kind VARCHAR)[]) AS urls,  -- no query reads them
    CAST([] AS STRUCT(sha256 VARCHAR, classification INTEGER, filename VARCHAR, mime_type VARCHAR, size BIGINT)[])
        AS attachments,
    list_distinct(flatten([
        [struct_pack(kind := 'sender_domain', value := 'sender-' || (h % 300000) || '-sample.xyz',
                     domain := 'sender-' || (h % 300000) || '-sample.xyz')],
        list_transform(links, lambda l: struct_pack(kind := 'link_domain', value := l.domain, domain := l.domain)),
        list_transform(links, lambda l: struct_pack(
            kind := 'exact_url', value := l.domain || l.path, domain := l.domain)),
        list_transform(links, lambda l: struct_pack(
            kind := 'path_shape', value := l.shape, domain := CAST(NULL AS VARCHAR)))
    ])) AS keys,
    CAST(1 AS INTEGER) AS key_version,
    CAST([] AS VARCHAR[]) AS notes
FROM built
"""

VERDICTS = """
SELECT
    mail_id,
    -- a third of what people report turns out to be ordinary mail
    IF(hash(mail_id) % 3 = 0, 'benign', 'malicious') AS verdict,
    received_at + to_hours(CAST(1 + hash(mail_id, 'delay') % 47 AS BIGINT)) AS reported_at,
    received_at + to_hours(CAST(1 + hash(mail_id, 'delay') % 47 AS BIGINT)) + INTERVAL 5 SECOND AS arrived_at,
    received_at,
    keys
FROM mails_of_hour
WHERE hash(mail_id, 'reported') % 100000 < {share}
"""


@dataclass(frozen=True)
class MailLake:
    """Files of a generated month: mails by hour, and all verdicts with the keys of their mails."""

    mails: tuple[Path, ...]
    verdicts: Path
    url_rows: int

    def hours(self) -> Iterator[tuple[str, Path]]:
        """Yield (partition value, file) in time order."""
        for number, path in enumerate(self.mails):
            yield f"{FIRST_HOUR + timedelta(hours=number):%Y-%m-%d-%H}", path


def build_lake(folder: Path, *, url_rows: int, progress: Callable[[int], None] = lambda hour: None) -> MailLake:
    """Write the month: `url_rows` URLs over 720 hours, five a mail, one mail in a hundred with a verdict."""
    import duckdb

    connection = duckdb.connect(config={"threads": 2, "memory_limit": "2GB"})
    per_hour = max(1, round(url_rows / URLS_PER_MAIL / HOURS))
    files = []
    for number in range(HOURS):
        path = folder / f"mails-{number:03d}.parquet"
        query = MAILS.format(
            first=number * per_hour,
            last=(number + 1) * per_hour,
            hour=f"{FIRST_HOUR + timedelta(hours=number):%Y-%m-%d %H:%M:%S}",
            urls=URLS_PER_MAIL,
            domains=DOMAINS,
        )
        connection.execute(f"CREATE OR REPLACE TEMP TABLE mails_of_hour AS {query}")
        connection.execute(f"COPY mails_of_hour TO '{path}' (FORMAT parquet, COMPRESSION snappy)")
        judged = VERDICTS.format(share=int(VERDICT_SHARE * 100_000))
        connection.execute(
            f"CREATE TEMP TABLE verdicts AS {judged}" if number == 0 else f"INSERT INTO verdicts {judged}"
        )
        files.append(path)
        progress(number)
    verdicts = folder / "verdicts.parquet"
    connection.execute(f"COPY (SELECT * FROM verdicts ORDER BY arrived_at) TO '{verdicts}' (FORMAT parquet)")
    return MailLake(tuple(files), verdicts, per_hour * HOURS * URLS_PER_MAIL)


def parquet_of(rows_sql: str, **parameters: Any) -> bytes:
    """Return the rows of a DuckDB query as one Snappy Parquet file."""
    import io

    import duckdb
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(duckdb.sql(rows_sql, params=parameters or None).to_arrow_table(), sink, compression="snappy")
    return sink.getvalue()
