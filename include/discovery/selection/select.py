"""Choose a discovery tool in three steps: Review what is missing, Refine by weights, Select by priorities.

Each tool gets for each class of features the share of what is wanted (yes 1, partial 0.5, unknown 0.25, no 0); its
score is the weighted mean of the shares, 0 to 100. A tool without a wanted core feature, or that new customers cannot
get, is set aside with the reason. A missing special feature lowers a score and never sets a tool aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.discovery.selection.catalogue import CLASSES, VALUES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.discovery.selection.catalogue import Tool, ToolCatalogue
    from include.discovery.selection.request import SelectionRequest

_FADE: Final = (1.0, 0.8, 0.6)


@dataclass(frozen=True, slots=True)
class Gap:
    """Review: one field that the outcome needs. `held` and `open` (what a tool or people still have to bring)."""

    field: str
    held: str
    is_missing: bool
    told_by_people: bool


@dataclass(frozen=True, slots=True)
class Scored:
    """Refine and Select: one tool. Shares are 0 to 1 by class; `lacking` and `unknown` name wanted features."""

    tool: str
    vendor: str
    score: float
    shares: Mapping[str, float]
    lacking: tuple[str, ...]
    unknown: tuple[str, ...]
    set_aside: str


@dataclass(frozen=True, slots=True)
class Flip:
    """Sensitivity: with `weight` for this class instead of the one given, the rival is as good as the choice."""

    name: str
    given: float
    weight: float
    rival: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The answer: gaps, tools in order (those set aside last), the choice or '', why, and what would change it."""

    as_of: str
    outcome: str
    gaps: tuple[Gap, ...]
    tools: tuple[Scored, ...]
    choice: str
    reason: str
    flips: tuple[Flip, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "as_of": self.as_of,
            "outcome": self.outcome,
            "gaps": [{"field": g.field, "held": g.held, "is_missing": g.is_missing, "told_by_people": g.told_by_people}
                     for g in self.gaps],
            "tools": [{"tool": t.tool, "vendor": t.vendor, "score": t.score, "shares": dict(t.shares),
                       "lacking": list(t.lacking), "unknown": list(t.unknown), "set_aside": t.set_aside}
                      for t in self.tools],
            "choice": self.choice,
            "reason": self.reason,
            "flips": [{"class": f.name, "given": f.given, "weight": f.weight, "rival": f.rival} for f in self.flips],
        }  # fmt: skip


def select_tool(request: SelectionRequest, catalogue: ToolCatalogue) -> Selection:
    """Review, refine and select; the answer does not depend on the order of tools in the catalogue."""
    gaps = review(request, catalogue)
    wanted = _wanted(request, catalogue, gaps)
    scored = [_scored(tool, request, wanted) for tool in catalogue.tools]
    order = tuple(sorted(scored, key=lambda one: (bool(one.set_aside), -one.score, one.tool)))
    open_tools = [one for one in order if not one.set_aside]
    missing = [gap.field for gap in gaps if gap.is_missing and not gap.told_by_people]
    if not missing and not request.wanted:
        return _answer(
            catalogue, request, gaps, order, "", "The sources in house hold all that the outcome needs; no tool."
        )
    if not open_tools:
        return _answer(
            catalogue, request, gaps, order, "", "Every tool is set aside; ask for fewer core fields at once."
        )
    best = open_tools[0]
    reason = f"{best.tool} has {best.score:g} of 100 points"
    if len(open_tools) > 1:
        rival = open_tools[1]
        reason += f", {best.score - rival.score:.1f} before {rival.tool}"
    brought = [name for name in missing if name not in best.unknown]
    reason += f"; it brings {', '.join(brought) or 'what is wanted'}."
    flips = _flips(best, open_tools[1:], request, wanted)
    return _answer(catalogue, request, gaps, order, best.tool, reason, flips=flips)


def review(request: SelectionRequest, catalogue: ToolCatalogue) -> tuple[Gap, ...]:
    """Return for each field that the outcome needs whether the sources in house hold it."""
    return tuple(
        Gap(name, held := request.in_house.get(name, "no"), held != "yes", name in catalogue.told_by_people)
        for name in catalogue.outcomes[request.outcome]
    )


def _answer(
    catalogue: ToolCatalogue, request: SelectionRequest, gaps: tuple[Gap, ...], order: tuple[Scored, ...], choice: str,
    reason: str, *, flips: tuple[Flip, ...] = (),
) -> Selection:  # fmt: skip
    return Selection(catalogue.as_of, request.outcome, gaps, order, choice, reason, flips)


