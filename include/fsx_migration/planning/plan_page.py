"""A plan as one page of HTML for the storage engineer who decides: findings first, then numbers and plots.

Self-contained and printable; it runs no script and loads nothing. Names of files come from strangers: the template
escapes them, and what cannot be seen (control characters, marks that turn the direction of text) is written out.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from include.fsx_migration.planning.plan_plots import age_plot, parts_plot, size_plot, timeline_plot
from include.fsx_migration.planning.plans import Severity
from include.fsx_migration.resources.tagging import agent_id
from include.fsx_migration.sizes import count, duration, size

if TYPE_CHECKING:
    from include.fsx_migration.definition_model import Bandwidth
    from include.fsx_migration.planning.plans import Plan

_TEMPLATES: Final = Path(__file__).parent / "templates"
_LONGEST: Final = 160
ODD_KINDS: Final = {
    "line_break": "with a line break",
    "control": "with a control character",
    "quote": "with a quotation mark",
    "backslash": "with a backslash",
    "not_utf8": "no UTF-8",
    "edge": "blank or dot at an edge",
    "windows_letter": 'with < > : " | ? or *',
    "windows_reserved": "kept by Windows for devices",
    "long_name": "name over 255 bytes",
    "path_over_1024": "path over 1,024 bytes",
    "path_over_4096": "path over 4,096 bytes",
    "case_twins": "differ by case alone",
}


def plan_page(plan: Plan, bandwidth: Bandwidth, *, window_hours: float | None = None) -> str:
    """Return the page of a plan.

    :param bandwidth: the calendar of the definition that the plan was made from.
    :param window_hours: the wanted window, drawn into the timeline.
    """
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True)
    environment.filters |= {"size": size, "count": count, "duration": duration, "shown": shown, "money": _money}
    names = agent_names(plan)
    agents = [
        {
            "name": names[agent],
            "parts": len(parts),
            "files": sum(part.files for part in parts),
            "bytes": sum(part.bytes for part in parts),
            "cost": sum(part.cost for part in parts),
        }
        for agent, parts in sorted(plan.agents().items())
    ]
    start = datetime.fromisoformat(plan.estimate["start"])
    return environment.get_template("plan_page.html").render(
        plan=plan,
        profile=plan.profile,
        estimate=plan.estimate,
        agents=agents,
        odd_kinds=ODD_KINDS,
        severities={severity: sum(found.severity is severity for found in plan.findings) for severity in Severity},
        start=f"{start:%Y-%m-%d %H:%M} UTC",
        plots={
            # safe: drawn here from numbers and fixed words; no name of a file is in them
            "sizes": Markup(size_plot({int(power): found for power, found in plan.profile["sizes"].items()})),  # noqa: S704
            "ages": Markup(age_plot(plan.profile["ages"])),  # noqa: S704 - as above
            "parts": Markup(parts_plot(plan, names)),  # noqa: S704 - as above
            "timeline": Markup(timeline_plot(plan, bandwidth, window_hours=window_hours)),  # noqa: S704 - as above
        },
    )


def agent_names(plan: Plan) -> dict[str, str]:
    """Return what agents are called on the page: the end of their id."""
    return {agent: f"…{agent_id(agent)[-5:]}" if agent else "no agent (S3)" for agent in plan.agents()}


def shown(text: str) -> str:
    """Return an outside text with everything invisible written out, cut when it is long."""
    visible = "".join(letter if letter.isprintable() else f"\\u{{{ord(letter):x}}}" for letter in text[:_LONGEST])
    return visible if len(text) <= _LONGEST else f"{visible}… ({len(text):,} characters)"


def _money(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:,.2f}"
