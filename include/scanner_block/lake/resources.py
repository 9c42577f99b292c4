"""Create what the scanner block needs in an account; run again it changes nothing that is already there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from include.lake_set_up import bucket_exists, ensure_bucket, ensure_catalog, ensure_workgroup
from include.scanner_block.athena import queries
from include.scanner_block.lake import catalog
from include.scanner_block.lake.log_events import ensure_notifications, ensure_queue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from include.scanner_block.policy_model import IpSets, Policy
    from include.scanner_block.settings import ScannerSettings

QUERY_BYTES_LIMIT: Final = 10 * 1024**3
"""What one query may scan before Athena stops it; the workgroup is the one of the other families, if it exists."""

SECONDS_PER_WAF_CALL: Final = 1.0
"""WAF's quota: one call a second that creates or updates, in an account and Region."""


class MissingSourceError(LookupError):
    """A source of the policy cannot be set up: its bucket does not exist, or its name is taken."""


class ClientFactory(Protocol):
    """Makes boto3 clients; `place` may name a region."""

    def __call__(self, service: str, **place: str) -> Any: ...


def ensure_resources(
    client: ClientFactory, settings: ScannerSettings, policy: Policy, *, sleep: Callable[[float], None] = time.sleep
) -> list[str]:
    """Create the bucket, tables, workgroup, queue, notifications and IP sets that are missing; return what was made.

    An approved list that approves nobody is made here and only here: a run that finds none changes nothing.

    :raises MissingSourceError: nothing was made; the message says what to create or mend.
    :raises NotificationRefusedError: all else was made.
    """
    s3 = client("s3")
    _check_sources(s3, settings, policy)
    made = ensure_bucket(s3, settings.bucket)
    made += ensure_catalog(client("glue"), settings.database, _tables(settings, policy))
    made += ensure_workgroup(
        client("athena"), settings.workgroup, bucket=settings.bucket, bytes_limit=QUERY_BYTES_LIMIT
    )
    made += _ensure_approved(s3, settings)
    made += _ensure_ip_sets(_waf(client, policy.ip_sets), policy.ip_sets, sleep=sleep)
    arn, changed = ensure_queue(client("sqs"), settings.queue, buckets=[source.bucket for source in policy.sources])
    return [*made, *changed, *ensure_notifications(s3, policy.sources, queue_arn=arn)]


def _check_sources(s3: Any, settings: ScannerSettings, policy: Policy) -> None:
    for source in policy.sources:
        if source.name in catalog.RESERVED:
            raise MissingSourceError(
                f"A source cannot be named {source.name}: the table of that name is ours; rename it."
            )
        if source.bucket != settings.bucket and not bucket_exists(s3, source.bucket):
            raise MissingSourceError(
                f"The bucket {source.bucket} of source {source.name} does not exist; create it and let the logs be "
                "delivered there, or correct `sources` in the policy."
            )


def _waf(client: ClientFactory, names: IpSets) -> Any:
    """Return WAF's client where the sets live: those of CloudFront are kept in us-east-1."""
    return client("wafv2", region_name="us-east-1") if names.scope == "CLOUDFRONT" else client("wafv2")


def _tables(settings: ScannerSettings, policy: Policy) -> list[dict[str, Any]]:
    names = [source.name for source in policy.sources]
    ours = [catalog.table_input(name, settings, sources=names) for name in catalog.COLUMNS]
    return [*ours, *(queries.table_input(source) for source in policy.sources)]


def _ensure_approved(s3: Any, settings: ScannerSettings) -> list[str]:
    made = settings.store(s3).put_if_absent(settings.approved_key, [])
    return [f"approved list {settings.uri('approved.json')}"] if made else []


def _ensure_ip_sets(waf: Any, names: IpSets, *, sleep: Callable[[float], None]) -> list[str]:
    existing, made = set(_ip_sets(waf, names.scope)), list[str]()
    wanted = [(name, "IPV4") for name in names.ipv4] + [(name, "IPV6") for name in names.ipv6]
    for name, version in wanted:
        if name in existing:
            continue
        if made:
            sleep(SECONDS_PER_WAF_CALL)
        try:
            waf.create_ip_set(
                Name=name,
                Scope=names.scope,
                IPAddressVersion=version,
                Addresses=[],
                Description="Clients that scan or probe, written by Landfall",
            )
        except waf.exceptions.WAFDuplicateItemException:  # somebody else set it up just now
            continue
        made.append(f"IP set {name} ({version}, {names.scope})")
    return made


def _ip_sets(waf: Any, scope: str) -> Iterator[str]:
    """Yield the names of the existing sets; WAF's client has no paginator for them."""
    asked = {"Scope": scope, "Limit": 100}
    while True:
        answer = waf.list_ip_sets(**asked)
        yield from (found["Name"] for found in answer["IPSets"])
        marker = answer.get("NextMarker")
        if not marker or not answer["IPSets"]:
            return
        asked["NextMarker"] = marker
