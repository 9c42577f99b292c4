"""
# Take one indicator out, or let it back

Suppresses an indicator until an end date, or releases it before that date. Look-ups obey at once; refreshes go on
counting its evidence but never bring it back before the date. An indicator that is not in the table may be suppressed
as well: it then cannot come in.

- **Changes:** the suppression of one item of the indicator table, and an audit record under `ioc/audit/suppressions/`.
- **Undo:** trigger this DAG again with the other action.
- **If it fails:** clear the failed task, writing twice is the same as once:
  `docs/runbooks/ioc_refresh_suppress.md`
- **Waits for a person:** never.
"""

from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from include.ioc_refresh import suppression_orders
from include.ioc_refresh.kinds import Kind
from landfall.hooks.ioc_refresh import IocRefreshHook
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

KINDS = [str(kind) for kind in Kind]
PARAMS = {
    "kind": Param(KINDS[0], enum=KINDS, description="Kind of the indicator: choose what the threat report's hit says."),
    "value": Param(
        type="string",
        minLength=1,
        maxLength=1024,
        description="Its value, copied from Identifier in the threat report, for example example.com.",
    ),
    "action": Param(
        "suppress",
        enum=["suppress", "release"],
        description="Suppress takes it out until the end date below, release lets it back at once.",
    ),
    "until": Param(
        None,
        type=["null", "string"],
        format="date",
        description="Last day (UTC) of the suppression, at most 365 days ahead. Needed to suppress, not to release.",
    ),
    "reason": Param(
        type="string",
        minLength=10,
        maxLength=500,
        format="multiline",
        description="Why, in at least ten characters; everybody who meets the suppression reads it.",
    ),
    "dry_run": Param(
        False,
        type="boolean",
        description="Stop after show_change: its XCom says what would change, nothing is written.",
    ),
    "asked_by": Param(
        None,
        type=["null", "string"],
        maxLength=100,
        section="Started by a script",
        description="Who asks, when a script without a user of its own triggers this; a signed-in user wins.",
    ),
}


@task.short_circuit(multiple_outputs=False)
def show_change() -> dict[str, Any]:
    """Check the order and show what it changes; a dry run ends here."""
    ioc, context = IocRefreshHook(), get_current_context()
    run, params = context["dag_run"], context["params"]
    order = suppression_orders.read_order(params, at=run.run_after, signed_in_user=run.triggering_user_name)
    change = suppression_orders.preview(ioc.table, order)
    context["ti"].xcom_push(key="change", value=change)
    return {} if params["dry_run"] else change


@task(multiple_outputs=False)
def write_suppression() -> dict[str, Any]:
    """Write it where look-ups read it, then keep the audit record."""
    ioc, context = IocRefreshHook(), get_current_context()
    run, params = context["dag_run"], context["params"]
    order = suppression_orders.read_order(params, at=run.run_after, signed_in_user=run.triggering_user_name)
    return suppression_orders.carry_out(ioc.lake, ioc.table, order, run_id=run.run_id)


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=RETRYING,
    description="Take an indicator out until a date, or let it back",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.IOC_REFRESH, Impact.CHANGES, Rerun.SAME_RESULT),
)
def ioc_refresh_suppress() -> None:
    show_change() >> write_suppression()


ioc_refresh_suppress()
