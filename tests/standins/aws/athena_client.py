"""Athena as the tests use it: run a statement, wait for its end, read its rows."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from tests.local_aws import LocalAws

DEADLINE_SECONDS = 60
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Result:
    """An ended execution and, when it succeeded, its rows without the header."""

    execution: dict[str, Any]
    header: list[str]
    rows: list[tuple[str | None, ...]]
    types: list[str]

    @property
    def state(self) -> str:
        return str(self.execution["Status"]["State"])

    @property
    def reason(self) -> str:
        return str(self.execution["Status"].get("StateChangeReason", ""))

    @property
    def scanned(self) -> int:
        return int(self.execution["Statistics"]["DataScannedInBytes"])

    @property
    def output(self) -> str:
        return str(self.execution["ResultConfiguration"]["OutputLocation"])


@dataclass(frozen=True)
class Athena:
    """One database and one bucket of a local AWS, both of the test's own."""

    aws: LocalAws
    database: str
    bucket: str

    def start(self, sql: str, **more: Any) -> str:
        """Start a statement and return its execution id."""
        more.setdefault("ResultConfiguration", {"OutputLocation": f"s3://{self.bucket}/athena/"})
        started = self.aws.client("athena").start_query_execution(
            QueryString=sql, QueryExecutionContext={"Database": self.database}, **more
        )
        return str(started["QueryExecutionId"])

    def execution(self, execution_id: str) -> dict[str, Any]:
        """Read an execution."""
        answer = self.aws.client("athena").get_query_execution(QueryExecutionId=execution_id)
        return dict(answer["QueryExecution"])

    def wait(
        self, execution_id: str, *, states: tuple[str, ...] = ("SUCCEEDED", "FAILED", "CANCELLED")
    ) -> dict[str, Any]:
        """Poll until one of the states, with a deadline."""
        end = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < end:
            found = self.execution(execution_id)
            if found["Status"]["State"] in states:
                return found
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"{execution_id} did not reach {states}: {found['Status']}")

    def run(self, sql: str, **more: Any) -> Result:
        """Run a statement to its end, whatever that is."""
        execution = self.wait(self.start(sql, **more))
        if execution["Status"]["State"] != "SUCCEEDED":
            return Result(execution, [], [], [])
        pages = self.aws.client("athena").get_paginator("get_query_results")
        rows: list[tuple[str | None, ...]] = []
        for page in pages.paginate(QueryExecutionId=execution["QueryExecutionId"]):
            columns = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
            rows += [tuple(cell.get("VarCharValue") for cell in row["Data"]) for row in page["ResultSet"]["Rows"]]
        has_header = execution["ResultConfiguration"]["OutputLocation"].endswith(".csv") and bool(rows)
        header = [str(cell) for cell in rows.pop(0)] if has_header else [column["Name"] for column in columns]
        return Result(execution, header, rows, [column["Type"] for column in columns])

    def ok(self, sql: str, **more: Any) -> Result:
        """Run a statement that must succeed."""
        result = self.run(sql, **more)
        assert result.state == "SUCCEEDED", f"{sql}: {result.reason}"
        return result

    def put(self, key: str, body: bytes) -> str:
        """Put an object and return its address."""
        self.aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def keys(self, prefix: str) -> list[str]:
        """Keys under a prefix."""
        found = self.aws.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", [])]

    def read(self, uri: str) -> bytes:
        """Read an object by its address."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return bytes(self.aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    """Columns of values as a Parquet file."""
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, **options)
    return target.getvalue()


def column_bytes(data: bytes, *columns: str) -> int:
    """Compressed bytes of some columns of a Parquet file."""
    metadata = pq.ParquetFile(io.BytesIO(data)).metadata
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    chunks = [group.column(index) for group in groups for index in range(group.num_columns)]
    return sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema.split(".")[0] in columns)
