"""
# Watch log shipping

Measures each minute how old the last backup, copy and restore of every database are and how far its secondary is
behind, in seconds and in bytes of log, and keeps the readings for plotting. What is over its threshold, a server that
does not answer, two servers that both take writes, and databases that nobody protects open an incident: told once,
with its end.

- **Changes:** `log_shipping/history/` and `log_shipping/incidents/` in the lake; messages to the alert topic.
- **Undo:** nothing to undo.
- **If it fails:** the next run looks again; while it is red nobody is told anything:
  `docs/runbooks/log_shipping_monitor.md`
- **Waits for a person:** never.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowSkipException

from landfall.alerts import AlertTopic
from landfall.hooks.log_shipping import LogShippingHook
from landfall.log_shipping_runs import workplace
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags


@task(multiple_outputs=False)
def watch_databases() -> dict[str, Any]:
    """Measure, keep the readings, and tell what changed."""
    from include.log_shipping import active, history, incidents, monitoring

    hook = LogShippingHook()
    if active.find_active(hook.store) is None:
        raise AirflowSkipException("Nothing is shipped yet: run log_shipping_configure.")
    place = workplace()
    at = place.clock()
    found = monitoring.watch(place)
    uri = history.append(hook.store, found.rows, at=at)
    topic = AlertTopic(hook.store, sns=hook.client("sns"), topic_arn=hook.settings.alert_topic)
    told = incidents.settle(hook.store, found.troubles, unseen=found.unseen, at=at, publish=topic)
    late = [row["database"] for row in found.rows if row["verdict"] == "late"]
    return {
        "databases": len(found.rows),
        "late": late[:20],
        "open_incidents": len(incidents.open_incidents(hook.store)),
        "told": [message.subject for message in told],
        "history": uri,
    }


@dag(
    schedule="* * * * *",
    catchup=False,
    max_active_runs=1,
    default_args={**RETRYING, "retries": 1, "retry_delay": timedelta(seconds=5)},
    description="Measure how far every secondary is behind, and tell incidents once",
    doc_md=__doc__,
    params={},
    tags=tags(Family.LOG_SHIPPING, Impact.READS, Rerun.SAME_RESULT),
)
def log_shipping_monitor() -> None:
    watch_databases()


log_shipping_monitor()
