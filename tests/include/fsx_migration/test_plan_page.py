"""The page of a plan: everything on it, nothing run by it, and names of strangers harmless."""

import json
import re
from dataclasses import replace
from datetime import time

import pytest

from include.fsx_migration.definition_model import Bandwidth, BandwidthWindow
from include.fsx_migration.planning.estimate import estimate
from include.fsx_migration.planning.plan_page import ODD_KINDS, plan_page, shown
from include.fsx_migration.planning.plans import Plan, Severity
from include.fsx_migration.planning.preflight import preflight
from include.fsx_migration.planning.prices import default_prices
from include.fsx_migration.planning.profile import ODD, Oddities
from tests.include.fsx_migration.plan_samples import MIB, NOW, TIB, profile_of, survey_of

HOSTILE = "a <script>alert('x')</script>&\"\n\u202egpj.exe"
CALENDAR = Bandwidth(
    limit_mib_s=400,
    windows=(BandwidthWindow(days=frozenset(range(5)), start=time(7), end=time(19), limit_mib_s=None),),
)


def plan_of() -> Plan:
    """A plan with a finding of each severity, and a hostile name wherever a name is shown."""
    profile = profile_of(
        bytes=3 * TIB,
        largest=((HOSTILE, 2 * TIB),),
        fullest=((HOSTILE, 7),),
        deepest=(("d/" + "x" * 400, 2),),
        odd={"line_break": Oddities(count=1, examples=(HOSTILE,))},
        links=4,
        link_bytes=9 * MIB,
    )
    survey = survey_of(profile=profile, left_out=2)
    made = Plan(
        plan_id="20260302T093000Z-abcdef",
        migration="projects",
        definition_digest="0",
        made=NOW.isoformat(),
        listing_key="listing",
        files=profile.files,
        directories=profile.directories,
        bytes=profile.bytes,
        left_out=2,
        left_out_key="left",
        cost_per_file_bytes=MIB,
        parts=survey.parts,
        balance=survey.balance,
        findings=preflight(survey),
        profile=profile.to_dict(),
        estimate=estimate(survey, default_prices()).to_dict(),
    )
    return Plan.from_dict(json.loads(json.dumps(made.to_dict())))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of()


@pytest.fixture(scope="module")
def page(plan: Plan) -> str:
    return plan_page(plan, CALENDAR, window_hours=30.0)


def test_it_runs_no_script_and_loads_nothing(page: str) -> None:
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"\son\w+=", page)
    inside = page.replace("http://www.w3.org/", "").replace("url(#", "")
    for outside in ("http://", "https://", "url(", "src=", "@import", "<link", "<iframe"):
        assert outside not in inside, outside


def test_hostile_names_are_shown_harmlessly(page: str) -> None:
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert "\\u{202e}gpj.exe" in page
    assert "\\u{a}" in page


def test_every_finding_is_there_the_gravest_first(plan: Plan, page: str) -> None:
    assert {finding.severity for finding in plan.findings} == set(Severity)
    places = [page.find(finding.sentence.replace("'", "&#39;")) for finding in plan.findings]
    assert -1 not in places
    assert places == sorted(places)
    assert ">blocked<" in page


def test_a_plan_without_blocks_is_ready(plan: Plan) -> None:
    free = replace(plan, findings=tuple(found for found in plan.findings if found.severity is not Severity.BLOCK))
    text = plan_page(free, CALENDAR)
    assert ">ready<" in text
    assert ">blocked<" not in text


def test_it_says_what_its_numbers_rest_on(plan: Plan, page: str) -> None:
    assert "Prices of 2026-11-01, us-east-1" in page
    assert "not of measurements" in page
    for sentence in (*plan.estimate["assumptions"], *plan.estimate["cost"]["not_counted"]):
        assert sentence.replace("'", "&#39;") in page


def test_the_four_plots_keep_their_ids_apart(page: str) -> None:
    assert page.count("<svg") == 4
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 100
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', page))
    assert used
    assert used <= set(ids)


def test_the_same_plan_is_the_same_page(plan: Plan, page: str) -> None:
    assert plan_page(plan, CALENDAR, window_hours=30.0) == page


def test_every_kind_of_odd_name_has_words() -> None:
    assert set(ODD_KINDS) == {*ODD, "case_twins"}


def test_a_long_name_is_cut_and_says_how_long_it_is() -> None:
    assert shown("x" * 400) == "x" * 160 + "… (400 characters)"
    assert shown("tab\t") == "tab\\u{9}"
    assert shown("ärger 漢字") == "ärger 漢字"