def _wanted(
    request: SelectionRequest, catalogue: ToolCatalogue, gaps: tuple[Gap, ...]
) -> dict[str, tuple[tuple[str, float], ...]]:
    """Return by class the wanted features with their weights in the class."""
    missing = [gap.field for gap in gaps if gap.is_missing and not gap.told_by_people]
    wanted: dict[str, tuple[tuple[str, float], ...]] = {}
    for name in CLASSES:
        asked = [one for one in (*missing, *request.wanted) if catalogue.class_of(one) == name]
        wanted[name] = tuple((one, 1.0) for one in sorted(set(asked)))
    faded = [(one, _FADE[min(i, len(_FADE) - 1)]) for i, one in enumerate(dict.fromkeys(request.priorities))]
    return {**wanted, "priorities": tuple(faded)}


def _scored(tool: Tool, request: SelectionRequest, wanted: Mapping[str, tuple[tuple[str, float], ...]]) -> Scored:
    shares = {
        name: round(
            sum(VALUES[tool.has(one)] * weight for one, weight in below) / sum(weight for _, weight in below), 4
        )
        for name, below in wanted.items()
        if below
    }
    whole = sum(request.weights[name] for name in shares)
    score = sum(request.weights[name] * share for name, share in shares.items()) / whole if whole else 0.0
    asked = sorted({one for below in wanted.values() for one, _ in below})
    return Scored(
        tool=tool.name,
        vendor=tool.vendor,
        score=round(100 * score, 2),
        shares=shares,
        lacking=tuple(one for one in asked if tool.has(one) == "no"),
        unknown=tuple(one for one in asked if tool.has(one) == "unknown"),
        set_aside=_set_aside(tool, request, [one for one, _ in wanted["core"]]),
    )


def _set_aside(tool: Tool, request: SelectionRequest, core: list[str]) -> str:
    if tool.until is not None and tool.until < request.at:
        return f"it ended on {tool.until}"
    if tool.closed is not None and tool.closed <= request.at and tool.name not in request.holds:
        return f"it is closed to new customers since {tool.closed}"
    lacking = [one for one in core if tool.has(one) == "no"]
    return f"it does not collect {', '.join(lacking)}" if lacking else ""


def _flips(
    best: Scored, rivals: list[Scored], request: SelectionRequest, wanted: Mapping[str, tuple[tuple[str, float], ...]]
) -> tuple[Flip, ...]:
    """Return for each class the nearest weight, from 0 to 100, at which a rival draws level."""
    classes = [name for name, below in wanted.items() if below]
    found = []
    for name in classes:
        levels = []
        for rival in rivals:
            lead = {one: best.shares[one] - rival.shares[one] for one in classes}
            if lead[name] == 0:
                continue
            rest = sum(request.weights[one] * lead[one] for one in classes if one != name)
            weight = round(-rest / lead[name], 4) + 0.0  # never -0
            if 0 <= weight <= 100:
                levels.append((abs(weight - request.weights[name]), weight, rival.tool))
        if levels:
            _, weight, rival_name = min(levels)
            found.append(Flip(name, request.weights[name], weight, rival_name))
    return tuple(found)


def to_markdown(selection: Selection) -> str:
    """Return the selection as Markdown: the coverage matrix, the tools, the choice and what would change it."""
    lines = [f"# Discovery tool for the outcome {selection.outcome}", "", f"Catalogue of {selection.as_of}.", ""]
    lines += ["| field needed | in house | missing | from |", "|---|---|---|---|"]
    for gap in selection.gaps:
        origin = "people" if gap.told_by_people else "a tool"
        lines.append(f"| {gap.field} | {gap.held} | {'yes' if gap.is_missing else 'no'} | {origin} |")
    lines += ["", "| tool | points | lacking | unknown | set aside |", "|---|---|---|---|---|"]
    for one in selection.tools:
        cells = (one.tool, f"{one.score:g}", ", ".join(one.lacking), ", ".join(one.unknown), one.set_aside)
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", f"**{selection.choice or 'No tool'}**: {selection.reason}", ""]
    for flip in selection.flips:
        lines.append(f"- {flip.name} weighs {flip.given:g}; at {flip.weight:g} {flip.rival} draws level.")
    return "\n".join(lines).rstrip() + "\n"
