"""The comparison of thresholds as a picture: how many clients each would have blocked, and how soon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    from include.scanner_block.study.thresholds import Detector, Study

_COLOURS: Final = {"count": "#2f6f9f", "paths": "#d08a2e"}
_WIDTHS: Final = {"count": 3.0, "paths": 1.3}
"""The first is drawn below the second and must be seen where both are the same."""
_GRID: Final = "#d8dde3"
_INK: Final = "#1f2328"
_THRESHOLDS: Final = (5, 10, 20, 50, 100, 200, 500, 1000)
_TIMES: Final = (
    (0.5, "< 1 s"), (1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h"), (36000, "10 h"),
    (864000, "10 days"),
)  # fmt: skip
_STYLE: Final = {
    "svg.fonttype": "none",
    "svg.hashsalt": "landfall",  # else ids in the SVG are random
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


def is_picture(file: Path) -> bool:
    """Say whether a file's name ends as one of the pictures that can be drawn."""
    return file.suffix.lower() in (".svg", ".png")


def draw_thresholds(study: Study, file: Path) -> None:
    """Write the picture as SVG or PNG, as the file's name ends (`is_picture`); the same study gives the same bytes.

    :raises OSError: the file cannot be written.
    """
    kind = file.suffix.lower().removeprefix(".")
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 6.4), layout="constrained")
        FigureCanvasAgg(figure)
        top, bottom = figure.subplots(2, 1, sharex=True)
        for detector in study.detectors:
            _draw(detector, study.what, top, bottom)
        _label(study, top, bottom)
        figure.savefig(file, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else {"Software": None})


def _draw(detector: Detector, what: str, top: Any, bottom: Any) -> None:
    colour = _COLOURS[detector.name]
    name = f"{what} in one minute" if detector.name == "count" else "different paths with errors in one minute"
    thresholds = [outcome.threshold for outcome in detector.outcomes]
    width = _WIDTHS[detector.name]
    clients = [outcome.clients for outcome in detector.outcomes]
    top.plot(thresholds, clients, "o-", ms=3, lw=width, color=colour, label=name)
    found = [outcome for outcome in detector.outcomes if outcome.median_seconds is not None]
    at = [outcome.threshold for outcome in found]
    # a logarithmic scale has no 0: what is detected within its first second is drawn at half of one
    bottom.plot(at, [max(outcome.median_seconds or 0, 0.5) for outcome in found], "o-", ms=3, lw=width, color=colour)
    bottom.plot(at, [max(outcome.worst_seconds or 0, 0.5) for outcome in found], ":", lw=width, color=colour)
    for axes in (top, bottom):
        if detector.stable is not None and detector.stable.high > detector.stable.low:
            axes.axvspan(detector.stable.low, detector.stable.high, color=colour, alpha=0.10, lw=0)
        if detector.chosen is not None:
            axes.axvline(detector.chosen, color=colour, lw=1.2, ls="--")


def _label(study: Study, top: Any, bottom: Any) -> None:
    most = max((outcome.clients for one in study.detectors for outcome in one.outcomes), default=0)
    slowest = max((outcome.worst_seconds or 0 for one in study.detectors for outcome in one.outcomes), default=0)
    top.set_yscale("symlog", linthresh=1)
    marks = [mark * 10**power for power in range(7) for mark in (1, 2, 5) if mark * 10**power <= max(most, 1)]
    top.set_yticks([0, *marks], [f"{mark:,}" for mark in (0, *marks)])
    top.set_ylabel("clients that would be blocked")
    title = f"{study.counted:,} {study.what} in {study.lines:,} lines of {study.clients:,} clients"
    top.set_title(title, loc="left", fontsize=9, color=_INK)
    bottom.set_yscale("log")
    bottom.set_yticks([seconds for seconds, _ in _TIMES], [text for _, text in _TIMES])
    bottom.set_ylabel(f"from first {study.what[:-1]} to detection")
    bottom.set_xscale("log")
    bottom.set_xticks(_THRESHOLDS, [f"{threshold:,}" for threshold in _THRESHOLDS])
    bottom.set_xlabel("threshold (log scale)")
    for axes in (top, bottom):
        axes.minorticks_off()
        axes.grid(visible=True)
    top.set_ylim(-0.1, max(most, 1) * 1.6)  # after the ticks, which widen the range
    bottom.set_ylim(0.4, max(60, slowest) * 1.6)
    _add_legend(top)


def _add_legend(top: Any) -> None:
    from matplotlib.lines import Line2D

    lines, names = top.get_legend_handles_labels()
    kinds = {
        "median": Line2D([], [], color=_INK, marker="o", ms=3),
        "slowest": Line2D([], [], color=_INK, ls=":"),
        "threshold of the settings": Line2D([], [], color=_INK, ls="--", lw=1.2),
        "same clients throughout": Line2D([], [], color=_INK, alpha=0.15, lw=7),
    }
    top.figure.legend([*lines, *kinds.values()], [*names, *kinds], loc="outside upper left", ncols=3, frameon=False)
