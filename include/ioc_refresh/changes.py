"""What a refresh changes in the indicator table, and why: only these entries are written."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from include.ioc_refresh.indicators import Indicator, TableEntry, UnreadableEntryError


class RemovalReason(StrEnum):
    """Why an indicator leaves the table."""

    EXPIRED = "expired"
    BENIGN_REPORT = "benign_report"
    POPULAR = "popular"
    NO_LONGER_A_CANDIDATE = "no_longer_a_candidate"
    ROLLED_BACK = "rolled_back"


class DuplicateCandidateError(ValueError):
    """Two candidates for one key of the table: the queries overlap, so nothing is changed."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """An indicator with a new end of life or from a new query, and what stood there before."""

    indicator: Indicator
    was_expires_at: datetime
    was_query_version: str


@dataclass(frozen=True, slots=True)
class Removal:
    """An indicator as it stood, and why it goes."""

    indicator: Indicator
    reason: RemovalReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The difference between table and candidates, each part in key order; `unchanged` counts what stays as it is."""

    as_of: datetime
    added: tuple[Indicator, ...] = ()
    renewed: tuple[Renewal, ...] = ()
    removed: tuple[Removal, ...] = ()
    unchanged: int = 0

    @property
    def writes(self) -> int:
        """How many items are written or deleted."""
        return len(self.added) + len(self.renewed) + len(self.removed)

    def share(self, previous_count: int) -> float:
        """Return added and removed indicators as a share of those there before; any change of an empty table is 1."""
        moved = len(self.added) + len(self.removed)
        return moved / previous_count if previous_count else float(moved > 0)

    def summary(self) -> dict[str, Any]:
        """Return the counts as a JSON document: in all, by kind, and of removals by reason."""
        kinds = {
            "added": Counter(str(indicator.kind) for indicator in self.added),
            "renewed": Counter(str(renewal.indicator.kind) for renewal in self.renewed),
            "removed": Counter(str(removal.indicator.kind) for removal in self.removed),
        }
        return {
            **{name: sum(counts.values()) for name, counts in kinds.items()},
            "unchanged": self.unchanged,
            "writes": self.writes,
            "by_kind": {name: dict(sorted(counts.items())) for name, counts in kinds.items()},
            "removed_because": dict(sorted(Counter(str(removal.reason) for removal in self.removed).items())),
        }

    def to_jsonl(self) -> bytes:
        """Return JSON lines: first the time and the count of unchanged ones, then one line a change."""
        lines: list[dict[str, Any]] = [{"as_of": self.as_of.isoformat(), "unchanged": self.unchanged}]
        lines += [{"change": "added", **indicator.to_dict()} for indicator in self.added]
        lines += [_renewal_line(renewal) for renewal in self.renewed]
        lines += [
            {"change": "removed", "reason": str(removal.reason), **removal.indicator.to_dict()}
            for removal in self.removed
        ]
        return "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines).encode()

    @classmethod
    def from_jsonl(cls, text: bytes) -> "Changes":
        """Read what `to_jsonl` wrote; raises UnreadableEntryError naming the line."""
        try:
            header, *lines = (json.loads(line) for line in text.splitlines())
            as_of, unchanged = datetime.fromisoformat(header["as_of"]), int(header["unchanged"])
            parts: dict[str, list[Any]] = {"added": [], "renewed": [], "removed": []}
            for line in lines:
                parts[line["change"]].append(_READERS[line["change"]](line))
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableEntryError(f"not a change list ({type(error).__name__}: {error})") from error
        return cls(as_of=as_of, unchanged=unchanged, **{name: tuple(found) for name, found in parts.items()})


def diff(
    current: Mapping[str, TableEntry],
    wanted: Iterable[Indicator],
    *,
    as_of: datetime,
    reasons: Mapping[str, RemovalReason] | None = None,
) -> Changes:
    """Compare the table (by key) with the indicators wanted in it.

    An indicator is renewed when its end of life or its query changed; counts alone are no reason to write. What is
    wanted but already expired is not wanted. A removal's reason is the one given for its key, else "expired" when its
    life is over, else "no_longer_a_candidate". Suppressions are neither read nor changed: suppressed evidence stays
    up to date. Raises DuplicateCandidateError when a key is wanted twice.
    """
    targets: dict[str, Indicator] = {}
    for indicator in wanted:
        if targets.setdefault(indicator.key, indicator) is not indicator:
            raise DuplicateCandidateError(
                f"{indicator.key!r} is a candidate twice ({targets[indicator.key].query_version} and "
                f"{indicator.query_version}): mend the queries under include/ioc_refresh/sql/candidates."
            )
    targets = {key: indicator for key, indicator in sorted(targets.items()) if not indicator.expired(as_of)}
    standing = {key: entry.indicator for key, entry in sorted(current.items()) if entry.indicator is not None}
    renewed = tuple(
        Renewal(indicator, before.expires_at, before.query_version)
        for key, indicator in targets.items()
        if (before := standing.get(key)) and _renews(before, indicator)
    )
    return Changes(
        as_of=as_of,
        added=tuple(indicator for key, indicator in targets.items() if key not in standing),
        renewed=renewed,
        removed=tuple(
            Removal(before, _why(before, as_of, reasons or {}))
            for key, before in standing.items()
            if key not in targets
        ),
        unchanged=sum(key in standing for key in targets) - len(renewed),
    )


def apply_to(current: Mapping[str, TableEntry], changes: Changes) -> dict[str, TableEntry]:
    """Return the table as it stands after the changes; suppressions stay."""
    table = dict(current)
    for indicator in (*changes.added, *(renewal.indicator for renewal in changes.renewed)):
        table[indicator.key] = TableEntry(indicator, table.get(indicator.key, TableEntry()).suppression)
    for removal in changes.removed:
        entry = table.pop(removal.indicator.key, TableEntry())
        if entry.suppression:
            table[removal.indicator.key] = TableEntry(None, entry.suppression)
    return table


def _renews(before: Indicator, after: Indicator) -> bool:
    return (before.expires_at, before.query_version) != (after.expires_at, after.query_version)


def _why(before: Indicator, as_of: datetime, reasons: Mapping[str, RemovalReason]) -> RemovalReason:
    unasked = RemovalReason.EXPIRED if before.expired(as_of) else RemovalReason.NO_LONGER_A_CANDIDATE
    return reasons.get(before.key, unasked)


def _renewal_line(renewal: Renewal) -> dict[str, Any]:
    was = {"was_expires_at": renewal.was_expires_at.isoformat(), "was_query_version": renewal.was_query_version}
    return {"change": "renewed", **was, **renewal.indicator.to_dict()}


def _read_renewal(line: Mapping[str, Any]) -> Renewal:
    was = datetime.fromisoformat(line["was_expires_at"])
    return Renewal(Indicator.from_dict(line), was, str(line["was_query_version"]))


def _read_removal(line: Mapping[str, Any]) -> Removal:
    return Removal(Indicator.from_dict(line), RemovalReason(line["reason"]))


_READERS = {"added": Indicator.from_dict, "renewed": _read_renewal, "removed": _read_removal}
