"""One hourly refresh against the full query, on a month of mail in the local AWS's Athena.

Ours: the workflow's own statements for one new hour (profile of the new mails, new verdicts, next state and ledger,
candidates). Peer: the same candidate files without a state, each over all 30 days of mails and verdicts, which is also
what Athena makes of one statement with a common table expression: it runs it again for each reference. The notes give
the smartest full way as well, which counts the mails once into a table and asks that. Same engine, same run.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.mail_lake import FIRST_HOUR, HOURS, MailLake, build_lake, parquet_of
from benchmarks.stand_in import StandIn, stand_in
from include.ioc_refresh import queries
from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.resources import ensure_resources, publish_popularity
from include.ioc_refresh.settings import IocSettings

URL_ROWS = int(os.environ.get("LANDFALL_BENCH_URL_ROWS", "20000000"))
SETTINGS = IocSettings(bucket="landfall-bench")
END = FIRST_HOUR + timedelta(hours=HOURS)
LAST_HOUR = f"{END - timedelta(hours=1):%Y-%m-%d-%H}"

EVIDENCE = """
SELECT mail_id, verdict, CAST(reported_at AS TIMESTAMP_MS) AS reported_at, CAST(received_at AS DATE) AS received_day,
    keys
FROM read_parquet($path) WHERE arrived_at >= $since AND arrived_at < $until
"""
VERDICTS = """
SELECT mail_id, verdict, CAST(reported_at AS TIMESTAMP_MS) AS reported_at,
    CAST(arrived_at AS TIMESTAMP_MS) AS arrived_at
FROM read_parquet($path) WHERE arrived_at >= $since AND arrived_at < $until
"""


class Month:
    """The lake, loaded into the local AWS, with the state as of one hour before its end."""

    def __init__(self, aws: StandIn, lake: MailLake) -> None:
        self.aws, self.lake = aws, lake
        self.s3, self.athena = aws.client("s3"), aws.client("athena")
        ensure_resources(aws.client, SETTINGS, firehose_role_arn="arn:aws:iam::123456789012:role/firehose")
        publish_popularity(self.s3, SETTINGS, Popularity.load())

    def load(self) -> None:
        """Put every object where Firehose would have put it, and the evidence where the workflow puts it."""
        for hour, path in self.lake.hours():
            self._put(SETTINGS.key("mails", f"dt={hour}", "mails.parquet"), path.read_bytes())
            path.unlink()
        for number in range(HOURS):
            start = FIRST_HOUR + timedelta(hours=number)
            body = self._slice(VERDICTS, start, start + timedelta(hours=1))
            self._put(SETTINGS.key("verdicts", f"dt={start:%Y-%m-%d-%H}", "verdicts.parquet"), body)
        last = END - timedelta(hours=1)
        self._put(SETTINGS.key("evidence", "version=1", "e.parquet"), self._slice(EVIDENCE, FIRST_HOUR, last))
        self._put(SETTINGS.key("evidence", "version=2", "e.parquet"), self._slice(EVIDENCE, last, END))

    def advance(self, version: int) -> tuple[int, float]:
        """Run one refresh's statements up to the candidates; return bytes scanned and seconds."""
        names = {"version": str(version), "previous": str(version - 1)}
        as_of = END - timedelta(hours=2 - version)
        statements = [
            self._unload(queries.update_state(**names, as_of=as_of), "state", version, partitioned_by="kind"),
            self._unload(queries.update_ledger(**names, as_of=as_of), "ledger", version),
            self._unload(queries.candidates(version=str(version), as_of=as_of), "candidates", version),
        ]
        if version == 2:
            statements = [
                queries.new_mail(
                    objects=[SETTINGS.uri("mails", f"dt={LAST_HOUR}", "mails.parquet")], hours=[LAST_HOUR]
                ),
                queries.new_verdicts(
                    objects=[SETTINGS.uri("verdicts", f"dt={LAST_HOUR}", "verdicts.parquet")], hours=[LAST_HOUR]
                ),
                *statements,
            ]
        return self._run(statements)

    def recount(self) -> tuple[int, float]:
        """Count all mails once, then ask the same candidate queries on the result (as version `full`)."""
        count = self._count()
        to = SETTINGS.uri("state", "version=full") + "/"
        candidates = self._unload(queries.candidates(version="full", as_of=END), "candidates", "full")
        return self._run([queries.unload(count, to=to, partitioned_by="kind"), candidates])

    def full(self) -> tuple[int, float]:
        """Run each candidate file over all mails and verdicts, as it would be without a state."""
        return self._run(
            [
                f"WITH state AS (SELECT 'full' AS version, counted.* FROM (\n{self._count()}\n) counted)\n"
                + queries.candidates(version="full", as_of=END, kinds=[kind])
                for kind in Kind
            ]
        )

    def rows(self, table: str, version: object) -> set[tuple[Any, ...]]:
        """Return the rows of a table version, read from its files without the engine under test."""
        import io

        import pyarrow.parquet as pq

        found: set[tuple[Any, ...]] = set()
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=SETTINGS.bucket, Prefix=SETTINGS.key(table, f"version={version}") + "/"
        )
        for item in (item for page in pages for item in page.get("Contents", ())):
            body = self.s3.get_object(Bucket=SETTINGS.bucket, Key=item["Key"])["Body"].read()
            kind = item["Key"].partition("/kind=")[2].partition("/")[0]
            columns = pq.read_table(io.BytesIO(body)).to_pydict().values()
            found.update((kind, *row) for row in zip(*columns, strict=True))
        return found

    @staticmethod
    def _count() -> str:
        return queries.recount(as_of=END, horizon=FIRST_HOUR.date() - timedelta(days=1))

    def _unload(self, select: str, table: str, version: object, partitioned_by: str | None = None) -> str:
        return queries.unload(select, to=SETTINGS.uri(table, f"version={version}") + "/", partitioned_by=partitioned_by)

    def _run(self, statements: Sequence[str]) -> tuple[int, float]:
        scanned, started = 0, time.perf_counter()
        for statement in statements:
            query = self.athena.start_query_execution(
                QueryString=statement,
                QueryExecutionContext={"Database": SETTINGS.database},
                WorkGroup=SETTINGS.workgroup,
            )["QueryExecutionId"]
            scanned += self._finished(query)
        return scanned, time.perf_counter() - started

    def _finished(self, query: str) -> int:
        while True:
            found = self.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            state = found["Status"]["State"]
            if state == "SUCCEEDED":
                return int(found["Statistics"]["DataScannedInBytes"])
            if state in ("FAILED", "CANCELLED"):
                raise RuntimeError(f"{found['Status'].get('StateChangeReason')}: {found['Query'][:500]}")
            time.sleep(0.05)

    def _slice(self, sql: str, since: Any, until: Any) -> bytes:
        since, until = since.replace(tzinfo=None), until.replace(tzinfo=None)
        return parquet_of(sql, path=str(self.lake.verdicts), since=since, until=until)

    def _put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=SETTINGS.bucket, Key=key, Body=body)


