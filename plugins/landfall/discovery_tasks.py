"""What the tasks of discovery_assess do; each may be killed at any line and run again."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from landfall.hooks.discovery import DiscoveryHook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from include.discovery.assess import Order
    from include.discovery.lake import RunPlaces
    from include.discovery.settings import AssessmentSettings
    from include.gates.suite import GateSuite
    from include.workbench import Workbench

log = logging.getLogger(__name__)
INVENTORY, RESULTS = "inventory", "results"


def collect_inventory() -> dict[str, Any]:
    """Read the sources, merge their rows into machines, and leave the tables in the lake."""
    from include.discovery.assess import collect, counts, working_tables
    from include.discovery.lake import INBOX, fetch_sources

    context: Any = get_current_context()
    with _at_work(context) as (bench, places):
        params, store = context["params"], places.store
        text = _settings_text(store, params["settings"])
        store.put_bytes(places.settings, text.encode(), content_type="application/yaml")
        if not params["sources"] and next(store.list_keys(INBOX, ""), None) is None:
            raise AirflowSkipException(f"{store.uri(INBOX, '')} is empty: put exports there, or name `sources`.")
        sources = fetch_sources(bench, params["sources"] or [store.uri(INBOX, "")])
        order = _order(bench, places, review=_fetch(bench, params["review"], "review.xlsx"))
        with working_tables() as connection:
            collect(connection, sources, order, _announce)
            _keep_tables(bench, connection, places, INVENTORY)
            return counts(connection)


def gate_inventory() -> dict[str, Any]:
    """Judge the inventory, machine by machine."""
    from include.discovery.quality.frames import inventory_frame
    from include.gates.suites.discovery import inventory_suite

    return _gate(inventory_suite(), INVENTORY, inventory_frame)


def score_estate() -> dict[str, Any]:
    """Size, group, cost, rank, plan waves, judge; leave all tables in the lake."""
    from include.discovery.assess import score
    from include.discovery.quality.judge import verdicts

    context: Any = get_current_context()
    with _at_work(context) as (bench, places), _tables(bench, places, INVENTORY) as connection:
        score(connection, _order(bench, places), _announce)
        _keep_tables(bench, connection, places, RESULTS)
        return verdicts(connection)


def write_deliverables() -> dict[str, Any]:
    """Write the folder that people get; nothing is published yet."""
    from include.discovery.assess import deliver
    from include.discovery.lake import keep_folder

    context: Any = get_current_context()
    with _at_work(context) as (bench, places), _tables(bench, places, RESULTS) as connection:
        out, previous = bench.folder / "assessment", _previous(bench, places)
        deliver(connection, out, _order(bench, places, previous=previous), _announce)
        keys = keep_folder(bench, out, places.deliverable("").rstrip("/"))
        report = places.deliverable("report.html")
        log.info("The report: s3://%s/%s", places.store.bucket, report)
        return {"files": len(keys), "report": f"s3://{places.store.bucket}/{report}"}


def gate_outcome(outcome: str) -> dict[str, Any]:
    """Judge whether the data carry an outcome."""
    from include.discovery.quality.frames import outcome_frame
    from include.discovery.quality.judge import blocked_outcomes
    from include.gates.suites.discovery import outcome_suite

    context: Any = get_current_context()
    with _at_work(context) as (bench, places), _tables(bench, places, RESULTS) as connection:
        suite = outcome_suite(outcome, blocking=blocked_outcomes(connection).get(outcome, ()))
    return _gate(suite, RESULTS, lambda connection: outcome_frame(connection, outcome))


def publish_outcomes() -> dict[str, Any]:
    """Make this run the newest of every outcome whose gate passed; red when a wanted one did not."""
    from include.discovery.lake import published_key
    from include.discovery.quality.measures import OUTCOMES

    context: Any = get_current_context()
    run = context["dag_run"]
    states = context["ti"].get_task_states(dag_id=run.dag_id, run_ids=[run.run_id]).get(run.run_id, {})
    ended = {name: getattr(state, "value", state) for name, state in states.items()}
    if ended.get("collect_inventory") == "skipped":
        raise AirflowSkipException("Nothing was there to assess.")
    if ended.get("write_deliverables") != "success":
        raise AirflowFailException("The deliverables were not written: the red task before says why.")
    places = _places(context)
    passed = [outcome for outcome in OUTCOMES if ended.get(f"gate_{outcome}") == "success"]
    for outcome in passed:
        places.store.put_json(published_key(places.store, outcome), {"run": places.run})
    blocked = [outcome for outcome in context["params"]["outcomes"] if outcome not in passed]
    if blocked:
        raise AirflowFailException(
            f"Not published: {', '.join(blocked)}. The red gates say what the data lack; the report's fix list ranks "
            "it."
        )
    return {"published": passed, "report": f"s3://{places.store.bucket}/{places.deliverable('report.html')}"}


def select_tool() -> dict[str, Any]:
    """Choose a discovery tool by the run's request; the answer is kept as JSON and as Markdown."""
    from include.discovery.lake import legible
    from include.discovery.selection.catalogue import load_catalogue
    from include.discovery.selection.request import read_request
    from include.discovery.selection.select import select_tool as select
    from include.discovery.selection.select import to_markdown

    context: Any = get_current_context()
    run, store, tools = context["dag_run"], DiscoveryHook().store, load_catalogue()
    request = read_request(context["params"]["request"], catalogue=tools, at=run.run_after.date())
    found = select(request, tools)
    told, key = to_markdown(found), store.key("tool_selections", legible(run.run_id))
    log.info("%s", told)
    store.put_bytes(f"{key}.md", told.encode(), content_type="text/markdown")
    return {"choice": found.choice, "reason": found.reason, "uri": store.put_json(f"{key}.json", found.to_dict())}


