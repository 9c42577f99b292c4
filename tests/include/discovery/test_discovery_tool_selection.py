"""The choice of a discovery tool: Review, Refine, Select."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.discovery.selection.catalogue import Tool, ToolCatalogue, load_catalogue
from include.discovery.selection.request import WEIGHTS, SelectionRequest, read_request
from include.discovery.selection.select import review, select_tool, to_markdown
from include.yaml_lines import ProblemsError

AT = date(2026, 11, 23)
SHIPPED = load_catalogue()
SPECIAL = sorted(SHIPPED.features["special"])


def small(**tools: dict[str, str]) -> ToolCatalogue:
    made = tuple(Tool(name, "maker", features, ("x",)) for name, features in tools.items())
    return replace(SHIPPED, tools=made)


ALL_CORE = dict.fromkeys(SHIPPED.features["core"], "yes")


def test_review_names_what_the_sources_in_house_do_not_hold() -> None:
    request = SelectionRequest(outcome="tco", at=AT, in_house={"server_inventory": "yes", "utilisation": "partial"})
    assert {gap.field: (gap.held, gap.is_missing) for gap in review(request, SHIPPED)} == {
        "server_inventory": ("yes", False), "software": ("no", True), "utilisation": ("partial", True),
        "databases": ("no", True),
    }  # fmt: skip


def test_ownership_is_asked_of_people_and_sets_no_tool_aside() -> None:
    request = SelectionRequest(outcome="wave_plan", at=AT)
    gaps = {gap.field: gap for gap in review(request, SHIPPED)}
    assert gaps["ownership"].told_by_people
    assert not any("ownership" in tool.set_aside for tool in select_tool(request, SHIPPED).tools)


def test_no_tool_is_chosen_when_nothing_is_missing() -> None:
    held = dict.fromkeys(SHIPPED.outcomes["snapshot"], "yes")
    found = select_tool(SelectionRequest(outcome="snapshot", at=AT, in_house=held), SHIPPED)
    assert found.choice == ""
    assert "no tool" in found.reason


def test_a_tool_that_does_not_collect_a_missing_core_field_is_set_aside_with_the_reason() -> None:
    catalogue = small(whole=ALL_CORE, blind={**ALL_CORE, "dependencies": "no"})
    found = select_tool(SelectionRequest(outcome="wave_plan", at=AT), catalogue)
    assert found.choice == "whole"
    assert [(one.tool, one.set_aside) for one in found.tools] == [
        ("whole", ""),
        ("blind", "it does not collect dependencies"),
    ]


def test_an_unknown_feature_is_shown_and_counts_less_than_a_known_one() -> None:
    catalogue = small(known=ALL_CORE, unknown={**ALL_CORE, "databases": "unknown"})
    first, second = select_tool(SelectionRequest(outcome="tco", at=AT), catalogue).tools
    assert (first.tool, second.tool) == ("known", "unknown")
    assert second.unknown == ("databases",)
    assert not second.set_aside


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(SPECIAL), unique=True), st.sampled_from(SPECIAL))
def test_asking_for_one_more_special_feature_never_sets_a_tool_aside(wanted: list[str], more: str) -> None:
    request = SelectionRequest(outcome="tco", at=AT, wanted=tuple(wanted))
    before = {one.tool: one.set_aside for one in select_tool(request, SHIPPED).tools}
    after = {one.tool: one.set_aside for one in select_tool(replace(request, wanted=(*wanted, more)), SHIPPED).tools}
    assert after == before


def test_a_missing_special_feature_lowers_a_tool() -> None:
    catalogue = small(plain=ALL_CORE, unix={**ALL_CORE, "unix_platforms": "yes"})
    request = SelectionRequest(outcome="tco", at=AT, wanted=("unix_platforms",))
    assert select_tool(request, catalogue).choice == "unix"


@settings(derandomize=True, max_examples=30, deadline=None)
@given(st.permutations(SHIPPED.tools))
def test_the_answer_does_not_depend_on_the_order_of_tools(tools: list[Tool]) -> None:
    request = SelectionRequest(outcome="wave_plan", at=AT, wanted=("agentless", "unix_platforms"), priorities=("api",))
    assert select_tool(request, replace(SHIPPED, tools=tuple(tools))) == select_tool(request, SHIPPED)


def test_priorities_decide_between_tools_that_are_else_equal() -> None:
    catalogue = small(a={**ALL_CORE, "free_of_charge": "no"}, b={**ALL_CORE, "free_of_charge": "yes"})
    assert select_tool(SelectionRequest(outcome="tco", at=AT), catalogue).choice == "a"
    assert select_tool(SelectionRequest(outcome="tco", at=AT, priorities=("free_of_charge",)), catalogue).choice == "b"


def test_at_the_weight_that_sensitivity_names_the_rival_draws_level_and_beyond_it_wins() -> None:
    catalogue = small(
        strong={**ALL_CORE, "free_of_charge": "no", "api": "no"},
        cheap={**ALL_CORE, "databases": "unknown", "free_of_charge": "yes", "api": "no"},
    )
    request = SelectionRequest(outcome="tco", at=AT, wanted=("free_of_charge", "api"))
    found = select_tool(request, catalogue)
    (flip,) = (one for one in found.flips if one.name == "operation")
    assert (found.choice, flip.rival) == ("strong", "cheap")
    for change, winner in ((-0.01, "strong"), (0.01, "cheap")):
        weights = {**WEIGHTS, "operation": flip.weight + change}
        assert select_tool(replace(request, weights=weights), catalogue).choice == winner


def test_tools_that_new_customers_cannot_get_are_set_aside_unless_they_are_in_use() -> None:
    agent, ended = "AWS Application Discovery Service agent", "AWS DMS Fleet Advisor"
    request = SelectionRequest(outcome="snapshot", at=AT)
    aside = {one.tool: one.set_aside for one in select_tool(request, SHIPPED).tools}
    assert aside[agent] == "it is closed to new customers since 2025-11-07"
    assert aside[ended] == "it ended on 2026-05-20"
    held = {one.tool: one.set_aside for one in select_tool(replace(request, holds=(agent, ended)), SHIPPED).tools}
    assert held[agent] == ""
    assert held[ended]
    early = select_tool(replace(request, at=date(2025, 11, 6)), SHIPPED)
    assert {one.tool: one.set_aside for one in early.tools}[agent] == ""


def test_a_request_is_read_from_yaml() -> None:
    text = "outcome: tco\nin_house: {software: yes}\nwanted: [agentless]\npriorities: [api]\nweights: {core: 9}\n"
    request = read_request(text, catalogue=SHIPPED, at=AT)
    assert (request.outcome, request.in_house, request.wanted) == ("tco", {"software": "yes"}, ("agentless",))
    assert request.weights == {**WEIGHTS, "core": 9.0}


def test_everything_wrong_in_a_request_is_told_at_once_with_its_line() -> None:
    text = "outcome: moon\nin_house: {softwear: yes}\nwanted:\n  - agentles\nweights: {core: -1}\nbudget: 4\n"
    with pytest.raises(ProblemsError) as caught:
        read_request(text, catalogue=SHIPPED, at=AT)
    told = str(caught.value)
    assert "line 1, outcome: 'moon' is none of snapshot, tco, wave_plan" in told
    assert "did you mean software?" in told
    assert "did you mean agentless?" in told
    assert "weights.core" in told
    assert "budget: this key is unknown" in told


def test_the_answer_is_plain_data_and_a_readable_table() -> None:
    found = select_tool(SelectionRequest(outcome="wave_plan", at=AT, wanted=("agentless",)), SHIPPED)
    assert json.loads(json.dumps(found.to_dict()))["choice"] == found.choice
    page = to_markdown(found)
    assert f"**{found.choice}**" in page
    assert all(f"| {tool.name} |" in page for tool in SHIPPED.tools)


def test_every_tool_names_where_its_values_come_from() -> None:
    assert all(tool.sources for tool in SHIPPED.tools)
    assert len({tool.name for tool in SHIPPED.tools}) == len(SHIPPED.tools)
