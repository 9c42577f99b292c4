"""Conditional writes of single entries of the indicator table: never over a newer refresh, never over a suppression."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from include.ioc_refresh.indicators import (
    EVIDENCE_ATTRIBUTES,
    SUPPRESSION_ATTRIBUTES,
    SWEEP_ATTRIBUTE,
    SWEEP_GRACE,
    Indicator,
    Item,
    Suppression,
    TableEntry,
    entry_of,
    epoch,
    evidence_attributes,
    suppression_attributes,
)
from include.ioc_refresh.throttling import Backoff

_NOT_NEWER = "(attribute_not_exists(#refresh) OR #refresh <= :refresh)"
_NO_SUPPRESSION = "attribute_not_exists(suppressed_until)"
_SUPPRESSION = "attribute_exists(suppressed_until)"
_FLIPS = 4
_GRACE = {":grace": {"N": str(int(SWEEP_GRACE.total_seconds()))}}


class UnsettledEntryError(RuntimeError):
    """An entry that somebody else suppressed and released again and again while it was to be written."""


@dataclass(slots=True)
class Consumption:
    """Request units that a table object has used, in all its threads."""

    read_units: float = 0.0
    write_units: float = 0.0
    calls: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *, read_units: float = 0.0, write_units: float = 0.0) -> None:
        """Count one call."""
        with self._lock:
            self.calls += 1
            self.read_units += read_units
            self.write_units += write_units


@dataclass(frozen=True, slots=True)
class EntryWriter:
    """Writes entries through a boto3 DynamoDB client; throttled calls are tried again, then raise ThrottledOutError."""

    client: Any
    table_name: str
    backoff: Backoff
    consumed: Consumption

    def write(self, indicator: Indicator, refresh: int) -> bool:
        """Write evidence as of a refresh; False when a newer refresh was there. A suppression stays.

        Suppressed evidence carries no TTL, so the form of the write depends on what stands there.
        """
        attributes = evidence_attributes(indicator) | {"refresh": {"N": str(refresh)}}
        absent = [name for name in EVIDENCE_ATTRIBUTES if name not in attributes]
        sets = ", ".join(f"#{name} = :{name}" for name in attributes)
        removes = ", ".join(f"#{name}" for name in absent)
        sweep = {f":{SWEEP_ATTRIBUTE}": {"N": epoch(indicator.expires_at + SWEEP_GRACE)}}
        values = {f":{name}": value for name, value in attributes.items()}
        plain = f"SET {sets}, {SWEEP_ATTRIBUTE} = :{SWEEP_ATTRIBUTE}" + (f" REMOVE {removes}" if absent else "")
        suppressed = f"SET {sets} REMOVE {', '.join([SWEEP_ATTRIBUTE, *(f'#{name}' for name in absent)])}"
        update = partial(self._update, indicator.key, names=EVIDENCE_ATTRIBUTES)
        return self._settle(
            indicator.key,
            refresh,
            plain=lambda: update(plain, f"{_NOT_NEWER} AND {_NO_SUPPRESSION}", values=values | sweep),
            suppressed=lambda: update(suppressed, f"{_NOT_NEWER} AND {_SUPPRESSION}", values=values),
        )

    def remove(self, key: str, refresh: int) -> bool:
        """Take evidence away, and the item when nothing suppresses it; False when a newer refresh was there."""
        removes = ", ".join(f"#{name}" for name in EVIDENCE_ATTRIBUTES)
        update = f"SET {SWEEP_ATTRIBUTE} = suppressed_until REMOVE {removes}"
        values = {":refresh": {"N": str(refresh)}}
        return self._settle(
            key,
            refresh,
            plain=lambda: self._delete(key, f"{_NOT_NEWER} AND {_NO_SUPPRESSION}", values=values, names=("refresh",)),
            suppressed=lambda: self._update(
                key, update, f"{_NOT_NEWER} AND {_SUPPRESSION}", values=values, names=EVIDENCE_ATTRIBUTES
            ),
        )

    def suppress(self, key: str, suppression: Suppression) -> TableEntry:
        """Put a suppression on a key, in place of an earlier one; returns the entry as it was before."""
        values = {f":{name}": value for name, value in suppression_attributes(suppression).items()}
        sets = ", ".join(f"{name} = :{name}" for name in SUPPRESSION_ATTRIBUTES)
        forms = (
            (f"SET {sets} REMOVE {SWEEP_ATTRIBUTE}", "attribute_exists(expires_at)"),
            (f"SET {sets}, {SWEEP_ATTRIBUTE} = :suppressed_until", "attribute_not_exists(expires_at)"),
        )
        return self._first_that_holds(
            key,
            [partial(self._update, key, update, condition, values=values) for update, condition in forms],
        )

    def release(self, key: str) -> TableEntry:
        """Take the suppression off a key, if there is one; returns the entry as it was before."""
        removes = ", ".join(SUPPRESSION_ATTRIBUTES)
        evidence = partial(
            self._update,
            key,
            f"SET {SWEEP_ATTRIBUTE} = expires_at + :grace REMOVE {removes}",
            "attribute_exists(expires_at)",
            values=_GRACE,
        )
        return self._first_that_holds(key, [evidence, partial(self._delete, key, "attribute_not_exists(expires_at)")])

    def _settle(self, key: str, refresh: int, *, plain: Callable[[], Item], suppressed: Callable[[], Item]) -> bool:
        """Do it in the form that fits what stands there; False when a newer refresh was there."""
        action = plain
        for _ in range(_FLIPS):
            try:
                action()
            except self.client.exceptions.ConditionalCheckFailedException as error:
                standing: Mapping[str, Any] = error.response.get("Item", {})
                if int(standing.get("refresh", {}).get("N", 0)) > refresh:
                    return False
                action = suppressed if "suppressed_until" in standing else plain
            else:
                return True
        raise self._unsettled(key)

    def _first_that_holds(self, key: str, actions: Sequence[Callable[[], Item]]) -> TableEntry:
        for _ in range(_FLIPS):
            for action in actions:
                try:
                    before = action()
                except self.client.exceptions.ConditionalCheckFailedException:
                    continue
                return entry_of(before) if before else TableEntry()
        raise self._unsettled(key)

    def _unsettled(self, key: str) -> UnsettledEntryError:
        return UnsettledEntryError(f"{key!r} in {self.table_name} kept changing while it was written; try again.")

    def _update(
        self, key: str, expression: str, condition: str, *, values: Mapping[str, Any], names: Iterable[str] = ()
    ) -> Item:
        return self._change("update_item", key, condition, values, names, UpdateExpression=expression)

    def _delete(
        self, key: str, condition: str, *, values: Mapping[str, Any] | None = None, names: Iterable[str] = ()
    ) -> Item:
        return self._change("delete_item", key, condition, values or {}, names)

    def _change(
        self, method: str, key: str, condition: str, values: Mapping[str, Any], names: Iterable[str], **more: str
    ) -> Item:
        """Call UpdateItem or DeleteItem and return the item as it was; a refused condition costs a unit too."""
        aliases = {f"#{name}": name for name in names}
        more_arguments: dict[str, Any] = {"ExpressionAttributeNames": aliases} if aliases else {}
        if values:
            more_arguments["ExpressionAttributeValues"] = dict(values)
        call = partial(
            getattr(self.client, method),
            Key={"ioc": {"S": key}},
            ConditionExpression=condition,
            ReturnValues="ALL_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            ReturnConsumedCapacity="TOTAL",
            **more_arguments,
            **more,
        )
        try:
            answer = self.call(method, call)
        except ClientError:
            self.consumed.add(write_units=1.0)
            raise
        self.consumed.add(write_units=max(1.0, used_units(answer)))
        item: Item = answer.get("Attributes", {})
        return item

    def call(self, name: str, call: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        """Call with the table's name, again while throttled."""
        return self.backoff.call(partial(call, TableName=self.table_name), name=f"{name} on {self.table_name}")


def used_units(answer: Mapping[str, Any]) -> float:
    """Return the request units an answer names, 0 when it names none."""
    return float(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0))
