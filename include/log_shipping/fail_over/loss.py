"""What would be lost by recovering now, stated before anybody is asked: log range, last commits, seconds."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from include.object_store import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHOWN_DATABASES: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The loss of one database.

    Commits until `certain_until` are all restored, commits after `restored_until` are none; in between, while the last
    log backup ran, either may be. All times are aware, by the clock of the server that took the backup.

    :ivar with_tail: the old primary is fenced and its tail is restored: nothing is lost.
    :ivar restored_lsn: the restored log ends here; what the old primary wrote from here on is lost.
    :ivar fork: the recovery fork restored until there.
    :ivar source_seen: what the old primary looked like when this was said.
    :ivar not_restored: backup files that exist and cannot be applied, with the reason.
    """

    database: str
    with_tail: bool
    restored_lsn: int
    fork: str
    certain_until: datetime | None
    restored_until: datetime | None
    counted_until: datetime
    source_seen: str
    not_restored: tuple[str, ...] = ()

    @property
    def seconds(self) -> float | None:
        """The most that may be lost, in seconds of commits; None where nobody can say."""
        if self.with_tail:
            return 0.0
        if self.certain_until is None:
            return None
        return max(0.0, (self.counted_until - self.certain_until).total_seconds())

    def sentence(self) -> str:
        """Say it to a person."""
        if self.with_tail:
            return f"{self.database}: nothing is lost; the tail is restored up to LSN {self.restored_lsn}."
        if self.seconds is None or self.certain_until is None or self.restored_until is None:
            return (
                f"{self.database}: all that was written from LSN {self.restored_lsn} on is lost; of which time that "
                "is, no backup file here says."
            )
        return (
            f"{self.database}: at most {self.seconds:.0f} s of commits are lost, all that was written from LSN "
            f"{self.restored_lsn} on. Commits until {_clock(self.certain_until)} are all there, none after "
            f"{_clock(self.restored_until)}. Counted until {_clock(self.counted_until)}, when this run was asked for; "
            "what clients still write on the old side after that is lost as well."
        )

    def facts(self) -> dict[str, Any]:
        """Return what an approval is given for; if any of it changes, the approval is void."""
        return {
            "database": self.database,
            "with_tail": self.with_tail,
            "restored_lsn": str(self.restored_lsn),
            "fork": self.fork,
            "source_seen": self.source_seen,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document; LSNs are text."""
        times = {
            name: None if (at := getattr(self, name)) is None else at.isoformat()
            for name in ("certain_until", "restored_until", "counted_until")
        }
        lsn = {"restored_lsn": str(self.restored_lsn), "not_restored": list(self.not_restored)}
        return asdict(self) | times | lsn | {"seconds": self.seconds, "sentence": self.sentence()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Loss:
        """Read what `to_dict` wrote."""
        fields = {name: value for name, value in document.items() if name not in {"seconds", "sentence"}}
        for name in ("certain_until", "restored_until", "counted_until"):
            fields[name] = None if fields[name] is None else datetime.fromisoformat(fields[name])
        fields["restored_lsn"] = int(fields["restored_lsn"])
        fields["not_restored"] = tuple(fields["not_restored"])
        return cls(**fields)


def digest_of(losses: Iterable[Loss]) -> str:
    """Return a short name of the facts that an approval is given for."""
    facts = sorted((loss.facts() for loss in losses), key=lambda fact: str(fact["database"]))
    return hashlib.sha256(to_json(facts)).hexdigest()[:16]


def headline(losses: Sequence[Loss]) -> str:
    """Return the loss of all databases in a few words, for the subject of an approval."""
    lossy = [loss for loss in losses if not loss.with_tail]
    if not lossy:
        return "nothing is lost"
    if any(loss.seconds is None for loss in lossy):
        return f"an unknown time of commits of {len(lossy)} database(s) is lost"
    worst = max(loss.seconds or 0.0 for loss in lossy)
    return f"at most {worst:.0f} s of commits of {len(lossy)} database(s) are lost"


def brief(losses: Sequence[Loss], *, refused: Mapping[str, str], reason: str, report_uri: str) -> str:
    """Return the body of an approval as Markdown: the worst losses first, then what stays behind."""
    ordered = sorted(losses, key=lambda loss: -(float("inf") if loss.seconds is None else loss.seconds))
    lines = [f"**{headline(losses).capitalize()}.** Reason given: {reason}", ""]
    lines += [f"- {loss.sentence()}" for loss in ordered[:SHOWN_DATABASES]]
    if len(ordered) > SHOWN_DATABASES:
        lines.append(f"- and {len(ordered) - SHOWN_DATABASES} more that lose no more than these: `{report_uri}`")
    for loss in ordered:
        lines += [f"- {loss.database}: {sentence}" for sentence in loss.not_restored]
    if refused:
        lines += ["", "**These stay where they are:**", *(f"- {sentence}" for sentence in refused.values())]
    lines += ["", "Approving recovers the databases for good: a new recovery fork begins, and there is no way back."]
    return "\n".join(lines)


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"
