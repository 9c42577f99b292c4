"""The addresses of an IP set: what WAF takes, what it refuses, and how it spells them.

Source: WAFV2 API reference, CreateIPSet (CIDR notation, all ranges but /0); WAF quotas (10,000 in a set). Observed by
users: bits beyond the prefix are refused in IPv4 (aws-cdk issue 20003) with this wording (dcv-web-portal issue 10), and
IPv6 comes back written out in full (terraform-provider-aws issues 22797 and 31178). Not known: duplicates, and bits
beyond the prefix in IPv6; both are refused here.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING

from include.standins.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 10_000
INVALID = "WAFInvalidParameterException"
MALFORMED = "The parameter contains formatting that is not valid."


def check_addresses(addresses: Sequence[str], *, version: str) -> list[str]:
    """Give the addresses as WAF keeps them; raises AwsError.

    :param version: IPV4 or IPV6.
    """
    if len(addresses) > MOST:
        raise AwsError(
            "WAFLimitsExceededException",
            f"AWS WAF couldn't perform the operation because you exceeded your resource limit: an IP set holds {MOST} "
            f"addresses, not {len(addresses)}.",
        )
    kept = [_spelling(_network(address, version)) for address in addresses]
    if len(set(kept)) < len(kept):
        raise AwsError(
            "WAFDuplicateItemException",
            "AWS WAF couldn't perform the operation because some resource in your request is a duplicate of an "
            "existing one.",
        )
    return kept


def invalid(
    field: str, parameter: str, reason: str = "The parameter contains formatting that is not valid."
) -> AwsError:
    """Make the error for a parameter that WAF does not take."""
    return AwsError(
        INVALID,
        f"Error reason: {reason}, field: {field}, parameter: {parameter}",
        members={"Field": field, "Parameter": parameter, "Reason": reason},
    )


def _network(address: str, version: str) -> IPv4Network | IPv6Network:
    _, slash, prefix = address.partition("/")
    try:
        network = ip_network(address)
    except ValueError as error:
        raise invalid("IP_ADDRESS", address) from error
    if not slash or not prefix.isdecimal() or not network.prefixlen or f"IPV{network.version}" != version:
        raise invalid("IP_ADDRESS", address)
    return network


def _spelling(network: IPv4Network | IPv6Network) -> str:
    return network.exploded
