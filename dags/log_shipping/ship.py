"""
# Ship transaction logs

Backs up the log of every database, copies what the secondary lacks, checks the headers, and restores all files that
apply in the order of their LSNs. Runs every five minutes and by hand. Which server writes is asked anew each time, so
after a failover shipping runs the other way by itself. Databases go through together, dealt over a few tasks; one that
cannot be shipped is named at the end and does not stop the others.

- **Changes:** backup and copy folders, the secondaries' databases, `log_shipping/runs/` in the lake. Files older than
  `keep_hours` that no secondary needs are deleted on both sides.
- **Undo:** nothing to undo: a secondary only follows its primary.
- **If it fails:** read the sentence of `record_outcomes`, mend it, trigger again; clearing is safe too:
  `docs/runbooks/log_shipping_ship.md`
- **Waits for a person:** never.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, TriggerRule, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from include.gates.suites.log_shipping import canary_suite, headers_suite
from landfall.gates import check
from landfall.hooks.log_shipping import LogShippingHook
from landfall.log_shipping_runs import records_of, workplace
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

RETRYING_SOON = {**RETRYING, "retry_delay": timedelta(seconds=10)}
"""The next run comes in five minutes: a retry that waits longer helps nobody."""
PARAMS = {
    "databases": Param(
        [],
        type="array",
        items={"type": "string", "minLength": 1, "maxLength": 128},
        description="Names of the databases to ship now, one per line; none means all of the configuration.",
    ),
}


@task(multiple_outputs=False)
def plan_shipping() -> list[dict[str, Any]]:
    """Ask all servers who ships to whom, and deal the databases over lanes."""
    from include.log_shipping import active, planning

    context: Any = get_current_context()
    if active.find_active(LogShippingHook().store) is None:
        raise AirflowSkipException("Nothing is shipped yet: run log_shipping_configure.")
    chosen, by_the_clock = context["params"]["databases"] or [], str(context["dag_run"].run_type) == "scheduled"
    plan = planning.plan_shipping(workplace(), databases=chosen, only_due=by_the_clock)
    context["ti"].xcom_push(key="plan", value={name: plan[name] for name in ("databases", "shippable", "records")})
    lanes: list[dict[str, Any]] = plan["lanes"]
    return lanes


@task(multiple_outputs=False, map_index_template="{{ lane }}")
def back_up_and_copy(lane: dict[str, Any]) -> dict[str, int]:
    """Heartbeat, log backup, copy and headers of a lane's databases."""
    from include.log_shipping import lanes, outcomes, shipping

    context: Any = get_current_context()
    context["lane"] = lane["label"]
    place = workplace()
    return outcomes.counts(lanes.each(lane["databases"], lambda name: shipping.back_up_and_copy(place, name)))


@task(multiple_outputs=False, trigger_rule=TriggerRule.ALL_DONE)
def check_headers() -> list[dict[str, Any]]:
    """Gate: what would be restored fits the chain and its fork, has checksums, and is what was configured."""
    from include.log_shipping import header_checks, lanes, ship_results, shipping

    context: Any = get_current_context()
    records = records_of(context)
    taken = records.read(shipping.STEP).values()
    if not any(outcome.evidence.get("headers") for outcome in taken):
        return lanes.deal(ship_results.restorable(records, rows=[]))
    validation = check(lambda: header_checks.frame_of(taken), headers_suite(), store=LogShippingHook().gate_store)
    rows = validation.quarantined.to_dict("records")
    ship_results.set_aside(records, rows=rows, at=context["dag_run"].run_after)
    context["ti"].xcom_push(key="gate", value=validation.result.to_dict())
    return lanes.deal(ship_results.restorable(records, rows=rows))


@task(multiple_outputs=False, map_index_template="{{ lane }}")
def restore_logs(lane: dict[str, Any]) -> dict[str, int]:
    """Restore every file that applies, in LSN order, and delete what nobody needs."""
    from include.log_shipping import lanes, outcomes, shipping_restores

    context: Any = get_current_context()
    context["lane"] = lane["label"]
    place = workplace()
    return outcomes.counts(lanes.each(lane["databases"], lambda name: shipping_restores.restore_logs(place, name)))


@task(multiple_outputs=False, trigger_rule=TriggerRule.ALL_DONE)
def record_outcomes() -> dict[str, Any]:
    """Gate on the canaries of readable secondaries, then sum up; red when a database needs a person."""
    from include.log_shipping import ship_results

    context: Any = get_current_context()
    records, at = records_of(context), context["dag_run"].run_after
    canaries = ship_results.canary_frame(records)
    if len(canaries):
        validation = check(lambda: canaries, canary_suite(), store=LogShippingHook().gate_store)
        ship_results.set_canaries_aside(records, rows=validation.quarantined.to_dict("records"), at=at)
    return ship_results.conclude(records, at=at)


@dag(
    schedule="*/5 * * * *",
    catchup=False,
    max_active_runs=1,
    default_args=RETRYING_SOON,
    description="Back up, copy, check and restore the transaction logs of all databases",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.LOG_SHIPPING, Impact.CHANGES, Rerun.SAME_RESULT),
)
def log_shipping_ship() -> None:
    taken = back_up_and_copy.expand(lane=plan_shipping())
    checked = check_headers()
    restored = restore_logs.expand(lane=checked)

    taken >> checked  # the gate stands before every restore
    restored >> record_outcomes()


log_shipping_ship()
