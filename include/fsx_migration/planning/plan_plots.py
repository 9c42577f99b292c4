"""The plots of a plan's page, as SVG inside HTML: no script, no font file, the same bytes for the same plan."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.planning.bandwidth import MIB, segments
from include.fsx_migration.planning.estimate import CASES
from include.fsx_migration.sizes import size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.fsx_migration.definition_model import Bandwidth
    from include.fsx_migration.planning.plans import Plan

_FILES: Final = "#2f6f9f"
_BYTES: Final = "#d08a2e"
_GRID: Final = "#d8dde3"
_INK: Final = "#1f2328"
_LATE: Final = "#cf222e"
_AGENT_COLOURS: Final = ("#2f6f9f", "#d08a2e", "#4c8c5c", "#8a5aa0", "#a04a4a", "#5a7d8c", "#8c7a3c", "#6a6a6a")
_STYLE: Final = {
    "svg.fonttype": "none",  # text stays text: small, sharp, and found by a search in the page
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": _GRID,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
}
_WIDTH: Final = 5.2
_MOST_SEGMENTS: Final = 600


def size_plot(sizes: Mapping[int, Sequence[int]]) -> str:
    """Return the histogram of file sizes: how many files, and how many bytes they hold.

    :param sizes: {power of two, -1 for empty: (files, bytes)}.
    """
    with _drawing():
        figure = _figure(2.9)
        top, bottom = figure.subplots(2, 1, sharex=True)
        powers = range(min(sizes, default=0), max(sizes, default=0) + 1)
        for axes, place, colour, label in ((top, 0, _FILES, "files"), (bottom, 1, _BYTES, "bytes")):
            total = sum(found[place] for found in sizes.values()) or 1
            heights = [100 * sizes.get(power, (0, 0))[place] / total for power in powers]
            axes.bar(list(powers), heights, width=0.86, color=colour)
            axes.set_ylabel(f"% of {label}")
            axes.grid(axis="y")
        ticks = [power for power in (-1 if -1 in powers else 0, 10, 20, 30, 40, 50) if power in powers]
        bottom.set_xticks(ticks, ["empty" if power < 0 else size(2**power) for power in ticks])
        bottom.set_xlabel("size of a file, at least")
        return _svg(figure, "sizes")


def age_plot(ages: Sequence[Sequence[Any]]) -> str:
    """Return how old files are: shares of files and of bytes; `ages` are (label, files, bytes), the youngest first."""
    with _drawing():
        figure = _figure(2.9)
        axes = figure.subplots()
        places = list(range(len(ages)))
        for offset, place, colour, label in ((-0.2, 1, _FILES, "files"), (0.2, 2, _BYTES, "bytes")):
            total = sum(row[place] for row in ages) or 1
            axes.barh(
                [at + offset for at in places],
                [100 * row[place] / total for row in ages],
                height=0.36,
                color=colour,
                label=label,
            )
        axes.set_yticks(places, [row[0] for row in ages])
        axes.invert_yaxis()
        axes.set_xlabel("% of all, by the age of the last change")
        axes.grid(axis="x")
        axes.legend(frameon=False, loc="best")
        return _svg(figure, "ages")


def parts_plot(plan: Plan, names: Mapping[str, str]) -> str:
    """Return the cost of every part in GiB, in the colour of its agent, with the mean.

    :param names: agent to what it is called in the legend.
    """
    with _drawing():
        figure = _figure(2.9)
        axes = figure.subplots()
        costs = [part.cost / 2**30 for part in plan.parts]
        for place, (agent, parts) in enumerate(sorted(plan.agents().items())):
            axes.bar(
                [part.index for part in parts],
                [part.cost / 2**30 for part in parts],
                width=0.8 if len(costs) < 200 else 1.0,
                color=_AGENT_COLOURS[place % len(_AGENT_COLOURS)],
                label=names.get(agent, agent) if place < len(_AGENT_COLOURS) else None,
            )
        mean = sum(costs) / len(costs)
        axes.axhline(mean, color=_INK, linewidth=1, linestyle="--", label="mean")
        axes.set_ylim(0, 1.35 * max(*costs, mean) or 1)
        axes.set_xlim(-0.7, max(len(costs) - 0.3, 2.7))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("part")
        axes.set_ylabel("cost in GiB, files counted")
        axes.grid(axis="y")
        axes.legend(frameon=False, loc="upper right", ncols=3, fontsize=8)
        return _svg(figure, "parts")


def timeline_plot(plan: Plan, bandwidth: Bandwidth, *, window_hours: float | None) -> str:
    """Return the rate over time under the calendar, and when the full pass ends: fast, likely, slow."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    estimate = plan.estimate
    start = datetime.fromisoformat(estimate["start"])
    seconds = [min(estimate["seconds"][case], 3e8) for case in CASES]
    wanted = start + timedelta(hours=window_hours) if window_hours else None
    shown_until = max([start + timedelta(seconds=1.04 * seconds[-1]), *([wanted] if wanted else [])])
    with _drawing():
        figure = _figure(2.9)
        rates, ends = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        _draw_rates(rates, bandwidth, estimate["times"]["likely"]["rate_bytes_s"], start, shown_until)
        fast, likely, slow = (start + timedelta(seconds=span) for span in seconds)
        ends.barh([0], [slow - fast], left=fast, height=0.5, color=_BYTES, alpha=0.55)
        ends.plot([likely, likely], [-0.25, 0.25], color=_INK, linewidth=2)
        ends.set_ylim(-0.6, 0.6)
        ends.set_yticks([0], ["end"])
        for axes in (rates, ends):
            axes.set_xlim(start, shown_until)
            axes.grid(axis="x")
            if wanted:
                axes.axvline(wanted, color=_LATE, linewidth=1.2, linestyle=":")
        if wanted:
            rates.annotate(
                " wanted ",
                (wanted, 0.94),
                xycoords=("data", "axes fraction"),
                ha="left" if wanted - start < 0.2 * (shown_until - start) else "right",
                color=_LATE,
                fontsize=8,
            )
        locator = AutoDateLocator(minticks=3, maxticks=6, tz=start.tzinfo)
        ends.xaxis.set_major_locator(locator)
        ends.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=start.tzinfo, show_offset=False))
        ends.set_xlabel(f"from {start:%Y-%m-%d %H:%M} UTC")
        return _svg(figure, "timeline")


