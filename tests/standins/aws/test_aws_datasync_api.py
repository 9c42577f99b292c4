"""DataSync: agents, locations, tasks, tags, pages, filters, refusals."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.standins.aws.datasync_client import KEY, ROLE, Lab

if TYPE_CHECKING:
    from collections.abc import Callable

FSX = "arn:aws:fsx:us-east-1:123456789012:file-system/fs-0123456789abcdef0"
GROUP = "arn:aws:ec2:us-east-1:123456789012:security-group/sg-0123456789abcdef0"


def _locations(lab: Lab) -> dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]]:
    """Give by kind: operation name, parameters, URI, and what is described besides."""
    agents = [lab.agent]
    on_premises = {"AgentArns": agents}
    s3 = {"BucketAccessRoleArn": ROLE}
    host, fsx, groups = {"ServerHostname": lab.name}, {"FsxFilesystemArn": FSX}, {"SecurityGroupArns": [GROUP]}
    login = {"User": "u", "Password": "secret", "Domain": "example.com"}
    described_login = {"User": "u", "Domain": "example.com"}
    return {
        "nfs": (
            "nfs",
            {**host, "Subdirectory": "/my_dir/x", "OnPremConfig": on_premises},
            f"nfs://{lab.name}/my_dir/x/",
            {"OnPremConfig": on_premises, "MountOptions": {"Version": "AUTOMATIC"}},
        ),
        "smb": (
            "smb",
            {**host, "Subdirectory": "/share", "AgentArns": agents, **login},
            f"smb://{lab.name}/share/",
            {"AgentArns": agents, **described_login, "AuthenticationType": "NTLM"},
        ),
        "s3": (
            "s3",
            {"S3BucketArn": f"arn:aws:s3:::{lab.name}", "S3Config": s3, "Subdirectory": "/pre"},
            f"s3://{lab.name}/pre/",
            {"S3Config": s3, "S3StorageClass": "STANDARD"},
        ),
        "object-storage": (
            "object_storage",
            {**host, "BucketName": "bucket", "AgentArns": agents, "AccessKey": "a", "SecretKey": "secret"},
            f"object-storage://{lab.name}/bucket/",
            {"AccessKey": "a", "ServerPort": 443, "ServerProtocol": "HTTPS"},
        ),
        "fsxl": (
            "fsx_lustre",
            {**fsx, **groups, "Subdirectory": "/p"},
            "fsxl://us-east-1.fs-0123456789abcdef0/p/",
            groups,
        ),
        "fsxw": (
            "fsx_windows",
            {**fsx, **groups, "Subdirectory": "/share", **login},
            "fsxw://us-east-1.fs-0123456789abcdef0/share/",
            {**groups, **described_login},
        ),
    }


@pytest.mark.parametrize("kind", ["nfs", "smb", "s3", "object-storage", "fsxl", "fsxw"])
def test_a_location_is_described_as_it_was_made_without_its_secrets(lab: Lab, kind: str) -> None:
    name, parameters, uri, expected = _locations(lab)[kind]
    tags = [{"Key": "landfall:migration", "Value": "projects"}]

    arn = getattr(lab.client, f"create_location_{name}")(**parameters, Tags=tags)["LocationArn"]
    described = getattr(lab.client, f"describe_location_{name}")(LocationArn=arn)
    by_uri = _filtered(lab, "list_locations", "LocationUri", "Equals", uri.rstrip("/"))
    getattr(lab.client, f"update_location_{name}")(LocationArn=arn, Subdirectory="/other")
    moved = getattr(lab.client, f"describe_location_{name}")(LocationArn=arn)["LocationUri"]

    assert described["LocationUri"] == uri
    assert {member: described[member] for member in expected} == expected
    assert "secret" not in str(described)
    assert arn in [row["LocationArn"] for row in by_uri]
    assert moved.endswith("/other/")
    assert lab.client.list_tags_for_resource(ResourceArn=arn)["Tags"] == tags


def _filtered(lab: Lab, operation: str, name: str, operator: str, *values: str) -> list[dict[str, Any]]:
    rule = {"Name": name, "Operator": operator, "Values": list(values)}
    pages = lab.client.get_paginator(operation).paginate(Filters=[rule], PaginationConfig={"PageSize": 3})
    return [row for page in pages for row in page[operation.removeprefix("list_").capitalize()]]


def test_lists_are_filtered_and_paged(lab: Lab) -> None:
    arns = [lab.location(f"/p{number}") for number in range(7)]
    task = lab.client.create_task(SourceLocationArn=arns[0], DestinationLocationArn=arns[1], Name=lab.name)["TaskArn"]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    mine = _filtered(lab, "list_locations", "LocationUri", "BeginsWith", f"nfs://{lab.name}/")
    kinds = _filtered(lab, "list_locations", "LocationType", "Equals", "NFS")
    later = _filtered(lab, "list_tasks", "CreationTime", "GreaterThan", tomorrow)
    of_location = _filtered(lab, "list_tasks", "LocationId", "Contains", arns[1].rpartition("/")[2])

    assert [row["LocationArn"] for row in mine] == arns
    assert set(arns) <= {row["LocationArn"] for row in kinds}
    assert later == []
    assert [row["TaskArn"] for row in of_location] == [task]
    with pytest.raises(ClientError, match="NextToken"):
        lab.client.list_locations(NextToken="bm9uZQ==")


def test_what_is_in_use_cannot_be_deleted_and_what_is_not_can(lab: Lab) -> None:
    task = lab.task()
    described = lab.client.describe_task(TaskArn=task)
    source, target = described["SourceLocationArn"], described["DestinationLocationArn"]
    steps: list[tuple[Callable[..., Any], dict[str, str], str]] = [
        (lab.client.delete_task, {"TaskArn": task}, ""),
        (lab.client.delete_location, {"LocationArn": source}, "in use by a task"),
        (lab.client.delete_location, {"LocationArn": target}, "in use by a task"),
        (lab.client.delete_agent, {"AgentArn": lab.agent}, "in use by a location"),
    ]

    for delete, what, words in steps[1:]:
        with pytest.raises(ClientError, match=words):
            delete(**what)
    for delete, what, _ in steps:
        delete(**what)
        with pytest.raises(ClientError, match="does not exist"):
            delete(**what)


def test_agents_are_listed_renamed_and_tagged(lab: Lab) -> None:
    lab.client.update_agent(AgentArn=lab.agent, Name="renamed")
    lab.client.tag_resource(ResourceArn=lab.agent, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    lab.client.tag_resource(ResourceArn=lab.agent, Tags=[{"Key": "a", "Value": "3"}])
    lab.client.untag_resource(ResourceArn=lab.agent, Keys=["b"])

    pages = lab.client.get_paginator("list_agents").paginate(PaginationConfig={"PageSize": 2})
    (listed,) = [one for page in pages for one in page["Agents"] if one["AgentArn"] == lab.agent]
    described = lab.client.describe_agent(AgentArn=lab.agent)

    assert (listed["Name"], listed["Status"], described["EndpointType"]) == ("renamed", "ONLINE", "PUBLIC")
    assert lab.client.list_tags_for_resource(ResourceArn=lab.agent)["Tags"] == [{"Key": "a", "Value": "3"}]


def test_a_task_keeps_its_settings_and_updates_single_options(lab: Lab) -> None:
    excludes = [{"FilterType": "SIMPLE_PATTERN", "Value": "*.tmp"}]
    task = lab.task(options={"LogLevel": "BASIC"}, Excludes=excludes)

    lab.client.update_task(TaskArn=task, Options={"BytesPerSecond": 5}, Name="other")

    described = lab.client.describe_task(TaskArn=task)
    assert (described["Name"], described["Status"], described["TaskMode"]) == ("other", "AVAILABLE", "BASIC")
    assert described["Excludes"] == excludes
    assert {name: described["Options"][name] for name in ("BytesPerSecond", "LogLevel", "TransferMode")} == {
        "BytesPerSecond": 5,
        "LogLevel": "BASIC",
        "TransferMode": "CHANGED",
    }


def test_defaults_are_those_of_the_task_mode(lab: Lab) -> None:
    arns = {"SourceLocationArn": lab.location("/source"), "DestinationLocationArn": lab.location("/target")}
    modes = {}
    for mode in ("BASIC", "ENHANCED"):
        task = lab.client.create_task(**arns, TaskMode=mode)["TaskArn"]
        modes[mode] = lab.client.describe_task(TaskArn=task)["Options"]["VerifyMode"]

    assert modes == {"BASIC": "POINT_IN_TIME_CONSISTENT", "ENHANCED": "ONLY_FILES_TRANSFERRED"}
    with pytest.raises(ClientError, match="isn't supported with Enhanced mode"):
        lab.client.create_task(**arns, TaskMode="ENHANCED", Options={"VerifyMode": "POINT_IN_TIME_CONSISTENT"})


def test_point_in_time_verification_finds_what_rotted_in_files_that_were_not_copied(lab: Lab) -> None:
    lab.fill({"f": "good"})
    task = lab.task(options={"VerifyMode": "POINT_IN_TIME_CONSISTENT"})
    assert lab.run(task)["Status"] == "SUCCESS"
    times = (lab.target / "f").stat()
    (lab.target / "f").write_text("rots")
    os.utime(lab.target / "f", ns=(times.st_atime_ns, times.st_mtime_ns))

    done = lab.run(task)

    assert (done["Status"], done["FilesTransferred"], done["FilesVerified"]) == ("ERROR", 0, 0)


def test_requests_against_the_model_are_refused_as_invalid(lab: Lab) -> None:
    import boto3
    from botocore.config import Config

    raw = boto3.client(
        "datasync",
        endpoint_url=lab.aws.endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )
    task = lab.task()
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("create_agent", {"ActivationKey": "short"}),
        ("create_agent", {"ActivationKey": KEY, "Tags": [{"Key": "a/b", "Value": "<"}]}),
        ("create_task", {"SourceLocationArn": "nonsense", "DestinationLocationArn": "nonsense"}),
        ("start_task_execution", {"TaskArn": task, "OverrideOptions": {"TransferMode": "SOME"}}),
        ("start_task_execution", {"TaskArn": task, "Includes": [{"Value": "/a"}, {"Value": "/b"}]}),
        ("start_task_execution", {"TaskArn": task, "Includes": [{"Value": "x" * 102_401}]}),
        ("start_task_execution", {"TaskArn": task[:-17] + "0" * 17}),
        ("list_task_executions", {"MaxResults": 101}),
        ("describe_task", {}),
    ]
    for operation, parameters in wrong:
        with pytest.raises(ClientError) as caught:
            getattr(raw, operation)(**parameters)
        assert caught.value.response["Error"]["Code"] == "InvalidRequestException", (operation, parameters)


def test_what_nobody_modelled_is_refused_by_name(lab: Lab) -> None:
    with pytest.raises(ClientError, match="DescribeLocationHdfs of datasync is not modelled") as caught:
        lab.client.describe_location_hdfs(LocationArn=lab.location("/source"))
    assert caught.value.response["Error"]["Code"] == "NotImplementedException"


def test_throttling_strikes_datasync_like_any_service(lab: Lab) -> None:
    lab.aws.control("POST", "faults", {"service": "datasync", "operation": "ListTasks", "kind": "throttle", "times": 1})
    with pytest.raises(ClientError, match="Rate exceeded"):
        lab.client.list_tasks()
    lab.client.list_tasks()


def test_mounts_are_listed_and_forgotten_and_the_longest_prefix_wins(lab: Lab) -> None:
    inner = lab.folder / "inner"
    inner.mkdir()
    (inner / "deep").mkdir()
    (inner / "deep" / "file").write_text("1")
    lab.aws.control("POST", "mounts", {"location": f"nfs://{lab.name}/source/inner", "directory": str(inner)})
    task = lab.task(SourceLocationArn=lab.location("/source/inner/deep"))

    assert lab.run(task)["Status"] == "SUCCESS"
    assert (lab.target / "file").read_text() == "1"
    assert lab.aws.control("GET", "mounts")[f"nfs://{lab.name}/source/inner"] == str(inner)
    assert lab.aws.control("DELETE", "mounts", {"location": f"nfs://{lab.name}/source/inner"}) == {"forgotten": 1}
    assert lab.run(task)["Result"]["ErrorCode"] == "LocationUnreachable"
