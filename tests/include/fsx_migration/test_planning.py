"""From a listing to a plan that is kept: nothing lost on the way, nothing in AWS changed."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from include.fsx_migration.listings.listing import ListingRefusedError
from include.fsx_migration.partition.manifests import read_manifest
from include.fsx_migration.planning.plan_making import Order, keep_listing, listing_key, make_plan
from include.fsx_migration.planning.plans import Plan, load_plan
from include.fsx_migration.planning.target_state import read_target
from include.fsx_migration.workplace import Workplace
from tests.include.fsx_migration.fake_aws import AGENTS, AT, FakeAws, migration, workplace
from tests.include.fsx_migration.plan_samples import GIB, NOW, write_listing
from tests.include.log_shipping.fail_over.lake_in_memory import LakeInMemory

TEXT = "name: projects\n"
ODD = 'a "b", c\n\u202egpj.exe'


class Lake(LakeInMemory):
    """Large files go through it as they do through boto3's transfer manager."""

    def __init__(self) -> None:
        super().__init__()
        self.client = SimpleNamespace(download_file=self._download, upload_file=self._upload)

    def _download(self, bucket: str, key: str, path: str) -> None:
        if key not in self.objects:
            missing = {"Error": {"Code": "404"}, "ResponseMetadata": {"HTTPStatusCode": 404}}
            raise ClientError(missing, "HeadObject")  # type: ignore[arg-type]
        Path(path).write_bytes(self.objects[key])

    def _upload(self, path: str, bucket: str, key: str, ExtraArgs: Any) -> None:  # noqa: N803 - boto3's name
        self.objects[key] = Path(path).read_bytes()

    def get_json(self, key: str) -> Any:
        return json.loads(self.objects[key])


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of a plan's time; test_plan_page draws."""
    monkeypatch.setattr(
        "include.fsx_migration.planning.plan_making.plan_page", lambda plan, *_, **__: f"page of {plan.plan_id}"
    )


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def place(aws: FakeAws, tmp_path: Path) -> Workplace:
    source = replace(migration().source, mount=tmp_path / "source")
    source.mount.mkdir()
    return workplace(aws, migration(source=source), lake=Lake())


def planned(place: Workplace, **order: Any) -> Plan:
    return make_plan(place, Order(plan_id="p1", definition=TEXT, start=NOW, **order))


def put_listing(place: Workplace, tmp_path: Path, rows: list[dict[str, Any]], name: str = "in/l.parquet") -> str:
    place.store.put_bytes(name, write_listing(tmp_path / "in.parquet", rows).read_bytes())
    return f"s3://lake/{name}"


def names_in_manifests(place: Workplace, plan: Plan, folder: Path) -> Iterator[str]:
    for part in plan.parts:
        file = folder / "manifest.csv"
        file.write_bytes(place.store.get_bytes(part.manifest_key))
        yield from read_manifest(file)


def test_every_file_is_in_one_manifest_and_the_sums_are_those_of_the_listing(place: Workplace, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"path": f"d{at % 7}/f{at}", "size": at * 1000} for at in range(200)]
    rows += [{"path": "link", "type": "symlink"}, {"path": "empty", "type": "directory"}, {"path": ODD}]
    facts = keep_listing(place, "p1", uri=put_listing(place, tmp_path, rows))
    assert (facts["is_readable"], facts["files"], facts["symlinks"], facts["directories"]) == (True, 201, 1, 1)
    plan = planned(place, parts=5)
    found = list(names_in_manifests(place, plan, tmp_path))
    assert sorted(found) == sorted(row["path"] for row in rows if row.get("type") != "directory")
    assert sum(part.files for part in plan.parts) == plan.files == 202
    assert sum(part.bytes for part in plan.parts) == plan.bytes + 1  # the link's
    assert {part.agent for part in plan.parts} == set(AGENTS)
    assert load_plan(place.places, "p1") == plan
    assert place.store.get_bytes(place.places.plan("p1", "page.html")) == b"page of p1"


def test_planning_changes_nothing_in_aws_and_needs_no_file_system(
    place: Workplace, aws: FakeAws, tmp_path: Path
) -> None:
    keep_listing(place, "p1", uri=put_listing(place, tmp_path, [{"path": "a"}]))
    plan = planned(place)
    assert not aws.writes
    assert plan.blocks == ()
    assert place.store.find_json(place.places.current_plan) is None


def test_planning_again_writes_the_same_objects(place: Workplace, tmp_path: Path) -> None:
    uri = put_listing(place, tmp_path, [{"path": f"f{at}", "size": at} for at in range(50)])
    kept = []
    for _ in range(2):
        keep_listing(place, "p1", uri=uri)
        planned(place, parts=3)
        kept.append(dict(place.store.objects))  # type: ignore[attr-defined]
    changed = [key for key in kept[0] if kept[0][key] != kept[1][key]]
    assert changed == []


