"""Logs counted both ways: by the local Athena, and by our own reading of the same bytes."""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from include.object_store import ObjectStore
from include.scanner_block.athena.news import News, read_news
from include.scanner_block.athena.queries import count_objects, table_input, unload
from include.scanner_block.logs.counting import count_stream
from include.scanner_block.policy_model import LogFormat, LogSource, Rules
from tests.standins.aws.athena_client import Athena, Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.scanner_block.counts import LogCounts
    from tests.local_aws import LocalAws

PREFIXES = {LogFormat.CLOUDFRONT: "cf/E2EXAMPLE.", LogFormat.ALB: "lb/", LogFormat.WAF: "waf/acl/"}
NAMES = {
    LogFormat.CLOUDFRONT: "2026-11-24-05.{}.gz",
    LogFormat.ALB: "2026/11/24/{}.log.gz",
    LogFormat.WAF: "2026/11/24/05/{}.log.gz",
}


@dataclass(frozen=True)
class Both:
    """What Athena gave for some objects, the objects' names by URI, and how the query went."""

    news: News
    bodies: Mapping[str, bytes]
    result: Result
    source: LogSource
    rules: Rules

    def read_here(self, uri: str) -> LogCounts:
        """Count one of the objects by reading it."""
        body = io.BytesIO(self.bodies[uri])
        return count_stream(body, log_format=self.source.log_format, rules=self.rules, place=uri)

    def only(self) -> LogCounts:
        """The counts of the only object."""
        (counts,) = self.news.by_object.values()
        return counts


class Counting:
    """A bucket and a database with a table for each format."""

    def __init__(self, aws: LocalAws) -> None:
        name = f"t{uuid4().hex[:12]}"
        aws.client("s3").create_bucket(Bucket=name)
        aws.client("glue").create_database(DatabaseInput={"Name": name})
        self.athena = Athena(aws, name, name)
        self.store = ObjectStore(aws.client("s3"), bucket=name, root="scanner")
        self.sources = {
            each: LogSource(name=str(each), log_format=each, bucket=name, prefix=PREFIXES[each]) for each in LogFormat
        }
        for source in self.sources.values():
            aws.client("glue").create_table(DatabaseName=name, TableInput=table_input(source))

    def put(self, log_format: LogFormat, body: bytes, *, name: str | None = None) -> str:
        """Put a log as S3 gets it and return its URI."""
        key = PREFIXES[log_format] + NAMES[log_format].format(name or uuid4().hex)
        return self.athena.put(key, body)

    def count(self, log_format: LogFormat, *logs: bytes, rules: Rules | None = None) -> Both:
        """Count logs in one query; each is packed, unless it is gzip already."""
        rules = rules or Rules()
        packed = [log if log.startswith(b"\x1f\x8b") else gzip.compress(log, mtime=0) for log in logs]
        bodies = {self.put(log_format, body): body for body in packed}
        return self.run(log_format, bodies, rules=rules)

    def run(self, log_format: LogFormat, bodies: Mapping[str, bytes], *, rules: Rules) -> Both:
        """Count objects that are there."""
        source = self.sources[log_format]
        folder = ("news", uuid4().hex)
        select = count_objects(source, table=source.name, objects=list(bodies), rules=rules)
        result = self.athena.run(unload(select, to=self.store.uri(*folder, "")))
        news = read_news(self.store, *folder, "", rules=rules) if result.state == "SUCCEEDED" else News()
        return Both(news, bodies, result, source, rules)


def told(counts: LogCounts) -> dict[str, Any]:
    """Counts without their examples, whose places Athena does not know, as plain values."""
    return {
        **{name: getattr(counts, name) for name in ("lines", "unreadable", "clients")},
        "rows": counts.table.to_pylist(),
    }