def run() -> Iterator[dict[str, Any]]:
    """Yield the lines refresh_bytes, refresh_seconds, refresh_differences and refresh_writes."""
    folder = Path(tempfile.mkdtemp(prefix="landfall-bench-"))
    try:
        _say(f"generating {URL_ROWS:,} URL rows in {HOURS} hourly partitions")
        lake = build_lake(folder, url_rows=URL_ROWS)
        with stand_in(folder) as aws:
            month = Month(aws, lake)
            _say("loading the lake into the local AWS")
            month.load()
            month.advance(1)
            _say("one hourly refresh, then the full query")
            ours_bytes, ours_seconds = month.advance(2)
            yield from _lines(month, (ours_bytes, ours_seconds), peer=month.full(), smart=month.recount())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lines(
    month: Month, ours: tuple[int, float], *, peer: tuple[int, float], smart: tuple[int, float]
) -> Iterator[dict[str, Any]]:
    size = f"{month.lake.url_rows:,} URL rows, {HOURS} hourly partitions, verdicts for 1 % of the mails"
    notes = [
        f"{size}; counting the mails once into a table: {smart[i]:,.6g}, ratio {ours[i] / smart[i]:.4f}" for i in (0, 1)
    ]
    yield _line("refresh_bytes", ours[0], peer[0], "bytes", f"as Athena counts; {notes[0]}")
    yield _line("refresh_seconds", ours[1], peer[1], "s", f"five statements against seven; {notes[1]}")
    states, tables = ([month.rows(name, version) for version in ("2", "full")] for name in ("state", "candidates"))
    differences = len(states[0] ^ states[1]) + len(tables[0] ^ tables[1])
    note = f"rows that differ, of the full query's {len(states[1]):,} of state and {len(tables[1]):,} candidates"
    yield _line("refresh_differences", differences, len(states[1]) + len(tables[1]), "rows", note)
    yield _writes(month.rows("candidates", "1"), tables[0])


def _writes(before: set[tuple[Any, ...]], after: set[tuple[Any, ...]]) -> dict[str, Any]:
    """Count item writes: ours as the workflow's own diff makes them, the naive way writes the whole table."""
    from datetime import UTC

    from include.ioc_refresh.changes import diff
    from include.ioc_refresh.indicators import Indicator, TableEntry, entry_key

    def indicators(rows: set[tuple[Any, ...]], refresh: int) -> dict[str, Indicator]:
        made = (
            Indicator(
                kind=kind, value=value, domain=domain, malicious=malicious, benign=benign, first_day=first,
                last_day=last, expires_at=expires.replace(tzinfo=UTC), query_version=version, refresh=refresh,
            )
            for _, kind, value, domain, malicious, benign, first, last, expires, version in rows
        )  # fmt: skip
        return {entry_key(each.kind, each.value): each for each in made}

    current = {key: TableEntry(each, None) for key, each in indicators(before, 1).items()}
    changes = diff(current, indicators(after, 2).values(), as_of=END)
    by_rule = len(changes.added) + len(changes.removed) + len(changes.renewed)
    note = (
        f"items written: {len(changes.added)} added, {len(changes.renewed)} renewed, {len(changes.removed)} removed = "
        f"{changes.writes / max(by_rule, 1):.2f} x what the rules ask; the naive way writes every item"
    )
    return _line("refresh_writes", changes.writes, len(after), "items", note)


def _line(name: str, ours: float, peer: float, unit: str, note: str) -> dict[str, Any]:
    return {"name": name, "ours": ours, "peer": peer, "ratio": ours / peer, "unit": unit, "note": note}


def _say(text: str) -> None:
    sys.stderr.write(f"refresh: {text}\n")


if __name__ == "__main__":
    import json

    for line in run():
        print(json.dumps(line))
