"""What an approver sees of a change of the indicator table."""

import re
from collections.abc import Mapping

from include.ioc_refresh.changes import Changes
from include.ioc_refresh.indicators import Indicator

SHOWN = 20
LONGEST_SHOWN = 80


def brief(changes: Changes, *, previous: int) -> str:
    """Return what an approver must see, as Markdown: counts, by kind too, and the first of what comes and goes.

    Values come from hostile mail: they are shown as code, cut, and with dots that no program turns into a link.
    """
    summary = changes.summary()
    reasons = ", ".join(f"{name} {count}" for name, count in summary["removed_because"].items()) or "none"
    lines = [
        f"**{previous}** indicators now; **{summary['added']}** come, **{summary['removed']}** go ({reasons}).",
        f"{summary['renewed']} stay with newer counts or dates, {summary['unchanged']} stay as they are.",
        "",
        *_by_kind(summary["by_kind"]),
        *_table(
            f"{_first(summary['added'])} come",
            "mails",
            [_shown(one, str(one.malicious), one.last_day.isoformat()) for one in changes.added[:SHOWN]],
        ),
        *_table(
            f"{_first(summary['removed'])} go",
            "why",
            [
                _shown(gone.indicator, str(gone.reason), gone.indicator.last_day.isoformat())
                for gone in changes.removed[:SHOWN]
            ],
        ),
    ]
    return "\n".join(lines)


def defanged(value: str) -> str:
    """Return a hostile value so that it can be read but not followed, nor end the code span it stands in."""
    printable = re.sub(r"[^\x21-\x7e]|[`|\\<>]", "?", value[:LONGEST_SHOWN])
    return printable.replace(".", "[.]").replace("://", "[:]//") + ("..." if len(value) > LONGEST_SHOWN else "")


def _first(count: int) -> str:
    return f"first {SHOWN} of {count} that" if count > SHOWN else f"all {count} that"


def _by_kind(by_kind: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The tables below begin with one kind: without the counts an approver would take it for all of them."""
    kinds = sorted({*by_kind["added"], *by_kind["removed"]})
    rows = [f"| {kind} | {by_kind['added'].get(kind, 0)} | {by_kind['removed'].get(kind, 0)} |" for kind in kinds]
    return ["| kind | come | go |", "|---|---|---|", *rows, ""] if rows else []


def _table(title: str, middle: str, rows: list[str]) -> list[str]:
    return [f"| {title} | {middle} | last seen |", "|---|---|---|", *rows, ""] if rows else []


def _shown(one: Indicator, *cells: str) -> str:
    return f"| {one.kind} `{defanged(one.value)}` | " + " | ".join(cells) + " |"
