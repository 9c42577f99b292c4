"""Data Docs: one page of HTML that shows a gate's decision to the person who has to act on it.

The report is rendered by Great Expectations; the page around it is ours. Its own page loads scripts and styles from
seven public hosts, brings 4 MB of static files and (1.24.1) writes sampled values into the HTML unescaped, which for
mail data is a way in. This page is self-contained, 10 to 40 kB, and forbids scripts.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader

from include.gates.result import ExpectationOutcome, GateResult, Verdict

if TYPE_CHECKING:
    from datetime import datetime

PAGE = "index.html"
_TEMPLATES = Path(__file__).parent / "templates"
_SECTIONS = "{% for section in sections %}{% set section_loop = loop %}{% include 'section.j2' %}{% endfor %}"
_BRACKETS = str.maketrans({"<": "\u2039", ">": "\u203a"})  # single angle quotation marks
_MEANING = {
    Verdict.PASS: "Every expectation is met; all rows went on.",
    Verdict.QUARANTINE: "Rows with a fault were set aside with their reasons; the rest went on.",
    Verdict.BLOCK: "Nothing went on. Mend the cause below, then clear the failed gate task.",
}


def data_docs(
    result: GateResult,
    *,
    outcomes: tuple[ExpectationOutcome, ...],
    gx_result: Mapping[str, Any],
    checked_at: datetime,
    facts: Mapping[str, str],
) -> dict[str, bytes]:
    """Render the pages of one decision as {relative path: HTML in UTF-8}.

    `gx_result` is `Validation.gx_result`, empty when nothing was validated; `checked_at` names the run, in its zone;
    `facts` are further lines for the head of the page (DAG, run, task).
    """
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True)
    addresses = {"Rows set aside": result.quarantine_uri, "Rows that went on": result.passed_uri}
    page = environment.get_template("data_docs.html").render(
        result=result,
        outcomes=outcomes,
        meaning=_MEANING[result.verdict],
        checked_at=checked_at.isoformat(sep=" ", timespec="seconds"),
        facts={**facts, **addresses, "Result": result.result_uri},
        rendered=_report(gx_result, checked_at=checked_at),
        gx_version=gx_result.get("meta", {}).get("great_expectations_version", "not reached"),
    )
    return {PAGE: page.encode()}


def _report(gx_result: Mapping[str, Any], *, checked_at: datetime) -> str:
    """Render the results by Great Expectations' own renderers, without its page, scripts and random element ids."""
    if not gx_result.get("results"):
        return ""
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
        expectationSuiteValidationResultSchema,
    )
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    loaded = expectationSuiteValidationResultSchema.load(_without_brackets(gx_result))
    result = (
        loaded if isinstance(loaded, ExpectationSuiteValidationResult) else ExpectationSuiteValidationResult(**loaded)
    )
    result.meta["batch_kwargs"] = {"data_asset_name": str(gx_result.get("suite_name"))}  # else the report says "None"
    result.meta["run_id"] = RunIdentifier(run_name=str(gx_result.get("suite_name")), run_time=checked_at)
    document = ValidationResultsPageRenderer(run_info_at_end=True).render(result).to_json_dict()
    # "Run Info" repeats the head of the page and adds the Python class of the batch
    document["sections"] = [section for section in document["sections"] if section["section_name"] != "Run Info"]
    numbers = itertools.count()
    jinja = DefaultJinjaPageView().env
    jinja.filters["generate_html_element_uuid"] = lambda prefix="": f"{prefix}{next(numbers)}"
    return str(jinja.from_string(_SECTIONS).render(document))


def _without_brackets(value: Any) -> Any:
    """Replace angle brackets in all text: the renderers escape some values and not others."""
    if isinstance(value, str):
        return value.translate(_BRACKETS)
    if isinstance(value, Mapping):
        return {_without_brackets(key): _without_brackets(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_brackets(part) for part in value]
    return value
