"""FSx in the local AWS, through boto3 over a socket; a process of this module's own, killed and started again."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_aws import LocalAws, start_local_aws
from tests.standins.aws.polling import until

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBNET = "subnet-0123456789abcdef0"
GIB = 1 << 30


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fsx") / "state"


@pytest.fixture(scope="module")
def aws(state: Path) -> Iterator[LocalAws]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDFALL_FSX_CREATE_SECONDS", "0.3")
        with start_local_aws(state) as running:
            yield running


def lustre(aws: LocalAws, name: str = "unsafe/name", **changes: Any) -> dict[str, Any]:
    wishes: dict[str, Any] = {
        "FileSystemType": "LUSTRE",
        "StorageCapacity": 2400,
        "SubnetIds": [SUBNET],
        "LustreConfiguration": {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 125},
        "Tags": [{"Key": "Name", "Value": name}],
    }
    made: dict[str, Any] = aws.client("fsx").create_file_system(**wishes | changes)["FileSystem"]
    return made


def describe(aws: LocalAws, file_system_id: str) -> dict[str, Any]:
    found: dict[str, Any] = aws.client("fsx").describe_file_systems(FileSystemIds=[file_system_id])["FileSystems"][0]
    return found


def available(aws: LocalAws, made: dict[str, Any]) -> dict[str, Any]:
    return until(lambda: (now := describe(aws, made["FileSystemId"]))["Lifecycle"] == "AVAILABLE" and now)


def overview(aws: LocalAws, file_system_id: str) -> dict[str, Any]:
    return next(row for row in aws.control("GET", "fsx") if row["file_system"] == file_system_id)


def statistic(aws: LocalAws, file_system_id: str, metric: str, stat: str) -> float | None:
    now = datetime.now(UTC)
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/FSx",
        MetricName=metric,
        Dimensions=[{"Name": "FileSystemId", "Value": file_system_id}],
        StartTime=now - timedelta(minutes=3),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=[stat],
    )["Datapoints"]
    return max(points, key=lambda point: point["Timestamp"])[stat] if points else None


def test_a_file_system_becomes_available_by_itself_and_says_how_to_mount_it(aws: LocalAws) -> None:
    made = lustre(aws)
    assert made["Lifecycle"] == "CREATING"

    found = available(aws, made)

    assert found["DNSName"] == f"{found['FileSystemId']}.fsx.us-east-1.amazonaws.com"
    assert len(found["LustreConfiguration"]["MountName"]) == 8
    assert found["ResourceARN"] == f"arn:aws:fsx:us-east-1:123456789012:file-system/{found['FileSystemId']}"
    assert found["StorageCapacity"] == 2400
    assert found["NetworkInterfaceIds"]


def test_the_same_token_gives_the_same_file_system_and_another_wish_with_it_is_refused(aws: LocalAws) -> None:
    first = lustre(aws, ClientRequestToken="once")
    again = lustre(aws, ClientRequestToken="once")
    assert again["FileSystemId"] == first["FileSystemId"]

    client = aws.client("fsx")
    with pytest.raises(client.exceptions.IncompatibleParameterError) as refused:
        lustre(aws, ClientRequestToken="once", StorageCapacity=4800)
    assert refused.value.response["Parameter"] == "StorageCapacity"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"StorageCapacity": 1300}, "BadRequest"),
        ({"StorageCapacity": 3600}, "BadRequest"),
        ({"LustreConfiguration": {"DeploymentType": "PERSISTENT_2"}}, "InvalidPerUnitStorageThroughput"),
        (
            {"LustreConfiguration": {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 200}},
            "InvalidPerUnitStorageThroughput",
        ),
        ({"LustreConfiguration": {"DeploymentType": "SCRATCH_2"}}, "BadRequest"),
        ({"LustreConfiguration": {}}, "MissingFileSystemConfiguration"),
        ({"FileSystemType": "ONTAP"}, "BadRequest"),
        ({"FileSystemType": "NETWARE"}, "ValidationException"),
        ({"SubnetIds": ["subnet-0123456789xyz"]}, "ValidationException"),
        ({"SubnetIds": [SUBNET, SUBNET]}, "InvalidNetworkSettings"),
        ({"StorageType": "HDD"}, "BadRequest"),
        ({"Tags": [{"Key": "aws:x", "Value": "1"}]}, "BadRequest"),
    ],
)
def test_what_fsx_does_not_sell_is_refused_with_its_own_error(
    aws: LocalAws, changes: dict[str, Any], code: str
) -> None:
    client = aws.client("fsx")
    with pytest.raises(client.exceptions.ClientError) as refused:
        lustre(aws, **changes)
    assert refused.value.response["Error"]["Code"] == code


def windows(aws: LocalAws, **changes: Any) -> dict[str, Any]:
    configuration = {"ActiveDirectoryId": "d-0123456789", "ThroughputCapacity": 32, "DeploymentType": "SINGLE_AZ_2"}
    made: dict[str, Any] = aws.client("fsx").create_file_system(
        FileSystemType="WINDOWS",
        StorageCapacity=300,
        SubnetIds=[SUBNET],
        WindowsConfiguration=configuration | {"Aliases": ["files.corp.example"]} | changes,
    )["FileSystem"]
    return made


def test_a_windows_file_system_has_throughput_and_aliases(aws: LocalAws) -> None:
    made = available(aws, windows(aws))

    assert made["WindowsConfiguration"]["ThroughputCapacity"] == 32
    aliases = aws.client("fsx").describe_file_system_aliases(FileSystemId=made["FileSystemId"])["Aliases"]
    assert aliases == [{"Name": "files.corp.example", "Lifecycle": "AVAILABLE"}]
    until(lambda: statistic(aws, made["FileSystemId"], "FreeStorageCapacity", "Sum") == 300 * GIB)


def test_windows_without_a_directory_or_with_an_odd_throughput_is_refused(aws: LocalAws) -> None:
    client = aws.client("fsx")
    for changes in ({"ActiveDirectoryId": "d-012345678x"}, {"ThroughputCapacity": 33}):
        with pytest.raises(client.exceptions.ClientError):
            windows(aws, **changes)


def test_pages_hold_every_file_system_once_and_an_unknown_one_is_not_found(aws: LocalAws) -> None:
    lustre(aws)
    lustre(aws)
    pages = aws.client("fsx").get_paginator("describe_file_systems").paginate(PaginationConfig={"PageSize": 1})
    ids = [row["FileSystemId"] for page in pages for row in page["FileSystems"]]
    assert len(ids) == len(set(ids)) == len(aws.client("fsx").describe_file_systems()["FileSystems"])

    with pytest.raises(aws.client("fsx").exceptions.FileSystemNotFound):
        describe(aws, "fs-0123456789abcdef0")


def test_a_growing_file_system_is_updating_and_then_larger(aws: LocalAws) -> None:
    made = available(aws, lustre(aws))
    grown = aws.client("fsx").update_file_system(FileSystemId=made["FileSystemId"], StorageCapacity=4800)["FileSystem"]
    assert (grown["Lifecycle"], grown["StorageCapacity"]) == ("UPDATING", 2400)
    assert grown["AdministrativeActions"][0]["TargetFileSystemValues"] == {"StorageCapacity": 4800}

    found = available(aws, made)

    assert found["StorageCapacity"] == 4800
    assert found["AdministrativeActions"][0]["Status"] == "COMPLETED"
    assert len(overview(aws, made["FileSystemId"])["free_bytes_of_targets"]) == 4
    with pytest.raises(aws.client("fsx").exceptions.BadRequest, match="cannot shrink"):
        aws.client("fsx").update_file_system(FileSystemId=made["FileSystemId"], StorageCapacity=2400)


def test_tags_are_put_listed_and_taken_away(aws: LocalAws) -> None:
    arn, client = lustre(aws)["ResourceARN"], aws.client("fsx")
    client.tag_resource(ResourceARN=arn, Tags=[{"Key": "landfall:migration", "Value": "projects"}])
    client.tag_resource(ResourceARN=arn, Tags=[{"Key": "owner", "Value": "storage"}])
    client.untag_resource(ResourceARN=arn, TagKeys=["owner", "Name"])

    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [
        {"Key": "landfall:migration", "Value": "projects"}
    ]
    with pytest.raises(client.exceptions.ResourceNotFound):
        client.list_tags_for_resource(ResourceARN=arn[:-4] + "0000")


def test_files_lie_in_a_folder_of_the_name_and_go_with_the_file_system(aws: LocalAws, state: Path) -> None:
    folder = state / "fsx" / "projects"
    (folder / "projects").mkdir(parents=True)  # a mount that was made ready beforehand
    made = available(aws, lustre(aws, "projects"))
    second = lustre(aws, "projects")
    assert overview(aws, made["FileSystemId"])["directory"] == str(folder)
    assert Path(overview(aws, second["FileSystemId"])["directory"]).name == second["FileSystemId"]
    (folder / "projects" / "a").write_bytes(b"x")

    client = aws.client("fsx")
    assert client.delete_file_system(FileSystemId=made["FileSystemId"])["Lifecycle"] == "DELETING"
    assert describe(aws, made["FileSystemId"])["Lifecycle"] == "DELETING"

    until(lambda: all(row["file_system"] != made["FileSystemId"] for row in aws.control("GET", "fsx")))
    until(lambda: not folder.exists())
    with pytest.raises(client.exceptions.FileSystemNotFound):
        describe(aws, made["FileSystemId"])


@pytest.mark.parametrize("name", ["../up", ".hidden", "a/b", "fs-1", "", "x" * 200])
def test_an_unsafe_name_gets_a_folder_by_its_id(aws: LocalAws, name: str) -> None:
    made = lustre(aws, name)
    assert Path(overview(aws, made["FileSystemId"])["directory"]).name == made["FileSystemId"]


def test_free_space_falls_target_by_target_as_files_come(aws: LocalAws) -> None:
    made = available(aws, lustre(aws, "filling"))
    name = made["FileSystemId"]
    aws.control("POST", "fsx", {"file_system": "filling", "capacity_bytes": 10_000})
    until(lambda: statistic(aws, name, "FreeDataStorageCapacity", "Sum") == 10_000)
    assert statistic(aws, name, "FreeDataStorageCapacity", "SampleCount") == 2

    Path(overview(aws, name)["directory"], "big").write_bytes(b"x" * 3_000)

    until(lambda: statistic(aws, name, "FreeDataStorageCapacity", "Sum") == 7_000, seconds=30)
    assert statistic(aws, name, "FreeDataStorageCapacity", "Minimum") == 2_000
    assert statistic(aws, name, "FreeDataStorageCapacity", "Maximum") == 5_000
    assert statistic(aws, name, "DataWriteBytes", "Sum") is not None


def test_a_creation_that_was_made_to_fail_says_why(aws: LocalAws) -> None:
    aws.control("POST", "fsx", {"next": "FAILED", "message": "No capacity in this zone."})
    made = lustre(aws)

    found = until(lambda: (now := describe(aws, made["FileSystemId"]))["Lifecycle"] == "FAILED" and now)

    assert found["FailureDetails"] == {"Message": "No capacity in this zone."}
    assert available(aws, lustre(aws))["Lifecycle"] == "AVAILABLE"


@pytest.mark.parametrize(
    "wishes",
    [{}, {"file_system": "none", "capacity_bytes": 1}, {"next": "BROKEN"}, {"create_seconds": "fast"}, {"size": 1}],
)
def test_a_wrong_wish_to_the_control_route_is_explained(aws: LocalAws, wishes: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError, match="POST fsx"):
        aws.control("POST", "fsx", wishes)


def test_backups_and_data_repositories_are_refused_by_name(aws: LocalAws) -> None:
    client = aws.client("fsx")
    with pytest.raises(client.exceptions.ClientError, match="CreateBackup of fsx is not modelled"):
        client.create_backup(FileSystemId=lustre(aws)["FileSystemId"])


def test_a_kill_loses_no_file_system_metric_alarm_filter_or_line(state: Path, tmp_path: Path) -> None:
    home = tmp_path / "killed"
    with start_local_aws(home) as aws:
        aws.control("POST", "fsx", {"create_seconds": 0})
        made = lustre(aws, "kept", ClientRequestToken="kept")
        Path(overview(aws, made["FileSystemId"])["directory"], "file").write_bytes(b"x" * 500)
        aws.control("POST", "fsx", {"file_system": "kept", "capacity_bytes": 1_000})
        _remember(aws)
        aws.kill()
    with start_local_aws(home) as aws:
        assert lustre(aws, "kept", ClientRequestToken="kept")["FileSystemId"] == made["FileSystemId"]
        assert overview(aws, made["FileSystemId"])["free_bytes"] == 500
        logs, cloudwatch = aws.client("logs"), aws.client("cloudwatch")
        assert [event["message"] for event in logs.filter_log_events(logGroupName="g")["events"]] == ["ERROR one"]
        assert [kept["filterName"] for kept in logs.describe_metric_filters()["metricFilters"]] == ["errors"]
        assert {metric["MetricName"] for metric in cloudwatch.list_metrics()["Metrics"]} >= {"errors", "load"}
        assert [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]] == ["hot"]
        logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[_line("ERROR two")])
        now = datetime.now(UTC)
        counted = cloudwatch.get_metric_statistics(
            Namespace="n", MetricName="errors", StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=1), Period=3600, Statistics=["Sum"],
        )["Datapoints"]  # fmt: skip
        assert [point["Sum"] for point in counted] == [2]


def _remember(aws: LocalAws) -> None:
    logs, cloudwatch = aws.client("logs"), aws.client("cloudwatch")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    worth = {"metricName": "errors", "metricNamespace": "n", "metricValue": "1"}
    logs.put_metric_filter(logGroupName="g", filterName="errors", filterPattern="ERROR", metricTransformations=[worth])
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[_line("ERROR one")])
    cloudwatch.put_metric_data(Namespace="n", MetricData=[{"MetricName": "load", "Value": 1}])
    cloudwatch.put_metric_alarm(
        AlarmName="hot", Namespace="n", MetricName="load", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=5, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip


def _line(message: str) -> dict[str, Any]:
    return {"timestamp": int(time.time() * 1000), "message": message}
