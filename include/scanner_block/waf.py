"""WAF IP sets: read them, and change them in one call each, whoever else is at work on them.

Source: the WAFV2 API (UpdateIPSet replaces a set whole and needs the lock token of the latest read) and its quotas:
10,000 addresses a set, one call a second to any update action of an account and Region.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST_ADDRESSES: Final = 10_000
MOST_CONFLICTS: Final = 5
SECONDS_BETWEEN_UPDATES: Final = 1.0
_THROTTLE_WAITS: Final = (2.0, 4.0, 8.0, 16.0, 30.0)  # seconds, after botocore's own retries
_GLOBAL_REGION: Final = "us-east-1"


class IpSetMissingError(LookupError):
    """An IP set that the policy names does not exist."""


class IpSetContestedError(RuntimeError):
    """Somebody else changed the set again and again, always between our read and our write."""


class UnfitAddressesError(ValueError):
    """What was to be written does not fit into the set: too much, no CIDR, or the wrong version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IpSet:
    """An IP set as WAF holds it now.

    :param addresses: its CIDRs in canonical spelling (WAF itself may answer IPv6 written out in full).
    :param ipv6: whether it holds IPv6.
    """

    name: str
    id: str
    lock_token: str
    addresses: frozenset[str]
    ipv6: bool
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """What a write did.

    :param before: the addresses in the read that the write rests on.
    :param after: the addresses in the set now.
    :param calls: calls of UpdateIPSet: 0 when nothing had to change.
    :param conflicts: those that another writer had overtaken.
    """

    name: str
    before: frozenset[str]
    after: frozenset[str]
    calls: int = 0
    conflicts: int = 0


