"""The local WAF's IP sets behave as AWS documents them: what they take, what they refuse, how often they change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from include.standins.aws.calls import Call, Protocol
from include.standins.aws.errors import AwsError
from include.standins.aws.waf_rate import Rate
from tests.local_aws import LocalAws, start_local_aws

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VISIBILITY = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}


@pytest.fixture
def waf(local_aws: LocalAws) -> Iterator[Any]:
    """A client of WAF without the limit of calls."""
    local_aws.control("POST", "waf", {"calls_per_second": 0})
    yield local_aws.client("wafv2")
    local_aws.control("POST", "waf", {"calls_per_second": 1, "burst": 2})


def create(waf: Any, *addresses: str, version: str = "IPV4", **more: Any) -> dict[str, Any]:
    """Make an IP set and give what names it in every other call, and its token."""
    name = f"set-{uuid4().hex[:8]}"
    place = {"Scope": "REGIONAL", "IPAddressVersion": version}
    made = waf.create_ip_set(Name=name, Addresses=list(addresses), **(place | more))["Summary"]
    return {"Name": name, "Scope": "REGIONAL", "Id": made["Id"], "LockToken": made["LockToken"]}


def get(waf: Any, row: dict[str, Any]) -> dict[str, Any]:
    """Read a set: its members and its token."""
    answer = waf.get_ip_set(**{key: row[key] for key in ("Name", "Scope", "Id")})
    return {**answer["IPSet"], "LockToken": answer["LockToken"]}


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    """The error's code."""
    return str(error.value.response["Error"]["Code"])


def test_an_update_replaces_addresses_and_description_and_changes_the_token(waf: Any) -> None:
    row = create(waf, "192.0.2.1/32", Description="scanners now")
    new = waf.update_ip_set(**row, Addresses=["192.0.2.2/32", "198.51.100.0/24"])["NextLockToken"]
    found = get(waf, row)
    assert found["Addresses"] == ["192.0.2.2/32", "198.51.100.0/24"]
    assert "Description" not in found
    assert new == found["LockToken"] != row["LockToken"]


@pytest.mark.parametrize("call", ["update_ip_set", "delete_ip_set"])
def test_a_token_that_another_update_overtook_is_refused_and_nothing_changes(waf: Any, call: str) -> None:
    row = create(waf, "192.0.2.1/32")
    waf.update_ip_set(**row, Addresses=["192.0.2.2/32"])
    with pytest.raises(waf.exceptions.WAFOptimisticLockException):
        getattr(waf, call)(**row, **({"Addresses": []} if call == "update_ip_set" else {}))
    assert get(waf, row)["Addresses"] == ["192.0.2.2/32"]


@pytest.mark.parametrize(
    ("version", "address"),
    [
        ("IPV4", "192.0.2.1"),
        ("IPV4", "0.0.0.0/0"),
        ("IPV4", "192.0.2.1/24"),
        ("IPV4", "192.0.2.0/33"),
        ("IPV4", "192.0.2.0/255.255.255.0"),
        ("IPV4", "2001:db8::1/128"),
        ("IPV4", "scanner.example/32"),
        ("IPV6", "192.0.2.1/32"),
        ("IPV6", "::/0"),
        ("IPV6", "2001:db8::1/64"),
    ],
)
def test_what_is_no_cidr_of_the_set_s_version_is_refused_by_name(waf: Any, version: str, address: str) -> None:
    with pytest.raises(ClientError) as error:
        create(waf, address, version=version)
    assert code(error) == "WAFInvalidParameterException"
    assert (error.value.response["Field"], error.value.response["Parameter"]) == ("IP_ADDRESS", address)


def test_ipv6_comes_back_written_out_in_full(waf: Any) -> None:
    row = create(waf, "2001:db8::1/128", version="IPV6")
    assert get(waf, row)["Addresses"] == ["2001:0db8:0000:0000:0000:0000:0000:0001/128"]


def test_one_address_in_two_spellings_is_a_duplicate(waf: Any) -> None:
    with pytest.raises(waf.exceptions.WAFDuplicateItemException):
        create(waf, "2001:db8::1/128", "2001:0db8::1/128", version="IPV6")


