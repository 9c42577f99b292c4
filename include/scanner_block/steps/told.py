"""Blocks and releases as a commit tells them: what notices and briefs are written from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class ToldBlock:
    """A block as `drafts.block_document` wrote it."""

    client: str
    max_per_minute: int
    until: datetime
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, documents: Iterable[Mapping[str, Any]]) -> tuple[ToldBlock, ...]:
        """Read several."""
        return tuple(
            cls(one["client"], one["max_per_minute"], datetime.fromisoformat(one["until"]), tuple(one["reasons"]))
            for one in documents
        )


@dataclass(frozen=True, slots=True)
class ToldRelease:
    """A client that came off the sets, and why."""

    client: str
    reason: str

    @classmethod
    def of(cls, documents: Iterable[Mapping[str, Any]]) -> tuple[ToldRelease, ...]:
        """Read several."""
        return tuple(cls(one["client"], one["reason"]) for one in documents)


def mass_change_brief(told: Mapping[str, Any], *, most: int = 20) -> str:
    """Return the Markdown that a person reads before a mass change."""
    lines = [
        f"**{told['held_back']:,} clients would be blocked at once**: {told['share']:.0%} of what is blocked now"
        + (f", {told['client_share']:.0%} of all clients in the new logs" if told["client_share"] else "")
        + ". Nobody of them is blocked until this is answered; whose time is over is let go all the same.",
        "",
        "An attack has high counts on odd paths. A broken deployment has many ordinary clients: reject that.",
        "",
        "| client | until | why |",
        "| --- | --- | --- |",
        *_rows(told["waiting_blocks"][:most]),
    ]
    more = told["held_back"] - most
    return "\n".join([*lines, *(["", f"and {more:,} more."] if more > 0 else [])])


def _rows(blocks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for block in blocks:
        until = datetime.fromisoformat(block["until"])
        yield f"| `{block['client']}` | {until:%Y-%m-%d %H:%M} UTC | {code_span('; '.join(block['reasons']))} |"


def code_span(text: str) -> str:
    """Show text from a log or a person as a code span of one line: it must not lead an approver astray."""
    return "`" + " ".join(text.replace("`", "'").replace("|", "/").split()) + "`"
