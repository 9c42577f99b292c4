"""Write SVG as text: elements with escaped attributes, and the scales that charts share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from markupsafe import Markup


def tag(element: str, *children: Any, **attributes: Any) -> Markup:
    """Return an element; `class_` gives class, `stroke_width` stroke-width; None attributes and children are left
    out."""
    from markupsafe import Markup, escape

    parts = [f"<{element}"]
    for name, value in attributes.items():
        if value is not None:
            written = f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
            parts.append(f' {name.rstrip("_").replace("_", "-")}="{escape(written)}"')
    inner = "".join(str(escape(child)) for child in children if child is not None)
    return Markup("".join(parts) + f">{inner}</{element}>")  # noqa: S704 # every part was escaped


def picture(width: float, height: float, label: str, shapes: Iterable[Any]) -> Markup:
    """Return a whole picture that scales with its column; `label` is what a screen reader says."""
    return tag("svg", *shapes, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=label, class_="chart")


def text(x: float, y: float, words: Any, *, anchor: str = "start", class_: str = "label") -> Markup:
    """Return a text element."""
    return tag("text", words, x=float(x), y=float(y), text_anchor=anchor, class_=class_)


def line(x1: float, y1: float, x2: float, y2: float, *, class_: str = "grid") -> Markup:
    """Return a straight line."""
    return tag("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=class_)


def bar(x: float, y: float, width: float, height: float, *, class_: str, title: str = "") -> Markup:
    """Return a rectangle with a tooltip; never thinner than a pixel."""
    return tag(
        "rect", tag("title", title) if title else None,
        x=float(x), y=float(y), width=float(max(width, 1)), height=float(max(height, 1)), rx=2, class_=class_,
    )  # fmt: skip


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers that span low to high, about `count` of them."""
    if high <= low:
        high = low + 1
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first = math.floor(low / step)
    last = math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def dollars(value: float | None) -> str:
    """Return money for people: $1.2 M, $34.5 k, $890."""
    if value is None:
        return "not known"
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size >= 999_500:
        return f"{sign}${size / 1e6:,.2f} M"
    if size >= 10_000:
        return f"{sign}${size / 1e3:,.1f} k"
    return f"{sign}${size:,.0f}"


def short(words: str, most: int) -> str:
    """Return words cut to `most` characters."""
    return words if len(words) <= most else words[: most - 1] + "…"
