"""Memory of waiting for 200 executions: one trigger in a triggerer, beside the stock operator's process for each wait.

Ours: a process with Airflow's triggerer loaded runs one MigrationTrigger over 200 executions of the local AWS, through
the real clients; what grows is its resident memory, from before our trigger is imported to its highest. The amazon
provider is loaded before, as in any triggerer that has an AWS trigger; the note says what that takes. Peer: a process
waits for one execution as the provider's DataSyncOperator does; its memory, without what Airflow's own imports take, is
multiplied by 200, for each wait holds a worker slot with a process of its own.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

EXECUTIONS = int(os.environ.get("LANDFALL_BENCH_EXECUTIONS", "200"))
SECONDS = float(os.environ.get("LANDFALL_BENCH_WATCH_SECONDS", "30"))
AGENTS, BUCKET, NAME = 2, "landfall-lake", "bench"
DEFINITION = """\
name: bench
source: {{kind: nfs, server: nas01.example, subdirectory: /projects, agents: {agents}, mount: /mnt/source}}
target:
  lustre: {{storage_gib: 2400, throughput_per_tib: 250}}
  subnet_ids: [subnet-0123456789abcdef0]
  security_group_ids: [sg-0123456789abcdef0]
  subdirectory: /projects
  mount: /mnt/target