def test_a_set_takes_ten_thousand_addresses_and_not_one_more(waf: Any) -> None:
    addresses = [f"198.18.{number // 256}.{number % 256}/32" for number in range(10_001)]
    row = create(waf, *addresses[:10_000])
    assert len(get(waf, row)["Addresses"]) == 10_000
    with pytest.raises(waf.exceptions.WAFLimitsExceededException):
        waf.update_ip_set(**row, Addresses=addresses)


def test_a_name_is_taken_in_its_scope_only(waf: Any) -> None:
    row = create(waf)
    again = {"Name": row["Name"], "IPAddressVersion": "IPV4", "Addresses": []}
    with pytest.raises(waf.exceptions.WAFDuplicateItemException):
        waf.create_ip_set(Scope="REGIONAL", **again)
    arn = waf.create_ip_set(Scope="CLOUDFRONT", **again)["Summary"]["ARN"]
    assert ":global/ipset/" in arn


def test_the_scope_cloudfront_is_known_in_us_east_1_only(local_aws: LocalAws) -> None:
    session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="eu-west-1")
    config = Config(retries={"total_max_attempts": 1})
    waf = session.client("wafv2", endpoint_url=local_aws.endpoint, config=config)
    with pytest.raises(ClientError) as error:
        waf.list_ip_sets(Scope="CLOUDFRONT")
    assert code(error) == "WAFInvalidParameterException"
    assert waf.list_ip_sets(Scope="REGIONAL")["IPSets"] == []


def test_a_set_is_found_only_under_its_name_and_id_together(waf: Any) -> None:
    row = create(waf)
    for wrong in ({"Name": "another"}, {"Id": str(uuid4())}, {"Scope": "CLOUDFRONT"}):
        with pytest.raises(waf.exceptions.WAFNonexistentItemException):
            get(waf, row | wrong)


def test_a_request_that_breaks_the_model_is_refused(waf: Any) -> None:
    with pytest.raises(ClientError) as error:
        create(waf, Scope="EVERYWHERE")
    assert code(error) == "ValidationException"


def test_pages_of_sets_are_complete_and_without_repeats(waf: Any) -> None:
    made = {create(waf)["Name"] for _ in range(5)}
    seen: list[str] = []
    more: dict[str, str] = {}
    while True:
        answer = waf.list_ip_sets(Scope="REGIONAL", Limit=2, **more)
        seen += [row["Name"] for row in answer["IPSets"]]
        if "NextMarker" not in answer:
            break
        more = {"NextMarker": answer["NextMarker"]}
    assert made <= set(seen)
    assert len(seen) == len(set(seen))


def test_a_deleted_set_is_gone(waf: Any) -> None:
    row = create(waf)
    waf.delete_ip_set(**row)
    with pytest.raises(waf.exceptions.WAFNonexistentItemException):
        get(waf, row)


def test_a_set_that_a_web_acl_refers_to_cannot_be_deleted(waf: Any) -> None:
    row = create(waf)
    statement = {"IPSetReferenceStatement": {"ARN": get(waf, row)["ARN"]}}
    rule = {
        "Name": "r",
        "Priority": 0,
        "Statement": statement,
        "Action": {"Block": {}},
        "VisibilityConfig": VISIBILITY,
    }
    acl = waf.create_web_acl(
        Name=f"acl-{row['Name']}",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        Rules=[rule],
        VisibilityConfig=VISIBILITY,
    )["Summary"]
    with pytest.raises(waf.exceptions.WAFAssociatedItemException):
        waf.delete_ip_set(**row)
    waf.delete_web_acl(Name=acl["Name"], Scope="REGIONAL", Id=acl["Id"], LockToken=acl["LockToken"])
    waf.delete_ip_set(**row)


def test_tags_of_sets_are_kept_and_taken_off_without_a_new_token(waf: Any) -> None:
    row = create(waf, Tags=[{"Key": "team", "Value": "blue"}])
    arn = get(waf, row)["ARN"]
    waf.tag_resource(ResourceARN=arn, Tags=[{"Key": "stage", "Value": "live"}])
    waf.untag_resource(ResourceARN=arn, TagKeys=["team"])
    tags = waf.list_tags_for_resource(ResourceARN=arn)["TagInfoForResource"]["TagList"]
    assert tags == [{"Key": "stage", "Value": "live"}]
    assert get(waf, row)["LockToken"] == row["LockToken"]


