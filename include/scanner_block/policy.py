"""Read the settings file (docs/scanner_block/policy.md); every mistake is named by line and key at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.scanner_block.policy_model import (
    ERROR_STATUSES,
    LONGEST_PERIOD,
    SHORTEST_PERIOD,
    Policy,
    RepeatOffenders,
    Rules,
    UriRule,
)
from include.scanner_block.policy_places import read_ip_sets, read_limits, read_networks, read_sources
from include.yaml_lines import Mapping, ProblemsError, open_mapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.yaml_lines import Problem

MOST_REQUESTS = 1_000_000
"""The highest threshold: as many requests of one client in one minute are no setting but a slip."""
_LONGEST_SUFFIX, _LONGEST_URI = 100, 500


class PolicyRefusedError(ProblemsError):
    """The settings cannot be used; `problems` has one entry for each thing to correct, the text names the file too."""

    def __init__(self, problems: Sequence[Problem], *, source: str) -> None:
        super().__init__(problems)
        self.source = source
        self.args = ("\n".join(f"{source}, {problem}" for problem in self.problems),)


def read_policy(text: str, *, source: str) -> Policy:
    """Read the settings from YAML or JSON; what is not said, or an empty file, keeps its default.

    :param source: the place of the file, for messages.
    :raises PolicyRefusedError: with a line, a key and a sentence for everything that is wrong.
    """
    if all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines()):
        return Policy()
    try:
        root = open_mapping(text, opening="`error_threshold:` or `sources:`")
    except ProblemsError as error:
        raise PolicyRefusedError(error.problems, source=source) from None
    rules = _rules(root)
    found = {
        "own_networks": read_networks(root, "own_networks"),
        "spare_search_engines": root.flag("spare_search_engines"),
        "late_hours": root.whole("late_hours", low=1, high=720),
        "most_objects": root.whole("most_objects", low=1, high=100_000),
    }
    policy = Policy(
        rules=rules,
        sources=read_sources(root),
        ip_sets=read_ip_sets(root),
        limits=read_limits(root),
        **given(found),
    )
    root.refuse_other_keys()
    if root.problems:
        raise PolicyRefusedError(root.problems, source=source)
    return policy


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that were given; the others keep the defaults of their class."""
    return {name: value for name, value in values.items() if value is not None}


def _rules(root: Mapping) -> Rules:
    prefix = root.choice("ipv6_prefix", ("128", "64"))
    rules = Rules(
        **given(
            {
                "error_threshold": _threshold(root, "error_threshold"),
                "request_threshold": _threshold(root, "request_threshold"),
                "block_period_minutes": _period(root, "block_period_minutes"),
                "distinct_error_paths": _threshold(root, "distinct_error_paths"),
                "sliding_minute": root.flag("sliding_minute"),
                "ipset_limit": root.whole("ipset_limit", low=1, high=10_000),
                "ignore_waf_blocks": root.flag("ignore_waf_blocks"),
                "ipv6_prefix": int(prefix) if prefix else None,
            }
        ),
        error_statuses=_statuses(root),
        ignored_suffixes=_suffixes(root),
        uri_thresholds=_uri_thresholds(root),
        repeat_offenders=_repeat_offenders(root),
    )
    repeat = rules.repeat_offenders
    if repeat is not None and repeat.longest_minutes < rules.block_period_minutes:
        root.problem(
            "repeat_offenders",
            f"longest_minutes is {repeat.longest_minutes}, less than a first block of {rules.block_period_minutes}; "
            "raise it.",
        )
    return rules


def _threshold(section: Mapping, key: str) -> int | None:
    return section.whole(key, low=1, high=MOST_REQUESTS)


def _period(section: Mapping, key: str) -> int | None:
    return section.whole(key, low=SHORTEST_PERIOD, high=LONGEST_PERIOD)


def _statuses(root: Mapping) -> frozenset[int]:
    if "error_statuses" not in root:
        return ERROR_STATUSES
    before = len(root.problems)
    found = frozenset(root.values("error_statuses", _status, told="is no HTTP status; write 100 to 599."))
    if not found and len(root.problems) == before:
        root.problem("error_statuses", "no status would be an error; name at least one, or take the key out.")
    return found


def _status(text: str) -> int:
    if len(text) != 3 or not text.isascii() or not text.isdigit() or not 100 <= int(text) <= 599:
        raise ValueError(text)
    return int(text)


def _suffixes(root: Mapping) -> tuple[str, ...]:
    told = f"is no end of a path; write 1 to {_LONGEST_SUFFIX} characters without ?, as .css."
    return tuple(dict.fromkeys(root.values("ignored_suffixes", _suffix, told=told)))


def _suffix(text: str) -> str:
    if not 1 <= len(text) <= _LONGEST_SUFFIX or not text.strip() or not text.isprintable() or "?" in text:
        raise ValueError(text)
    return text


def _uri_thresholds(root: Mapping) -> dict[str, UriRule]:
    section = root.mapping("uri_thresholds")
    if section is None:
        return {}
    found = {}
    for uri in section.names():
        if not uri.startswith("/") or len(uri) > _LONGEST_URI or not uri.isprintable() or "?" in uri:
            section.problem(uri, f"a path begins with / and has at most {_LONGEST_URI} characters and no query.")
        found[uri] = _uri_rule(section, uri)
    return found


def _uri_rule(section: Mapping, uri: str) -> UriRule:
    before = len(section.problems)
    rule = section.mapping(uri)
    thresholds = {}
    if rule is not None:
        thresholds = {key: _threshold(rule, key) for key in ("error_threshold", "request_threshold")}
        rule.refuse_other_keys()
    if not any(thresholds.values()) and len(section.problems) == before:
        section.problem(uri, "this path has no threshold; give error_threshold, request_threshold, or both.")
    return UriRule(**thresholds)


def _repeat_offenders(root: Mapping) -> RepeatOffenders | None:
    section = root.mapping("repeat_offenders")
    if section is None:
        return None
    found = {
        "factor": section.number("factor", low=1, high=10),
        "longest_minutes": _period(section, "longest_minutes"),
        "forget_days": section.whole("forget_days", low=1, high=3650),
    }
    section.refuse_other_keys()
    return RepeatOffenders(**given(found))
