"""A small table behind the local Athena, and a task state store kept in memory."""

import json
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from landfall.athena_queries import AthenaQuery
from tests.local_aws import LocalAws


class MemoryStore:
    """What `context["task_state_store"]` does, JSON and all; `log` keeps the notes in order."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.log: list[Any] = []

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.values[key]) if key in self.values else default

    def set(self, key: str, value: Any) -> None:
        self.values[key] = json.dumps(value)
        self.log.append(value)


def fresh_lake(aws: LocalAws) -> str:
    """Create a bucket, a workgroup of its name, and the table `numbers` (n bigint: 1, 2, 3); returns the bucket."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    bucket = f"lake-{uuid4().hex[:16]}"
    database, sink = bucket.replace("-", "_"), BytesIO()
    pq.write_table(pa.table({"n": pa.array([1, 2, 3], pa.int64())}), sink)
    s3, glue, athena = (aws.client(service) for service in ("s3", "glue", "athena"))
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="data/numbers/part.parquet", Body=sink.getvalue())
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(
        DatabaseName=database,
        TableInput={
            "Name": "numbers",
            "TableType": "EXTERNAL_TABLE",
            "StorageDescriptor": {
                "Columns": [{"Name": "n", "Type": "bigint"}],
                "Location": f"s3://{bucket}/data/numbers/",
                "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
            },
        },
    )
    athena.create_work_group(
        Name=bucket, Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{bucket}/athena/"}}
    )
    return bucket


def query(bucket: str, sql: str, *, name: str = "numbers", target: str | None = None, inputs: str = "") -> AthenaQuery:
    """A query over that table."""
    return AthenaQuery(
        name=name, sql=sql, database=bucket.replace("-", "_"), workgroup=bucket, target=target, inputs=inputs
    )


def unload(bucket: str, *, inputs: str = "") -> AthenaQuery:
    """A query that writes the table to `out/numbers/`."""
    target = f"s3://{bucket}/out/numbers/"
    sql = f"UNLOAD (SELECT n FROM numbers) TO '{target}' WITH (format = 'PARQUET')"
    return query(bucket, sql, target=target, inputs=inputs)


def keys(aws: LocalAws, bucket: str, prefix: str) -> list[str]:
    """The keys under a prefix."""
    return [
        found["Key"] for found in aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    ]


def executions(aws: LocalAws, bucket: str) -> list[str]:
    """The ids of all queries that were ever started in the bucket's workgroup."""
    ids: list[str] = aws.client("athena").list_query_executions(WorkGroup=bucket)["QueryExecutionIds"]
    return ids


def task_context(store: MemoryStore, *, task_id: str = "ask", run_id: str = "run") -> Any:
    """The part of a task's context that queries need."""
    instance = SimpleNamespace(dag_id="dag", run_id=run_id, task_id=task_id, map_index=-1)
    return {"ti": instance, "task_state_store": store, "run_id": run_id}
