"""What the FSx migration demo works on: a file server's share, two agents, the name clients follow, a definition."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from include.cli.demo_tree import make_tree, planned_files, within
from include.cli.refusal import RefusalError
from include.fsx_migration.places import Places
from include.fsx_migration.settings import FsxMigrationSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from include.cli.settings import StackSettings

SERVER, EXPORT = "nas01.landfall.example", "/projects"
PARAMETER = "/landfall/demo/projects"
SERIES = "projects-"
AGENTS = ("landfall-demo-agent-1", "landfall-demo-agent-2")
ACTIVATION_KEY = "LANDF-ALLDE-MOAGE-NT000-0000{}"
UNREADABLE = 3
_ENDED = ("SUCCESS", "ERROR")
_ODD_FILES = 13
"""The first files of the plan have odd names; faults and clients take others, whose names patterns can hold."""


class DemoShare:
    """The share of the demo's company, and its new migration.

    :param client: returns a boto3 client of a service.
    """

    def __init__(self, settings: StackSettings, client: Callable[[str], Any]) -> None:
        self._settings = settings
        self._client = client
        self.names = FsxMigrationSettings()
        self.source = settings.home / "source" / "projects"
        self.name = ""
        self.file_system_dns = ""

    @property
    def places(self) -> Places:
        """Where everything of this migration lies."""
        return Places(self.names.store(self._client("s3")), self.name)

    @property
    def target(self) -> Path:
        """Where a worker sees the target: the local FSx gives a file system with a Name a folder of that name."""
        return self._settings.aws_state / "fsx" / f"landfall-{self.name}" / EXPORT.strip("/")

    def create(self, *, at: datetime) -> None:
        """Make the tree where it is missing, and everything else anew; what earlier demos left in AWS goes."""
        made = self.source.with_name("projects.made")
        if not made.exists():
            shutil.rmtree(self.source, ignore_errors=True)
            make_tree(self.source, at=at)
            made.touch()
        s3 = self._client("s3")
        if self.names.bucket not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
            s3.create_bucket(Bucket=self.names.bucket)
        self.name = self._next_name()
        self._post("mounts", {"location": f"nfs://{SERVER}{EXPORT}", "directory": str(self.source)})
        self._delete("datasync/faults")
        self._give_back()
        self._post("fsx", {"create_seconds": 0})
        self._client("ssm").put_parameter(Name=PARAMETER, Value=SERVER, Type="String", Overwrite=True)

    def definition(self) -> str:
        """Return the migration's definition, as a storage engineer writes it."""
        return yaml.safe_dump(
            {
                "name": self.name,
                "source": {
                    "kind": "nfs",
                    "server": SERVER,
                    "subdirectory": EXPORT,
                    "agents": self._agents(),
                    "mount": str(self.source),
                },
                "target": {
                    "subdirectory": EXPORT,
                    "mount": str(self.target),
                    "lustre": {"storage_gib": 1200, "throughput_per_tib": 125},
                    "subnet_ids": ["subnet-0123456789abcdef0"],
                    "security_group_ids": ["sg-0123456789abcdef0"],
                },
                "transfer": {"parts": 4},
                "cut_over": {
                    "name": {"kind": "ssm", "parameter": PARAMETER},
                    "old_value": SERVER,
                    "quiet_seconds": 2,
                },
            },
            sort_keys=False,
        )

    def strike(self, victims: Sequence[bytes]) -> None:
        """Make trouble: a file changed in flight, one execution that fails, and files that nobody may read."""
        corrupt, *unreadable = (os.fsdecode(path.rpartition(b"/")[2]) for path in victims)
        self._fault(kind="corrupt", match=f"*/{corrupt}", times=1)
        self._fault(kind="execution_error", times=1)
        for name in unreadable:
            self._fault(kind="unreadable", match=f"*/{name}")

    def files(self) -> tuple[list[bytes], list[bytes]]:
        """Return present files of ordinary names: the victims of `strike`, and those that clients may touch."""
        ordinary = [file.path for file in planned_files()][_ODD_FILES:-1]
        present = [path for path in ordinary if within(self.source, path).exists()]
        return present[: UNREADABLE + 1], present[UNREADABLE + 1 :: 7]

    @property
    def number(self) -> int:
        """Which migration of this home it is, from 1."""
        return int(self.name.removeprefix(SERIES))

    def leads_to(self) -> str:
        """Return what the name says that clients follow."""
        return str(self._client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"])

    def root(self) -> Path:
        """Return where the name leads clients: the file server's share, or the new file system."""
        return self.source if self.leads_to() == SERVER else self.target

    def _next_name(self) -> str:
        """Number the migrations of this home: plans and records of earlier ones stay to be looked at."""
        prefix = self.names.store(None).key(SERIES)
        pages = self._client("s3").get_paginator("list_objects_v2")
        folders = [
            found["Prefix"]
            for page in pages.paginate(Bucket=self.names.bucket, Prefix=prefix, Delimiter="/")
            for found in page.get("CommonPrefixes", ())
        ]
        return f"{SERIES}{max((int(folder[len(prefix) : -1]) for folder in folders), default=0) + 1}"

    def _agents(self) -> list[str]:
        datasync = self._client("datasync")
        known = {agent.get("Name"): str(agent["AgentArn"]) for agent in datasync.list_agents()["Agents"]}
        for number, name in enumerate(AGENTS):
            if name not in known:
                key = ACTIVATION_KEY.format(number)
                known[name] = datasync.create_agent(ActivationKey=key, AgentName=name)["AgentArn"]
        return [known[name] for name in AGENTS]

    def _give_back(self) -> None:
        """End the executions of earlier demos and delete their tasks and file systems."""
        datasync, fsx = self._client("datasync"), self._client("fsx")
        for task in datasync.list_tasks()["Tasks"]:
            if SERIES not in task.get("Name", ""):
                continue
            for run in datasync.list_task_executions(TaskArn=task["TaskArn"])["TaskExecutions"]:
                if run["Status"] not in _ENDED:
                    datasync.cancel_task_execution(TaskExecutionArn=run["TaskExecutionArn"])
            datasync.delete_task(TaskArn=task["TaskArn"])
        for found in fsx.describe_file_systems()["FileSystems"]:
            tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}
            if tags.get("Name", "").startswith(f"landfall-{SERIES}") and found["Lifecycle"] == "AVAILABLE":
                fsx.delete_file_system(FileSystemId=found["FileSystemId"])

    def _fault(self, **fault: object) -> None:
        self._post("datasync/faults", fault)

    def _post(self, path: str, body: object) -> None:
        answer = httpx.post(f"{self._settings.aws_url}/_landfall/{path}", json=body, timeout=30, trust_env=False)
        if answer.is_error:
            raise RefusalError(f"The local AWS refused {body}: {answer.text}")

    def _delete(self, path: str) -> None:
        httpx.delete(f"{self._settings.aws_url}/_landfall/{path}", timeout=30, trust_env=False).raise_for_status()
