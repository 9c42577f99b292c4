"""Passes as documents, and files that are suspect until they are cleared."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.fsx_migration.transfer.pass_model import (
    Attempt,
    AttemptState,
    Delta,
    FailedFile,
    Pass,
    PassKind,
    PassPart,
)
from include.fsx_migration.transfer.passes import (
    PassCollisionError,
    change_pass,
    create_pass,
    failures_key,
    find_pass,
    list_passes,
    read_passes,
    save_failures,
    save_repairs,
)
from include.fsx_migration.transfer.suspects import REPAIRS, suspects_after
from tests.include.fsx_migration.fake_aws import AT, FakeAws, workplace

if TYPE_CHECKING:
    from include.fsx_migration.workplace import Workplace

CHANGED = {"TransferMode": "CHANGED", "VerifyMode": "ONLY_FILES_TRANSFERRED"}
ALL = {"TransferMode": "ALL", "VerifyMode": "ONLY_FILES_TRANSFERRED"}
UNVERIFIED = {"TransferMode": "ALL", "VerifyMode": "NONE"}


def attempt(number: int = 1, **fields: Any) -> Attempt:
    base = {"intended": AT, "manifest_key": "m", "options": CHANGED, "state": AttemptState.DONE}
    return Attempt(**{"number": number, **base, **fields})


def part(*attempts: Attempt, name: str = "0000") -> PassPart:
    return PassPart(name=name, agent="a", task_arn="t", manifest_key="m", files=3, bytes=30, attempts=attempts)


def a_pass(*parts: PassPart, number: int = 1, **fields: Any) -> Pass:
    base = {"kind": PassKind.FULL, "run": "dag/run", "plan_id": "p", "listing_key": "l", "opened": AT, "parts": parts}
    return Pass(**{"number": number, **base, **fields})


def bad(path: str, step: str = "verify") -> FailedFile:
    return FailedFile(path=path, step=step, reason="no")


@pytest.fixture
def place() -> Workplace:
    return workplace(FakeAws())


def test_a_pass_is_read_as_it_was_written(place: Workplace) -> None:
    full = attempt(
        arn="arn", reason="r", started=AT, ended=AT + timedelta(hours=1), failed=2, counters={"bytes_written": 3}
    )
    made = a_pass(part(full), delta=Delta(new=1, bytes=9), troubles={"k": "told"}, notes=("n",), scan_seconds=1.5)
    create_pass(place.places, made)
    assert find_pass(place.places, 1) == made


def test_a_document_of_a_newer_release_is_read(place: Workplace) -> None:
    document = a_pass(part(attempt())).to_dict()
    document["more"] = document["parts"][0]["more"] = document["parts"][0]["attempts"][0]["more"] = 1
    assert Pass.from_dict(document) == a_pass(part(attempt()))


def test_the_first_who_opens_a_pass_wins(place: Workplace) -> None:
    first = create_pass(place.places, a_pass(part(), run="dag/first"))
    assert create_pass(place.places, a_pass(part(), run="dag/second")) == first
    assert [one.run for one in list_passes(place.places)] == ["dag/first"]


def test_a_change_is_applied_to_what_somebody_else_wrote_meanwhile(place: Workplace) -> None:
    create_pass(place.places, a_pass(part(name="0000"), part(name="0001")))
    others = iter([True, False])

    def change(now: Pass) -> Pass:
        if next(others, False):
            change_pass(place.places, 1, lambda it: it.with_part(part(attempt(), name="0001")))
        return now.with_part(part(attempt(), name="0000"))

    after = change_pass(place.places, 1, change)
    assert [len(one.attempts) for one in after.parts] == [1, 1]


def test_two_writers_who_never_stop_are_told_so(place: Workplace) -> None:
    create_pass(place.places, a_pass(part()))
    counted = iter(range(1, 1000))

    def change(now: Pass) -> Pass:
        number = next(counted)
        change_pass(place.places, 1, lambda it: replace(it, scan_seconds=float(number) + 0.5))
        return replace(now, scan_seconds=float(number))

    with pytest.raises(PassCollisionError, match="end the other run"):
        change_pass(place.places, 1, change)


def test_failed_files_are_those_of_the_last_attempt(place: Workplace) -> None:
    keys = [failures_key(place.places, 1, "0000", number) for number in (1, 2)]
    save_failures(place.places, keys[0], [bad("a", "transfer"), bad("b", "transfer")])
    save_failures(place.places, keys[1], [bad("b", "transfer")])
    failed = AttemptState.FILES_FAILED
    create_pass(
        place.places,
        a_pass(
            part(
                attempt(state=failed, failures_key=keys[0]),
                attempt(2, state=failed, by_files=True, options=ALL, failures_key=keys[1]),
            )
        ),
    )
    (found,) = read_passes(place)
    assert [file.path for file in found.failed] == ["b"]


def after(
    *attempts: Attempt, failures: dict[int, list[FailedFile]], before: set[str] | None = None, **fields: Any
) -> set[str]:
    one = a_pass(part(*attempts, **fields))
    name = one.parts[0].name
    found = {(name, number): files for number, files in failures.items()}
    return set(suspects_after(one, found, frozenset(before or ()), repaired=frozenset(before or ())))


def test_a_file_that_failed_verification_is_suspect() -> None:
    assert after(attempt(state=AttemptState.FILES_FAILED), failures={1: [bad("a"), bad("b", "transfer")]}) == {"a"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"options": ALL, "by_files": True}, set()),
        ({"options": ALL}, set()),
        ({"options": CHANGED, "by_files": True}, {"a"}),
        ({"options": CHANGED}, {"a"}),
        ({"options": UNVERIFIED, "by_files": True}, {"a"}),
        ({"options": ALL, "by_files": True, "state": AttemptState.FAILED}, {"a"}),
        ({"options": ALL, "by_files": True, "state": AttemptState.CANCELLED}, {"a"}),
    ],
    ids=["by name", "whole", "changed only", "changed whole", "unverified", "broke off", "cancelled"],
)
def test_only_a_verified_copy_of_everything_clears_it(fields: dict[str, Any], expected: set[str]) -> None:
    first = attempt(state=AttemptState.FILES_FAILED)
    assert after(first, attempt(2, **fields), failures={1: [bad("a")]}) == expected


def test_a_file_that_fails_again_stays_suspect() -> None:
    second = attempt(2, options=ALL, by_files=True, state=AttemptState.FILES_FAILED)
    assert after(
        attempt(state=AttemptState.FILES_FAILED), second, failures={1: [bad("a"), bad("b")], 2: [bad("a")]}
    ) == {"a"}


def test_another_part_clears_nobody() -> None:
    assert after(attempt(options=ALL), failures={}, before={"a"}) == {"a"}


def test_the_repair_of_a_later_pass_clears_what_it_was_given() -> None:
    assert after(attempt(options=ALL), failures={}, before={"a"}, name=REPAIRS) == set()
    assert after(attempt(options=CHANGED), failures={}, before={"a"}, name=REPAIRS) == {"a"}


def test_repairs_are_read_with_the_pass(place: Workplace) -> None:
    key = failures_key(place.places, 1, "0000", 1)
    save_failures(place.places, key, [bad("a"), bad("b")])
    create_pass(place.places, a_pass(part(attempt(state=AttemptState.FILES_FAILED, failures_key=key))))
    save_repairs(place.places, 2, ["a"])
    create_pass(place.places, a_pass(part(attempt(options=ALL), name=REPAIRS), number=2, kind=PassKind.INCREMENTAL))
    assert [one.suspects for one in read_passes(place)] == [("a", "b"), ("b",)]


PATHS = st.sampled_from("abcd")
ATTEMPTS = st.lists(
    st.tuples(
        st.sampled_from([CHANGED, ALL, UNVERIFIED]),
        st.sampled_from([AttemptState.DONE, AttemptState.FILES_FAILED, AttemptState.FAILED, AttemptState.CANCELLED]),
        st.booleans(),
        st.sets(PATHS),
    ),
    max_size=5,
)


@settings(derandomize=True, max_examples=300)
@given(tries=ATTEMPTS)
def test_no_failed_verification_is_ever_hidden(
    tries: list[tuple[dict[str, str], AttemptState, bool, set[str]]],
) -> None:
    """A file whose last word is a failed verification is suspect, whatever the other attempts look like."""
    attempts, failures = [], {}
    for number, (options, state, by_files, paths) in enumerate(tries, start=1):
        attempts.append(attempt(number, options=options, state=state, by_files=by_files))
        failures[number] = [bad(path) for path in sorted(paths)]
    suspects = after(*attempts, failures=failures)
    clearing = {number for number, one in enumerate(attempts, start=1) if one.clears}
    for path in "abcd":
        failed = [number for number, files in failures.items() if any(file.path == path for file in files)]
        if failed and not any(number > failed[-1] for number in clearing):
            assert path in suspects


def test_times_keep_their_zone(place: Workplace) -> None:
    create_pass(place.places, a_pass(part(attempt(ended=datetime(2026, 3, 1, tzinfo=UTC)))))
    found = find_pass(place.places, 1)
    assert found
    assert found.parts[0].attempts[0].ended == datetime(2026, 3, 1, tzinfo=UTC)
