"""Who is blocked over all sources of logs, until when and why, the worst first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, TypeAlias

from include.scanner_block.addresses import address_order
from include.scanner_block.blocking.block_times import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from include.scanner_block.blocking.state_model import Entry, SourceState
    from include.scanner_block.policy_model import LogFormat, Rules

    Part: TypeAlias = tuple[Entry, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A blocked client.

    :param max_per_minute: its largest count in one minute at any source, in general or of one path.
    :param updated_at: its last offence.
    :param until: when the last of its blocks ends.
    :param reasons: a phrase for each threshold it reached.
    """

    client: str
    max_per_minute: int
    updated_at: datetime
    until: datetime
    reasons: tuple[str, ...]


def blocks_of(
    states: Mapping[str, SourceState], *, formats: Mapping[str, LogFormat], rules: Rules
) -> tuple[Block, ...]:
    """Return one block per client over all sources, the worst first: largest count, latest offence, address.

    :param states: by source, as `states.advance` returned them.
    :param formats: by source; one that the settings do not have any more blocks nobody.
    """
    parts: dict[str, list[Part]] = {}
    for source, state in sorted(states.items()):
        if source in formats:
            for client, part in _parts(source, state, log_format=formats[source], rules=rules):
                parts.setdefault(client, []).append(part)
    blocks = [_block(client, found, rules=rules) for client, found in parts.items()]
    return tuple(sorted(blocks, key=_worst_first))


def _worst_first(block: Block) -> tuple[float, ...]:
    return -block.max_per_minute, -block.updated_at.timestamp(), *address_order(block.client)


def _block(client: str, parts: list[Part], *, rules: Rules) -> Block:
    return Block(
        client=client,
        max_per_minute=max(entry.max_per_minute for entry, _ in parts),
        updated_at=max(entry.updated_at for entry, _ in parts),
        until=max(until(entry, rules=rules) for entry, _ in parts),
        reasons=tuple(reason for _, reasons in parts for reason in reasons),
    )


def _parts(source: str, state: SourceState, *, log_format: LogFormat, rules: Rules) -> Iterator[tuple[str, Part]]:
    """Yield each client's entries at one source with the phrases that say why."""
    what = "requests" if log_format.counts_every_request else "errors"
    paths = None if log_format.counts_every_request else rules.distinct_error_paths
    for client, entry in state.general.items():
        reasons = []
        if entry.max_per_minute >= rules.threshold(log_format):
            reasons.append(_reason(entry, what, threshold=rules.threshold(log_format), source=source))
        if paths is not None and (entry.distinct_error_paths or 0) >= paths:
            various = f"{entry.distinct_error_paths} different paths with errors in one minute"
            reasons.append(f"{various} (threshold {paths}), {_last(entry, source)}")
        yield client, (entry, tuple(reasons))
    thresholds = rules.uris(log_format)
    for uri, entries in sorted(state.uri.items()):
        if uri in thresholds:
            for client, entry in entries.items():
                yield client, (entry, (_reason(entry, f"{what} of {uri}", threshold=thresholds[uri], source=source),))


def _reason(entry: Entry, what: str, *, threshold: int, source: str) -> str:
    return f"{entry.max_per_minute} {what} in one minute (threshold {threshold}), {_last(entry, source)}"


def _last(entry: Entry, source: str) -> str:
    return f"last {entry.updated_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, log {source}"
