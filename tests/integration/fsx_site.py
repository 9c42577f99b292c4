"""A company with a file server, two DataSync agents and Airflow, for the DAGs of FSx migrations."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import yaml

from include.fsx_migration.places import Places
from include.fsx_migration.settings import FsxMigrationSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.integration.dag_runner import DagRunner, Run
    from tests.local_aws import LocalAws

SERVER = "nas01.corp.example"
PARAMETER = "/shares/projects"
REASON = "the projects move to FSx this weekend"
YES = {"option": "Approve", "user": "oncall"}
NO = {"option": "Reject", "user": "oncall"}


@dataclass
class Site:
    """The company; `name` is the migration at hand."""

    aws: LocalAws
    runner: DagRunner
    home: Path
    name: str = "projects"
    agents: list[str] = field(default_factory=list)
    clock: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def source(self) -> Path:
        return self.home / "share" / self.name

    @property
    def target(self) -> Path:
        return self.aws.state_dir / "fsx" / f"landfall-{self.name}" / "projects"

    @property
    def places(self) -> Places:
        return Places(FsxMigrationSettings().store(self.aws.client("s3")), self.name)

    def prepare(self) -> None:
        """Make a bucket, the share with a tree, two agents, and the name that clients follow."""
        s3 = self.aws.client("s3")
        if "landfall-lake" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket="landfall-lake")
        self.source.mkdir(parents=True)
        self.aws.control("POST", "mounts", {"location": f"nfs://{SERVER}/{self.name}", "directory": str(self.source)})
        datasync = self.aws.client("datasync")
        for number in range(len(self.agents), 2):
            key = f"AAAAA-BBBBB-CCCCC-DDDDD-0000{number}"
            made = datasync.create_agent(ActivationKey=key, AgentName=f"agent-{number}")
            self.agents.append(made["AgentArn"])
        self.aws.client("ssm").put_parameter(Name=PARAMETER, Value=SERVER, Type="String", Overwrite=True)

    def run(self, dag: str, answers: Mapping[str, Any] | None = None, **arguments: Any) -> Run:
        """Run a DAG of the family; `conf` adds to the migration's name."""
        self.clock = max(self.clock + timedelta(seconds=1), datetime.now(UTC))
        conf = {"migration": self.name, **arguments.pop("conf", {})}
        return self.runner.run(
            f"fsx_migration_{dag}", run_after=self.clock, conf=conf, answers=answers or {}, **arguments
        )

    def definition(self, **changes: Any) -> str:
        document = {
            "name": self.name,
            "source": {
                "kind": "nfs",
                "server": SERVER,
                "subdirectory": f"/{self.name}",
                "agents": self.agents,
                "mount": str(self.source),
            },
            "target": {
                "subdirectory": "/projects",
                "mount": str(self.target),
                "lustre": {"storage_gib": 1200, "throughput_per_tib": 125},
                "subnet_ids": ["subnet-0123456789abcdef0"],
                "security_group_ids": ["sg-0123456789abcdef0"],
            },
            "reconciling": {"checksums": "all"},
            "limits": {"failed_share": 0.1},
            "cut_over": {
                "name": {"kind": "ssm", "parameter": PARAMETER},
                "old_value": SERVER,
                "quiet_seconds": 0.2,
            },
        }
        return yaml.safe_dump({**document, **changes}, sort_keys=False)

    def name_says(self) -> str:
        """What clients are told."""
        return str(self.aws.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"])

    def fault(self, **fault: Any) -> None:
        self.aws.control("POST", "datasync/faults", fault)

    def executions(self) -> list[str]:
        """Every execution of every task."""
        datasync = self.aws.client("datasync")
        return [
            run["TaskExecutionArn"]
            for task in datasync.list_tasks()["Tasks"]
            for run in datasync.list_task_executions(TaskArn=task["TaskArn"])["TaskExecutions"]
        ]

    def everything_kept(self, *folder: str) -> str:
        """All documents below a folder of the migration, as text."""
        store = self.places.store
        found = [store.get_bytes(key) for key in store.list_keys(self.name, *folder, "")]
        return b"\n".join(found).decode(errors="replace")

    def write(self, path: str, content: bytes) -> None:
        file = self.source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def trees_differ(source: Path, target: Path) -> list[str]:
    """Name what differs: presence, type, content, mode, owner, mtime of files, targets of links."""
    here, there = _entries(source), _entries(target)
    return sorted(path for path in here.keys() | there.keys() if here.get(path) != there.get(path))


def _entries(root: Path) -> dict[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = {}
    for path in root.rglob("*"):
        state = path.lstat()
        about: tuple[Any, ...] = (state.st_mode, state.st_uid, state.st_gid)
        if path.is_symlink():
            about = (str(path.readlink()),)
        elif path.is_file():
            about += (state.st_mtime_ns // 1_000, path.read_bytes())
        found[str(path.relative_to(root))] = about
    return found


def require(run: Run) -> Run:
    assert run.state == "success", "\n".join(
        line for line in run.log.splitlines() if "Error" in line or "[error" in line
    )[-6000:]
    return run


def document(site: Site, uri: str) -> Any:
    """Return a JSON object by its URI."""
    key = uri.split("/", 3)[3]
    return json.loads(site.aws.client("s3").get_object(Bucket="landfall-lake", Key=key)["Body"].read())