def _draw_rates(axes: Any, bandwidth: Bandwidth, rate: float, start: datetime, end: datetime) -> None:
    moments: list[datetime] = []
    limits: list[float | None] = []
    for since, until, limit in segments(bandwidth, start, end):
        moments += [since, until]
        limits += [limit, limit]
        if len(moments) > 2 * _MOST_SEGMENTS:  # a year of windows is a grey band: the rest looks the same
            break
    rate_mib = rate / MIB
    likely = [rate_mib if limit is None else min(rate_mib, limit / MIB) for limit in limits]
    axes.fill_between(moments, likely, color=_FILES, alpha=0.35, linewidth=0, label="likely rate")
    finite = [limit / MIB for limit in limits if limit is not None]
    top = 1.3 * max([*finite, rate_mib, 1e-9])
    if finite:  # no limit is no line
        shown = [math.nan if limit is None else limit / MIB for limit in limits]
        axes.plot(moments, shown, color=_INK, linewidth=1.2, label="limit")
    axes.set_ylim(0, top)
    axes.set_ylabel("MiB/s")
    axes.legend(frameon=False, loc="lower left", fontsize=8, ncols=2)


def _drawing() -> Any:
    import matplotlib as mpl

    return mpl.rc_context(_STYLE)


def _figure(height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(_WIDTH, height), layout="constrained")


def _svg(figure: Any, name: str) -> str:
    """Return the drawing as an `svg` element; ids differ between drawings, so that several stand in one page."""
    import matplotlib as mpl

    out = StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = out.getvalue()
    drawing = text[text.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r'( id="|url\(#|href="#)', rf"\1{name}-", drawing)
    return drawing.replace("<svg ", '<svg role="img" ', 1)
