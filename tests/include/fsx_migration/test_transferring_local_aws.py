"""Passes against the local AWS, which really copies: what fails is tried again, named, and never hidden."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.transfer.convergence import Answer
from include.fsx_migration.transfer.passes import list_passes, read_passes
from include.fsx_migration.transfer.transferring import Kinds, TransferStoppedError, summary
from tests.include.fsx_migration.transfer_site import Site, make_site
from tests.local_aws import LocalAws, start_local_aws

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with start_local_aws(tmp_path_factory.mktemp("fsx_transferring") / "state") as found:
        found.control("POST", "fsx", {"create_seconds": 0})
        found.control("POST", "datasync/pace", {"launch_seconds": 0.02})
        found.client("s3").create_bucket(Bucket="landfall-lake")
        yield found


@pytest.fixture(scope="module")
def site(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A migration whose full pass is made by the first test; the others that take it go on from there."""
    return make_site(aws, tmp_path_factory.mktemp("walk"), "walk")


def test_passes_move_everything_and_then_only_what_changed(aws: LocalAws, site: Site) -> None:
    site.run(Kinds.FULL)
    assert site.differing() == []
    assert not (site.target / "empty").exists()

    (site.source / "d0" / "new.bin").write_bytes(b"new")
    (site.source / "d1" / "f01.bin").write_bytes(b"other")
    (site.source / "d2" / "f02.bin").unlink()
    done = site.run(Kinds.INCREMENTAL)
    assert done.verdict
    assert done.verdict.answer is Answer.CONVERGED
    delta = list_passes(site.place.places)[1].delta
    assert (delta.new, delta.changed, delta.deleted, delta.files) == (1, 1, 1, 2)
    assert site.differing() == ["d2/f02.bin"]

    done = site.run(Kinds.CLOSING)
    assert site.differing() == []
    assert (site.target / "empty").is_dir()
    assert summary(site.place, done)["failed"] == 0
    started = len(aws.client("datasync").list_task_executions()["TaskExecutions"])
    assert site.run(Kinds.FULL).passes == (1,)
    assert site.run(Kinds.CLOSING) == done
    assert len(aws.client("datasync").list_task_executions()["TaskExecutions"]) == started


def test_the_final_passes_belong_to_their_own_run(site: Site) -> None:
    before = len(list_passes(site.place.places))
    (site.source / "d0" / "late.bin").write_bytes(b"late")
    done = site.run(Kinds.FINAL, run="fsx_migration_cut_over/manual__2")
    assert done.passes == (before + 1, before + 2)
    assert [one.kind.value for one in list_passes(site.place.places)[before:]] == ["incremental", "closing"]
    assert site.differing() == []


def test_an_empty_mount_is_not_taken_for_a_deleted_source(site: Site, tmp_path: Path) -> None:
    before = len(list_passes(site.place.places))
    shutil.move(site.source, tmp_path / "elsewhere")
    site.source.mkdir()
    with pytest.raises(RefusedError, match=r"holds no file.*mount the source"):
        site.run(Kinds.INCREMENTAL, run="fsx_migration_migrate/manual__3")
    assert len(list_passes(site.place.places)) == before


def test_what_passes_is_tried_again_by_name_or_as_a_whole(aws: LocalAws, tmp_path: Path) -> None:
    site = make_site(aws, tmp_path, "again")
    site.fault("corrupt", match="*f05.bin", times=1)
    site.fault("connection_lost", match="*f04.bin", times=1)
    site.run(Kinds.FULL)
    full = read_passes(site.place)[0]
    ends = {tuple(one.state.value for one in part.attempts): part.attempts for part in full.parts}
    assert set(ends) == {("done",), ("files_failed", "done"), ("failed", "done")}
    by_name, whole = ends["files_failed", "done"][1], ends["failed", "done"][1]
    assert (by_name.by_files, by_name.options["TransferMode"]) == (True, "ALL")
    assert (whole.by_files, whole.options["VerifyMode"]) == (False, "POINT_IN_TIME_CONSISTENT")
    assert (full.failed, full.suspects) == ((), ())
    assert site.differing() == []


