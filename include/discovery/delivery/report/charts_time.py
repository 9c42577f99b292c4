"""Pictures of time: waves with their capacity, and the ends of support."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from include.discovery.delivery.report.svg import bar, line, picture, short, tag, text, ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

_MOST_WAVES: Final = 60
_LOAD_LEFT: Final = 780.0
_LOAD_END: Final = 1106.0


def gantt(
    waves: Sequence[dict[str, Any]], blackouts: Sequence[tuple[date, date, str]], capacity: float | None
) -> Markup:
    """Return waves as bars over the calendar, closed days as bands, and beside them servers against the capacity
    line."""
    shown = waves[:_MOST_WAVES]
    first = min(date.fromisoformat(wave["starts"]) for wave in shown)
    last = max(date.fromisoformat(wave["ends"]) for wave in shown) + timedelta(days=1)
    left, top, width, step = 78, 34, 640, 22 if len(shown) <= 30 else 16
    height = len(shown) * step
    scale = width / max((last - first).days, 1)

    def x_of(day: date) -> float:
        return left + min(max((day - first).days, 0) * scale, width)

    shapes: list[Any] = [
        text(left, 14, "calendar", class_="axis"),
        text(_LOAD_LEFT, 14, "servers in the wave", class_="axis"),
    ]
    for start, end, told in blackouts:
        if end >= first and start < last:
            x = x_of(start)
            words = told or f"no moves {start} to {end}"
            shapes.append(
                bar(x, top, x_of(min(end, last) + timedelta(days=1)) - x, height, class_="blackout", title=words)
            )
    for day in _months(first, last, most=9):
        shapes += [line(x_of(day), top, x_of(day), top + height), text(x_of(day) + 3, top - 6, f"{day:%b %Y}")]
    most = max([float(wave["servers"]) for wave in shown] + ([capacity] if capacity else []))
    marks = ticks(0, most, 4)
    load = (_LOAD_END - _LOAD_LEFT) / (marks[-1] or 1)
    for mark in marks:
        x = _LOAD_LEFT + mark * load
        shapes += [line(x, top, x, top + height), text(x, top - 6, f"{mark:,.0f}", anchor="middle")]
    for number, wave in enumerate(shown):
        shapes += _wave(wave, top + number * step, step, x_of=x_of, load=load, left=left)
    if capacity:
        x = _LOAD_LEFT + capacity * load
        shapes += [
            line(x, top - 2, x, top + height + 8, class_="now"),
            text(x, top + height + 22, f"capacity {capacity:,.0f}", anchor="middle"),
        ]
    return picture(1160, top + height + 30, f"{len(shown)} waves on the calendar", shapes)


def _wave(wave: dict[str, Any], y: float, step: float, *, x_of: Any, load: float, left: float) -> list[Any]:
    start, end = date.fromisoformat(wave["starts"]), date.fromisoformat(wave["ends"])
    told = f"Wave {wave['wave']}: {start} to {end}, {wave['servers']:,} servers, {wave['groups']:,} applications"
    class_ = "rise" if wave["is_oversized"] else "series"
    told += ", holds a group larger than the capacity" if wave["is_oversized"] else ""
    x = x_of(start)
    return [
        text(left - 8, y + step * 0.68, f"Wave {wave['wave']}", anchor="end"),
        bar(x, y + 3, x_of(end + timedelta(days=1)) - x, step - 6, class_=class_, title=told),
        bar(_LOAD_LEFT, y + 3, wave["servers"] * load, step - 6, class_=class_, title=told),
        text(_LOAD_END + 8, y + step * 0.68, f"{wave['servers']:,}"),
    ]


def _months(first: date, last: date, *, most: int) -> list[date]:
    months = (last.year - first.year) * 12 + last.month - first.month
    step = next((size for size in (1, 2, 3, 6, 12, 24, 60) if months / size <= most), 120)
    found, number = [], first.year * 12 + first.month - 1
    while (day := date(number // 12, number % 12 + 1, 1)) <= last:
        if day >= first and number % step == 0:
            found.append(day)
        number += 1
    return found


def end_of_life(rows: Sequence[dict[str, Any]], at: date) -> Markup:
    """Return when support of each product ends; ended ones are told by colour and word.

    :param rows: product, ends (date), count and what (servers, databases), ordered by date.
    """
    shown = rows[:26]
    first = min([row["ends"] for row in shown] + [at]).replace(month=1, day=1)
    last = max([row["ends"] for row in shown] + [at])
    last = date(last.year + 1, 1, 1)
    left, top, width, step = 190, 30, 780, 22
    scale, height = width / (last - first).days, len(shown) * step
    shapes: list[Any] = []
    for year in range(first.year, last.year + 1, max((last.year - first.year) // 12, 1)):
        x = left + (date(year, 1, 1) - first).days * scale
        shapes += [line(x, top, x, top + height), text(x, top - 8, year, anchor="middle")]
    x = left + (at - first).days * scale
    shapes += [
        line(x, top - 2, x, top + height + 6, class_="now"),
        text(x, top + height + 20, "day of the assessment", anchor="middle"),
    ]
    for number, row in enumerate(shown):
        y, x = top + number * step + step / 2, left + (row["ends"] - first).days * scale
        ended = row["ends"] <= at
        state = "ended" if ended else "soon" if row["ends"] <= at + timedelta(days=365) else "supported"
        told = f"{row['product']}: support {'ended' if ended else 'ends'} {row['ends']}, {row['count']:,} {row['what']}"
        shapes.append(text(left - 12, y + 4, short(row["product"], 28), anchor="end"))
        shapes.append(line(left, y, x, y, class_="guide"))
        shapes.append(
            tag(
                "circle",
                tag("title", told),
                cx=x,
                cy=y,
                r=min(4 + row["count"] ** 0.5 / 2, 10.0),
                class_=f"point {state}",
            )
        )
        shapes.append(text(x + 15, y + 4, f"{row['count']:,} {row['what']}, {'ended ' if ended else ''}{row['ends']}"))
    return picture(1160, top + height + 28, "When support of products ends", shapes)
