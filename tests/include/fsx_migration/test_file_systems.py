"""A file system is created once, adopted only when it fits, and never changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from include.fsx_migration.refusals import DriftError, NotReadyError, RefusedError
from include.fsx_migration.resources import tagging
from include.fsx_migration.resources.file_systems import describe, ensure_file_system, require_available
from include.fsx_migration.resources.ledger import Origin, forget, read_ledger
from tests.include.fsx_migration.fake_aws import FakeAws, migration, workplace

if TYPE_CHECKING:
    from include.fsx_migration.definition_model import Migration


def adopting(file_system_id: str, name: str = "archive") -> Migration:
    return migration(name=name, target=replace(migration().target, file_system_id=file_system_id, lustre=None))


def test_a_new_file_system_is_described_as_fsx_made_it() -> None:
    found = ensure_file_system(workplace(FakeAws()))
    assert (found.kind, found.lifecycle, found.mount_name) == ("LUSTRE", "AVAILABLE", "abcdefgh")
    assert (found.storage_gib, found.throughput_mb_s, found.deployment) == (2400, 600.0, "PERSISTENT_2")


def test_one_that_is_on_its_way_is_waited_for_and_a_failed_one_is_not() -> None:
    aws = FakeAws(lifecycle="CREATING")
    place = workplace(aws)
    found = ensure_file_system(place)
    with pytest.raises(NotReadyError, match="CREATING"):
        require_available(found)
    aws.file_systems[found.id] |= {"Lifecycle": "FAILED", "FailureDetails": {"Message": "no address is free"}}
    with pytest.raises(RefusedError, match="no address is free"):
        require_available(describe(place))


def test_a_lost_answer_makes_no_second_file_system() -> None:
    aws = FakeAws()
    place = workplace(aws)
    aws.fail("CreateFileSystem", code="InternalServerError", answered=True)
    with pytest.raises(Exception, match="InternalServerError"):
        ensure_file_system(place)
    found = ensure_file_system(place)
    assert list(aws.file_systems) == [found.id]


def test_the_client_token_finds_it_when_the_tag_is_not_seen_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = FakeAws()
    place = workplace(aws)
    first = ensure_file_system(place)
    other = workplace(aws)  # its notes are lost
    monkeypatch.setattr("include.fsx_migration.resources.file_systems.tagged_file_systems", lambda _: iter(()))
    assert ensure_file_system(other).id == first.id
    assert len(aws.file_systems) == 1


def test_a_definition_that_changed_between_two_tries_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = FakeAws()
    place = workplace(aws)
    ensure_file_system(place)
    larger = replace(place.migration.target, lustre=replace(place.migration.target.lustre, storage_gib=4800))
    monkeypatch.setattr("include.fsx_migration.resources.file_systems.tagged_file_systems", lambda _: iter(()))
    with pytest.raises(DriftError, match="changed after the first try"):
        ensure_file_system(workplace(aws, migration(target=larger)))


def test_one_that_is_gone_is_not_silently_replaced() -> None:
    aws = FakeAws()
    place = workplace(aws)
    found = ensure_file_system(place)
    del aws.file_systems[found.id]
    with pytest.raises(RefusedError, match=f"{found.id}.*is gone: run fsx_migration_clean_up"):
        ensure_file_system(place)


def test_after_a_clean_up_a_new_one_gets_a_new_token() -> None:
    aws = FakeAws()
    place = workplace(aws)
    first = ensure_file_system(place)
    del aws.file_systems[first.id]
    forget(place, [first.arn])
    assert ensure_file_system(place).id != first.id


def test_an_adopted_one_is_noted_as_anothers() -> None:
    aws = FakeAws()
    first = ensure_file_system(workplace(aws))
    aws.file_systems[first.id]["Tags"] = [{"Key": "Name", "Value": "shared"}]
    place = workplace(aws, adopting(first.id))
    assert ensure_file_system(place).id == first.id
    entry = read_ledger(place).living(tagging.FILE_SYSTEM)
    assert entry is not None
    assert entry.origin is Origin.ADOPTED
    assert aws.writes["CreateFileSystem"] == 1


def test_another_migrations_file_system_is_not_adopted() -> None:
    aws = FakeAws()
    first = ensure_file_system(workplace(aws))
    with pytest.raises(RefusedError, match="belongs to migration projects"):
        ensure_file_system(workplace(aws, adopting(first.id)))


def test_an_unknown_or_unready_or_wrong_one_is_not_adopted() -> None:
    aws = FakeAws()
    first = ensure_file_system(workplace(aws))
    aws.file_systems[first.id]["Tags"] = [{"Key": "Name", "Value": "shared"}]
    with pytest.raises(RefusedError, match="does not exist in us-east-1"):
        ensure_file_system(workplace(aws, adopting("fs-0000000000000abcd")))
    windows = replace(adopting(first.id), target=replace(adopting(first.id).target, connection="fsx_windows"))
    with pytest.raises(DriftError, match="FileSystemType is LUSTRE, wanted WINDOWS"):
        ensure_file_system(workplace(aws, windows))
    aws.file_systems[first.id]["Lifecycle"] = "UPDATING"
    with pytest.raises(NotReadyError, match="UPDATING"):
        ensure_file_system(workplace(aws, adopting(first.id)))


def test_a_migration_changes_its_file_system_for_no_other() -> None:
    aws = FakeAws()
    place = workplace(aws)
    ensure_file_system(place)
    other = ensure_file_system(workplace(aws, migration(name="archive")))
    with pytest.raises(DriftError, match="already fills"):
        ensure_file_system(workplace(aws, adopting(other.id, name="projects"), lake=place.store))


def test_two_file_systems_with_the_tag_are_left_to_a_person() -> None:
    aws = FakeAws()
    one = ensure_file_system(workplace(aws))
    two = ensure_file_system(workplace(aws, migration(name="archive")))
    aws.file_systems[two.id]["Tags"] = aws.file_systems[one.id]["Tags"]
    with pytest.raises(RefusedError, match=f"{one.id}, {two.id}"):
        ensure_file_system(workplace(aws))


def test_before_the_first_run_there_is_nothing_to_describe() -> None:
    with pytest.raises(RefusedError, match="has no file system yet"):
        describe(workplace(FakeAws()))
