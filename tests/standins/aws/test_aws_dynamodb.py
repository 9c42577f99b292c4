"""DynamoDB's batch limits and half-done batches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from include.standins.aws.dynamodb_limits import split_in_half

if TYPE_CHECKING:
    from tests.local_aws import LocalAws


@pytest.fixture
def table(local_aws: LocalAws) -> str:
    """A fresh table with the key k."""
    name = f"t-{uuid4().hex[:8]}"
    local_aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def _puts(count: int) -> list[dict[str, Any]]:
    return [{"PutRequest": {"Item": {"k": {"S": str(number)}}}} for number in range(count)]


def _keys(count: int) -> list[dict[str, Any]]:
    return [{"k": {"S": str(number)}} for number in range(count)]


def test_25_items_are_written_and_26_refused(local_aws: LocalAws, table: str) -> None:
    dynamodb = local_aws.client("dynamodb")

    dynamodb.batch_write_item(RequestItems={table: _puts(25)})
    with pytest.raises(ClientError) as refused:
        dynamodb.batch_write_item(RequestItems={table: _puts(26)})

    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert "Too many items requested for the BatchWriteItem call" in str(refused.value)
    assert dynamodb.scan(TableName=table, Select="COUNT")["Count"] == 25


def test_100_keys_are_read_and_101_refused(local_aws: LocalAws, table: str) -> None:
    dynamodb = local_aws.client("dynamodb")
    dynamodb.batch_write_item(RequestItems={table: _puts(25)})

    found = dynamodb.batch_get_item(RequestItems={table: {"Keys": _keys(100)}})
    with pytest.raises(ClientError, match="Too many items requested for the BatchGetItem call"):
        dynamodb.batch_get_item(RequestItems={table: {"Keys": _keys(101)}})

    assert len(found["Responses"][table]) == 25


def test_unprocessed_items_come_back_and_only_they_are_missing(no_faults: LocalAws, table: str) -> None:
    dynamodb = no_faults.client("dynamodb")
    no_faults.control("POST", "faults", {"service": "dynamodb", "kind": "unprocessed", "times": 1})

    first = dynamodb.batch_write_item(RequestItems={table: _puts(9)})
    assert len(first["UnprocessedItems"][table]) == 5
    assert dynamodb.scan(TableName=table, Select="COUNT")["Count"] == 4
    second = dynamodb.batch_write_item(RequestItems=first["UnprocessedItems"])

    assert second["UnprocessedItems"] == {}
    assert dynamodb.scan(TableName=table, Select="COUNT")["Count"] == 9


def test_unprocessed_keys_come_back(no_faults: LocalAws, table: str) -> None:
    dynamodb = no_faults.client("dynamodb")
    dynamodb.batch_write_item(RequestItems={table: _puts(4)})
    fault = {"service": "dynamodb", "operation": "BatchGetItem", "kind": "unprocessed", "times": 1}
    no_faults.control("POST", "faults", fault)

    first = dynamodb.batch_get_item(RequestItems={table: {"Keys": _keys(4), "ConsistentRead": True}})
    second = dynamodb.batch_get_item(RequestItems=first["UnprocessedKeys"])

    got = [item["k"]["S"] for answer in (first, second) for item in answer["Responses"][table]]
    assert sorted(got) == ["0", "1", "2", "3"]
    assert first["UnprocessedKeys"][table]["ConsistentRead"] is True


def test_of_many_conditional_writes_at_once_exactly_one_wins(local_aws: LocalAws, table: str) -> None:
    dynamodb = local_aws.client("dynamodb")

    def claim(number: int) -> bool:
        item = {"k": {"S": "lease"}, "owner": {"N": str(number)}}
        try:
            dynamodb.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(k)")
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(claim, range(24)))

    owner = dynamodb.get_item(TableName=table, Key={"k": {"S": "lease"}})["Item"]["owner"]["N"]
    assert sum(won) == 1
    assert won[int(owner)]


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1), st.lists(st.integers(), min_size=1), min_size=1))
def test_halving_a_batch_loses_and_doubles_nothing(requests: dict[str, list[int]]) -> None:
    done, left = split_in_half(requests, writes=True)

    assert {table: done.get(table, []) + left.get(table, []) for table in requests} == requests
    total, first = sum(map(len, requests.values())), sum(map(len, done.values()))
    assert first == total // 2
