"""Alerts to people: every message is kept as a record, and published to an SNS topic where one is named."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from include.notify.messages import Message
    from include.object_store import ObjectStore


class AlertTopic:
    """Publishes messages.

    :param store: keeps each message under `alerts/<dedup id>.json`.
    :param sns: a boto3 SNS client.
    :param topic_arn: the topic; empty keeps the record only. A FIFO topic drops a message that is sent twice.
    """

    def __init__(self, store: ObjectStore, *, sns: Any, topic_arn: str) -> None:
        self.store = store
        self.sns = sns
        self.topic_arn = topic_arn

    def __call__(self, message: Message) -> None:
        """Keep and publish a message; raises what SNS raises, and the message is owed until it went out."""
        self.store.put_json(self.store.key("alerts", f"{message.dedup_id}.json"), asdict(message))
        if not self.topic_arn:
            return
        once: dict[str, Any] = {}
        if self.topic_arn.endswith(".fifo"):
            once = {"MessageDeduplicationId": message.dedup_id, "MessageGroupId": message.group}
        self.sns.publish(
            TopicArn=self.topic_arn,
            Subject=message.subject,
            Message=message.body,
            MessageAttributes={"dedup_id": {"DataType": "String", "StringValue": message.dedup_id}},
            **once,
        )
