"""What the stack's two servers say about the health of its processes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from include.cli import components
from include.cli.settings import StackSettings

# Name in /api/v2/monitor/health, and the field that holds its last heartbeat.
_REPORTED = {
    components.SCHEDULER: ("scheduler", "latest_scheduler_heartbeat"),
    components.TRIGGERER: ("triggerer", "latest_triggerer_heartbeat"),
    components.DAG_PROCESSOR: ("dag_processor", "latest_dag_processor_heartbeat"),
}


def healthy_components(settings: StackSettings, *, started_at: datetime) -> set[str]:
    """Ask both servers; return the names of the components that are healthy now."""
    healthy = set()
    if _get(f"{settings.aws_url}/_landfall/health") is not None:
        healthy.add(components.LOCAL_AWS)
    report = _get(f"{settings.ui_url}/api/v2/monitor/health")
    return healthy | healthy_in_report(report, started_at=started_at)


def healthy_in_report(report: Mapping[str, Any] | None, *, started_at: datetime) -> set[str]:
    """Read Airflow's health report.

    A heartbeat from before ``started_at`` is the last one of a killed predecessor, which Airflow still calls
    healthy for 30 s: it does not count.
    """
    if not report:
        return set()
    healthy = set()
    if report.get("metadatabase", {}).get("status") == "healthy":
        healthy.add(components.API_SERVER)
    for name, (key, heartbeat_key) in _REPORTED.items():
        entry = report.get(key) or {}
        heartbeat = entry.get(heartbeat_key)
        if entry.get("status") == "healthy" and heartbeat and datetime.fromisoformat(heartbeat) >= started_at:
            healthy.add(name)
    return healthy


def _get(url: str) -> dict[str, Any] | None:
    try:
        response = httpx.get(url, timeout=3.0, trust_env=False)
        document = response.json() if response.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, ValueError):
        return None
    return document if isinstance(document, dict) else None
