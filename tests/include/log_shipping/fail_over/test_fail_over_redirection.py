"""Clients are led to the new primary, and nobody believes it before it is read back."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from include.log_shipping.configuration import Route53Redirect, SsmRedirect
from include.log_shipping.fail_over.redirection import (
    INSYNC_TRIES,
    ChangeNotPropagatedError,
    current_value,
    is_redirected,
    redirect_clients,
    redirection_row,
)
from include.log_shipping.fail_over.steps import StepError
from tests.include.log_shipping.fail_over.fail_over_run import NEW, OLD, run_of

TARGETS = {OLD: "sqlfci01.corp.example", NEW: "ec2sql02.corp.example"}
SSM = SsmRedirect(parameter="/db/sales/host", values=TARGETS)


def aws(service: str) -> Any:
    import boto3

    session = boto3.Session(aws_access_key_id="t", aws_secret_access_key="t", region_name="us-east-1")
    return session.client(service)


def zone() -> Route53Redirect:
    made = aws("route53").create_hosted_zone(Name="db.example.com", CallerReference="1")["HostedZone"]["Id"]
    return Route53Redirect(
        hosted_zone_id=made.rpartition("/")[2], record="sales.db.example.com", ttl=30, targets=TARGETS
    )


@pytest.fixture(autouse=True)
def local_aws() -> Iterator[None]:
    from moto import mock_aws

    with mock_aws():
        yield


@pytest.mark.parametrize("make", [zone, lambda: SSM], ids=["route53", "ssm"])
def test_the_name_leads_to_the_target_and_a_second_try_changes_nothing(make: Callable[[], Any]) -> None:
    redirect = make()
    assert current_value(aws, redirect) is None
    with run_of("Sales", redirect=redirect, aws=aws) as work:
        told, evidence = redirect_clients(work, work.plan.moves[0])
        assert told.endswith(f"leads to {TARGETS[NEW]}.")
        assert (evidence["before"], evidence["now"]) == (None, TARGETS[NEW])
        assert redirect_clients(work, work.plan.moves[0])[1]["before"] == TARGETS[NEW]
        back = replace(work.plan.moves[0], source=NEW, target=OLD)
        assert redirect_clients(work, back)[1]["now"] == TARGETS[OLD]


def test_route_53_has_one_record_with_the_configured_ttl_afterwards() -> None:
    redirect = zone()
    with run_of("Sales", redirect=redirect, aws=aws) as work:
        redirect_clients(work, work.plan.moves[0])
    sets = aws("route53").list_resource_record_sets(HostedZoneId=redirect.hosted_zone_id)["ResourceRecordSets"]
    (record,) = [one for one in sets if one["Type"] == "CNAME"]
    assert (record["TTL"], record["ResourceRecords"]) == (30, [{"Value": TARGETS[NEW]}])


class SlowRoute53:
    """Route 53 whose changes need a while to get around."""

    def __init__(self, pending: int) -> None:
        self.real, self.pending = aws("route53"), pending

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def change_resource_record_sets(self, **request: Any) -> Any:
        answer = self.real.change_resource_record_sets(**request)
        answer["ChangeInfo"]["Status"] = "PENDING"
        return answer

    def get_change(self, Id: str) -> Any:  # noqa: N803 -- the parameter's name in AWS
        self.pending -= 1
        return {"ChangeInfo": {"Id": Id, "Status": "PENDING" if self.pending else "INSYNC"}}


def test_a_change_counts_when_all_name_servers_know_it() -> None:
    redirect, waited = zone(), []
    slow = SlowRoute53(pending=3)
    with run_of("Sales", redirect=redirect, aws=lambda service: slow) as work:
        redirect_clients(work, work.plan.moves[0], pause=waited.append)
    assert len(waited) == 3


def test_a_change_that_never_gets_around_is_told() -> None:
    redirect = zone()
    stuck = SlowRoute53(pending=INSYNC_TRIES + 5)
    never = pytest.raises(ChangeNotPropagatedError, match="has not told all its name servers")
    with run_of("Sales", redirect=redirect, aws=lambda service: stuck) as work, never:
        redirect_clients(work, work.plan.moves[0], pause=lambda seconds: None)


def test_a_refusal_of_aws_names_the_record_and_what_to_do() -> None:
    redirect = Route53Redirect(hosted_zone_id="ZNOWHERE", record="sales.db.example.com", ttl=30, targets=TARGETS)
    refused = pytest.raises(StepError, match=r"sales\.db\.example\.com still leads to the old side: .*redirect_clients")
    with run_of("Sales", redirect=redirect, aws=aws) as work, refused:
        redirect_clients(work, work.plan.moves[0])


def test_a_database_without_a_redirect_says_who_has_to_be_told() -> None:
    with run_of("Sales") as work:
        assert redirect_clients(work, work.plan.moves[0]) == (
            f"Sales has no redirect: tell its clients to use {NEW}.",
            {"redirected": False},
        )


def test_the_gate_writes_where_the_name_leads_and_a_lost_server_is_told() -> None:
    with run_of("Sales", redirect=SSM, aws=aws) as work:
        row = redirection_row(work, work.plan.moves[0])
        assert (row["leads_right"], row["reads_back"], row["old_side_refuses"]) == (False, False, True)
        assert "which is no server of Sales" in row["told"]
        redirect_clients(work, work.plan.moves[0])
        row = redirection_row(work, work.plan.moves[0])
        assert (row["leads_right"], row["reads_back"]) == (True, False)
        assert f"{NEW} cannot be reached" in row["told"]
        assert not is_redirected(row)