def test_faults_strike_waf_and_can_pretend_a_stale_token(waf: Any, no_faults: LocalAws) -> None:
    row = create(waf)
    stale = {"kind": "fail", "error": "WAFOptimisticLockException", "status": 400}
    for fault, expected in (
        ({"kind": "throttle"}, "ThrottlingException"),
        (stale, "WAFOptimisticLockException"),
        ({"kind": "fail", "error": "WAFInternalErrorException"}, "WAFInternalErrorException"),
    ):
        no_faults.control("POST", "faults", {"service": "wafv2", "operation": "UpdateIPSet", "times": 1, **fault})
        with pytest.raises(ClientError) as error:
            waf.update_ip_set(**row, Addresses=["192.0.2.1/32"])
        assert code(error) == expected
    assert get(waf, row)["Addresses"] == []


def test_the_third_update_in_a_second_is_throttled_and_reading_never(local_aws: LocalAws, waf: Any) -> None:
    row = create(waf)
    local_aws.control("POST", "waf", {"calls_per_second": 0.01, "burst": 2})
    for _ in range(2):
        row["LockToken"] = waf.update_ip_set(**row, Addresses=[])["NextLockToken"]
    with pytest.raises(ClientError) as error:
        waf.update_ip_set(**row, Addresses=["192.0.2.1/32"])
    assert code(error) == "ThrottlingException"
    assert get(waf, row)["Addresses"] == []


def test_the_limit_fills_up_with_time_for_each_action_and_region_alone() -> None:
    now = [0.0]
    rate = Rate(monotonic=lambda: now[0])
    update = Call("wafv2", "UpdateIPSet", Protocol.JSON)
    rate.check(update)
    rate.check(update)
    for free in (
        Call("wafv2", "CreateIPSet", Protocol.JSON),
        Call("wafv2", "UpdateIPSet", Protocol.JSON, region="eu-west-1"),
    ):
        rate.check(free)
    now[0] = 0.9
    with pytest.raises(AwsError):
        rate.check(update)
    now[0] = 1.0
    rate.check(update)
    with pytest.raises(AwsError):
        rate.check(update)


@pytest.mark.parametrize("wish", [{"calls": 1}, {"burst": 0}, {"calls_per_second": "many"}, {"calls_per_second": -1}])
def test_a_wrong_wish_for_the_limit_is_refused(local_aws: LocalAws, wish: dict[str, Any]) -> None:
    before = local_aws.control("GET", "waf")
    status, _ = local_aws.http("POST", "/_landfall/waf", str(wish).replace("'", '"').encode())
    assert (status, local_aws.control("GET", "waf")) == (400, before)


def test_sets_messages_and_notifications_outlive_a_kill_of_the_process(tmp_path: Path) -> None:
    aws = start_local_aws(tmp_path / "state")
    waf, s3, sqs = aws.client("wafv2"), aws.client("s3"), aws.client("sqs")
    row = create(waf, "192.0.2.1/32", Description="scanners now")
    waf.update_ip_set(**row, Addresses=["192.0.2.2/32"])
    before = get(waf, row)
    queue = sqs.create_queue(QueueName="news")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3.create_bucket(Bucket="logs")
    wish = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(Bucket="logs", NotificationConfiguration={"QueueConfigurations": [wish]})
    s3.put_object(Bucket="logs", Key="first", Body=b"x")
    aws.kill()
    with start_local_aws(aws.state_dir) as again:
        assert get(again.client("wafv2"), row) == before
        again.client("s3").put_object(Bucket="logs", Key="second", Body=b"x")
        url = again.client("sqs").get_queue_url(QueueName="news")["QueueUrl"]
        bodies = [
            message["Body"]
            for message in again.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        ]
        assert [sum(f'"{key}"' in body for body in bodies) for key in ("first", "second")] == [1, 1]
