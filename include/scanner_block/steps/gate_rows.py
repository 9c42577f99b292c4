"""What the gates look at: one row per source of new logs, one per address that would come into a set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.scanner_block.addresses import Networks, canonical, cidr
from include.scanner_block.blocking.state_documents import state_from_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.scanner_block.blocking.state_model import Entry, SourceState
    from include.scanner_block.desk import Inputs
    from include.scanner_block.policy_model import LogFormat, Rules
    from include.scanner_block.steps.collecting import Tally
    from include.scanner_block.steps.drafts import Draft


def log_rows(tallies: Mapping[str, Tally]) -> list[dict[str, Any]]:
    """Return what `logs_suite` needs of each source, by name."""
    return [
        {
            "source": source,
            "objects": tally.objects,
            "lines": tally.lines,
            "unreadable": tally.unreadable,
            "clients": tally.clients,
            "example": tally.examples[0].beginning if tally.examples else "",
        }
        for source, tally in sorted(tallies.items())
    ]


def addition_rows(draft: Draft, inputs: Inputs) -> list[dict[str, Any]]:
    """Return the row of each address that a draft puts into a set, judged afresh: not by who decided it."""
    rules = inputs.policy.rules
    new = {one for name, held in draft.wanted.items() for one in set(held) - set(draft.seen.get(name, ()))}
    new -= {one for held in draft.seen.values() for one in held}
    breaches = _breaches(draft, inputs)
    approved, own = inputs.approved.networks, Networks.of(inputs.policy.own_networks)
    engines = {cidr(client) for client in draft.carried.engines}
    rows = []
    for address in sorted(new):
        source, found, threshold = breaches.get(address, ("", 0, rules.error_threshold))
        rows.append(
            {
                "client": address,
                "source": source,
                "max_per_minute": found,
                "threshold": threshold,
                "is_approved": approved.overlap(address),
                "is_own": own.overlap(address),
                "is_search_engine": address in engines,
                "is_address": _is_address(address),
            }
        )
    return rows


def _breaches(draft: Draft, inputs: Inputs) -> dict[str, tuple[str, int, int]]:
    """Return by CIDR one rule that the client broke: source, its count, the threshold; the clearest breach."""
    formats = {source.name: source.log_format for source in inputs.policy.sources}
    found: dict[str, tuple[str, int, int]] = {}
    for name, document in draft.carried.sources.items():
        state = state_from_document(document, rules=inputs.policy.rules)
        for client, count, threshold in _counts(state, formats[name], inputs.policy.rules):
            known = found.get(cidr(client))
            if known is None or count - threshold > known[1] - known[2]:
                found[cidr(client)] = (name, count, threshold)
    return found


def _counts(state: SourceState, log_format: LogFormat, rules: Rules) -> Iterator[tuple[str, int, int]]:
    thresholds = rules.uris(log_format)
    yield from _of(state.general, rules.threshold(log_format))
    for uri, entries in state.uri.items():
        yield from _of(entries, thresholds[uri])
    if rules.distinct_error_paths is not None:
        for client, entry in state.general.items():
            yield client, entry.distinct_error_paths or 0, rules.distinct_error_paths


def _of(entries: Mapping[str, Entry], threshold: int) -> Iterator[tuple[str, int, int]]:
    return ((client, entry.max_per_minute, threshold) for client, entry in entries.items())


def _is_address(address: str) -> bool:
    host = address.partition("/")[0]
    return canonical(host) == host
