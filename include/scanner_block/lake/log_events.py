"""New logs announce themselves: S3 writes a message for each into the queue that wakes the update.

Sources: S3 user guide, "Amazon S3 Event Notifications" and "Granting permissions to publish event notification messages
to a destination". The events only wake a run; which objects are new is decided by listing, so a lost or doubled event
changes nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.scanner_block.policy_model import LogSource

SID: Final = "landfall-scanner-logs"
ID_PREFIX: Final = "landfall-scanner-"
RETENTION_SECONDS: Final = 3600
"""How long a message waits: an event older than the next ticks has nothing to say."""


class NotificationRefusedError(RuntimeError):
    """S3 refused to announce the logs of a bucket."""


def ensure_queue(sqs: Any, name: str, *, buckets: Sequence[str]) -> tuple[str, list[str]]:
    """Create the queue and allow S3 to send it events of these buckets; return its ARN and what was made or changed."""
    made = []
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        attributes = {"MessageRetentionPeriod": str(RETENTION_SECONDS), "ReceiveMessageWaitTimeSeconds": "20"}
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        made.append(f"queue {name}")
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn", "Policy"])["Attributes"]
    arn = str(found["QueueArn"])
    before = json.loads(found.get("Policy") or "{}")
    policy = _policy(before, arn, buckets)
    if policy != before:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy) if policy else ""})
        made.append(f"access policy of queue {name}")
    return arn, made


def ensure_notifications(s3: Any, sources: Sequence[LogSource], *, queue_arn: str) -> list[str]:
    """Let each bucket announce the sources' new objects to the queue; return which were set or changed.

    A bucket has one configuration for everybody: what others have in it stays as it is.

    :raises NotificationRefusedError: S3 took none for a bucket; the others are set.
    """
    made, refused = [], []
    for bucket in sorted({source.bucket for source in sources}):
        wanted = [_notification(source, queue_arn) for source in sources if source.bucket == bucket]
        found = s3.get_bucket_notification_configuration(Bucket=bucket)
        found.pop("ResponseMetadata", None)
        before = found.get("QueueConfigurations", [])
        after = [one for one in before if not one.get("Id", "").startswith(ID_PREFIX)] + wanted
        if _comparable(before) == _comparable(after):
            continue
        try:
            s3.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={**found, "QueueConfigurations": after}
            )
        except s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "InvalidArgument":
                raise
            refused.append(f"{bucket} ({error.response['Error']['Message']})")
        else:
            made.append(f"notifications of bucket {bucket}")
    if refused:
        raise NotificationRefusedError(
            f"S3 will not announce new logs of {', '.join(refused)}: free the prefix from other notifications of new "
            "objects, or wait a minute for the queue's access policy, and set up again. Until then runs start on "
            "schedule only."
        )
    return made


def _policy(before: dict[str, Any], queue_arn: str, buckets: Sequence[str]) -> dict[str, Any]:
    """Return a queue's policy with our statement in place of its earlier one."""
    others = [one for one in _statements(before) if one.get("Sid") != SID]
    if not buckets:
        return {**before, "Statement": others} if others else {}
    _, partition, _, _, account, _ = queue_arn.split(":", 5)
    ours = {
        "Sid": SID,
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {
            "ArnEquals": {"aws:SourceArn": [f"arn:{partition}:s3:::{bucket}" for bucket in sorted(set(buckets))]},
            "StringEquals": {"aws:SourceAccount": account},
        },
    }
    return {"Version": "2012-10-17", **before, "Statement": [*others, ours]}


def _statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a policy's statements; one alone may stand without a list."""
    found = policy.get("Statement", [])
    return [found] if isinstance(found, dict) else list(found)


def _notification(source: LogSource, queue_arn: str) -> dict[str, Any]:
    return {
        "Id": ID_PREFIX + source.name,
        "QueueArn": queue_arn,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": source.prefix}]}},
    }


def _comparable(configurations: Sequence[dict[str, Any]]) -> list[str]:
    """Return configurations so that those of one meaning are equal: S3 answers `Prefix` where `prefix` was sent."""
    return sorted(json.dumps(_lower_names(one), sort_keys=True) for one in configurations)


def _lower_names(configuration: dict[str, Any]) -> dict[str, Any]:
    rules = configuration.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    lower = sorted((str(rule["Name"]).lower(), str(rule["Value"])) for rule in rules)
    return {**configuration, "Filter": lower, "Events": sorted(configuration.get("Events", []))}
