"""Settings are dataclasses; YAML fills them, and what does not fit is told with line and path."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the reader resolves annotations at run time
from dataclasses import dataclass, field
from datetime import date

import pytest

from include.discovery.settings_reading import describe_section, read_section
from include.yaml_lines import ProblemsError, open_mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Blackout:
    begins: date | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    share: float = field(default=0.5, metadata={"doc": "A share.", "minimum": 0, "maximum": 1})
    capacity: int = field(default=150, metadata={"doc": "Servers.", "minimum": 1, "maximum": 1000})
    split: bool = False
    basis: str = field(default="p95", metadata={"choices": ("avg", "p95")})
    tools: tuple[str, ...] = ("rvtools",)
    weights: Mapping[str, float] = field(default_factory=dict)
    blackouts: tuple[Blackout, ...] = ()
    near: Blackout = field(default_factory=Blackout)


def read(text: str) -> Section:
    mapping = open_mapping(text)
    found: Section = read_section(mapping, Section)
    if mapping.problems:
        raise ProblemsError(mapping.problems)
    return found


def test_every_kind_of_setting_is_read() -> None:
    found = read(
        """
share: 0.25
capacity: 20
split: true
basis: avg
tools: [cmdb, ads]
weights: {size: 2, age: 0.5}
blackouts:
  - {begins: 2026-12-20, ends: 2027-01-06}
near: {begins: 2026-11-01}
"""
    )
    assert (found.share, found.capacity, found.split, found.basis) == (0.25, 20, True, "avg")
    assert found.tools == ("cmdb", "ads")
    assert found.weights == {"size": 2.0, "age": 0.5}
    assert found.blackouts == (Blackout(begins=date(2026, 12, 20), ends=date(2027, 1, 6)),)
    assert found.near.begins == date(2026, 11, 1)


def test_what_is_not_said_keeps_its_default() -> None:
    assert read("share: 1") == Section(share=1.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("share: 1.5", "line 1, share: '1.5' is no number from 0 to 1"),
        ("capacity: 0", "line 1, capacity: '0' is no whole number from 1 to 1000"),
        ("split: maybe", "line 1, split: 'maybe' is neither true nor false"),
        ("basis: p42", "line 1, basis: 'p42' is none of avg, p95"),
        ("weights: {size: big}", "weights.size: 'big' is no number"),
        ("near: {begins: soon}", "near.begins: 'soon' is no day"),
        (
            "blackouts:\n  - {begin: 2026-12-20}",
            "line 2, blackouts\\[0\\].begin: this key is unknown; did you mean begins",
        ),
        ("capasity: 3", "capasity: this key is unknown; did you mean capacity"),
    ],
)
def test_what_does_not_fit_is_told_with_line_and_path(text: str, told: str) -> None:
    with pytest.raises(ProblemsError, match=told):
        read(text)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(ProblemsError) as caught:
        read("share: 2\ncapacity: many\nnear: 3")
    assert len(caught.value.problems) == 3


def test_the_reference_has_every_setting_with_its_default() -> None:
    rows = {path: (default, doc) for path, default, doc in describe_section(Section)}
    assert rows["share"] == ("0.5", "A share.")
    assert rows["tools"] == ("rvtools", "")
    assert "near.begins" in rows
