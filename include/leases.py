"""One run at a time per subject, as a database or a migration: a lease in the object store, with an owner and an end.

A step takes it and gives it back, as shipping does; a run that must not be disturbed between its steps, as a failover
or a migration, takes it for all of them. An owner is a DAG run (`<dag id>/<run id>`): a task that was killed and runs
again gets its own lease back. A lease that has ended, or whose run is over, is taken over.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from include.object_store import ObjectStore

log = logging.getLogger(__name__)

STEP: Final = timedelta(minutes=10)
"""How long a lease outlives its dead owner. `held` renews three times as often, so a long BACKUP keeps it."""
Clock = Callable[[], datetime]


class LeaseHeldError(RuntimeError):
    """Another run works on the subject; the message says which, at what, and until when at most."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(
            f"{lease.subject} is held by {lease.owner} ({lease.purpose}) since {_clock(lease.taken_at)}, "
            f"until {_clock(lease.ends_at)} at most: wait for that run, or end it."
        )
        self.lease = lease


class LeaseLostError(RuntimeError):
    """Somebody else took the lease over while its owner worked; nothing more may be done under it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A lease as it was taken or renewed; times are aware. `released` ones are free for everybody."""

    subject: str
    owner: str
    purpose: str
    taken_at: datetime
    ends_at: datetime
    released: bool = False
    etag: str = ""

    def is_free(self, *, at: datetime) -> bool:
        """Whether anybody may take it."""
        return self.released or at >= self.ends_at

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document that is stored."""
        document = asdict(self) | {"taken_at": self.taken_at.isoformat(), "ends_at": self.ends_at.isoformat()}
        del document["etag"]
        return document


def lease_of(store: ObjectStore, subject: str) -> Lease | None:
    """Return the stored lease of a subject, free or not; None when there never was one."""
    found = store.find_versioned_json(_key(store, subject))
    if found is None:
        return None
    document, etag = found
    times = {name: datetime.fromisoformat(document[name]) for name in ("taken_at", "ends_at")}
    return Lease(**{**document, **times}, etag=etag)


def take(
    store: ObjectStore,
    subject: str,
    *,
    owner: str,
    purpose: str,
    at: datetime,
    keep_for: timedelta = STEP,
    is_over: Callable[[str], bool] = lambda owner: False,
) -> Lease:
    """Take the lease of a subject, or renew it when this owner has it already.

    :param is_over: tells of another owner whether its run is over, so that nobody waits for the dead.
    :raises LeaseHeldError: another owner holds it, or was a moment faster.
    """
    current = lease_of(store, subject)
    if current and current.owner != owner and not current.is_free(at=at) and not is_over(current.owner):
        raise LeaseHeldError(current)
    mine = current is not None and current.owner == owner and not current.released
    wanted = Lease(subject=subject, owner=owner, purpose=purpose, taken_at=at, ends_at=at + keep_for)
    if mine and current:
        wanted = replace(wanted, taken_at=current.taken_at, ends_at=max(current.ends_at, wanted.ends_at))
    if not _write(store, wanted, over=current):
        winner = lease_of(store, subject)
        if winner is None or winner.owner != owner:
            raise LeaseHeldError(winner or wanted)
    return _stored(store, wanted)


def renew(store: ObjectStore, lease: Lease, *, at: datetime, keep_for: timedelta = STEP) -> Lease:
    """Prolong a lease; raises LeaseLostError when it is no longer this owner's."""
    current = lease_of(store, lease.subject)
    if current is None or current.owner != lease.owner or current.released:
        raise LeaseLostError(_lost(lease, current))
    wanted = replace(current, ends_at=max(current.ends_at, at + keep_for))
    if not _write(store, wanted, over=current):
        raise LeaseLostError(_lost(lease, lease_of(store, lease.subject)))
    return _stored(store, wanted)


def release(store: ObjectStore, subject: str, *, owner: str) -> bool:
    """Give a lease back; False when it is not this owner's (any more), which is no error."""
    current = lease_of(store, subject)
    if current is None or current.owner != owner or current.released:
        return False
    return _write(store, replace(current, released=True), over=current)


@contextmanager
def held(
    store: ObjectStore,
    subject: str,
    *,
    owner: str,
    purpose: str,
    clock: Clock,
    is_over: Callable[[str], bool] = lambda owner: False,
) -> Iterator[Callable[[], None]]:
    """Hold the lease for a block and renew it meanwhile; gives a check to call before each act that changes something.

    The check raises LeaseLostError when a renewal failed. A block of an owner that held the lease before (a failover
    that ships its tail) leaves it as it is.
    """
    before = lease_of(store, subject)
    nested = before is not None and before.owner == owner and not before.is_free(at=clock())
    lease = take(store, subject, owner=owner, purpose=purpose, at=clock(), is_over=is_over)
    ended, lost = threading.Event(), threading.Event()

    def keep() -> None:
        while not ended.wait(STEP.total_seconds() / 3):
            try:
                renew(store, lease, at=clock())
            except LeaseLostError as error:
                log.warning("%s", error)
                lost.set()
                return

    def check() -> None:
        if lost.is_set():
            raise LeaseLostError(_lost(lease, lease_of(store, subject)))

    keeper = threading.Thread(target=keep, daemon=True, name=f"lease {subject}")
    keeper.start()
    try:
        yield check
    finally:
        ended.set()
        keeper.join()
        if not nested:
            release(store, subject, owner=owner)


def _write(store: ObjectStore, lease: Lease, *, over: Lease | None) -> bool:
    key = _key(store, lease.subject)
    if over is None:
        return store.put_if_absent(key, lease.to_dict())
    return store.put_if_unchanged(key, lease.to_dict(), etag=over.etag)


def _stored(store: ObjectStore, wanted: Lease) -> Lease:
    """Read back: the ETag of what was written, or the news that somebody was faster."""
    current = lease_of(store, wanted.subject)
    if current is None or current.owner != wanted.owner:
        raise LeaseHeldError(current or wanted)
    return current


def _lost(lease: Lease, now: Lease | None) -> str:
    by = f"{now.owner} ({now.purpose})" if now and now.owner != lease.owner else "somebody"
    return f"The lease of {lease.subject} was taken from {lease.owner} by {by}: nothing more is done for it."


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _key(store: ObjectStore, subject: str) -> str:
    return store.key("leases", f"{quote(subject, safe='')}.json")