class IpSetWriter:
    """Reads and writes the IP sets of one account, Region and scope; use one for all sets of a run: it keeps the rate.

    :param client: a boto3 client of `wafv2`; for the scope CLOUDFRONT of us-east-1, as AWS asks for.
    :param scope: REGIONAL or CLOUDFRONT.
    :raises ValueError: a client of another Region for CLOUDFRONT.
    """

    def __init__(
        self,
        client: Any,
        *,
        scope: str,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._region = client.meta.region_name
        if scope == "CLOUDFRONT" and self._region != _GLOBAL_REGION:
            raise ValueError(
                f"IP sets of the scope CLOUDFRONT live in {_GLOBAL_REGION}: set that Region in the connection "
                f"instead of {self._region}, or the policy's `scope` to REGIONAL."
            )
        self._client, self._scope = client, scope
        self._sleep, self._monotonic = sleep, monotonic
        self._ids: dict[str, str] = {}
        self._last_update = float("-inf")

    def read(self, name: str) -> IpSet:
        """Return a set as it is now; raises IpSetMissingError."""
        try:
            return self._get(name)
        except self._client.exceptions.WAFNonexistentItemException:
            self._ids.pop(name, None)  # made anew under another id since the last look
        try:
            return self._get(name)
        except self._client.exceptions.WAFNonexistentItemException as error:
            raise self._missing(name) from error

    def write(self, name: str, wanted: Callable[[frozenset[str]], frozenset[str]]) -> Write:
        """Bring a set to `wanted(addresses it holds)`, in one call, or none when it holds them already.

        After a conflict the set is read afresh and `wanted` is asked again, so that what others wrote is seen.

        :raises IpSetMissingError: there is no such set.
        :raises UnfitAddressesError: before any call, for what the set cannot take.
        :raises IpSetContestedError: after six conflicts in a row.
        """
        conflicts = 0
        while True:
            held = self.read(name)
            after = wanted(held.addresses)
            if after == held.addresses:
                return Write(name=name, before=held.addresses, after=after, calls=conflicts, conflicts=conflicts)
            _check(after, held)
            if self._update(held, after):
                return Write(name=name, before=held.addresses, after=after, calls=conflicts + 1, conflicts=conflicts)
            conflicts += 1
            if conflicts > MOST_CONFLICTS:
                raise IpSetContestedError(
                    f"IP set {name} was changed by somebody else {conflicts} times between our read and our write: "
                    "find out in CloudTrail who calls UpdateIPSet on it, then run again."
                )
            self._await_turn()  # now, so that the fresh read is not a second old when it is used

    def _update(self, held: IpSet, after: frozenset[str]) -> bool:
        """Replace a set's addresses; tell False for a stale token."""
        request = {"Name": held.name, "Scope": self._scope, "Id": held.id, "LockToken": held.lock_token}
        if held.description:  # an update replaces everything: what it leaves out is gone
            request["Description"] = held.description
        try:
            self._patiently(lambda: self._client.update_ip_set(**request, Addresses=sorted(after)))
        except self._client.exceptions.WAFOptimisticLockException:
            return False
        return True

    def _patiently(self, call: Callable[[], object]) -> None:
        """Call in turn; wait longer and longer while WAF throttles."""
        from botocore.exceptions import ClientError

        waits = iter(_THROTTLE_WAITS)
        while True:
            self._await_turn()
            try:
                call()
                return
            except ClientError as error:
                wait = next(waits, None) if _throttled(error) else None
                if wait is None:
                    raise
            finally:
                self._last_update = self._monotonic()  # of the answer: calls then arrive no closer together
            self._sleep(wait)

    def _await_turn(self) -> None:
        left = self._last_update + SECONDS_BETWEEN_UPDATES - self._monotonic()
        if left > 0:
            self._sleep(left)

    def _get(self, name: str) -> IpSet:
        answer = self._client.get_ip_set(Name=name, Scope=self._scope, Id=self._id(name))
        found = answer["IPSet"]
        return IpSet(
            name=name,
            id=found["Id"],
            lock_token=answer["LockToken"],
            addresses=frozenset(_canonical(address) for address in found["Addresses"]),
            ipv6=found["IPAddressVersion"] == "IPV6",
            description=found.get("Description"),
        )

    def _id(self, name: str) -> str:
        if name not in self._ids:
            self._ids = dict(self._list())
        if name not in self._ids:
            raise self._missing(name)
        return self._ids[name]

    def _list(self) -> Iterable[tuple[str, str]]:
        more: dict[str, str] = {}
        while True:
            answer = self._client.list_ip_sets(Scope=self._scope, Limit=100, **more)
            yield from ((each["Name"], each["Id"]) for each in answer["IPSets"])
            if not answer.get("NextMarker") or not answer["IPSets"]:  # WAF may give a marker with the last page
                return
            more = {"NextMarker": answer["NextMarker"]}

    def _missing(self, name: str) -> IpSetMissingError:
        return IpSetMissingError(
            f"There is no IP set {name} of the scope {self._scope} in {self._region}: create it (aws wafv2 "
            f"create-ip-set --name {name} --scope {self._scope} --region {self._region} --ip-address-version "
            "IPV4|IPV6 --addresses), or correct `ip_sets` in the policy."
        )


def _check(addresses: frozenset[str], held: IpSet) -> None:
    if len(addresses) > MOST_ADDRESSES:
        raise UnfitAddressesError(
            f"{len(addresses):,} addresses do not fit into IP set {held.name}, WAF takes {MOST_ADDRESSES:,}: "
            "lower `ipset_limit` to that, or name more sets in the policy."
        )
    for address in sorted(addresses - held.addresses):
        if not _is_cidr(address):
            raise UnfitAddressesError(
                f"{address!r} for IP set {held.name} is no CIDR as WAF takes it: it must be canonical, and not all "
                "addresses (/0)."
            )
        if (":" in address) != held.ipv6:
            raise UnfitAddressesError(
                f"{address} does not fit into IP set {held.name}, which holds {'IPv6' if held.ipv6 else 'IPv4'}: "
                "correct `ip_sets` in the policy."
            )


def _canonical(cidr: str) -> str:
    """Spell a CIDR canonically; what is none stays as it is, so that a person's slip cannot stop the reading."""
    try:
        return str(ip_network(cidr)) if "/" in cidr else cidr
    except ValueError:
        return cidr


def _is_cidr(text: str) -> bool:
    try:
        network = ip_network(text)
    except ValueError:
        return False
    return str(network) == text and network.prefixlen > 0


def _throttled(error: Any) -> bool:
    return bool(error.response.get("Error", {}).get("Code") == "ThrottlingException")
