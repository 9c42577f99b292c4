"""Mails and verdicts put into the lake the way the front door does: Firehose rows and receipts."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.keys import KEY_VERSION, mail_keys
from include.ioc_refresh.mails import parse_mail
from include.ioc_refresh.resources import ensure_resources, publish_popularity
from include.ioc_refresh.settings import IocSettings
from include.ioc_refresh.verdicts import Receipt, receipt_item
from tests.local_aws import LocalAws

ROLE = "arn:aws:iam::123456789012:role/firehose"


def settings_for(name: str) -> tuple[IocSettings, dict[str, str]]:
    """Resource names of a test's own, and the environment that tells them to the workflow."""
    settings = IocSettings(
        bucket=f"{name}-lake",
        database=f"{name}_ioc",
        workgroup=name,
        indicators_table=f"{name}_indicators",
        receipts_table=f"{name}_receipts",
        mail_stream=f"{name}-mails",
        verdict_stream=f"{name}-verdicts",
    )
    names = ("bucket", "database", "workgroup", "indicators_table", "receipts_table", "mail_stream", "verdict_stream")
    return settings, {f"LANDFALL_IOC_{field.upper()}": getattr(settings, field) for field in names}


class FrontDoor:
    """What the front door leaves behind, without its HTTP."""

    def __init__(self, aws: LocalAws, settings: IocSettings) -> None:
        self.aws, self.settings, self.popularity = aws, settings, Popularity.load()
        ensure_resources(aws.client, settings, firehose_role_arn=ROLE)
        publish_popularity(aws.client("s3"), settings, self.popularity)

    def mails(self, records: Iterable[Mapping[str, Any]], *, arrived_at: datetime) -> None:
        rows = []
        for record in records:
            mail = parse_mail(record, arrived_at=None)
            keys = mail_keys(mail, self.popularity)
            receipt = Receipt(
                mail.mail_id, mail.received_at, arrived_at, tuple((k.kind, k.value, k.domain) for k in keys)
            )
            self.aws.client("dynamodb").put_item(TableName=self.settings.receipts_table, Item=receipt_item(receipt))
            rows.append(
                {
                    "mail_id": mail.mail_id,
                    "received_at": _stamp(mail.received_at),
                    "arrived_at": _stamp(arrived_at),
                    "sender_domain": mail.sender_domain,
                    "receiver_domains": list(mail.receiver_domains),
                    "receiver_count": mail.receiver_count,
                    "urls": [
                        {"url": url.url, "classification": url.classification, "kind": url.kind} for url in mail.urls
                    ],
                    "attachments": [],
                    "keys": [{"kind": k.kind, "value": k.value, "domain": k.domain} for k in keys],
                    "key_version": KEY_VERSION,
                    "notes": list(mail.notes),
                }
            )
        self._deliver(self.settings.mail_stream, rows)

    def verdicts(self, verdicts: Iterable[tuple[str, str]], *, at: datetime) -> None:
        rows = [
            {"mail_id": mail_id, "verdict": word, "reported_at": _stamp(at), "arrived_at": _stamp(at)}
            for mail_id, word in verdicts
        ]
        self._deliver(self.settings.verdict_stream, rows)

    def _deliver(self, stream: str, rows: list[dict[str, Any]]) -> None:
        firehose = self.aws.client("firehose")
        for start in range(0, len(rows), 500):
            records = [{"Data": json.dumps(row).encode() + b"\n"} for row in rows[start : start + 500]]
            answer = firehose.put_record_batch(DeliveryStreamName=stream, Records=records)
            assert answer["FailedPutCount"] == 0
        self.aws.control("POST", "firehose/flush")


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"
