"""Passes of a migration, as they are kept.

A pass is one document, `passes/<number>/pass.json`, written before anything starts and changed on condition only. What
an attempt could not move lies beside it, one object for each attempt (`failures/<part>-<attempt>.json`), written before
the pass counts it: whoever reads the pass finds every failed file by name.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final

from include.fsx_migration.transfer.pass_model import (
    ALL,
    CHANGED,
    FULL_PASS,
    VERIFY,
    Attempt,
    AttemptState,
    Delta,
    FailedFile,
    Pass,
    PassKind,
    PassPart,
)
from include.fsx_migration.transfer.suspects import suspects_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from include.fsx_migration.places import Places
    from include.fsx_migration.workplace import Workplace

__all__ = [
    "ALL",
    "CHANGED",
    "FULL_PASS",
    "VERIFY",
    "Attempt",
    "AttemptState",
    "Delta",
    "FailedFile",
    "Pass",
    "PassCollisionError",
    "PassKind",
    "PassPart",
    "change_pass",
    "create_pass",
    "failures_key",
    "find_pass",
    "list_passes",
    "load_failures",
    "read_passes",
    "repaired_paths",
    "save_failures",
    "save_repairs",
]

_COLLISIONS: Final = 20


class PassCollisionError(RuntimeError):
    """A pass's document changed again and again while it was written: two runs work on it at once."""


def read_passes(place: Workplace) -> tuple[Pass, ...]:
    """Return all passes in order, with their failed files and the files that are suspect after each."""
    found, suspects = [], frozenset[str]()
    for one in list_passes(place.places):
        failures = {
            (part.name, attempt.number): load_failures(place.places, attempt) for part, attempt in one.attempts()
        }
        last = [failures[part.name, part.last.number] for part in one.parts if part.last]
        suspects = suspects_after(one, failures, suspects, repaired=repaired_paths(place.places, one.number))
        failed = tuple(file for files in last for file in files)
        found.append(replace(one, failed=failed, suspects=tuple(sorted(suspects))))
    return tuple(found)


def list_passes(places: Places) -> tuple[Pass, ...]:
    """Return all passes in order, without their failed files."""
    found: list[Pass] = []
    while one := find_pass(places, len(found) + 1):
        found.append(one)
    return tuple(found)


def find_pass(places: Places, number: int) -> Pass | None:
    """Return a pass, without its failed files, or None when it was not opened."""
    document = places.store.find_json(places.transfer_pass(number, "pass.json"))
    return None if document is None else Pass.from_dict(document)


def create_pass(places: Places, made: Pass) -> Pass:
    """Write a new pass and return it; if somebody opened this number before, return theirs."""
    key = places.transfer_pass(made.number, "pass.json")
    if places.store.put_if_absent(key, made.to_dict()):
        return made
    return Pass.from_dict(places.store.get_json(key))


def change_pass(places: Places, number: int, change: Callable[[Pass], Pass]) -> Pass:
    """Apply a change to a pass as it is now, and return it; the change may be applied again to a newer document.

    :raises PassCollisionError: somebody else kept writing it.
    """
    key = places.transfer_pass(number, "pass.json")
    for _ in range(_COLLISIONS):
        found = places.store.find_versioned_json(key)
        if found is None:
            raise LookupError(f"Pass {number} of {places.migration} does not exist: {key} was removed.")
        before = Pass.from_dict(found[0])
        after = change(before)
        if after == before or places.store.put_if_unchanged(key, after.to_dict(), etag=found[1]):
            return after
    raise PassCollisionError(f"{key} is written by somebody else as well: end the other run of this migration.")


def failures_key(places: Places, number: int, part: str, attempt: int) -> str:
    """Return where the failed files of an attempt are kept."""
    return places.transfer_pass(number, "failures", f"{part}-{attempt}.json")


def save_failures(places: Places, key: str, files: Iterable[FailedFile]) -> None:
    """Keep the failed files of an attempt."""
    places.store.put_json(key, [asdict(file) for file in files])


def load_failures(places: Places, attempt: Attempt) -> tuple[FailedFile, ...]:
    """Return the failed files of an attempt."""
    if not attempt.failures_key:
        return ()
    return tuple(FailedFile(**file) for file in places.store.get_json(attempt.failures_key))


def repaired_paths(places: Places, number: int) -> frozenset[str]:
    """Return the files of a pass's part `repairs`."""
    return frozenset(places.store.find_json(places.transfer_pass(number, "repairs.json")) or ())


def save_repairs(places: Places, number: int, paths: Iterable[str]) -> None:
    """Keep the files of a pass's part `repairs`, before the pass is opened."""
    places.store.put_json(places.transfer_pass(number, "repairs.json"), sorted(paths))
