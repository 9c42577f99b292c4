"""What the steps of a run work with: the lake, AWS, the clock, and the two files that people keep."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.scanner_block.addresses import Networks
from include.scanner_block.approved import Approved, ApprovedListError, read_approved
from include.scanner_block.policy import PolicyRefusedError, read_policy
from include.scanner_block.waf import IpSetWriter
from include.yaml_lines import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from include.object_store import ObjectStore
    from include.scanner_block.policy_model import Policy
    from include.scanner_block.search_engines import Resolver
    from include.scanner_block.settings import ScannerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything outside that a step may touch.

    :param clients: makes a boto3 client of a service, in a region where one is given.
    :param resolver: looks up names of clients that would be blocked; None asks nobody, and spares nobody by its name.
    """

    settings: ScannerSettings
    store: ObjectStore
    clients: Callable[..., Any]
    resolver: Resolver | None = None

    def ip_sets(self, policy: Policy) -> IpSetWriter:
        """Return the writer of the policy's IP sets; WAF keeps those of CloudFront in us-east-1."""
        scope = policy.ip_sets.scope
        place = {"region_name": "us-east-1"} if scope == "CLOUDFRONT" else {}
        return IpSetWriter(self.clients("wafv2", **place), scope=scope)


@dataclass(frozen=True, slots=True)
class Inputs:
    """The policy and the approved list, as they were read.

    :param digest: tells whether either has changed since.
    """

    policy: Policy
    approved: Approved
    digest: str

    @property
    def spared(self) -> Networks:
        """Approved and own networks: never blocked."""
        return self.approved.networks | Networks.of(self.policy.own_networks)


def read_inputs(desk: Desk, *, at: datetime) -> Inputs:
    """Read both files; without either nothing is blocked and nobody is let go.

    :raises ApprovedListError: nobody knows who is approved.
    :raises PolicyRefusedError: nobody knows the rules.
    """
    policy_body = _body(desk, desk.settings.policy_key)
    policy = _policy(policy_body, source=desk.store.uri("policy.yaml"))
    approved_body = _body(desk, desk.settings.approved_key)
    place = desk.store.uri("approved.json")
    if approved_body is None:
        raise ApprovedListError(f"There is no approved list {place}: restore it; a list that approves nobody is [].")
    digest = hashlib.sha256(b"\0".join((policy_body or b"", approved_body))).hexdigest()[:16]
    return Inputs(policy, read_approved(approved_body, source=place, now=at), digest)


def _policy(body: bytes | None, *, source: str) -> Policy:
    if body is None:
        sentence = "the file is not there; write one (docs/scanner_block/policy.md), it must name `sources`."
        raise PolicyRefusedError([Problem(1, "", sentence)], source=source)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise PolicyRefusedError([Problem(1, "", f"the file is not UTF-8: {error}.")], source=source) from None
    return read_policy(text, source=source)


def _body(desk: Desk, key: str) -> bytes | None:
    try:
        return desk.store.get_bytes(key)
    except desk.store.client.exceptions.NoSuchKey:
        return None
