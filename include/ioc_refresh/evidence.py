"""Evidence on disk and in the lake: receipts read from DynamoDB, evidence rows written as Parquet."""

import io
import random
import time
from collections.abc import Callable, Iterable
from typing import Any

from include.ioc_refresh.verdicts import Evidence, Receipt, receipt_of

BATCH = 100
"""Keys per BatchGetItem call (Amazon DynamoDB's limit)."""

MAX_TRIES = 8


class ReceiptsUnavailableError(RuntimeError):
    """DynamoDB kept throttling the receipts table; nothing was changed, the run may be tried again."""


class ReceiptStore:
    """Receipts of mails by id, read in batches through a boto3 DynamoDB client."""

    def __init__(self, client: Any, table: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.client = client
        self.table = table
        self.sleep = sleep
        self.reads = 0

    def read(self, mail_ids: list[str]) -> dict[str, Receipt]:
        """Return the receipts that exist among distinct mail ids.

        Raises ReceiptsUnavailableError when keys stay unprocessed after eight tries with growing pauses.
        """
        found: dict[str, Receipt] = {}
        for start in range(0, len(mail_ids), BATCH):
            keys = [{"mail_id": {"S": mail_id}} for mail_id in mail_ids[start : start + BATCH]]
            for item in self._read_batch(keys):
                receipt = receipt_of(item)
                found[receipt.mail_id] = receipt
        return found

    def _read_batch(self, keys: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        for attempt in range(MAX_TRIES):
            try:
                answer = self.client.batch_get_item(RequestItems={self.table: {"Keys": keys, "ConsistentRead": True}})
            except self.client.exceptions.ProvisionedThroughputExceededException:
                answer = {"UnprocessedKeys": {self.table: {"Keys": keys}}}
            self.reads += 1
            yield from answer.get("Responses", {}).get(self.table, ())
            keys = answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", [])
            if not keys:
                return
            self.sleep(random.uniform(0.5, 1.0) * min(0.05 * 2**attempt, 2.0))  # noqa: S311 - jitter, not a secret
        raise ReceiptsUnavailableError(
            f"DynamoDB table {self.table} left {len(keys)} receipts unread after {MAX_TRIES} tries; "
            "nothing was changed, try the run again."
        )


def evidence_parquet(evidence: Iterable[Evidence]) -> bytes:
    """Return evidence rows as one Parquet file in the columns of the Glue table `evidence`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    key = pa.struct([("kind", pa.string()), ("value", pa.string()), ("domain", pa.string())])
    schema = pa.schema(
        [
            ("mail_id", pa.string()),
            ("verdict", pa.string()),
            ("reported_at", pa.timestamp("ms")),
            ("received_day", pa.date32()),
            ("keys", pa.list_(key)),
        ]
    )
    rows = [
        {
            "mail_id": row.mail_id,
            "verdict": row.verdict,
            "reported_at": row.reported_at.replace(tzinfo=None),
            "received_day": row.received_at.date(),
            "keys": [{"kind": kind, "value": value, "domain": domain} for kind, value, domain in row.keys],
        }
        for row in evidence
    ]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink, compression="snappy")
    return sink.getvalue()