def _gate(suite: GateSuite, step: str, load: Callable[[Any], Any]) -> dict[str, Any]:
    from landfall.gates import check

    context: Any = get_current_context()
    with _at_work(context) as (bench, places), _tables(bench, places, step) as connection:
        frame = load(connection)
    result = check(lambda: frame, suite, store=DiscoveryHook().gate_store, context=context).result
    return {"verdict": result.verdict.value, "evaluated": result.evaluated_rows, "docs": result.docs_uri}


@contextmanager
def _at_work(context: Any) -> Iterator[tuple[Workbench, RunPlaces]]:
    from include.workbench import workbench

    places = _places(context)
    with workbench(places.store) as bench:
        yield bench, places


@contextmanager
def _tables(bench: Workbench, places: RunPlaces, step: str) -> Iterator[Any]:
    """Open the tables that a step left."""
    from include.discovery.assess import working_tables
    from include.discovery.lake import fetch_folder
    from include.discovery.table_files import load_tables

    folder = fetch_folder(bench, places.tables(step), f"{step}-tables")
    with working_tables() as connection:
        load_tables(connection, folder)
        yield connection


def _keep_tables(bench: Workbench, connection: Any, places: RunPlaces, step: str) -> None:
    from include.discovery.lake import keep_folder
    from include.discovery.table_files import save_tables

    folder = bench.folder / f"{step}-written"
    save_tables(connection, folder)
    keep_folder(bench, folder, places.tables(step).rstrip("/"))


def _places(context: Any) -> RunPlaces:
    from include.discovery.lake import RunPlaces, legible

    run = context["dag_run"]
    return RunPlaces(DiscoveryHook().store, legible(run.run_id), run.run_after.date())


def _order(bench: Workbench, places: RunPlaces, *, review: Path | None = None, previous: Path | None = None) -> Order:
    from include.discovery.assess import make_order

    settings = _settings(places)
    formats = tuple(_fetch(bench, uri, f"format-{number}") for number, uri in enumerate(settings.reading.formats))
    reading = replace(settings.reading, formats=tuple(str(place) for place in formats))
    day = settings.as_of or places.day
    settings = replace(settings, reading=reading, as_of=day)
    prices = _fetch(bench, settings.prices, "prices")
    return make_order(settings, prices=prices, review=review, previous=previous)


def _settings(places: RunPlaces) -> AssessmentSettings:
    from include.discovery.settings import read_settings

    return read_settings(places.store.get_bytes(places.settings).decode())


def _settings_text(store: Any, given: str | None) -> str:
    """Return the YAML that a run goes by: its own, that of an address, or the kept `discovery/settings.yaml`."""
    text = (given or "").strip()
    if text.startswith("s3://"):
        bucket, _, key = text.removeprefix("s3://").partition("/")
        return str(store.client.get_object(Bucket=bucket, Key=key)["Body"].read().decode())
    if text:
        return text
    try:
        return str(store.get_bytes(store.key("settings.yaml")).decode())
    except store.client.exceptions.NoSuchKey:
        return ""


def _fetch(bench: Workbench, uri: str | None, name: str) -> Path | None:
    if not uri:
        return None
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not key:
        raise ValueError(f"{uri} is no object in S3: a run reads s3://bucket/key only, never a file of its worker.")
    place = bench.folder / f"{name}-{key.rsplit('/', 1)[-1]}"
    bench.store.client.download_file(bucket, key, str(place))
    return place


def _previous(bench: Workbench, places: RunPlaces) -> Path | None:
    """Return the newest assessment of another run, for the trend; None when there is none that can be compared."""
    from include.discovery.delivery.diffs import is_comparable
    from include.discovery.lake import fetch_folder, published_key

    found = places.store.find_json(published_key(places.store, "snapshot"))
    if not found or found["run"] == places.run:
        return None
    folder = fetch_folder(bench, places.store.key("runs", found["run"], "assessment", ""), "previous")
    return folder if is_comparable(folder) else None


def _announce(_done: int, text: str) -> None:
    log.info("%s", text)
