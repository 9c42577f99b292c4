"""What counts as an offence and how it is answered: the settings of the rules, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ERROR_STATUSES: Final = frozenset({400, 401, 403, 404, 405})
"""What scanners earn; real ones also make hundreds of 500s, so the list is a setting."""

SHORTEST_PERIOD, LONGEST_PERIOD = 1, 52 * 7 * 24 * 60
"""A block period, in minutes: one minute to a year."""


class LogFormat(StrEnum):
    """The access logs that are read."""

    CLOUDFRONT = "cloudfront"
    ALB = "alb"
    WAF = "waf"

    @property
    def counts_every_request(self) -> bool:
        """Whether every request counts (a flood) instead of errors only: WAF logs carry no status."""
        return self is LogFormat.WAF


@dataclass(frozen=True, slots=True, kw_only=True)
class UriRule:
    """Thresholds of their own for one path; None leaves requests of that kind of log to the general rule alone."""

    error_threshold: int | None = None
    request_threshold: int | None = None

    def threshold(self, log_format: LogFormat) -> int | None:
        """Return the count in one minute that this path stands in a kind of log."""
        return self.request_threshold if log_format.counts_every_request else self.error_threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatOffenders:
    """Longer periods for those who come back: block n lasts `factor` ** (n - 1) periods, at most `longest_minutes`.

    A client whose last block ended more than `forget_days` ago starts again.
    """

    factor: float = 2.0
    longest_minutes: int = 7 * 24 * 60
    forget_days: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What makes a client an offender and for how long it is blocked; the same in production and in a back-test.

    :param error_threshold: requests with an error status in one minute, from which a client is outstanding.
    :param request_threshold: the same for WAF logs, where every request counts.
    :param ignored_suffixes: ends of paths (without the query) that never count; they win over `uri_thresholds`.
    :param uri_thresholds: thresholds by exact path, counted in addition to the general ones.
    :param distinct_error_paths: different paths with an error in one calendar minute, from which a client is
        outstanding; None is off. Not for WAF logs.
    :param sliding_minute: count in any 60 seconds instead of calendar minutes.
    :param ipset_limit: addresses that one WAF IP set holds.
    :param ignore_waf_blocks: a 403 that CloudFront logs as made by WAF is no error of the client.
    :param ipv6_prefix: 128 blocks single IPv6 addresses, 64 whole networks of a subscriber.
    :param repeat_offenders: None gives every block the same period.
    """

    error_threshold: int = 50
    request_threshold: int = 100
    block_period_minutes: int = 240
    error_statuses: frozenset[int] = ERROR_STATUSES
    ignored_suffixes: tuple[str, ...] = ()
    uri_thresholds: Mapping[str, UriRule] = field(default_factory=dict)
    distinct_error_paths: int | None = None
    sliding_minute: bool = False
    ipset_limit: int = 10_000
    ignore_waf_blocks: bool = True
    ipv6_prefix: int = 128
    repeat_offenders: RepeatOffenders | None = None

    def threshold(self, log_format: LogFormat) -> int:
        """Return the general threshold for a kind of log."""
        return self.request_threshold if log_format.counts_every_request else self.error_threshold

    def uris(self, log_format: LogFormat) -> dict[str, int]:
        """Return the thresholds by path that count in a kind of log."""
        thresholds = {uri: rule.threshold(log_format) for uri, rule in self.uri_thresholds.items()}
        return {uri: threshold for uri, threshold in thresholds.items() if threshold is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSource:
    """Where logs of one kind arrive.

    :param name: lower-case letters, digits and "_"; names the source's state and table.
    :param prefix: the keys' beginning up to the part that holds the time: `cf/E2EXAMPLE.` for CloudFront's
        `cf/E2EXAMPLE.2026-11-24-05.1a2b3c4d.gz`, `AWSLogs/111122223333/elasticloadbalancing/eu-west-1/` for a load
        balancer's `…/2026/11/24/…`, `AWSLogs/111122223333/WAFLogs/eu-west-1/my-acl/` for WAF's `…/2026/11/24/05/…`.
    """

    name: str
    log_format: LogFormat
    bucket: str
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IpSets:
    """The names of the WAF IP sets this family owns, by address version; several share the addresses."""

    ipv4: tuple[str, ...] = ("landfall-scanners-v4",)
    ipv6: tuple[str, ...] = ("landfall-scanners-v6",)
    scope: str = "REGIONAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may do without a person.

    :param unreadable_share: of a run's lines of one source; more and its logs are not used (gate).
    :param change_share: addresses that come or go, as a share of those blocked (at least `change_floor` are assumed);
        more waits for a person.
    :param client_share: newly blocked clients as a share of all clients in the new logs, where those are at least
        `client_floor`; more waits for a person.
    """

    unreadable_share: float = 0.2
    change_share: float = 0.5
    change_floor: int = 100
    client_share: float = 0.2
    client_floor: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings file of a deployment: the rules, and where they apply.

    :param own_networks: addresses of the company's own gateways and monitors: never blocked, like approved ones.
    :param spare_search_engines: never block a client that a search engine's reverse and forward names confirm.
    :param late_hours: how late an object may arrive; CloudFront's are up to 24 h late.
    """

    rules: Rules = field(default_factory=Rules)
    sources: tuple[LogSource, ...] = ()
    ip_sets: IpSets = field(default_factory=IpSets)
    limits: Limits = field(default_factory=Limits)
    own_networks: tuple[str, ...] = ()
    spare_search_engines: bool = True
    late_hours: int = 48
    most_objects: int = 3_000
