"""The front door's work on AWS: keep every record somewhere before it is answered, then look its keys up."""

import json
import logging
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from include.ioc_refresh.indicators import entry_key
from include.ioc_refresh.intake import (
    KEPT_BYTES,
    VerdictRejectedError,
    dead_letter,
    encoded_row,
    lake_row,
    parse_verdict,
    verdict_row,
)
from include.ioc_refresh.keys import IocKey, lookup_keys, mail_keys
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.mails import Mail, parse_mail, read_record
from include.ioc_refresh.reports import threat_report
from include.ioc_refresh.table import IndicatorTable
from include.ioc_refresh.throttling import Backoff, ThrottledOutError
from include.ioc_refresh.verdicts import Receipt, receipt_item

if TYPE_CHECKING:
    from datetime import datetime

    from include.ioc_refresh.domains import Popularity
    from include.ioc_refresh.settings import IocSettings

log = logging.getLogger(__name__)

AWS_ERRORS = (ClientError, BotoCoreError, ThrottledOutError)
QUICK = Backoff(tries=3, base_seconds=0.1, cap_seconds=0.5)
"""A mail waits for its report, so the front door gives up after half a second of throttling."""


class NothingStoredError(RuntimeError):
    """Neither Firehose nor the dead letters took a record: only its sender has it now."""


class FrontDoor:
    """Stores mails and verdicts and reports on mails; `client` makes a boto3 client that tries each call once."""

    def __init__(
        self,
        settings: "IocSettings",
        popularity: "Popularity",
        *,
        client: Callable[[str], Any],
        backoff: Backoff = QUICK,
    ) -> None:
        self.settings = settings
        self.popularity = popularity
        self.backoff = backoff
        self._client = client

    @cached_property
    def lake(self) -> Lake:
        """The bucket, for dead letters."""
        return Lake(self._client("s3"), self.settings)

    @cached_property
    def table(self) -> IndicatorTable:
        """The indicators."""
        return IndicatorTable(self.dynamodb, self.settings.indicators_table, backoff=self.backoff)

    @cached_property
    def dynamodb(self) -> Any:
        """The client for indicators and receipts."""
        return self._client("dynamodb")

    @cached_property
    def firehose(self) -> Any:
        """The client for both streams."""
        return self._client("firehose")

    def read_mail(self, body: bytes, *, arrived_at: "datetime") -> tuple[Mail, tuple[IocKey, ...]]:
        """Return the mail of a posted body and the keys to look up; raises MailRejectedError."""
        mail = parse_mail(read_record(body), arrived_at=arrived_at)
        return mail, lookup_keys(mail, self.popularity)

    def store_mail(self, mail: Mail, body: bytes, *, arrived_at: "datetime") -> bool:
        """Hand a mail to Firehose and note its receipt; False says that it went to the dead letters instead.

        A copy of a mail is handed on again, but the receipt of the first one stays. Raises NothingStoredError.
        """
        keys = mail_keys(mail, self.popularity)
        row = encoded_row(lake_row(mail, keys, arrived_at=arrived_at))
        receipt = Receipt(mail.mail_id, mail.received_at, arrived_at, keys)
        try:
            self._put_record(self.settings.mail_stream, row)
            self._put_receipt(receipt)
        except AWS_ERRORS as error:
            self.bury(body, reason=f"not delivered: {error}", source="mail", arrived_at=arrived_at, keep=None)
            return False
        return True

    def report(self, mail: Mail, keys: Sequence[IocKey], *, now: "datetime") -> dict[str, Any]:
        """Look all keys up at once (a hundred are one call) and return the report; raises ThrottledOutError."""
        entries = self.table.read(entry_key(key.kind, key.value) for key in keys)
        return threat_report(keys, entries, now=now, mail_id=mail.mail_id)

    def store_verdicts(self, items: Sequence[object], *, arrived_at: "datetime") -> dict[str, Any]:
        """Hand up to 500 reports to Firehose; returns what becomes of them as a JSON document.

        `accepted` counts those on their way, `kept` those of them that wait among the dead letters because Firehose did
        not take them, `rejected` names the others, which are kept there with the reason. Raises NothingStoredError.
        """
        rows: list[tuple[bytes, bytes]] = []
        rejected: list[dict[str, Any]] = []
        for index, item in enumerate(items):
            raw = json.dumps(item).encode()
            try:
                rows.append((raw, encoded_row(verdict_row(parse_verdict(item, arrived_at=arrived_at)))))
            except VerdictRejectedError as error:
                self.bury(raw, reason=str(error), source="verdict", arrived_at=arrived_at)
                rejected.append({"index": index, "reason": str(error)})
        left, why = self._put_records(self.settings.verdict_stream, [row for _, row in rows])
        for position in left:
            reason = f"not delivered: {why}"
            self.bury(rows[position][0], reason=reason, source="verdict", arrived_at=arrived_at, keep=None)
        return {"accepted": len(rows), "rejected": rejected, "kept": len(left)}

    def bury(
        self, raw: bytes, *, reason: str, source: str, arrived_at: "datetime", keep: int | None = KEPT_BYTES
    ) -> None:
        """Keep a record among the dead letters; raises NothingStoredError when S3 does not take it either."""
        name, document = dead_letter(raw, reason=reason, source=source, arrived_at=arrived_at, keep=keep)
        key = self.settings.key("dead-letter", name)
        log.warning("dead letter %s: %s", key, reason)
        try:
            self.backoff.call(partial(self.lake.put_json, key, document), name=f"PutObject of {key}")
        except AWS_ERRORS as error:
            log.exception("dead letter %s was not written", key)
            raise NothingStoredError("The record could not be stored; send it again later.") from error

    def _put_record(self, stream: str, row: bytes) -> None:
        put = partial(self.firehose.put_record, DeliveryStreamName=stream, Record={"Data": row})
        self.backoff.call(put, name=f"PutRecord to {stream}")

    def _put_receipt(self, receipt: Receipt) -> None:
        put = partial(
            self.dynamodb.put_item,
            TableName=self.settings.receipts_table,
            Item=receipt_item(receipt),
            ConditionExpression="attribute_not_exists(mail_id)",
        )
        try:
            self.backoff.call(put, name=f"PutItem to {self.settings.receipts_table}")
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            log.info("mail %s came again; the receipt of its first copy stays", receipt.mail_id)

    def _put_records(self, stream: str, rows: Sequence[bytes]) -> tuple[list[int], str]:
        """Put all rows and return the positions of those that Firehose did not take, with its reason."""
        left, why = list(range(len(rows))), ""
        pauses = self.backoff.pauses()
        while left:
            batch = [{"Data": rows[position]} for position in left]
            put = partial(self.firehose.put_record_batch, DeliveryStreamName=stream, Records=batch)
            try:
                results = self.backoff.call(put, name=f"PutRecordBatch to {stream}")["RequestResponses"]
            except AWS_ERRORS as error:
                return left, str(error)
            failed = [(at, result) for at, result in zip(left, results, strict=True) if "ErrorCode" in result]
            left = [at for at, _ in failed]
            pause = next(pauses, None)
            if not left or pause is None:
                return left, str(failed[0][1].get("ErrorMessage", "")) if failed else ""
            self.backoff.sleep(pause)
        return left, why
