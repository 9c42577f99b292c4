"""What an approver sees of a change of the indicator table."""

import re

from include.ioc_refresh.changes import Changes
from include.ioc_refresh.indicators import Indicator

SHOWN = 20
LONGEST_SHOWN = 80


def brief(changes: Changes, *, previous: int) -> str:
    """Return what an approver must see, as Markdown: counts, share, and the first of what comes and goes.

    Values come from hostile mail: they are shown as code, cut, and with dots that no program turns into a link.
    """
    summary = changes.summary()
    reasons = ", ".join(f"{name} {count}" for name, count in summary["removed_because"].items()) or "none"
    lines = [
        f"**{previous}** indicators now; **{summary['added']}** come, **{summary['removed']}** go ({reasons}).",
        f"{summary['renewed']} are renewed, {summary['unchanged']} stay.",
        "",
        f"| first {SHOWN} that come | mails | last seen |",
        "|---|---|---|",
        *(_shown(one, str(one.malicious), one.last_day.isoformat()) for one in changes.added[:SHOWN]),
        "",
        f"| first {SHOWN} that go | why | last seen |",
        "|---|---|---|",
        *(
            _shown(gone.indicator, str(gone.reason), gone.indicator.last_day.isoformat())
            for gone in changes.removed[:SHOWN]
        ),
    ]
    return "\n".join(lines)


def defanged(value: str) -> str:
    """Return a hostile value so that it can be read but not followed, nor end the code span it stands in."""
    printable = re.sub(r"[^\x21-\x7e]|[`|\\<>]", "?", value[:LONGEST_SHOWN])
    return printable.replace(".", "[.]").replace("://", "[:]//") + ("..." if len(value) > LONGEST_SHOWN else "")


def _shown(one: Indicator, *cells: str) -> str:
    return f"| {one.kind} `{defanged(one.value)}` | " + " | ".join(cells) + " |"
