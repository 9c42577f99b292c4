"""The parts of the settings file that say where the rules apply; see `policy`."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from include.scanner_block.addresses import network_of
from include.scanner_block.policy_model import IpSets, Limits, LogFormat, LogSource

if TYPE_CHECKING:
    from include.yaml_lines import Mapping

SCOPES: Final = ("REGIONAL", "CLOUDFRONT")
_SOURCE: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_IP_SET: Final = re.compile(r"[A-Za-z0-9_\-]{1,128}")  # WAFv2 API reference, EntityName
_LONGEST_PREFIX: Final = 900  # characters; S3 keys have 1,024 bytes, the rest is for dates and names
_MOST_SETS: Final = 100  # IP sets of an account and Region, WAF quotas
_ENDS: Final = {LogFormat.CLOUDFRONT: ".", LogFormat.ALB: "/", LogFormat.WAF: "/"}
_EXAMPLES: Final = {
    LogFormat.CLOUDFRONT: "cf/E2EXAMPLE.",
    LogFormat.ALB: "AWSLogs/111122223333/elasticloadbalancing/eu-west-1/",
    LogFormat.WAF: "AWSLogs/111122223333/WAFLogs/eu-west-1/my-acl/",
}


def read_sources(root: Mapping) -> tuple[LogSource, ...]:
    """Return the sources of logs; none without the section."""
    found: list[LogSource] = []
    for entry in root.mappings("sources", required=False, entry="name: shop"):
        source = _source(entry)
        if any(other.name == source.name for other in found if source.name):
            entry.problem("name", f"{source.name!r} names two sources; give each its own name.")
        found.append(source)
    places = sorted((source.bucket, source.prefix) for source in found if source.bucket and source.prefix)
    for (bucket, prefix), (other, longer) in pairwise(places):
        if bucket == other and longer.startswith(prefix):
            root.problem("sources", f"{longer!r} lies below {prefix!r}, its objects would count twice; keep one.")
    return tuple(found)


def _source(entry: Mapping) -> LogSource:
    log_format = LogFormat(entry.choice("format", list(LogFormat), required=True) or LogFormat.CLOUDFRONT)
    found = LogSource(
        name=_matching(entry, "name", _SOURCE, told="lower-case letters, digits and _, at most 41", example="shop"),
        log_format=log_format,
        bucket=_matching(entry, "bucket", _BUCKET, told="an S3 bucket's name", example="corp-logs"),
        prefix=_prefix(entry, log_format),
    )
    entry.refuse_other_keys()
    return found


def _prefix(entry: Mapping, log_format: LogFormat) -> str:
    example = _EXAMPLES[log_format]
    found = entry.text("prefix", example=example)
    if found is None:
        return ""
    if found.startswith("/") or not found.endswith(_ENDS[log_format]) or len(found) > _LONGEST_PREFIX:
        sentence = f"{found!r} is not what stands before the time in keys of {log_format} logs; write as {example}"
        entry.problem("prefix", sentence)
        return ""
    return found


def read_ip_sets(root: Mapping) -> IpSets:
    """Return the names of the IP sets; the defaults without the section."""
    section = root.mapping("ip_sets")
    if section is None:
        return IpSets()
    told = "is no name of an IP set; write letters, digits, - and _, at most 128."
    names = {}
    for key, default in (("ipv4", IpSets().ipv4), ("ipv6", IpSets().ipv6)):
        before = len(section.problems)
        names[key] = section.values(key, _set_name, told=told) if key in section else default
        if not names[key] and len(section.problems) == before:
            section.problem(key, "no set would hold these addresses; name at least one.")
    both = [*names["ipv4"], *names["ipv6"]]
    if len(set(both)) < len(both):
        section.problem(None, "a set stands twice; a set holds addresses of one version, name each once.")
    if len(both) > _MOST_SETS:
        section.problem(None, f"these are {len(both)} sets; an account has {_MOST_SETS} in a Region.")
    scope = section.choice("scope", SCOPES) or IpSets().scope
    section.refuse_other_keys()
    return IpSets(ipv4=names["ipv4"], ipv6=names["ipv6"], scope=scope)


def _set_name(text: str) -> str:
    if not _IP_SET.fullmatch(text):
        raise ValueError(text)
    return text


def read_limits(root: Mapping) -> Limits:
    """Return what a run may do without a person; the defaults without the section."""
    section = root.mapping("limits")
    if section is None:
        return Limits()
    found: dict[str, Any] = {
        "unreadable_share": section.number("unreadable_share", low=0, high=1),
        "change_share": section.number("change_share", low=0, high=10),
        "change_floor": section.whole("change_floor", low=1, high=1_000_000),
        "client_share": section.number("client_share", low=0, high=1),
        "client_floor": section.whole("client_floor", low=1, high=1_000_000),
    }
    section.refuse_other_keys()
    return Limits(**{name: value for name, value in found.items() if value is not None})


def read_networks(root: Mapping, key: str) -> tuple[str, ...]:
    """Return a list of addresses and networks as CIDRs without host bits."""
    told = "is no address and no network; write it as 192.0.2.0/24 or 2001:db8::/32."
    return root.values(key, lambda text: str(network_of(text)), told=told)


def _matching(entry: Mapping, key: str, pattern: re.Pattern[str], *, told: str, example: str) -> str:
    found = entry.text(key, example=example)
    if found is not None and not pattern.fullmatch(found):
        entry.problem(key, f"{found!r} does not do ({told}); write for example {example}.")
        return ""
    return found or ""
