"""What the tasks of fsx_migration_plan do; each may be killed at any line and run again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context

from landfall.fsx_migration_runs import MigrationUnknownError, hold, workplace_of
from landfall.hooks.fsx_migration import FsxMigrationHook

if TYPE_CHECKING:
    from include.fsx_migration.planning.prices import Prices
    from include.fsx_migration.workplace import Workplace


class WrongNameError(ValueError):
    """The definition is of another migration than the run is for."""


def read_definition() -> dict[str, Any]:
    """Check the definition that the run was given, or the kept one, and keep its text beside the plan to be."""
    from include.fsx_migration.definition import read_definition as read
    from include.fsx_migration.planning.plan_making import DEFINITION

    context: Any = get_current_context()
    params, plan_id = context["params"], plan_id_of(context)
    hook = FsxMigrationHook()
    text = (params["definition"] or "").strip("\ufeff") or _kept_definition(hook, params["migration"])
    migration = read(text)
    if migration.name != params["migration"]:
        raise WrongNameError(
            f"The definition is of migration {migration.name}, the run for {params['migration']}: make them the same."
        )
    place = workplace_of(migration, hook=hook)
    _hold_plan(place, context)
    places = place.places
    places.store.put_bytes(places.plan(plan_id, DEFINITION), text.encode(), content_type="application/yaml")
    return {"plan_id": plan_id, "migration": migration.name, "agents": len(migration.source.agents)}


def gate_listing() -> dict[str, Any]:
    """Bring the listing into the lake and judge it."""
    import pandas as pd

    from include.fsx_migration.planning.plan_making import keep_listing
    from include.gates.suites.fsx_listing import listing_suite
    from landfall.gates import check

    context: Any = get_current_context()
    place, _ = _planned(context)
    facts = keep_listing(place, plan_id_of(context), uri=context["params"]["listing"])
    suite = listing_suite(refusal=facts["refusal"])
    check(lambda: pd.DataFrame([facts]), suite, store=FsxMigrationHook().gate_store, context=context)
    return {name: facts[name] for name in ("files", "directories", "symlinks", "bytes")}


def make_plan() -> dict[str, Any]:
    """Profile, partition, preflight, estimate; keep the plan, its manifests and its page."""
    from include.fsx_migration.planning.plan_making import Order, page_key
    from include.fsx_migration.planning.plan_making import make_plan as make

    context: Any = get_current_context()
    place, text = _planned(context)
    params = context["params"]
    order = Order(
        plan_id=plan_id_of(context),
        definition=text,
        start=context["dag_run"].run_after,
        parts=params["parts"],
        window_hours=params["window_hours"],
        prices=_prices(place, params["prices"]),
    )
    plan = make(place, order)
    found = dict.fromkeys(("block", "warn", "note"), 0)
    for finding in plan.findings:
        found[finding.severity.value] += 1
    return {
        "plan": _uri(place, place.places.plan(plan.plan_id, "plan.json")),
        "page": _uri(place, page_key(place.places, plan.plan_id)),
        "parts": len(plan.parts),
        "files": plan.files,
        "bytes": plan.bytes,
        "findings": found,
    }


def gate_plan() -> dict[str, Any]:
    """Judge the plan's findings."""
    import pandas as pd

    from include.fsx_migration.planning.plans import load_plan
    from include.gates.suites.fsx_listing import plan_suite
    from landfall.gates import check

    context: Any = get_current_context()
    place, _ = _planned(context)
    plan = load_plan(place.places, plan_id_of(context))
    rows = [("plan", "note", f"The plan has {len(plan.parts)} parts and {len(plan.findings)} findings.")]
    rows += [(found.code, found.severity.value, found.sentence) for found in plan.findings]
    frame = pd.DataFrame(rows, columns=["code", "severity", "sentence"])
    suite = plan_suite(blocks=[found.sentence for found in plan.blocks])
    result = check(lambda: frame, suite, store=FsxMigrationHook().gate_store, context=context).result
    return {"verdict": str(result.verdict), "docs_uri": result.docs_uri}


def publish_plan() -> dict[str, Any]:
    """Make it the current plan, and its definition the kept one."""
    from include.fsx_migration.planning.plans import load_plan
    from include.fsx_migration.planning.plans import publish_plan as publish

    context: Any = get_current_context()
    place, text = _planned(context)
    plan = load_plan(place.places, plan_id_of(context))
    publish(place.places, plan, definition=text)
    return {"plan_id": plan.plan_id, "definition": _uri(place, place.places.definition)}


def plan_id_of(context: Any) -> str:
    """Return the id of a run's plan: the same however often its tasks run."""
    run = context["dag_run"]
    return f"{run.run_after:%Y%m%dT%H%M%SZ}-{hashlib.sha256(run.run_id.encode()).hexdigest()[:6]}"


def _planned(context: Any) -> tuple[Workplace, str]:
    """Return the workplace of the definition that this run checked, and its text."""
    from include.fsx_migration.definition import read_definition as read
    from include.fsx_migration.places import Places
    from include.fsx_migration.planning.plan_making import DEFINITION

    hook = FsxMigrationHook()
    places = Places(hook.store, context["params"]["migration"])
    text = places.store.get_bytes(places.plan(plan_id_of(context), DEFINITION)).decode()
    place = workplace_of(read(text), hook=hook)
    _hold_plan(place, context)
    return place, text


def _hold_plan(place: Workplace, context: Any) -> None:
    """Nobody else plans the migration meanwhile; who transfers it may go on: passes follow a new plan's limits."""
    hold(place, context, subject=f"the plan of migration {place.migration.name}", purpose="planning")


def _kept_definition(hook: FsxMigrationHook, name: str) -> str:
    from include.fsx_migration.places import Places

    places = Places(hook.store, name)
    try:
        return places.store.get_bytes(places.definition).decode()
    except places.store.client.exceptions.NoSuchKey:
        raise MigrationUnknownError(
            f"Migration {name} has no definition yet: paste its YAML into the field `definition`."
        ) from None


def _prices(place: Workplace, uri: str | None) -> Prices | None:
    from include.fsx_migration.planning.prices import PricesRefusedError, read_prices

    if not uri:
        return None
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    client = place.store.client
    try:
        body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except (client.exceptions.NoSuchKey, client.exceptions.NoSuchBucket):
        raise PricesRefusedError(f"{uri} does not exist: correct the address, or leave it empty.") from None
    return read_prices(body.decode())


def _uri(place: Workplace, key: str) -> str:
    return f"s3://{place.store.bucket}/{key}"
