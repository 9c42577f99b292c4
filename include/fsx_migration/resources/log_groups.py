"""The log group into which DataSync writes what failed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from include.fsx_migration.clients import error_code
from include.fsx_migration.resources import tagging
from include.fsx_migration.resources.ledger import Origin, intend, settle

if TYPE_CHECKING:
    from collections.abc import Collection

    from include.fsx_migration.workplace import Workplace


def ensure_log_group(place: Workplace) -> str:
    """Return the ARN of the definition's log group, created when it is missing; another's is used, never owned."""
    from botocore.exceptions import ClientError

    name, client = place.migration.transfer.log_group, place.clients("logs")
    entry = intend(place, tagging.LOG_GROUP)
    group = find_log_group(place, name)
    if group is None:
        try:
            client.create_log_group(logGroupName=name, tags=tagging.tags_of(place.migration.name, tagging.LOG_GROUP))
        except ClientError as error:
            if error_code(error) != "ResourceAlreadyExistsException":
                raise
        group = find_log_group(place, name)
    if group is None:
        raise RuntimeError(f"Log group {name} was created and is not listed: try again.")
    arn = str(group["arn"]).removesuffix(":*")
    tags = client.list_tags_for_resource(resourceArn=arn).get("tags", {})
    ours = tags.get(tagging.MIGRATION) == place.migration.name
    settle(place, entry, arn=arn, origin=Origin.CREATED if ours else Origin.ADOPTED, over=entry.arn)
    return arn


def find_log_group(place: Workplace, name: str) -> dict[str, Any] | None:
    """Return a log group as CloudWatch Logs describes it, or None."""
    pages = place.clients("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    return next((group for page in pages for group in page["logGroups"] if group["logGroupName"] == name), None)


def find_metric_filters(place: Workplace, group: str, names: Collection[str]) -> list[str]:
    """Return those of the names that are metric filters of a log group."""
    pages = place.clients("logs").get_paginator("describe_metric_filters").paginate(logGroupName=group)
    found = {entry["filterName"] for page in pages for entry in page["metricFilters"]}
    return sorted(found & set(names))


def missing_policy(place: Workplace, arn: str) -> str:
    """Return a sentence when no resource policy lets DataSync write into the log group, else nothing.

    Without it the tasks run and log nothing (DataSync user guide, "Uploading logs to Amazon CloudWatch log groups"). It
    is an account's setting with a quota of ten, hence it is told, not made.
    """
    policies = place.clients("logs").describe_resource_policies().get("resourcePolicies", [])
    if any("datasync.amazonaws.com" in str(policy.get("policyDocument", "")) for policy in policies):
        return ""
    return (
        "No resource policy of CloudWatch Logs names datasync.amazonaws.com, so DataSync cannot log: put one with "
        f"`aws logs put-resource-policy --policy-name datasync --policy-document '{policy_document(arn)}'`."
    )


def policy_document(arn: str) -> str:
    """Return the resource policy that DataSync needs, as JSON."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "datasync.amazonaws.com"},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{arn}:*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
