"""Create what IOC refresh needs in an account; run again it changes nothing that is already there."""

import io
from typing import Any, Protocol

from include.ioc_refresh.catalog import COLUMNS, table_input
from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.indicators import SWEEP_ATTRIBUTE
from include.ioc_refresh.settings import IocSettings
from include.lake_set_up import ensure_bucket, ensure_catalog, ensure_workgroup

BUFFER_SECONDS = 60
BUFFER_MEBIBYTES = 64
"""Firehose's smallest buffer size with record format conversion."""

QUERY_BYTES_LIMIT = 10 * 1024**3
"""What one query may scan before Athena stops it: twenty times a month's recount in benchmarks/refresh.py."""


class ClientFactory(Protocol):
    """What `boto3.client` and an Airflow hook's session have in common."""

    def __call__(self, service: str) -> Any: ...


def ensure_resources(client: ClientFactory, settings: IocSettings, *, firehose_role_arn: str) -> list[str]:
    """Create the bucket, catalog, workgroup, tables and streams that are missing, and return what was created."""
    tables = [table_input(name, settings) for name in COLUMNS]
    made: list[str | None] = [*ensure_bucket(client("s3"), settings.bucket)]
    made += ensure_catalog(client("glue"), settings.database, tables)
    made += ensure_workgroup(
        client("athena"), settings.workgroup, bucket=settings.bucket, bytes_limit=QUERY_BYTES_LIMIT
    )
    made.append(_ensure_table(client("dynamodb"), settings.indicators_table, "ioc", expires=SWEEP_ATTRIBUTE))
    made.append(_ensure_table(client("dynamodb"), settings.receipts_table, "mail_id", expires="expires_at"))
    for stream, table in ((settings.mail_stream, "mails"), (settings.verdict_stream, "verdicts")):
        made.append(_ensure_stream(client("firehose"), settings, stream, table, firehose_role_arn))
    return [name for name in made if name]


def publish_popularity(s3: Any, settings: IocSettings, popularity: Popularity) -> str:
    """Write the popularity list as the Parquet file behind the table `popular_domains` and return its URI."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table({"domain": sorted(popularity.domains)}), sink, compression="snappy")
    key = settings.key("popular", "popular_domains.parquet")
    s3.put_object(Bucket=settings.bucket, Key=key, Body=sink.getvalue(), Metadata={"as-of": popularity.as_of})
    return f"s3://{settings.bucket}/{key}"


def _ensure_table(dynamodb: Any, table: str, key: str, *, expires: str) -> str | None:
    try:
        dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    except dynamodb.exceptions.ResourceInUseException:
        return None
    dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": expires})
    return f"table {table}"


def _ensure_stream(firehose: Any, settings: IocSettings, stream: str, table: str, role_arn: str) -> str | None:
    try:
        firehose.create_delivery_stream(
            DeliveryStreamName=stream,
            DeliveryStreamType="DirectPut",
            ExtendedS3DestinationConfiguration={
                "RoleARN": role_arn,
                "BucketARN": f"arn:aws:s3:::{settings.bucket}",
                "Prefix": f"ioc/{table}/dt=!{{timestamp:yyyy-MM-dd-HH}}/",
                "ErrorOutputPrefix": f"ioc/failed/{table}/!{{firehose:error-output-type}}/!{{timestamp:yyyy-MM-dd}}/",
                "BufferingHints": {"IntervalInSeconds": BUFFER_SECONDS, "SizeInMBs": BUFFER_MEBIBYTES},
                "DataFormatConversionConfiguration": {
                    "Enabled": True,
                    "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
                    "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}},
                    "SchemaConfiguration": {
                        "DatabaseName": settings.database,
                        "TableName": table,
                        "Region": firehose.meta.region_name,
                        "RoleARN": role_arn,
                        "VersionId": "LATEST",
                    },
                },
            },
        )
    except firehose.exceptions.ResourceInUseException:
        return None
    return f"stream {stream}"
