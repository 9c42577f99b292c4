"""The tasks of an assessment: what a run leaves, what its gates block, and what is published."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from include.discovery.lake import DiscoverySettings
from landfall import discovery_tasks as tasks

if TYPE_CHECKING:
    from tests.local_aws import LocalAws

BUCKET = "discovery-tasks"
SERVERS = """server_id,hostname,ip_address,os_name,cpu_cores,memory_mib,environment,application,owner
s-1,web-01,10.0.0.1,Red Hat Enterprise Linux 8,4,8192,production,shop,anna
s-2,db-01,10.0.0.2,Microsoft Windows Server 2019,8,32768,production,shop,anna
s-3,web-02,10.0.0.3,Ubuntu 22.04,2,4096,test,shop,anna
"""


class Instance:
    """A task instance of a run: where evidence goes, and how the run's tasks ended."""

    dag_id, run_id, map_index, try_number = "discovery_assess", "manual__1", -1, 1

    def __init__(self, task_id: str, states: dict[str, str]) -> None:
        self.task_id, self.states = task_id, states

    def get_task_states(self, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str]]:
        return {run_ids[0]: self.states}


@pytest.fixture
def store(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LANDFALL_DISCOVERY_BUCKET", BUCKET)
    client = aws.client("s3")
    if BUCKET not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=BUCKET)
    return DiscoverySettings(bucket=BUCKET).store(client)


def act(monkeypatch: pytest.MonkeyPatch, task_id: str, *, states: dict[str, str] | None = None, **params: Any) -> None:
    given = {"sources": None, "settings": None, "review": None, "outcomes": ["snapshot"], **params}
    run = SimpleNamespace(dag_id="discovery_assess", run_id="manual__1", run_after=datetime(2026, 11, 1, tzinfo=UTC))
    context = {"dag_run": run, "ti": Instance(task_id, states or {}), "params": given, "run_id": run.run_id}
    monkeypatch.setattr("landfall.discovery_tasks.get_current_context", lambda: context)


def test_a_run_scores_what_it_read_and_publishes_only_what_its_gates_let_pass(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from landfall.gates import GateBlocked

    store.put_bytes(store.key("inbox", "servers.csv"), SERVERS.encode())
    act(monkeypatch, "collect_inventory")
    assert tasks.collect_inventory()["servers"] == 3
    act(monkeypatch, "score_estate")
    verdicts = tasks.score_estate()
    assert verdicts == {"snapshot": "pass", "tco": "block", "wave_plan": "block"}
    act(monkeypatch, "write_deliverables")
    assert tasks.write_deliverables()["report"].endswith("/manual__1/assessment/report.html")
    summary = json.loads(store.get_bytes(store.key("runs", "manual__1", "assessment", "summary.json")))
    assert (summary["servers"], summary["at"]) == (3, "2026-11-01")

    act(monkeypatch, "gate_snapshot")
    assert tasks.gate_outcome("snapshot")["verdict"] == "pass"
    act(monkeypatch, "gate_wave_plan")
    with pytest.raises(GateBlocked, match="collect connections for two weeks"):
        tasks.gate_outcome("wave_plan")

    ended = {"write_deliverables": "success", "gate_snapshot": "success", "gate_tco": "failed"}
    act(monkeypatch, "publish_outcomes", states=ended)
    assert tasks.publish_outcomes()["published"] == ["snapshot"]
    act(monkeypatch, "publish_outcomes", states=ended, outcomes=["snapshot", "tco"])
    with pytest.raises(Exception, match="Not published: tco"):
        tasks.publish_outcomes()
    assert store.get_json(store.key("published", "snapshot.json")) == {"run": "manual__1"}
    assert store.find_json(store.key("published", "tco.json")) is None


def test_an_empty_inbox_skips_and_a_file_of_the_worker_is_never_read(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    store.delete_prefix("inbox")
    act(monkeypatch, "collect_inventory")
    with pytest.raises(AirflowSkipException, match="is empty: put exports there"):
        tasks.collect_inventory()
    act(monkeypatch, "publish_outcomes", states={"collect_inventory": "skipped"})
    with pytest.raises(AirflowSkipException):
        tasks.publish_outcomes()
    act(monkeypatch, "publish_outcomes", states={"collect_inventory": "success", "write_deliverables": "failed"})
    with pytest.raises(AirflowFailException, match="not written"):
        tasks.publish_outcomes()
    store.put_bytes(store.key("inbox", "servers.csv"), SERVERS.encode())
    act(monkeypatch, "collect_inventory", settings="reading: {formats: [/etc/passwd]}")
    with pytest.raises(ValueError, match="never a file of its worker"):
        tasks.collect_inventory()


def test_a_choice_of_a_tool_is_kept_with_its_reason(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    act(monkeypatch, "select_tool", request="outcome: tco\nin_house: {server_inventory: yes}\n")
    found = tasks.select_tool()
    assert found["choice"]
    kept = store.get_json(store.key("tool_selections", "manual__1.json"))
    assert (kept["choice"], kept["reason"]) == (found["choice"], found["reason"])
