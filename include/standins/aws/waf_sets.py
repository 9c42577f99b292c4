"""The IP sets that are kept, and how they are described."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from include.standins.aws.state_store import Change

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.standins.aws.state_store import StateStore

KIND = "waf.ip_set"
GLOBAL = "CLOUDFRONT"


@dataclass
class IpSet:
    """One IP set; `lock_token` is another one after each change."""

    name: str
    scope: str
    region: str
    account: str
    version: str
    addresses: list[str]
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    id: str = field(default_factory=lambda: str(uuid4()))
    lock_token: str = field(default_factory=lambda: str(uuid4()))

    @property
    def arn(self) -> str:
        """The name that rules refer to."""
        place = "global" if self.scope == GLOBAL else "regional"
        return f"arn:aws:wafv2:{self.region}:{self.account}:{place}/ipset/{self.name}/{self.id}"

    def summary(self) -> dict[str, Any]:
        """Describe it as create and list do."""
        described = {"Name": self.name, "Id": self.id, "LockToken": self.lock_token, "ARN": self.arn}
        return described | ({"Description": self.description} if self.description else {})

    def describe(self) -> dict[str, Any]:
        """Describe it as GetIPSet does."""
        described = self.summary() | {"IPAddressVersion": self.version, "Addresses": self.addresses}
        del described["LockToken"]
        return described


class IpSets:
    """Every IP set, by ARN, written before a call is answered."""

    def __init__(self, kept: StateStore) -> None:
        self._kept = kept
        self._sets = {row.arn: row for row in (IpSet(**json.loads(blob)) for _, blob in kept.read(KIND))}

    def of(self, *, region: str, scope: str) -> list[IpSet]:
        """Give the sets of a place, in order of names."""
        found = [row for row in self._sets.values() if (row.region, row.scope) == (region, scope)]
        return sorted(found, key=lambda row: row.name)

    def get(self, arn: str) -> IpSet | None:
        """Give the set of an ARN."""
        return self._sets.get(arn)

    def save(self, row: IpSet, *, changed: bool = True) -> None:
        """Keep a set; a changed one gets a new lock token."""
        if changed:
            row.lock_token = str(uuid4())
        self._kept.write([Change(KIND, row.arn, json.dumps(asdict(row)).encode())])
        self._sets[row.arn] = row

    def drop(self, row: IpSet) -> None:
        """Forget a set."""
        self._kept.write([Change(KIND, row.arn, None)])
        del self._sets[row.arn]

    def __iter__(self) -> Iterator[IpSet]:
        return iter(list(self._sets.values()))
