"""A CNAME is replaced only while it is what was read, and everybody is told before anything goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from include.fsx_migration.client_name.names import (
    INSYNC_TRIES,
    ChangeNotPropagatedError,
    NameContestedError,
    NameRefusedError,
    point_name,
    read_name,
    same_name,
)
from include.fsx_migration.client_name.switching import lead_clients, moves
from include.fsx_migration.definition_model import CutOver, Route53Name
from tests.include.fsx_migration.fake_aws import FakeAws, migration, workplace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.fsx_migration.workplace import Workplace

RECORD = "projects.files.example."
OLD, NEW = "nas01.example", "fs-1.fsx.example"


class Route53:
    """moto's Route 53; `answers` replace the status of changes, `before` runs before a change is sent."""

    def __init__(self) -> None:
        session = boto3.Session(aws_access_key_id="t", aws_secret_access_key="t", region_name="us-east-1")
        self.real = session.client("route53")
        self.statuses: list[str] = []
        self.before: list[Any] = []
        self.zone = self.real.create_hosted_zone(Name="files.example", CallerReference="1")["HostedZone"]["Id"]

    def say(self, action: str, value: str, **more: Any) -> None:
        record = {"Name": RECORD, "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": value}], **more}
        changes = [{"Action": action, "ResourceRecordSet": record}]
        self.real.change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch={"Changes": changes})

    def list_resource_record_sets(self, **arguments: Any) -> Any:
        return self.real.list_resource_record_sets(**arguments)

    def change_resource_record_sets(self, **arguments: Any) -> Any:
        for call in self.before:
            call()
        answer = self.real.change_resource_record_sets(**arguments)
        return {"ChangeInfo": answer["ChangeInfo"] | {"Status": self._status()}}

    def get_change(self, **arguments: Any) -> Any:
        return {"ChangeInfo": {"Id": arguments["Id"], "Status": self._status()}}

    def _status(self) -> str:
        return self.statuses.pop(0) if self.statuses else "INSYNC"


@pytest.fixture
def route53() -> Iterator[Route53]:
    with mock_aws():
        made = Route53()
        made.say("CREATE", OLD)
        yield made


@pytest.fixture
def place(route53: Route53) -> Workplace:
    name = Route53Name(zone_id=route53.zone, record=RECORD.rstrip("."), ttl_seconds=30)
    cut_over = CutOver(name=name, old_value=OLD, new_value=NEW)
    return replace(workplace(FakeAws(), migration(cut_over=cut_over)), clients=lambda _service: route53)


def lead(place: Workplace, **how: Any) -> None:
    lead_clients(place, to=NEW, expect=OLD, run="d/r", why="cut-over", **how)


def test_a_cname_is_replaced_with_the_delay_of_the_definition(place: Workplace, route53: Route53) -> None:
    lead(place)
    (record,) = [
        one for one in route53.real.list_resource_record_sets(HostedZoneId=route53.zone)["ResourceRecordSets"]
        if one["Type"] == "CNAME"
    ]  # fmt: skip
    assert (record["TTL"], record["ResourceRecords"]) == (30, [{"Value": NEW}])
    assert [(move.before, move.to) for move in moves(place)] == [(OLD, NEW)]


def test_nothing_goes_on_before_every_name_server_knows(place: Workplace, route53: Route53) -> None:
    waited: list[float] = []
    route53.statuses = ["PENDING", "PENDING", "INSYNC"]
    lead(place, pause=waited.append)
    assert waited == [2.0, 2.0]


def test_a_change_that_never_gets_through_says_so_and_is_taken_up_again(place: Workplace, route53: Route53) -> None:
    route53.statuses = ["PENDING"] * (INSYNC_TRIES + 1)
    with pytest.raises(ChangeNotPropagatedError, match="has not told all its name servers after 120 s"):
        lead(place, pause=lambda _: None)
    assert moves(place)[0].done is None
    lead(place)
    assert len(moves(place)) == 1
    assert moves(place)[0].done


def test_a_record_that_changes_between_look_and_write_is_not_overwritten(place: Workplace, route53: Route53) -> None:
    said = read_name(place)
    route53.say("UPSERT", "nas99.example")
    refusing(route53)
    with pytest.raises(NameContestedError, match="somebody else changed it in between"):
        point_name(place, said=said, to=NEW)
    assert read_name(place).value == "nas99.example"


def test_a_change_that_was_sent_twice_is_ours(place: Workplace, route53: Route53) -> None:
    said = read_name(place)
    route53.say("UPSERT", NEW)
    refusing(route53)
    point_name(place, said=said, to=NEW)
    assert read_name(place).value == NEW


def test_another_refusal_goes_up(place: Workplace, route53: Route53) -> None:
    said = read_name(place)
    refusing(route53, code="AccessDenied")
    with pytest.raises(ClientError, match="AccessDenied"):
        point_name(place, said=said, to=NEW)


def test_what_is_no_plain_cname_is_refused(place: Workplace, route53: Route53) -> None:
    route53.say("DELETE", OLD)
    with pytest.raises(NameRefusedError, match="has no CNAME"):
        read_name(place)
    route53.say("CREATE", OLD, SetIdentifier="blue", Weight=1)
    with pytest.raises(NameRefusedError, match="switches plain CNAMEs"):
        read_name(place)


@pytest.mark.parametrize(("one", "other", "expected"), [("a.b.", "A.b", True), ("a.b", "a.c", False)])
def test_domain_names_are_compared_as_resolvers_do(one: str, other: str, expected: bool) -> None:
    assert same_name(one, other) is expected


def refusing(route53: Route53, code: str = "InvalidChangeBatch") -> None:
    """Let Route 53 refuse a change, as it does when the record to delete is not exactly what is there."""

    def refuse() -> None:
        raise ClientError({"Error": {"Code": code, "Message": "not found"}}, "ChangeResourceRecordSets")

    route53.before.append(refuse)
