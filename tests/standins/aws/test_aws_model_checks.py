"""Requests and answers held against botocore's models."""

from __future__ import annotations

from typing import Any

import pytest

from include.standins.aws.errors import AwsError
from include.standins.aws.model_checks import WrongAnswerError, check_answer, check_request

LUSTRE = {"FileSystemType": "LUSTRE", "SubnetIds": ["subnet-0123456789abcdef0"]}


def test_a_request_that_the_model_allows_passes() -> None:
    check_request("fsx", "CreateFileSystem", LUSTRE | {"Tags": [{"Key": "Größe", "Value": "très grand"}]})


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"FileSystemType": "NETWARE"}, "enum value set: [WINDOWS, LUSTRE"),
        ({"FileSystemType": None}, "Value null at 'FileSystemType'"),
        ({"SubnetIds": "subnet-1"}, "Member must be a list"),
        (
            {"SubnetIds": ["subnet-xyzxyzxyzxyz"]},
            "'SubnetIds.1.member' failed to satisfy constraint: Member must satisfy",
        ),
        ({"StorageCapacity": "1200"}, "Member must be a integer"),
        ({"StorageCapacity": True}, "Member must be a integer"),
        ({"StorageCapacity": -1}, "greater than or equal to 0"),
        ({"Tags": []}, "length greater than or equal to 1"),
        ({"Colour": "red"}, "'Colour' is not a member of CreateFileSystemRequest"),
        ({"LustreConfiguration": {"DataCompressionType": "ZIP"}}, "'LustreConfiguration.DataCompressionType'"),
    ],
)
def test_a_request_that_it_does_not_allow_is_refused_with_the_reason(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(AwsError) as refused:
        check_request("fsx", "CreateFileSystem", LUSTRE | changes, code="BadRequest")
    assert refused.value.code == "BadRequest"
    assert problem in refused.value.message


def test_an_answer_that_the_service_cannot_give_is_a_fault_of_ours() -> None:
    check_answer("fsx", "DeleteFileSystem", {"FileSystemId": "fs-0123456789abcdef0", "Lifecycle": "DELETING"})
    with pytest.raises(WrongAnswerError, match="Lifecycle"):
        check_answer("fsx", "DeleteFileSystem", {"Lifecycle": "GONE"})
    with pytest.raises(WrongAnswerError, match=r"Tags.* not (a member|members) of"):
        check_answer("fsx", "TagResource", {"Tags": []})