def test_a_file_that_stays_corrupt_is_named_and_repaired_by_a_later_pass(aws: LocalAws, tmp_path: Path) -> None:
    site = make_site(aws, tmp_path, "stubborn")
    site.fault("corrupt", match="*f05.bin")
    site.run(Kinds.FULL)
    full = read_passes(site.place)[0]
    assert [(file.path, file.step) for file in full.failed] == [("d2/f05.bin", "verify")]
    assert full.suspects == ("d2/f05.bin",)
    logged = site.place.store.get_json(site.place.places.transfer_pass(1, "log_errors.json"))
    assert "error" not in logged
    assert int(logged["failed_verification"][0]["lines"]) == site.place.migration.transfer.attempts
    site.mend()
    site.run(Kinds.INCREMENTAL)
    second = read_passes(site.place)[1]
    assert (second.delta.repairs, second.suspects) == (1, ())
    assert site.differing() == []


def test_a_full_target_stops_for_a_person_and_goes_on_when_the_task_is_cleared(aws: LocalAws, tmp_path: Path) -> None:
    site = make_site(aws, tmp_path, "full")
    site.fault("enospc", match="*f03.bin")
    with pytest.raises(TransferStoppedError, match=r"full.*waits for a person.*is full.*give it room"):
        site.run(Kinds.FULL)
    assert list_passes(site.place.places)[0].stopped
    site.mend()
    site.run(Kinds.FULL)
    assert not list_passes(site.place.places)[0].stopped
    assert site.differing() == []


def test_a_file_that_vanishes_is_named_and_no_longer_asked_for(aws: LocalAws, tmp_path: Path) -> None:
    site = make_site(aws, tmp_path, "vanish")
    (site.source / "d0" / "f00.bin").unlink()
    site.run(Kinds.FULL)
    assert [file.path for file in read_passes(site.place)[0].failed] == ["d0/f00.bin"]
    site.run(Kinds.INCREMENTAL)
    second = read_passes(site.place)[1]
    assert (second.delta.deleted, second.delta.repairs, second.failed) == (1, 0, ())


def test_odd_names_go_through(aws: LocalAws, tmp_path: Path) -> None:
    site = make_site(aws, tmp_path, "odd", files=2)
    names = ["a,b", 'q"uote', " space ", "new\nline", "b\\xffslash", "ünï"]
    for name in names:
        (site.source / name).write_bytes(name.encode())
    raw = os.fsencode(site.source) + b"/raw\xff"
    with open(raw, "wb") as stream:  # noqa: PTH123 - a name that no Path of text can hold
        stream.write(b"raw")
    site.run(Kinds.FULL)
    site.run(Kinds.INCREMENTAL)
    assert all((site.target / name).read_bytes() == name.encode() for name in names)
    assert list_passes(site.place.places)[1].delta.left_out == 1
    site.run(Kinds.CLOSING)
    assert os.listdir(os.fsencode(site.target)).count(b"raw\xff") == 1  # noqa: PTH208 - as above
    assert read_passes(site.place)[-1].failed == ()


def test_a_suspect_that_was_deleted_is_not_copied_again_and_is_repaired_when_it_comes_back(
    aws: LocalAws, tmp_path: Path
) -> None:
    site = make_site(aws, tmp_path, "deleted")
    site.fault("corrupt", match="*f05.bin")
    site.run(Kinds.FULL)
    assert read_passes(site.place)[-1].suspects == ("d2/f05.bin",)
    content = (site.source / "d2" / "f05.bin").read_bytes()
    (site.source / "d2" / "f05.bin").unlink()
    site.mend()
    site.run(Kinds.INCREMENTAL)
    done = site.run(Kinds.CLOSING)
    last = read_passes(site.place)[-1]
    assert (len(done.passes), last.living_suspects, last.failed) == (1, (), ())
    assert [part.name for part in last.parts] == ["closing"]
    assert site.differing() == []

    (site.source / "d2" / "f05.bin").write_bytes(content)
    site.run(Kinds.FINAL, run="fsx_migration_cut_over/manual__2")
    assert read_passes(site.place)[-1].suspects == ()
    assert site.differing() == []
