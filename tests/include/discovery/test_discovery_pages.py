"""The generated pages are those of the code, and the settings they show can be read."""

from __future__ import annotations

import re

import pytest

from include.discovery.describe import pages
from include.discovery.settings import AssessmentSettings, read_settings
from include.yaml_lines import ProblemsError


@pytest.mark.parametrize("place", list(pages()), ids=lambda place: place.name)
def test_a_page_is_current(place: object) -> None:
    assert place.read_text() == pages()[place], "run `make docs` and commit the result"  # type: ignore[attr-defined,index]


def test_the_example_of_the_settings_page_is_read() -> None:
    page = next(text for place, text in pages().items() if place.name == "settings.md")
    found = re.search(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    assert found is not None
    settings = read_settings(found[1])
    assert settings.name == "data centre north"
    assert settings.waves.servers_per_wave == 100
    assert settings.waves.blackouts[0].reason == "year-end close"
    assert settings.waves.precedence[0].before == "billing"


def test_every_setting_is_explained() -> None:
    page = next(text for place, text in pages().items() if place.name == "settings.md")
    rows = re.findall(r"^\| `([a-z_.0-9]+)` \|.*\| (.*) \|$", page, flags=re.MULTILINE)
    assert len(rows) > 60
    assert [path for path, doc in rows if len(doc) < 10] == []


def test_settings_are_plain_data_that_read_back_to_themselves() -> None:
    assert read_settings("") == AssessmentSettings()
    assert read_settings("as_of: 2026-11-01").to_dict()["as_of"] == "2026-11-01"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("waves: {servers_per_wave: 0}", "line 1, waves.servers_per_wave"),
        ("as_of: yesterday", "line 1, as_of"),
        ("sizings: {}", "did you mean sizing"),
        ("- a list", "no mapping"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_by_line(text: str, told: str) -> None:
    with pytest.raises(ProblemsError, match=told):
        read_settings(text)
