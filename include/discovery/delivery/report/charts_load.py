"""Pictures of confidence and of load: the dials and the scatter of peak against average."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from include.discovery.delivery.report.svg import line, picture, tag, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

CLASSES: Final = ((2, "up to 2"), (4, "3 to 4"), (8, "5 to 8"), (16, "9 to 16"), (10**9, "more"))
_MOST_POINTS: Final = 1_500


def dial(confidence: float | None, verdict: str, label: str) -> Markup:
    """Return a half circle filled up to the confidence; its colour is the verdict's."""
    share = confidence or 0.0
    told = "no checks" if confidence is None else f"{confidence:.0%}"
    shapes = [_arc(1.0, "track"), _arc(share, f"dial {verdict}") if share > 0.004 else None]
    shapes.append(text(80, 78, told, anchor="middle", class_="dial-value"))
    return picture(160, 92, f"{label}: confidence {told}, {verdict}", shapes)


def _arc(share: float, class_: str) -> Markup:
    angle = math.pi * (1 - share)
    x, y = 80 + 62 * math.cos(angle), 80 - 62 * math.sin(angle)
    return tag("path", d=f"M 18 80 A 62 62 0 0 1 {x:.2f} {y:.2f}", class_=f"arc {class_}")


def scatter(rows: Sequence[dict[str, Any]]) -> Markup:
    """Return peak against average CPU, coloured by the vCPUs of the chosen size.

    :param rows: avg, peak (percent), vcpu, hostname, instance_type of each server; more than 1,500 are drawn as
    cells of
        two percent whose area is the number of servers.
    """
    left, top, size_x, size_y = 44, 12, 500, 330
    shapes: list[Any] = []
    for percent in range(0, 101, 20):
        x, y = left + percent / 100 * size_x, top + (1 - percent / 100) * size_y
        shapes += [line(left, y, left + size_x, y), text(left - 8, y + 4, percent, anchor="end")]
        shapes += [line(x, top, x, top + size_y), text(x, top + size_y + 18, percent, anchor="middle")]
    shapes.append(line(left, top + size_y, left + size_x, top, class_="guide"))
    shapes.append(
        text(
            left + size_x / 2, top + size_y + 38, "average CPU, % of what it has today", anchor="middle", class_="axis"
        )
    )
    shapes.append(
        tag("text", "peak CPU, %", x=12, y=top + size_y / 2, text_anchor="middle", class_="axis",
            transform=f"rotate(-90 12 {top + size_y / 2:g})")
    )  # fmt: skip
    points = (
        _cells(rows)
        if len(rows) > _MOST_POINTS
        else [(row["avg"], row["peak"], 1, _class(row["vcpu"]), _told(row)) for row in rows]
    )
    most = max((count for _, _, count, _, _ in points), default=1)
    for avg, peak, count, vcpus, told in sorted(points, key=lambda point: -point[2]):  # small ones stay on top
        x, y = left + min(avg, 100) / 100 * size_x, top + (1 - min(peak, 100) / 100) * size_y
        radius = 3.6 if most == 1 else 1.2 + 4.2 * math.sqrt(count / most)
        shapes.append(tag("circle", tag("title", told), cx=x, cy=y, r=radius, class_=f"point o{vcpus + 1}"))
    return picture(560, 400, f"Peak against average CPU of {len(rows):,} servers", shapes)


def _class(vcpu: int | None) -> int:
    return next(number for number, (upto, _) in enumerate(CLASSES) if (vcpu or 0) <= upto)


def _told(row: dict[str, Any]) -> str:
    chosen = row["instance_type"] or "none fits"
    return f"{row['hostname']}: average {row['avg']:.0f} %, peak {row['peak']:.0f} %, chosen {chosen}"


def _cells(rows: Sequence[dict[str, Any]]) -> list[tuple[float, float, int, int, str]]:
    cells: dict[tuple[int, int, int], int] = {}
    for row in rows:
        key = (int(row["avg"] // 2), int(row["peak"] // 2), _class(row["vcpu"]))
        cells[key] = cells.get(key, 0) + 1
    return [
        (
            x * 2 + 1,
            y * 2 + 1,
            count,
            vcpus,
            f"{count:,} servers: average near {x * 2 + 1} %, peak near {y * 2 + 1} %, {CLASSES[vcpus][1]} vCPU chosen",
        )
        for (x, y, vcpus), count in sorted(cells.items())
    ]
