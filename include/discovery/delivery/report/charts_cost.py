"""Pictures of money: the waterfall from today to the target, and the tornado of assumptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.discovery.delivery.report.svg import bar, dollars, line, picture, short, text, ticks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

_LICENCES: Final = ("windows", "sql_server", "oracle", "licen", "rhel", "suse", "vmware")
_COMMITMENTS: Final = ("commit", "savings_plan")


@dataclass(frozen=True, slots=True)
class Step:
    """A bar of the waterfall: a total stands on the ground, a change hangs between two totals."""

    label: str
    start: float
    end: float
    is_total: bool
    low: float | None = None
    high: float | None = None

    @property
    def change(self) -> float:
        """What the step adds."""
        return self.end if self.is_total else self.end - self.start


def steps(costs: Mapping[str, Mapping[str, Any]]) -> list[Step]:
    """Return the waterfall's bars; the changes between two totals add up to their difference exactly."""
    found: list[Step] = []
    if "on_premises" in costs:
        found.append(_total("As is", costs["on_premises"]))
    if "lift_and_shift" in costs:
        lift = costs["lift_and_shift"]
        if found:
            found.append(Step("Move as it is", found[-1].end, lift["monthly_usd"], is_total=False))
        found.append(_total("Lift and shift", lift))
    if "right_sized" in costs:
        if "lift_and_shift" in costs:
            found += _changes(costs["lift_and_shift"], costs["right_sized"], found[-1].end)
        found.append(_total("Right-sized", costs["right_sized"]))
    return found


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], level: float) -> list[Step]:
    parts = []
    names = sorted({*before.get("items", {}), *after.get("items", {})})
    for label, chosen in (
        ("Right-size", [name for name in names if not _is(name, _LICENCES) and not _is(name, _COMMITMENTS)]),
        ("Licences", [name for name in names if _is(name, _LICENCES)]),
        ("Commitment", [name for name in names if _is(name, _COMMITMENTS)]),
    ):
        change = sum(after.get("items", {}).get(name, 0.0) - before.get("items", {}).get(name, 0.0) for name in chosen)
        parts.append(Step(label, level, level + change, is_total=False))
        level += change
    return parts


def _is(name: str, words: Sequence[str]) -> bool:
    return any(word in name for word in words)


def _total(label: str, row: Mapping[str, Any]) -> Step:
    return Step(label, 0.0, row["monthly_usd"], is_total=True, low=row["low_usd"], high=row["high_usd"])


def waterfall(found: Sequence[Step]) -> Markup:
    """Return the bars from today's cost to the target's, with the band of every total."""
    left, top, width, height = 70, 24, 480, 300
    marks = ticks(0, max([max(step.start, step.end, step.high or 0) for step in found], default=1.0))
    scale = height / (marks[-1] or 1)

    def y_of(value: float) -> float:
        return top + height - value * scale

    shapes: list[Any] = []
    for mark in marks:
        shapes += [
            line(left, y_of(mark), left + width, y_of(mark)),
            text(left - 8, y_of(mark) + 4, dollars(mark), anchor="end"),
        ]
    place = width / max(len(found), 1)
    for number, step in enumerate(found):
        x, high = left + number * place + place * 0.16, max(step.start, step.end)
        class_ = "total" if step.is_total else "saving" if step.change <= 0 else "rise"
        told = f"{step.label}: ${step.change:,.2f} a month"
        shapes.append(bar(x, y_of(high), place * 0.68, abs(step.end - step.start) * scale, class_=class_, title=told))
        if step.low is not None and step.high is not None:
            middle = x + place * 0.34
            shapes.append(line(middle, y_of(step.low), middle, y_of(step.high), class_="whisker"))
            high = max(high, step.high)
        if number + 1 < len(found):
            shapes.append(line(x + place * 0.68, y_of(step.end), x + place, y_of(step.end), class_="guide"))
        sign = "+" if not step.is_total and step.change > 0 else ""
        shapes.append(
            text(x + place * 0.34, y_of(high) - 6, sign + dollars(step.change), anchor="middle", class_="value")
        )
        for row, word in enumerate(_two_lines(step.label)):
            shapes.append(text(x + place * 0.34, top + height + 18 + row * 13, word, anchor="middle", class_="small"))
    shapes.append(line(left, top + height, left + width, top + height, class_="base"))
    return picture(560, 366, "Monthly cost from today to the right-sized target", shapes)


def _two_lines(label: str) -> list[str]:
    words = label.split(" ")
    return (
        [label]
        if len(label) < 10 or len(words) < 2
        else [" ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])]
    )


def tornado(rows: Sequence[Mapping[str, Any]], base: float | None) -> Markup:
    """Return one bar for each assumption, from the total at its low value to the total at its high value."""
    shown = rows[:14]
    ends = [value for row in shown for value in (row["monthly_low_usd"], row["monthly_high_usd"])] + (
        [base] if base is not None else []
    )
    left, top, width, step = 210, 26, 320, 26
    marks = ticks(min(ends), max(ends), 4)
    scale = width / ((marks[-1] - marks[0]) or 1)
    height = len(shown) * step
    shapes: list[Any] = []
    for mark in marks:
        x = left + (mark - marks[0]) * scale
        shapes += [line(x, top, x, top + height), text(x, top + height + 18, dollars(mark), anchor="middle")]
    for number, row in enumerate(shown):
        y = top + number * step
        shapes.append(text(left - 10, y + 17, short(str(row["assumption"]).replace("_", " "), 32), anchor="end"))
        for value, given in ((row["monthly_low_usd"], row["low_value"]), (row["monthly_high_usd"], row["high_value"])):
            centre = base if base is not None else (row["monthly_low_usd"] + row["monthly_high_usd"]) / 2
            x, end = sorted((left + (value - marks[0]) * scale, left + (centre - marks[0]) * scale))
            told = f"{row['assumption']} at {given or 'its limit'}: ${value:,.2f} a month"
            shapes.append(bar(x, y + 4, end - x, step - 8, class_="saving" if value < centre else "rise", title=told))
    if base is not None:
        x = left + (base - marks[0]) * scale
        shapes += [
            line(x, top - 6, x, top + height, class_="now"),
            text(x, top - 10, dollars(base), anchor="middle", class_="value"),
        ]
    return picture(560, top + height + 30, "How far each assumption moves the right-sized total", shapes)
