"""A source, a destination and an agent in the local AWS, and the executions between them."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from tests.local_aws import LocalAws

DEADLINE_SECONDS = 50
ROLE = "arn:aws:iam::123456789012:role/datasync"
KEY = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"
ENDED = ("SUCCESS", "ERROR")
QUICK = {"VerifyMode": "ONLY_FILES_TRANSFERRED"}


@dataclass
class Lab:
    """Two directories, mapped as an NFS server's exports, and a bucket; names are its own."""

    aws: LocalAws
    folder: Path
    name: str = field(default_factory=lambda: f"lab{uuid4().hex[:10]}")

    def __post_init__(self) -> None:
        self.client = self.aws.client("datasync")
        self.source, self.target = self.folder / "source", self.folder / "target"
        for side in (self.source, self.target):
            side.mkdir(parents=True)
            mount = {"location": f"nfs://{self.name}/{side.name}", "directory": str(side)}
            self.aws.control("POST", "mounts", mount)
        self.aws.client("s3").create_bucket(Bucket=self.name)
        self.agent = self.new_agent()

    def new_agent(self) -> str:
        """Make an agent."""
        return str(self.client.create_agent(ActivationKey=KEY, AgentName=f"{self.name}-agent")["AgentArn"])

    def location(self, path: str, *agents: str) -> str:
        """Make an NFS location."""
        config = {"AgentArns": list(agents) or [self.agent]}
        made = self.client.create_location_nfs(ServerHostname=self.name, Subdirectory=path, OnPremConfig=config)
        return str(made["LocationArn"])

    def task(self, *, agent: str = "", options: Mapping[str, Any] | None = None, **more: Any) -> str:
        """Make a task from source to target that verifies what it transfers."""
        agent = agent or self.agent
        arns = {"SourceLocationArn": self.location("/source", agent)}
        arns["DestinationLocationArn"] = self.location("/target", agent)
        made = self.client.create_task(**{**arns, **more}, Name=self.name, Options={**QUICK, **(options or {})})
        return str(made["TaskArn"])

    def start(self, task: str, **more: Any) -> str:
        """Start an execution."""
        return str(self.client.start_task_execution(TaskArn=task, **more)["TaskExecutionArn"])

    def describe(self, execution: str) -> dict[str, Any]:
        """Describe an execution."""
        described: dict[str, Any] = self.client.describe_task_execution(TaskExecutionArn=execution)
        return described

    def wait(
        self, execution: str, until: Callable[[dict[str, Any]], bool] = lambda one: one["Status"] in ENDED
    ) -> dict[str, Any]:
        """Describe it until something is true."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not until(found := self.describe(execution)):
            assert time.monotonic() < deadline, found
            time.sleep(0.02)
        return found

    def run(self, task: str = "", **more: Any) -> dict[str, Any]:
        """Start an execution (of a new task when none is named) and wait for its end."""
        return self.wait(self.start(task or self.task(), **more))

    def fill(self, files: Mapping[str, bytes | str]) -> None:
        """Write files into the source."""
        for name, content in files.items():
            path = self.source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def fault(self, kind: str, **more: Any) -> str:
        """Put a transfer fault in force for tasks of this lab."""
        where = {"agent": self.agent} if kind == "agent_offline" else {"task": self.name}
        return str(self.aws.control("POST", "datasync/faults", {"kind": kind, **where, **more})["id"])

    def manifest(self, content: str | bytes) -> dict[str, Any]:
        """Put a manifest into the bucket and give the ManifestConfig."""
        key = f"manifests/{uuid4().hex}.csv"
        body = content if isinstance(content, bytes) else content.encode()
        self.aws.client("s3").put_object(Bucket=self.name, Key=key, Body=body)
        place = {"ManifestObjectPath": key, "S3BucketArn": f"arn:aws:s3:::{self.name}", "BucketAccessRoleArn": ROLE}
        return {"Source": {"S3": place}}

    def report_config(self, **more: Any) -> dict[str, Any]:
        """Give a TaskReportConfig that lists everything."""
        place = {"Subdirectory": "reports/", "S3BucketArn": f"arn:aws:s3:::{self.name}", "BucketAccessRoleArn": ROLE}
        return {
            "Destination": {"S3": place},
            "OutputType": "STANDARD",
            "ReportLevel": "SUCCESSES_AND_ERRORS",
            **more,
        }

    def reports(self, execution: str) -> dict[str, list[dict[str, Any]]]:
        """Read the detailed reports of an execution, by section."""
        task, ident = (execution.split("/")[at] for at in (1, 3))
        found: dict[str, list[dict[str, Any]]] = {}
        for key in self.keys(f"reports/Detailed-Reports/{task}/{ident}/"):
            body = json.loads(self.aws.client("s3").get_object(Bucket=self.name, Key=key)["Body"].read())
            assert body.pop("TaskExecutionId") == ident
            for section, entries in body.items():
                found.setdefault(section, []).extend(entries)
        return found

    def keys(self, prefix: str) -> list[str]:
        """List object names."""
        pages = self.aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]


def tree(root: Path) -> dict[bytes, tuple[Any, ...]]:
    """Give everything below a directory: kind, mode, owner, time, and content or link text."""
    base, found = os.fsencode(root), {}
    for folder, directories, files in os.walk(base):
        for name in [*directories, *files]:
            path = folder + b"/" + name
            status = os.lstat(path)
            body: bytes = b""
            if os.path.islink(path):  # noqa: PTH114 - names are bytes
                body = os.readlink(path)  # noqa: PTH115 - names are bytes
            elif os.path.isfile(path):  # noqa: PTH113 - names are bytes
                with open(path, "rb") as file:  # noqa: PTH123 - names are bytes
                    body = file.read()
            head = status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns
            found[path[len(base) + 1 :]] = (*head, body)
    return found


def names(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give the paths of report entries, sorted."""
    return sorted(entry["RelativePath"] for entry in entries)
