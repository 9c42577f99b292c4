"""WAF's IP sets as AWS documents them; everything else of WAFV2 is moto's.

Source: WAFV2 API reference and WAF quotas; requests and answers are held against botocore's model.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Final

from moto.backends import get_backend

from include.standins.aws.calls import Call, Environ, json_body
from include.standins.aws.errors import AwsError, Reply, json_reply
from include.standins.aws.model_checks import check_answer, check_request
from include.standins.aws.waf_addresses import check_addresses, invalid
from include.standins.aws.waf_rate import Rate
from include.standins.aws.waf_sets import GLOBAL, IpSet, IpSets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from include.standins.aws.state_store import StateStore

Parameters = dict[str, Any]
GLOBAL_REGION = "us-east-1"
PAGE, MOST_SETS, MOST_TAGS = 100, 100, 50
MESSAGES = {
    "WAFNonexistentItemException": "AWS WAF couldn't perform the operation because your resource doesn't exist.",
    "WAFOptimisticLockException": "AWS WAF couldn't save your changes because someone changed the resource after you "
    "started to edit it. Reapply your changes.",
    "WAFDuplicateItemException": "AWS WAF couldn't perform the operation because some resource in your request is a "
    "duplicate of an existing one.",
    "WAFAssociatedItemException": "AWS WAF couldn't perform the operation because your resource is being used by "
    "another resource or it's associated with another resource.",
    "WAFLimitsExceededException": "AWS WAF couldn't perform the operation because you exceeded your resource limit.",
}


class Waf:
    """Gateway step: throttles changes of WAFV2, and answers for IP sets and their tags itself."""

    def __init__(self, kept: StateStore, *, account: str) -> None:
        self.rate = Rate()
        self._sets = IpSets(kept)
        self._account = account
        self._lock = threading.RLock()

    def __call__(self, call: Call, environ: Environ, inner: Callable[[], Reply]) -> Reply:
        """Answer the call, or let moto do it."""
        if call.service != "wafv2":
            return inner()
        self.rate.check(call)
        parameters = json_body(environ)
        method = _OPERATIONS.get(call.operation)
        if method is None or ("ResourceARN" in parameters and "/ipset/" not in str(parameters["ResourceARN"])):
            return inner()
        check_request("wafv2", call.operation, parameters)
        if parameters.get("Scope") == GLOBAL and call.region != GLOBAL_REGION:
            raise invalid("SCOPE_VALUE", GLOBAL, "The scope is not valid.")
        with self._lock:
            answer = method(self, call, parameters)
        check_answer("wafv2", call.operation, answer)
        return json_reply(answer)

    def create(self, call: Call, parameters: Parameters) -> Parameters:
        """CreateIPSet."""
        there = self._sets.of(region=call.region, scope=parameters["Scope"])
        if any(row.name == parameters["Name"] for row in there):
            raise _error("WAFDuplicateItemException")
        if len(there) >= MOST_SETS:
            raise _error("WAFLimitsExceededException")
        version = parameters["IPAddressVersion"]
        made = IpSet(
            name=parameters["Name"],
            scope=parameters["Scope"],
            region=call.region,
            account=self._account,
            version=version,
            addresses=check_addresses(parameters["Addresses"], version=version),
            description=parameters.get("Description"),
            tags=_tags(parameters.get("Tags")),
        )
        self._sets.save(made)
        return {"Summary": made.summary()}

    def get(self, call: Call, parameters: Parameters) -> Parameters:
        """GetIPSet."""
        found = self._find(call, parameters)
        return {"IPSet": found.describe(), "LockToken": found.lock_token}

    def list(self, call: Call, parameters: Parameters) -> Parameters:
        """ListIPSets; a marker is the last name of the page before."""
        after = parameters.get("NextMarker", "")
        rows = [row for row in self._sets.of(region=call.region, scope=parameters["Scope"]) if row.name > after]
        taken = rows[: parameters.get("Limit") or PAGE]
        marker = {"NextMarker": taken[-1].name} if len(taken) < len(rows) else {}
        return {"IPSets": [row.summary() for row in taken], **marker}

    def update(self, call: Call, parameters: Parameters) -> Parameters:
        """UpdateIPSet replaces all that can change: a description left out is gone."""
        found = self._locked(call, parameters)
        found.addresses = check_addresses(parameters["Addresses"], version=found.version)
        found.description = parameters.get("Description")
        self._sets.save(found)
        return {"NextLockToken": found.lock_token}

    def delete(self, call: Call, parameters: Parameters) -> Parameters:
        """DeleteIPSet; not while a web ACL or a rule group refers to it."""
        found = self._locked(call, parameters)
        if any(found.arn in rules for rules in _rules(self._account)):
            raise _error("WAFAssociatedItemException")
        self._sets.drop(found)
        return {}

    def tag(self, _call: Call, parameters: Parameters) -> Parameters:
        """TagResource."""
        found = self._by_arn(parameters)
        tags = found.tags | _tags(parameters["Tags"])
        if len(tags) > MOST_TAGS:
            raise _error("WAFLimitsExceededException")
        found.tags = tags
        self._sets.save(found, changed=False)
        return {}

    def untag(self, _call: Call, parameters: Parameters) -> Parameters:
        """UntagResource."""
        found = self._by_arn(parameters)
        found.tags = {key: value for key, value in found.tags.items() if key not in parameters["TagKeys"]}
        self._sets.save(found, changed=False)
        return {}

    def tags(self, _call: Call, parameters: Parameters) -> Parameters:
        """ListTagsForResource, in one page."""
        found = self._by_arn(parameters)
        tags = [{"Key": key, "Value": value} for key, value in sorted(found.tags.items())]
        return {"TagInfoForResource": {"ResourceARN": found.arn, "TagList": tags}} if tags else {}

    def _find(self, call: Call, parameters: Parameters) -> IpSet:
        for row in self._sets.of(region=call.region, scope=parameters["Scope"]):
            if (row.name, row.id) == (parameters["Name"], parameters["Id"]):
                return row
        raise _error("WAFNonexistentItemException")

    def _locked(self, call: Call, parameters: Parameters) -> IpSet:
        found = self._find(call, parameters)
        if parameters["LockToken"] != found.lock_token:
            raise _error("WAFOptimisticLockException")
        return found

    def _by_arn(self, parameters: Parameters) -> IpSet:
        found = self._sets.get(parameters["ResourceARN"])
        if found is None:
            raise _error("WAFNonexistentItemException")
        return found


_OPERATIONS: Final[dict[str, Callable[[Waf, Call, Parameters], Parameters]]] = {
    "CreateIPSet": Waf.create,
    "GetIPSet": Waf.get,
    "ListIPSets": Waf.list,
    "UpdateIPSet": Waf.update,
    "DeleteIPSet": Waf.delete,
    "TagResource": Waf.tag,
    "UntagResource": Waf.untag,
    "ListTagsForResource": Waf.tags,
}


def _error(code: str) -> AwsError:
    return AwsError(code, MESSAGES[code])


def _tags(tags: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def _rules(account: str) -> Iterator[str]:
    """Give the rules of each of moto's web ACLs and rule groups, as text."""
    for owner, _region, backend in get_backend("wafv2").iter_backends():
        if owner != account:
            continue
        for holder in [*backend.wacls.values(), *backend.rule_groups.values()]:
            yield json.dumps(holder.to_dict(), default=str)
