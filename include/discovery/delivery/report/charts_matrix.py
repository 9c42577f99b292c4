"""The picture of dependencies: application groups against each other, ordered by wave."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from include.discovery.delivery.report.svg import picture, short, tag, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup


def matrix(groups: Sequence[tuple[str, int | None]], pairs: Mapping[tuple[str, str], int]) -> Markup:
    """Return the matrix; traffic outside the frames of the waves is cut while the waves move one after the other.

    :param groups: (application group, wave), ordered by wave.
    :param pairs: connections between two groups, in one order or both.
    """
    left, top, room = 190, 24, 660.0
    cell = min(room / max(len(groups), 1), 22.0)
    places = {name: number for number, (name, _) in enumerate(groups)}
    logs = [math.log1p(count) for count in pairs.values()] or [0.0]
    low, span = min(logs), (max(logs) - min(logs)) or 1.0
    shapes: list[Any] = [
        tag("rect", x=left, y=top, width=cell * len(groups), height=cell * len(groups), class_="plane")
    ]
    for number, (name, wave) in enumerate(groups):
        if cell >= 9 or number % 2 == 0:
            shapes.append(
                text(left - 8, top + (number + 0.5) * cell + 4, short(name, 26), anchor="end", class_="small")
            )
        shapes.append(_square(number, number, cell, "own", f"{name}, wave {wave or 'none'}"))
    waves = dict(groups)
    for (one, other), count in sorted(pairs.items()):
        if one not in places or other not in places or one == other:
            continue
        shade = 1 + min(int(5 * (math.log1p(count) - low) / span), 4)
        told = f"{one} (wave {waves[one] or 'none'}) and {other} (wave {waves[other] or 'none'}): {count:,} connections"
        for x, y in ((places[one], places[other]), (places[other], places[one])):
            shapes.append(_square(x, y, cell, f"s{shade}", told))
    shapes += [*_frames(groups, cell), *_most_cut(waves, pairs, left + cell * len(groups) + 80)]
    return picture(
        1160,
        max(top + cell * len(groups) + 12, 24 + 18 * (min(len(pairs), 12) + 2)),
        f"Traffic between {len(groups)} application groups, ordered by wave",
        shapes,
    )


def _square(x: int, y: int, cell: float, class_: str, told: str) -> Markup:
    size = max(cell - 1.0, 1.0)
    return tag(
        "rect",
        tag("title", told),
        x=190 + x * cell + 0.5,
        y=24 + y * cell + 0.5,
        width=size,
        height=size,
        class_=f"cell {class_}",
    )


def _frames(groups: Sequence[tuple[str, int | None]], cell: float) -> list[Any]:
    shapes: list[Any] = []
    start = 0
    for number in range(1, len(groups) + 1):
        if number < len(groups) and groups[number][1] == groups[start][1]:
            continue
        size = (number - start) * cell
        shapes.append(tag("rect", x=190 + start * cell, y=24 + start * cell, width=size, height=size, class_="frame"))
        if size >= 9:
            label = f"wave {groups[start][1]}" if groups[start][1] else "no wave"
            shapes.append(
                text(190 + len(groups) * cell + 8, 24 + (start + number) / 2 * cell + 4, label, class_="small")
            )
        start = number
    return shapes


def _most_cut(waves: Mapping[str, int | None], pairs: Mapping[tuple[str, str], int], x: float) -> list[Any]:
    """Return the busiest pairs whose waves differ, as lines of text."""
    cut = [(count, *pair) for pair, count in pairs.items() if waves.get(pair[0]) != waves.get(pair[1])]
    lines = [
        f"{short(one, 14)} and {short(other, 14)}: {count:,}"
        for count, one, other in sorted(cut, key=lambda entry: (-entry[0], entry[1], entry[2]))[:12]
    ]
    if not lines:
        return [text(x, 36, "No traffic is cut between waves.", class_="value")]
    return [text(x, 36, "Most traffic between waves", class_="value")] + [
        text(x, 56 + 18 * n, told, class_="small") for n, told in enumerate(lines)
    ]
