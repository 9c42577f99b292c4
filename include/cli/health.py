"""What the stack's servers say about the health of its processes."""

import socket
import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from include.cli import components
from include.cli.settings import LOOPBACK, StackSettings
from include.cli.sql_servers import sql_servers

# Name in /api/v2/monitor/health, and the field that holds its last heartbeat.
_REPORTED = {
    components.SCHEDULER: ("scheduler", "latest_scheduler_heartbeat"),
    components.TRIGGERER: ("triggerer", "latest_triggerer_heartbeat"),
    components.DAG_PROCESSOR: ("dag_processor", "latest_dag_processor_heartbeat"),
}


_TDS_SECONDS = 3.0


def healthy_components(settings: StackSettings, *, started_at: datetime) -> set[str]:
    """Ask every server; return the names of the components that are healthy now."""
    healthy = set()
    if _get(f"{settings.aws_url}/_landfall/health") is not None:
        healthy.add(components.LOCAL_AWS)
    healthy |= {place.component for place in sql_servers(settings) if speaks_tds(place.port)}
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


def speaks_tds(port: int) -> bool:
    """Tell whether a SQL Server answers PRELOGIN on 127.0.0.1:``port``: needs neither login nor driver.

    [MS-TDS] 2.2.6.5: the packet has VERSION and ENCRYPTION (not supported); the answer is of type 0x04.
    """
    options = struct.pack(">BHHBHHB", 0, 11, 6, 1, 17, 1, 0xFF)
    payload = options + bytes(6) + b"\x02"
    packet = struct.pack(">BBHHBB", 0x12, 1, 8 + len(payload), 0, 0, 0) + payload
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_TDS_SECONDS) as connection:
            connection.sendall(packet)
            return connection.recv(1) == b"\x04"
    except OSError:
        return False


def _get(url: str) -> dict[str, Any] | None:
    try:
        response = httpx.get(url, timeout=3.0, trust_env=False)
        document = response.json() if response.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, ValueError):
        return None
    return document if isinstance(document, dict) else None
