"""Who is primary since when: one record per database, which outlives runs and servers.

A server that was lost and returns ONLINE looks like a primary; this record says that it is none.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from include.log_shipping.names import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimaryRecord:
    """The last failover or failback of a database.

    :ivar run: owner of the change, `<dag id>/<run id>`.
    :ivar at: when its recovery began (aware).
    :ivar fork_lsn: where the new recovery fork begins: the last LSN that both histories have in common.
    :ivar forked_from: the recovery fork that was restored until then, upper case.
    :ivar fork: the fork the new primary writes; None while the recovery is under way.
    :ivar with_tail: whether the old primary's tail was restored, so that nothing was lost.
    """

    database: str
    primary: str
    former: str
    run: str
    mode: str
    at: datetime
    fork_lsn: int
    forked_from: str
    fork: str | None = None
    with_tail: bool
    approved_by: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the recovery was seen to be done."""
        return self.fork is not None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document; LSNs are text."""
        return asdict(self) | {"at": self.at.isoformat(), "fork_lsn": str(self.fork_lsn)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> PrimaryRecord:
        """Read what `to_dict` wrote."""
        at, lsn = datetime.fromisoformat(document["at"]), int(document["fork_lsn"])
        return cls(**{**document, "at": at, "fork_lsn": lsn})


def write_primary(store: ObjectStore, record: PrimaryRecord) -> str:
    """Write the record of a database and return its URI."""
    return store.put_json(_key(store, record.database), record.to_dict())


def find_primary(store: ObjectStore, database: str) -> PrimaryRecord | None:
    """Return the record of a database, None when it never moved."""
    found = store.find_json(_key(store, database))
    return None if found is None else PrimaryRecord.from_dict(found)


def _key(store: ObjectStore, database: str) -> str:
    return store.key("failovers", f"{quoted(database)}.json")
