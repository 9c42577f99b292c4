"""The settings file: every key, every bound, every mistake at once."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from include.scanner_block.policy import PolicyRefusedError, read_policy
from include.scanner_block.policy_model import (
    IpSets,
    Limits,
    LogFormat,
    LogSource,
    Policy,
    RepeatOffenders,
    Rules,
    UriRule,
)

DOCS = Path(__file__).parents[3] / "docs" / "scanner_block" / "policy.md"

FULL: dict[str, Any] = {
    "error_threshold": 20,
    "request_threshold": 500,
    "block_period_minutes": 10080,
    "error_statuses": [404, 500],
    "ignored_suffixes": [".css", "/favicon.ico", ".css"],
    "uri_thresholds": {"/login": {"error_threshold": 5}, "/Straße": {"request_threshold": 7, "error_threshold": 9}},
    "distinct_error_paths": 12,
    "sliding_minute": True,
    "ipset_limit": 500,
    "ignore_waf_blocks": False,
    "ipv6_prefix": 64,
    "repeat_offenders": {"factor": 1.5, "longest_minutes": 20160, "forget_days": 7},
    "sources": [
        {"name": "shop", "format": "cloudfront", "bucket": "corp-logs", "prefix": "cf/E2EXAMPLE."},
        {"name": "api", "format": "alb", "bucket": "corp-logs", "prefix": "alb/"},
        {"name": "acl_1", "format": "waf", "bucket": "corp-logs", "prefix": "waf/my-acl/"},
    ],
    "ip_sets": {"ipv4": ["a", "b"], "ipv6": ["c"], "scope": "CLOUDFRONT"},
    "limits": {
        "unreadable_share": 0.1,
        "change_share": 2,
        "change_floor": 10,
        "client_share": 0.5,
        "client_floor": 5,
    },
    "own_networks": ["192.0.2.7/24", "2001:DB8::1"],
    "spare_search_engines": False,
    "late_hours": 24,
    "most_objects": 10,
}


def read(text: str) -> Policy:
    return read_policy(text, source="settings.yaml")


def refused(text: str) -> str:
    with pytest.raises(PolicyRefusedError) as caught:
        read(text)
    return str(caught.value)


@pytest.mark.parametrize("text", ["", "\n \n", "# nothing yet\n", "{}"])
def test_an_empty_file_is_all_defaults(text: str) -> None:
    assert read(text) == Policy()


def test_every_key_is_read_from_json_too() -> None:
    assert read(json.dumps(FULL, ensure_ascii=False)) == Policy(
        rules=Rules(
            error_threshold=20,
            request_threshold=500,
            block_period_minutes=10080,
            error_statuses=frozenset({404, 500}),
            ignored_suffixes=(".css", "/favicon.ico"),
            uri_thresholds={
                "/login": UriRule(error_threshold=5),
                "/Straße": UriRule(error_threshold=9, request_threshold=7),
            },
            distinct_error_paths=12,
            sliding_minute=True,
            ipset_limit=500,
            ignore_waf_blocks=False,
            ipv6_prefix=64,
            repeat_offenders=RepeatOffenders(factor=1.5, longest_minutes=20160, forget_days=7),
        ),
        sources=(
            LogSource(name="shop", log_format=LogFormat.CLOUDFRONT, bucket="corp-logs", prefix="cf/E2EXAMPLE."),
            LogSource(name="api", log_format=LogFormat.ALB, bucket="corp-logs", prefix="alb/"),
            LogSource(name="acl_1", log_format=LogFormat.WAF, bucket="corp-logs", prefix="waf/my-acl/"),
        ),
        ip_sets=IpSets(ipv4=("a", "b"), ipv6=("c",), scope="CLOUDFRONT"),
        limits=Limits(unreadable_share=0.1, change_share=2.0, change_floor=10, client_share=0.5, client_floor=5),
        own_networks=("192.0.2.0/24", "2001:db8::1/128"),
        spare_search_engines=False,
        late_hours=24,
        most_objects=10,
    )


@pytest.mark.parametrize("key", FULL)
def test_one_key_alone_leaves_all_others_at_their_defaults(key: str) -> None:
    alone = read(json.dumps({key: FULL[key]}))
    whole = read(json.dumps(FULL))
    for part, default in ((alone, Policy()), (alone.rules, Rules())):
        for field in fields(part):
            owner = whole.rules if isinstance(part, Rules) else whole
            wanted = owner if field.name == key else default
            if field.name != "rules":
                assert getattr(part, field.name) == getattr(wanted, field.name)


BOUNDS = [
    *((key, 1, 1_000_000) for key in ("error_threshold", "request_threshold", "distinct_error_paths")),
    ("block_period_minutes", 1, 524_160),
    ("ipset_limit", 1, 10_000),
    ("late_hours", 1, 720),
    ("most_objects", 1, 100_000),
]


@pytest.mark.parametrize(("key", "low", "high"), BOUNDS)
def test_a_number_on_a_bound_is_taken_and_one_beyond_it_is_refused(key: str, low: int, high: int) -> None:
    for value in (low, high):
        policy = read(f"{key}: {value}")
        assert getattr(policy.rules if hasattr(policy.rules, key) else policy, key) == value
    for value in (low - 1, high + 1, -1, 1.5, "many", "true", "[1]"):
        assert f"line 1, {key}" in refused(f"{key}: {value}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("error_statuses: [404, 600]", "error_statuses[1]: '600' is no HTTP status"),
        ("error_statuses: [99]", "'99' is no HTTP status"),
        ("error_statuses: [4xx]", "'4xx' is no HTTP status"),
        ("error_statuses: []", "no status would be an error"),
        ("error_statuses: 404", "must be a list"),
        ("ignored_suffixes: ['']", "is no end of a path"),
        (f"ignored_suffixes: [{'x' * 101}]", "is no end of a path"),
        ("ignored_suffixes: ['.css?v=1']", "is no end of a path"),
        ("uri_thresholds: {login: {error_threshold: 5}}", "a path begins with /"),
        ("uri_thresholds: {/login?a=b: {error_threshold: 5}}", "a path begins with /"),
        (f"uri_thresholds: {{'/{'x' * 500}': {{error_threshold: 5}}}}", "at most 500 characters"),
        ("uri_thresholds: {/login: {error_threshold: 0}}", "uri_thresholds./login.error_threshold: '0' is no whole"),
        ("uri_thresholds: {/login: {eror_threshold: 5}}", "did you mean error_threshold?"),
        ("uri_thresholds: {/login: {}}", "this path has no threshold"),
        ("uri_thresholds: {/login: }", "this path has no threshold"),
        ("uri_thresholds: [/login]", "must be a mapping"),
        ("uri_thresholds:\n  /a: {error_threshold: 5}\n  /a: {error_threshold: 6}", "line 3, uri_thresholds./a"),
        ("sliding_minute: sometimes", "is neither true nor false"),
        ("ipv6_prefix: 56", "'56' is none of 128, 64"),
        ("repeat_offenders: {factor: 0.5}", "repeat_offenders.factor: '0.5' is no number from 1 to 10"),
        ("repeat_offenders: {factor: 11}", "is no number from 1 to 10"),
        ("repeat_offenders: {days: 3}", "repeat_offenders.days: this key is unknown"),
        ("repeat_offenders: true", "must be a mapping"),
        ("block_period_minutes: 20000\nrepeat_offenders: {}", "less than a first block of 20000"),
        ("own_networks: [192.0.2.0/24, office]", "own_networks[1]: 'office' is no address"),
        ("own_networks: [192.0.2.0/255.255.255.0]", "is no address"),
        ("limits: {unreadable_share: 1.1}", "limits.unreadable_share: '1.1' is no number from 0 to 1"),
        ("limits: {client_floor: 0}", "limits.client_floor: '0' is no whole number"),
        ("limits: {share: 1}", "limits.share: this key is unknown"),
        ("ip_sets: {ipv4: []}", "ip_sets.ipv4: no set would hold"),
        ("ip_sets: {ipv4: [a b]}", "'a b' is no name of an IP set"),
        ("ip_sets: {ipv4: [a], ipv6: [a]}", "a set stands twice"),
        ("ip_sets: {ipv4: [" + ", ".join(f"s{n}" for n in range(100)) + "]}", "these are 101 sets"),
        ("ip_sets: {scope: GLOBAL}", "'GLOBAL' is none of REGIONAL, CLOUDFRONT"),
        ("error_treshold: 5", "error_treshold: this key is unknown; did you mean error_threshold?"),
        ("error_threshold: 5\nerror_threshold: 6", "line 2, error_threshold: this key stands twice"),
        ("error_threshold: 5\n  x: [", "this is no YAML"),
        ("- 1", "this is no mapping"),
        ("a: &a {}\nb: *a", "the alias *a is not read"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(text: str, told: str) -> None:
    message = refused(text)
    assert message.startswith("settings.yaml, line ")
    assert told in message


SHOP = {"name": "shop", "format": "cloudfront", "bucket": "corp-logs", "prefix": "cf/E2EXAMPLE."}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "Shop"}, "sources[0].name: 'Shop' does not do"),
        ({"name": "s" * 42}, "does not do"),
        ({"name": None}, "sources[0].name: this key is missing"),
        ({"format": "nginx"}, "'nginx' is none of cloudfront, alb, waf"),
        ({"format": None}, "sources[0].format: this key is missing"),
        ({"bucket": "Corp"}, "an S3 bucket's name"),
        ({"prefix": "/cf/E2EXAMPLE."}, "not what stands before the time"),
        ({"prefix": "cf/E2EXAMPLE"}, "not what stands before the time"),
        ({"prefix": "cf/" + "x" * 900 + "."}, "not what stands before the time"),
        ({"format": "alb"}, "write as AWSLogs/111122223333/elasticloadbalancing/eu-west-1/"),
        ({"zone": "x"}, "sources[0].zone: this key is unknown"),
    ],
)
def test_a_source_that_could_not_be_read_is_refused(changes: dict[str, Any], told: str) -> None:
    assert told in refused(json.dumps({"sources": [{**SHOP, **changes}]}))


def test_two_sources_share_neither_name_nor_objects() -> None:
    below = {**SHOP, "prefix": "cf/E2EXAMPLE.2026."}
    message = refused(json.dumps({"sources": [SHOP, below]}))
    assert "'shop' names two sources" in message
    assert "its objects would count twice" in message
    apart = [SHOP, {**below, "name": "other", "bucket": "else-logs"}]
    assert len(read(json.dumps({"sources": apart})).sources) == 2


def test_all_mistakes_are_told_at_once_in_the_order_of_lines() -> None:
    message = refused("error_threshold: 0\nlate_hours: 0\nuri_thresholds:\n  /a: {error_threshold: x}\ncolour: red\n")
    assert [int(line) for line in re.findall(r"line (\d+)", message)] == [1, 2, 4, 5]


def documented() -> dict[str, str]:
    """Return the default as written, by key of the documentation's tables."""
    rows = re.findall(r"^\| `([a-z_.0-9\[\]]+)` \| ([^|]+) \|", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {key: default.strip() for key, default in rows}


def test_the_documentation_names_every_key_and_no_other() -> None:
    nested = {"sources": FULL["sources"][0], **{key: FULL[key] for key in ("ip_sets", "limits", "repeat_offenders")}}
    wanted = set(FULL) - {"ip_sets", "limits"}
    wanted |= {f"{key}{'[]' * (key == 'sources')}.{name}" for key, inner in nested.items() for name in inner}
    assert set(documented()) == wanted


def test_the_documentation_tells_the_defaults_that_hold() -> None:
    policy = Policy()
    words: dict[Any, str] = {True: "true", False: "false", (): "none", None: "off"}
    homes = {"ip_sets": policy.ip_sets, "limits": policy.limits, "repeat_offenders": RepeatOffenders()}
    for key, told in documented().items():
        section, _, name = key.rpartition(".")
        if section == "sources[]":
            assert told == "required"
            continue
        home = homes.get(section, policy.rules if hasattr(policy.rules, name) else policy)
        default = getattr(home, name)
        if isinstance(default, frozenset | tuple | dict) and default:
            assert told == ", ".join(str(one) for one in sorted(default))
        elif isinstance(default, bool | tuple | dict) or default is None:
            assert told == words[() if default == {} else default]
        else:
            assert told == f"{default:g}" if isinstance(default, float) else str(default)


def test_the_example_of_the_documentation_is_read() -> None:
    example = re.search(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert example is not None
    assert len(read(example[1]).sources) == 2