cut_over: {{name: {{kind: ssm, parameter: /shares/projects/host}}, old_value: nas01.example}}
"""


def run() -> Iterator[dict[str, Any]]:
    """Yield watch_memory_growth."""
    from benchmarks.stand_in import stand_in

    with tempfile.TemporaryDirectory() as folder, stand_in(Path(folder)) as aws:
        arns = _prepare(aws, Path(folder))
        ours = _child("watch", aws.endpoint, Path(folder))
        peer = _child("wait", aws.endpoint, Path(folder), arns[-1])
    for_all = peer["megabytes"] * EXECUTIONS
    note = (
        f"MB; {EXECUTIONS} executions, one trigger, {ours['looks']} looks in {SECONDS:.0f} s, no worker slot held; "
        f"triggerer {ours['before']:.0f} MB before, {ours['provider']:.0f} by the amazon provider. Stock operator: "
        f"{peer['megabytes']:.1f} MB in its own process for one wait (of {peer['resident']:.0f} MB resident), "
        f"{EXECUTIONS} worker slots; extrapolated"
    )
    yield {
        "name": "watch_memory_growth",
        "ours": round(ours["growth"], 1),
        "peer": round(for_all, 1),
        "ratio": round(for_all / max(ours["growth"], 0.1), 1),
        "unit": "MB",
        "note": note,
    }


def _prepare(aws: Any, folder: Path) -> list[str]:
    """Start the executions (none gets further than LAUNCHING) and write the documents that the trigger reads."""
    from include.fsx_migration.places import Places
    from include.fsx_migration.resources.file_systems import FileSystem
    from include.fsx_migration.resources.transfer_resources import AgentTask, Resources
    from include.fsx_migration.settings import FsxMigrationSettings
    from include.fsx_migration.transfer.pass_model import Attempt, AttemptState, Pass, PassKind, PassPart

    client, s3 = aws.client("datasync"), aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    _control(aws, "mounts", {"location": "nfs://nas01.example/projects", "directory": str(folder)})
    _control(aws, "datasync/faults", {"kind": "stuck_launching"})
    target = client.create_location_s3(S3BucketArn=f"arn:aws:s3:::{BUCKET}", S3Config={"BucketAccessRoleArn": ROLE})
    tasks = []
    for _ in range(AGENTS):
        agent = client.create_agent(ActivationKey="AAAAA-BBBBB-CCCCC-DDDDD-EEEEE")["AgentArn"]
        source = client.create_location_nfs(
            ServerHostname="nas01.example", Subdirectory="/projects", OnPremConfig={"AgentArns": [agent]}
        )["LocationArn"]
        task = client.create_task(SourceLocationArn=source, DestinationLocationArn=target["LocationArn"])["TaskArn"]
        tasks.append(AgentTask(agent=agent, task_arn=task, source_location_arn=source))
    now, parts = datetime.now(UTC), []
    for number in range(EXECUTIONS):
        task = tasks[number % AGENTS]
        arn = client.start_task_execution(TaskArn=task.task_arn)["TaskExecutionArn"]
        attempt = Attempt(
            number=1, intended=now, manifest_key="m", options={}, arn=arn, state=AttemptState.STARTED, started=now
        )
        parts.append(
            PassPart(
                name=f"{number:04d}",
                agent=task.agent,
                task_arn=task.task_arn,
                manifest_key="m",
                files=1_000_000,
                bytes=1 << 40,
                attempts=(attempt,),
            )
        )
    made = Pass(number=1, kind=PassKind.FULL, run="d/r", plan_id="p", listing_key="l", opened=now, parts=tuple(parts))
    file_system = FileSystem(id="fs-0123456789abcdef0", arn="a", kind="LUSTRE", lifecycle="AVAILABLE", storage_gib=2400)
    resources = Resources(file_system=file_system, tasks=tuple(tasks), target_location_arn="t", log_group="g")
    places = Places(FsxMigrationSettings(bucket=BUCKET).store(s3), NAME)
    places.store.put_bytes(places.definition, DEFINITION.format(agents=[task.agent for task in tasks]).encode())
    places.store.put_json(places.resources, {"entries": [], "ready": resources.to_dict()})
    places.store.put_json(places.transfer_pass(1, "pass.json"), made.to_dict())
    return [part.attempts[0].arn for part in parts]


ROLE = "arn:aws:iam::123456789012:role/landfall-datasync"


def _control(aws: Any, path: str, body: Any) -> None:
    import urllib.request

    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{aws.endpoint}/_landfall/{path}", data, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=30).close()


def _child(role: str, endpoint: str, folder: Path, *more: str) -> dict[str, Any]:
    root = Path(__file__).parents[1]
    extra = {"region_name": "us-east-1", "endpoint_url": endpoint}
    connection = {"conn_type": "aws", "login": "local", "password": "local", "extra": extra}
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "PYTHONPATH": os.pathsep.join([str(root), str(root / "plugins")]),
    }
    command = [sys.executable, "-m", "benchmarks.fsx_watch", role, *more]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _watch() -> dict[str, Any]:
    """Child: run one trigger in a triggerer's process and see how much memory that takes."""
    import airflow.jobs.triggerer_job_runner  # the process that triggers run in

    bare = resident()
    import airflow.providers.amazon.aws.hooks.base_aws  # noqa: F401 - as above

    before = resident()
    from landfall.triggers.fsx_migration import MigrationTrigger
    from landfall.triggers.fsx_migration_watch import Watch

    looks, look = [0], Watch.look

    async def counted(self: Any) -> None:
        looks[0] += 1
        await look(self)

    Watch.look = counted  # type: ignore[method-assign]  # counts, and changes nothing
    trigger = MigrationTrigger(migration=NAME, bucket=BUCKET, pass_number=1, poll_seconds=0.5)

    async def some_time() -> None:
        async for event in trigger.run():
            raise RuntimeError(f"The trigger was not meant to fire: {event}")

    highest = [before]
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(0.2):
            highest[0] = max(highest[0], resident())

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        asyncio.run(asyncio.wait_for(some_time(), SECONDS))
    except TimeoutError:
        pass
    finally:
        ended.set()
        thread.join()
    return {"before": before, "provider": before - bare, "growth": highest[0] - before, "looks": looks[0]}


def _wait(arn: str) -> dict[str, Any]:
    """Child: wait as the stock operator does; its memory without what importing Airflow's SDK takes."""
    import airflow.sdk  # noqa: F401 - what every task's process has loaded

    before = resident()
    from airflow.providers.amazon.aws.operators.datasync import DataSyncOperator

    operator = DataSyncOperator(task_id="wait", task_arn=arn.partition("/execution/")[0], wait_interval_seconds=1)
    threading.Thread(
        target=lambda: operator.hook.wait_for_task_execution(arn, max_iterations=10_000), daemon=True
    ).start()
    time.sleep(8)
    return {"megabytes": resident() - before, "resident": resident()}


def resident() -> float:
    """Return this process's resident memory in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    found = _watch() if sys.argv[1] == "watch" else _wait(sys.argv[2])
    print(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)
