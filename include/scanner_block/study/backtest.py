"""What the rules would have blocked in logs that lie in files: production's decisions without AWS."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.scanner_block.addresses import Networks, address_order
from include.scanner_block.blocking.blocks import Block, blocks_of
from include.scanner_block.blocking.ip_sets import plan_sets
from include.scanner_block.blocking.offences import find_offences
from include.scanner_block.blocking.states import NO_ADDRESS, Release, advance, state_to_document
from include.scanner_block.logs.counting import count_file, merge_counts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from include.scanner_block.blocking.state_model import SourceState
    from include.scanner_block.counts import LogCounts
    from include.scanner_block.policy_model import IpSets, LogFormat, Policy, Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What would have been blocked at the given time.

    :param blocks: blocked clients, the worst first, those without room in a set included.
    :param ipv4: CIDRs of all IPv4 sets together, by number; `ipv6` likewise.
    :param left_out: blocked clients without room in a set, the worst first.
    :param kept_out: spared clients that offended, by address.
    :param counts: lines, unreadable ones and examples of all logs that were read.
    :param skipped: logs with the same content as an earlier one.
    """

    state: SourceState
    blocks: tuple[Block, ...]
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]
    left_out: tuple[str, ...]
    released: tuple[Release, ...]
    kept_out: tuple[str, ...]
    counts: LogCounts
    skipped: tuple[Path, ...]

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of `landfall scanner backtest`; the same input gives the same bytes."""
        return {
            "ipv4": list(self.ipv4),
            "ipv6": list(self.ipv6),
            "state": state_to_document(self.state),
            "unreadable_lines": self.counts.unreadable,
            "released": [release.client for release in self.released],
            "skipped_objects": [str(log) for log in self.skipped],
        }


def backtest(
    logs: Sequence[Path],
    *,
    log_format: LogFormat,
    policy: Policy,
    state: SourceState,
    approved: Networks,
    now: datetime,
) -> Backtest:
    """Apply the rules to logs as one tick of production would; their order does not matter.

    :param state: who is blocked before.
    :param approved: never blocked; the policy's own networks are added.
    :param now: with its zone; a block is over at exactly `until` = now.
    :raises OSError: a log cannot be read.
    """
    rules = policy.rules
    counts, skipped = count_logs(logs, log_format=log_format, rules=rules)
    step = advance(
        state,
        find_offences(counts.table, rules=rules, log_format=log_format),
        rules=rules,
        log_format=log_format,
        spared=approved | Networks.of(policy.own_networks),
        now=now,
    )
    source = log_format.value
    blocks = blocks_of({source: step.state}, formats={source: log_format}, rules=rules)
    plan = plan_sets(blocks, names=policy.ip_sets, limit=rules.ipset_limit, actual={}, by_hand={})
    ipv4, ipv6 = _sets(plan.wanted, policy.ip_sets)
    return Backtest(
        state=step.state,
        blocks=blocks,
        ipv4=ipv4,
        ipv6=ipv6,
        left_out=plan.left_out,
        released=tuple(sorted(step.released, key=_release_order)),
        kept_out=step.kept_out,
        counts=counts,
        skipped=skipped,
    )


def count_logs(logs: Sequence[Path], *, log_format: LogFormat, rules: Rules) -> tuple[LogCounts, tuple[Path, ...]]:
    """Count each different content once; return the sum and the logs that repeat an earlier one's content."""
    different, skipped = different_contents(logs)
    parts = (count_file(log, log_format=log_format, rules=rules, place=str(log)) for log in different)
    return merge_counts(parts), skipped


def different_contents(logs: Sequence[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Split files into the first of each content and the later ones that repeat it, as S3's objects are compared.

    Only files of equal size are read for their SHA-256. Packed and plain forms of one log are different contents, and
    so would count twice: give one of them.
    """
    sizes = {log: log.stat().st_size for log in logs}
    shared = Counter(sizes[log] for log in logs)
    seen: set[tuple[int, str]] = set()
    different: list[Path] = []
    skipped: list[Path] = []
    for log in logs:
        content = (sizes[log], _sha256(log) if shared[sizes[log]] > 1 else "")
        (skipped if content in seen else different).append(log)
        seen.add(content)
    return tuple(different), tuple(skipped)


def _sha256(log: Path) -> str:
    with log.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sets(wanted: dict[str, tuple[str, ...]], names: IpSets) -> tuple[tuple[str, ...], tuple[str, ...]]:
    ipv4, ipv6 = (
        tuple(sorted((address for name in sets for address in wanted[name]), key=address_order))
        for sets in (names.ipv4, names.ipv6)
    )
    return ipv4, ipv6


def _release_order(release: Release) -> tuple[bool, tuple[int, ...], str]:
    """Sort addresses by number; what was no address comes last, by its text."""
    if release.reason == NO_ADDRESS:
        return True, (), release.client
    return False, address_order(release.client), release.client
