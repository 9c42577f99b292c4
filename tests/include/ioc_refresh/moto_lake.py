"""The lake, the receipts and the indicator table of IOC refresh in process, for tests of the steps between queries."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from include.ioc_refresh.evidence import ReceiptStore
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.settings import IocSettings
from include.ioc_refresh.table import IndicatorTable
from include.ioc_refresh.verdicts import Receipt, receipt_item


class Place(NamedTuple):
    """What a refresh step is given."""

    lake: Lake
    table: IndicatorTable
    receipts: ReceiptStore

    def put_receipt(self, receipt: Receipt) -> None:
        self.receipts.client.put_item(TableName=self.receipts.table, Item=receipt_item(receipt))

    def put_rows(self, key: str, rows: Sequence[dict[str, Any]], schema: Any = None) -> None:
        """Write rows as a Parquet object below `ioc/`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), sink)
        self.lake.put_bytes(self.lake.settings.key(key), sink.getvalue())

    def keys(self, *prefix: str) -> list[str]:
        return list(self.lake.list_keys(*prefix))


@contextmanager
def moto_place() -> Iterator[Place]:
    """An empty bucket and empty tables."""
    import boto3
    from moto import mock_aws

    settings = IocSettings()
    with mock_aws():
        session = boto3.Session(aws_access_key_id="t", aws_secret_access_key="t", region_name="us-east-1")
        s3, dynamodb = session.client("s3"), session.client("dynamodb")
        s3.create_bucket(Bucket=settings.bucket)
        for table, key in ((settings.indicators_table, "ioc"), (settings.receipts_table, "mail_id")):
            dynamodb.create_table(
                TableName=table,
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        yield Place(
            Lake(s3, settings),
            IndicatorTable(dynamodb, settings.indicators_table),
            ReceiptStore(dynamodb, settings.receipts_table),
        )
