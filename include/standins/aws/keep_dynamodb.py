"""Keep DynamoDB: one row per table and one per item, so that a write costs what it changed."""

from __future__ import annotations

import base64
import pickle
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from include.standins.aws.keep_service import dump
from include.standins.aws.state_store import Change, StateStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from include.standins.aws.calls import Call

TABLE, ITEM = "dynamodb.table", "dynamodb.item"
_ITEM_CALLS = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
Attributes = dict[str, Any]


class DynamoDbKeeper:
    """Writes what a DynamoDB call changed, and reads it back at start."""

    def __init__(self, store: StateStore, *, account: str) -> None:
        self._store = store
        self._account = account

    def changes(self, call: Call, parameters: dict[str, Any]) -> Iterable[Change]:
        """Give the rows for what one call may have changed, as it is now."""
        tables = dynamodb_backends[self._account][call.region].tables
        if call.operation in _ITEM_CALLS:
            for name, attributes in named_items(call.operation, parameters):
                table = tables.get(name.rpartition("/")[2])
                if table is not None:
                    yield self._item(table, attributes)
                    if table.stream_shard is not None:
                        yield self._table(table)
            return
        yield from (self._table(table) for table in tables.values())
        name = str(parameters.get("TableName", "")).rpartition("/")[2]
        if call.operation == "DeleteTable" and name not in tables:
            yield Change(TABLE, f"{call.region}/{name}", None)
            self._store.drop(ITEM, prefix=f"{call.region}/{name}/")
        elif call.operation not in ("CreateTable", "UpdateTable", "UpdateTimeToLive"):
            yield from self._all_items(call.region)  # PartiQL, restores and imports do not name their items

    def _all_items(self, region: str) -> Iterable[Change]:
        for name, table in dynamodb_backends[self._account][region].tables.items():
            self._store.drop(ITEM, prefix=f"{region}/{name}/")
            yield from (self._item(table, item.to_json()["Attributes"]) for item in table.all_items())

    def _item(self, table: Table, attributes: Attributes) -> Change:
        key = [_as_moto(attributes[name]) for name in table.table_key_attrs]
        item = table.get_item(*(DynamoType(part) for part in key))
        name = f"{table.region_name}/{table.name}/{key!r}"
        return Change(ITEM, name, pickle.dumps(item.to_json()["Attributes"]) if item else None)

    def _table(self, table: Table) -> Change:
        state = {**table.__dict__, "items": None}
        if table.stream_shard is not None:
            state["stream_shard"] = {**table.stream_shard.__dict__, "table": None}
            state["stream_shard_type"] = type(table.stream_shard)
        return Change(TABLE, f"{table.region_name}/{table.name}", dump(state))

    def restore(self) -> None:
        """Rebuild tables and items."""
        for name, blob in self._store.read(TABLE):
            region, _, table_name = name.partition("/")
            table = _table_from(pickle.loads(blob))  # noqa: S301 - our own file, of this user
            dynamodb_backends[self._account][region].tables[table_name] = table
        for name, blob in self._store.read(ITEM):
            region, table_name, _ = name.split("/", 2)
            _put(dynamodb_backends[self._account][region].tables[table_name], pickle.loads(blob))  # noqa: S301 - our own file


def named_items(operation: str, parameters: dict[str, Any]) -> Iterator[tuple[str, Attributes]]:
    """Give (table, item or key) for each item that a write names."""
    if operation == "BatchWriteItem":
        for name, requests in parameters.get("RequestItems", {}).items():
            for request in requests:
                yield name, next(iter(request["PutRequest"].values() if "PutRequest" in request else [_key(request)]))
    elif operation == "TransactWriteItems":
        for action in parameters.get("TransactItems", []):
            write = next(iter(action.values()))
            yield write["TableName"], write.get("Item") or write["Key"]
    else:
        yield parameters["TableName"], parameters.get("Item") or parameters["Key"]


def _key(request: dict[str, Any]) -> Attributes:
    key: Attributes = request["DeleteRequest"]["Key"]
    return key


def _as_moto(value: Attributes) -> Attributes:
    """Decode a binary key: moto holds bytes where the wire has base64."""
    binary = value.get("B")
    return {"B": base64.b64decode(binary)} if isinstance(binary, str) else value


def _table_from(state: dict[str, Any]) -> Table:
    table = Table.__new__(Table)
    shard_type = state.pop("stream_shard_type", None)
    table.__dict__.update(state, items=defaultdict(dict))
    if shard_type is not None:
        shard = shard_type.__new__(shard_type)
        shard.__dict__.update(state["stream_shard"], table=table)
        table.stream_shard = shard
    return table


def _put(table: Table, attributes: Attributes) -> None:
    hash_value = DynamoType(attributes[table.hash_key_attr])
    range_value = DynamoType(attributes[table.range_key_attr]) if table.range_key_attr else None
    item = Item(hash_value, range_value, attributes)
    if range_value is None:
        table.items[hash_value] = item
    else:
        table.items[hash_value][range_value] = item