def test_without_a_listing_the_mount_is_scanned_and_what_was_not_seen_is_told(place: Workplace) -> None:
    root = place.migration.source.mount
    (root / "a").write_bytes(b"12345")
    os.link(root / "a", root / "b")
    os.mkfifo(root / "pipe")
    (root / os.fsdecode(b"raw\xff")).write_bytes(b"x")
    facts = keep_listing(place, "p1")
    assert (facts["files"], facts["bytes"]) == (3, 11)
    plan = planned(place)
    sentences = " ".join(finding.sentence for finding in plan.findings)
    assert "1 sockets, pipes or devices, as 'pipe'" in sentences
    assert "2 files are hard links" in sentences
    assert plan.left_out == 1
    assert b"raw" in place.store.get_bytes(plan.left_out_key)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"path": "a"}, {"path": "a"}], "'a'"),
        ([{"path": "a", "size": -1}], "row 1"),
        ([{"path": "/a"}], "absolute"),
    ],
)
def test_a_listing_that_cannot_be_meant_is_refused_with_its_address(
    rows: list[dict[str, Any]], told: str, place: Workplace, tmp_path: Path
) -> None:
    uri = put_listing(place, tmp_path, rows)
    facts = keep_listing(place, "p1", uri=uri)
    assert facts["is_readable"] is False
    assert told in facts["refusal"]
    assert uri in facts["refusal"]
    assert "landfall-" not in facts["refusal"]


def test_a_listing_that_is_not_there_is_refused(place: Workplace) -> None:
    assert (
        "s3://lake/nowhere.parquet does not exist"
        in keep_listing(place, "p1", uri="s3://lake/nowhere.parquet")["refusal"]
    )


def test_a_mount_that_is_not_there_is_refused(place: Workplace) -> None:
    place.migration.source.mount.rmdir()
    assert keep_listing(place, "p1")["is_readable"] is False


def test_a_tree_without_a_name_for_manifests_is_refused_with_its_address(place: Workplace, tmp_path: Path) -> None:
    keep_listing(place, "p1", uri=put_listing(place, tmp_path, [{"path": "raw\\xff"}]))
    with pytest.raises(ListingRefusedError, match=listing_key(place.places, "p1")):
        planned(place)


def test_agents_other_tasks_and_passes_of_before_are_seen(place: Workplace, aws: FakeAws, tmp_path: Path) -> None:
    aws.agents[AGENTS[0]]["Status"] = "OFFLINE"
    for number in range(101):
        aws.tasks[str(number)] = {"TaskArn": str(number), "Name": "theirs", "Status": "AVAILABLE"}
    aws.tasks["ours"] = {"TaskArn": "ours", "Name": "landfall-projects-agent-1", "Status": "AVAILABLE"}
    place.store.put_json(place.places.transfer_pass(1, "pass.json"), {})
    keep_listing(place, "p1", uri=put_listing(place, tmp_path, [{"path": "a"}]))
    codes = {finding.code: finding.sentence for finding in planned(place).findings}
    assert "is OFFLINE" in codes["agent"]
    assert "101 other DataSync tasks" in codes["tasks"]
    assert "begun" in codes


def adopted(aws: FakeAws, *, free: list[float]) -> Workplace:
    """A workplace whose target exists, with these free bytes on its storage targets."""
    made = aws.client("fsx").create_file_system(
        ClientRequestToken="t",
        FileSystemType="LUSTRE",
        StorageCapacity=2400,
        SubnetIds=["subnet-0123456789abcdef0"],
        LustreConfiguration={"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 250},
        Tags=[{"Key": "a", "Value": "b"}],
    )["FileSystem"]
    target = replace(migration().target, lustre=None, file_system_id=made["FileSystemId"])
    values = {"free": [sum(free)], "least": [min(free)], "targets": [len(free)]} if free else {}
    results = [
        {
            "Id": name,
            "Timestamps": [AT - timedelta(minutes=1)] if name in values else [],
            "Values": values.get(name, []),
        }
        for name in ("free", "least", "targets", "errors")
    ]
    metrics = SimpleNamespace(get_metric_data=lambda **_: {"MetricDataResults": results})
    plain = workplace(aws, migration(target=target))
    return replace(plain, clients=lambda name: metrics if name == "cloudwatch" else aws.client(name))


def test_free_space_is_what_cloudwatch_says_in_all_and_on_the_fullest_target(aws: FakeAws) -> None:
    found = read_target(adopted(aws, free=[900.0 * GIB, 100.0 * GIB]))
    assert (found.free_bytes, found.least_free_bytes, found.targets) == (1000 * GIB, 100 * GIB, 2)
    assert (found.measured, found.throughput_mb_s) == (True, 600.0)


def test_a_file_system_without_metrics_yet_is_taken_for_empty(aws: FakeAws) -> None:
    found = read_target(adopted(aws, free=[]))
    assert not found.measured
    assert found.free_bytes == found.capacity_bytes > 2000 * GIB


def test_a_file_system_that_is_not_there_is_a_problem(aws: FakeAws) -> None:
    place = adopted(aws, free=[])
    aws.file_systems.clear()
    assert "does not exist in this Region" in read_target(place).problem
