"""What happens when a failover misses its recovery time objective: somebody hears of it while it still runs."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

log = logging.getLogger(__name__)


async def tell_rto_missed(*, target_minutes: int, **kwargs: Any) -> None:
    """Log that a run missed its RTO, and publish it to the topic of log shipping where one is set.

    Airflow's triggerer calls it once per missed deadline (AsyncCallback); the run goes on.

    :param target_minutes: the objective, for the message.
    """
    message = rto_message(kwargs.get("context") or {}, target_minutes=target_minutes)
    log.warning("%s", message["subject"])
    await asyncio.to_thread(_publish, message)


def rto_message(context: dict[str, Any], *, target_minutes: int) -> dict[str, str]:
    """Return `subject` and `body` of the message; the subject is ASCII and short, as SNS wants it."""
    run = context.get("dag_run") or {}
    dag_id, run_id = run.get("dag_id", "a failover"), run.get("dag_run_id") or run.get("run_id") or "unknown run"
    conf = run.get("conf") or {}
    what = f"{dag_id} has run for more than {target_minutes} minutes"
    lines = [
        f"{what}, its recovery time objective; it goes on ({run_id}).",
        f"Mode: {conf.get('mode') or conf.get('method') or 'not given'}.",
        f"Databases: {', '.join(conf.get('databases') or []) or 'all'}.",
        "First look: does it wait for an answer (Browse > Required Actions), or is a task red?",
        f"Runbook: docs/runbooks/{dag_id}.md",
    ]
    return {"subject": f"[Landfall] {what}"[:100], "body": "\n".join(lines)}


def _publish(message: dict[str, str]) -> None:
    from include.log_shipping.settings import LogShippingSettings

    topic = LogShippingSettings.from_environment(os.environ).alert_topic
    if not topic:
        return
    from landfall.connections import aws_client

    subject = message["subject"].encode("ascii", "replace").decode()
    aws_client("sns").publish(TopicArn=topic, Subject=subject, Message=message["body"])
    log.info("published: %s", subject)
