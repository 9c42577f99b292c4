"""Render report.html: one file with its own style, script, pictures and data; nothing is loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from include.discovery.delivery.report.charts_cost import steps, tornado, waterfall
from include.discovery.delivery.report.charts_load import CLASSES, dial, scatter
from include.discovery.delivery.report.charts_matrix import matrix
from include.discovery.delivery.report.charts_time import end_of_life, gantt
from include.discovery.delivery.report.svg import dollars

if TYPE_CHECKING:
    from include.discovery.delivery.report.facts import Facts

_TEMPLATES: Final = Path(__file__).parent / "templates"
OUTCOMES: Final = {"snapshot": "Snapshot of the estate", "tco": "Cost (TCO)", "wave_plan": "Wave plan"}
SCENARIOS: Final = {
    "on_premises": "As is, on premises",
    "lift_and_shift": "Lift and shift",
    "right_sized": "Right-sized",
}


def write_report(path: Path, facts: Facts) -> None:
    """Write the report."""
    path.write_text(render(facts), encoding="utf-8")


def render(facts: Facts) -> str:
    """Return the page as text; the content security policy names the hashes of its own style and script."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters.update(dollars=dollars, number=_number, percent=_percent, signed=_signed)
    style, script = _read("report.css"), _read("report.js")
    allowed = f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    return environment.get_template("report.html.jinja").render(
        facts=facts,
        summary=facts.summary,
        quality=facts.quality,
        name=facts.summary["settings"].get("name") or "estate",
        policy=policy,
        style=Markup(style),  # noqa: S704 # our own file
        script=Markup(script),  # noqa: S704 # our own file
        data=Markup(_embedded(facts.reasons)),  # noqa: S704 # `<` is escaped
        outcomes=OUTCOMES,
        scenarios=SCENARIOS,
        classes=CLASSES,
        charts=_charts(facts),
        waterfall_steps=steps(facts.summary["costs_monthly"]),
    )


def _charts(facts: Facts) -> dict[str, Any]:
    """Return the pictures; one without data is None and the page says why."""
    summary, at = facts.summary, date.fromisoformat(facts.summary["at"])
    costs = summary["costs_monthly"]
    base = costs["right_sized"]["monthly_usd"] if "right_sized" in costs else None
    dials = {
        name: dial(row["confidence"], row["verdict"], OUTCOMES[name]) for name, row in summary["confidence"].items()
    }
    return {
        "dials": dials,
        "scatter": scatter(facts.load) if facts.load else None,
        "waterfall": waterfall(steps(costs)) if costs else None,
        "tornado": tornado(facts.sensitivities, base) if facts.sensitivities else None,
        "gantt": gantt(summary["wave_list"], facts.blackouts, facts.capacity) if summary["wave_list"] else None,
        "matrix": matrix(facts.groups, facts.pairs) if facts.pairs else None,
        "life": end_of_life(facts.life, at) if facts.life else None,
    }


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _embedded(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + dollars(value)
