"""DataSync: what arrives, and what is left alone."""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.standins.aws.datasync_filters import Filters
from include.standins.aws.datasync_trees import DESCEND, PRUNE, TAKE
from tests.standins.aws.datasync_client import ROLE, Lab, tree

if TYPE_CHECKING:
    from pathlib import Path

OLD = 1_500_000_000_123_456_789
IS_ROOT = os.geteuid() == 0
MIRROR = {"PreserveDeletedFiles": "REMOVE"}


def _age(path: Path, *, by: int = 0) -> None:
    os.utime(path, ns=(OLD + by, OLD + by), follow_symlinks=False)


def _odd_tree(lab: Lab) -> None:
    lab.fill({"a/small.txt": "hello", "a/b/large.bin": os.urandom(3_000_001), "a/empty": b"", "quo'te,\"\n.txt": "odd"})
    (lab.source / "hollow" / "inner").mkdir(parents=True)
    with open(os.fsencode(lab.source) + b"/\xff\xfe", "wb") as file:  # noqa: PTH123 - the name is no text
        file.write(b"bytes")
    (lab.source / "a" / "link").symlink_to("../nowhere")
    os.link(lab.source / "a" / "small.txt", lab.source / "a" / "hard")
    (lab.source / "a" / "small.txt").chmod(0o4750)
    if IS_ROOT:
        os.chown(lab.source / "a" / "small.txt", 1234, 5678)
        os.chown(lab.source / "hollow", 1234, 5678)
    (lab.source / "hollow" / "inner").chmod(0o555)
    for folder, directories, files in os.walk(lab.source, topdown=False):
        for name in [*directories, *files]:
            os.utime(os.path.join(folder, name), ns=(OLD, OLD), follow_symlinks=False)  # noqa: PTH118 - undecodable


def test_content_owner_mode_times_links_and_directories_arrive(lab: Lab) -> None:
    _odd_tree(lab)

    done = lab.run()

    assert done["Status"] == "SUCCESS", done
    assert tree(lab.target) == tree(lab.source)
    assert not (lab.target / ".aws-datasync").exists()
    assert done["FilesTransferred"] == done["EstimatedFilesToTransfer"] == len(tree(lab.source))
    assert done["BytesWritten"] == 3_000_001 + 5 + 5 + 3 + 5
    assert set(done["Result"]) >= {"PrepareDuration", "TransferDuration", "VerifyDuration", "TotalDuration"}


def test_a_second_execution_transfers_nothing(lab: Lab) -> None:
    _odd_tree(lab)
    task = lab.task()
    lab.run(task)

    again = lab.run(task)

    assert (again["FilesTransferred"], again["BytesTransferred"]) == (0, 0)
    assert again["FilesSkipped"] == len(tree(lab.source))


def test_changed_content_metadata_and_new_names_follow(lab: Lab) -> None:
    lab.fill({"same": "1", "content": "2", "mode": "3", "kind": "4", "d/inside": "5"})
    task = lab.task(options=MIRROR)
    lab.run(task)
    before = (lab.target / "mode").stat().st_ino
    (lab.source / "content").write_text("other")
    (lab.source / "mode").chmod(0o640)
    (lab.source / "kind").unlink()
    (lab.source / "kind").mkdir()
    shutil.rmtree(lab.source / "d")
    (lab.source / "d").write_text("a file now")
    lab.fill({"new/file": "6"})

    done = lab.run(task)

    assert done["Status"] == "SUCCESS", done
    assert tree(lab.target) == tree(lab.source)
    assert (lab.target / "mode").stat().st_ino == before, "metadata alone needs no copy"
    assert done["FilesTransferred"] == 6  # content, mode, kind, d, new, new/file


AGES = itertools.count()
TREES = st.dictionaries(
    st.lists(st.sampled_from(["a", "b", "ü", "c d"]), min_size=1, max_size=3).map("/".join),
    st.one_of(st.none(), st.binary(max_size=40)),
    max_size=6,
)


def _grow(root: Path, wanted: dict[str, bytes | None], *, age: int) -> None:
    """Make a tree whose files have a time that no other tree's have: equal size and time count as equal content."""
    shutil.rmtree(root)
    root.mkdir()
    for name, content in sorted(wanted.items()):
        path = root / name
        if any(parent.is_file() for parent in path.parents) or path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)
            _age(path, by=age)


@settings(
    derandomize=True,
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(trees=st.tuples(TREES, TREES))
def test_with_remove_the_target_becomes_the_source_whatever_it_was(
    lab: Lab, trees: tuple[dict[str, bytes | None], dict[str, bytes | None]]
) -> None:
    _grow(lab.source, trees[0], age=next(AGES))
    _grow(lab.target, trees[1], age=next(AGES))

    done = lab.run(options_task(lab))

    assert done["Status"] == "SUCCESS", done
    assert tree(lab.target) == tree(lab.source)


def options_task(lab: Lab) -> str:
    """One mirroring task for each lab, not one for each example."""
    arns = [
        task["TaskArn"] for page in _pages(lab, "list_tasks") for task in page["Tasks"] if task.get("Name") == lab.name
    ]
    return str(arns[0]) if arns else lab.task(options=MIRROR)


def _pages(lab: Lab, operation: str) -> Any:
    return lab.client.get_paginator(operation).paginate()


def test_extra_files_stay_unless_they_are_to_be_removed(lab: Lab) -> None:
    lab.fill({"kept": "1"})
    (lab.target / "old" / "deep").mkdir(parents=True)
    (lab.target / "old" / "deep" / "file").write_text("x")
    task = lab.task()

    kept = lab.run(task)
    assert (lab.target / "old" / "deep" / "file").exists()
    removed = lab.run(task, OverrideOptions=MIRROR)

    assert (kept["FilesDeleted"], removed["FilesDeleted"], removed["EstimatedFilesToDelete"]) == (0, 3, 3)
    assert set(tree(lab.target)) == {b"kept"}


def test_transfer_mode_all_copies_what_has_not_changed(lab: Lab) -> None:
    lab.fill({"a": "1", "b": "22"})
    task = lab.task()
    lab.run(task)

    again = lab.run(task, OverrideOptions={"TransferMode": "ALL"})

    assert (again["FilesTransferred"], again["BytesTransferred"]) == (2, 3)


def test_overwrite_mode_never_leaves_what_is_there(lab: Lab) -> None:
    lab.fill({"there": "new", "missing": "new"})
    (lab.target / "there").write_text("old")

    done = lab.run(OverrideOptions={"OverwriteMode": "NEVER"})

    assert (lab.target / "there").read_text() == "old"
    assert (lab.target / "missing").read_text() == "new"
    assert (done["FilesTransferred"], done["FilesSkipped"]) == (1, 1)


def test_metadata_stays_behind_when_the_options_say_so(lab: Lab) -> None:
    lab.fill({"f": "1"})
    (lab.source / "f").chmod(0o604)
    _age(lab.source / "f")

    lab.run(
        OverrideOptions={"PosixPermissions": "NONE", "Uid": "NONE", "Gid": "NONE", "Mtime": "NONE", "Atime": "NONE"}
    )

    found = (lab.target / "f").stat()
    assert stat.S_IMODE(found.st_mode) != 0o604
    assert found.st_mtime_ns > OLD


def test_a_manifest_names_what_is_copied_and_what_it_misses_fails_by_name(lab: Lab) -> None:
    lab.fill({"a/one": "1", "a/two": "2", 'odd,"name"\nhere': "3", "not listed": "4"})
    manifest = lab.manifest('a/one\n"odd,""name""\nhere"\r\na/gone\na\n')

    done = lab.run(lab.task(), ManifestConfig=manifest, TaskReportConfig=lab.report_config())

    assert {name for name, entry in tree(lab.target).items() if stat.S_ISREG(entry[0])} == {
        b"a/one",
        b'odd,"name"\nhere',
    }
    assert done["Status"] == "ERROR"
    assert "except for files skipped due to errors" in done["Result"]["ErrorDetail"]
    failed = [entry for entry in lab.reports(done["TaskExecutionArn"])["Transferred"] if "FailureReason" in entry]
    assert {entry["RelativePath"]: entry["FailureReason"] for entry in failed} == {
        "/a/gone": "Failed to open source file: No such file or directory",
        "/a": "Failed to open source file: Is a directory",
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\n", "UTF-8"), ("a\na\n", "twice"), ("a,version\n", "versions"), ("x" * 4097 + "\n", "4096")],
    ids=["bytes", "duplicate", "version", "long"],
)
def test_a_wrong_manifest_ends_the_execution(lab: Lab, content: str | bytes, words: str) -> None:
    lab.fill({"a": "1"})

    done = lab.run(lab.task(), ManifestConfig=lab.manifest(content))

    assert (done["Status"], done["Result"]["ErrorCode"]) == ("ERROR", "InvalidManifest")
    assert words in done["Result"]["ErrorDetail"]


def test_a_manifest_that_is_not_there_ends_the_execution(lab: Lab) -> None:
    manifest = lab.manifest("a\n")
    manifest["Source"]["S3"]["ManifestObjectPath"] = "nowhere.csv"
    assert lab.run(lab.task(), ManifestConfig=manifest)["Result"]["ErrorCode"] == "ManifestNotFound"


def test_names_of_4_kilobytes_go_through_and_longer_ones_fail_by_name(lab: Lab) -> None:
    folder = "/".join(["d" * 200] * 20)  # 4,019 bytes
    here = os.open(lab.source, os.O_RDONLY)
    try:
        path = ""
        for part in folder.split("/"):
            path = f"{path}/{part}" if path else part
            os.mkdir(path, dir_fd=here)
        for length in (4095 - 1 - len(folder), 200):
            os.close(os.open(f"{folder}/{'f' * length}"[:4095], os.O_CREAT | os.O_WRONLY, dir_fd=here))
        deep = os.open(folder, os.O_RDONLY, dir_fd=here)
        os.close(os.open("g" * 200, os.O_CREAT | os.O_WRONLY, dir_fd=deep))  # 4,220 bytes
        os.close(deep)
    finally:
        os.close(here)

    done = lab.run(lab.task(), TaskReportConfig=lab.report_config())

    there = os.open(lab.target, os.O_RDONLY)
    deep = os.open(folder, os.O_RDONLY, dir_fd=there)
    with os.scandir(deep) as arrived:
        assert {len(entry.name) for entry in arrived} == {4095 - 1 - len(folder)}
    os.close(deep)
    os.close(there)
    failed = [entry for section in lab.reports(done["TaskExecutionArn"]).values() for entry in section]
    (long,) = [entry for entry in failed if "FailureReason" in entry]
    assert long["RelativePath"].endswith("g" * 200)
    assert "File name too long" in long["FailureReason"]


def test_includes_and_excludes_choose_and_protect(lab: Lab) -> None:
    lab.fill({"in/a.txt": "1", "in/b.tmp": "2", "in/deep/c.txt": "3", "out/d.txt": "4", "in/.snapshot/e": "5"})
    (lab.target / "out").mkdir()
    (lab.target / "out" / "old").write_text("x")
    (lab.target / "in").mkdir()
    (lab.target / "in" / "old.tmp").write_text("x")
    rules = {
        "Includes": [{"FilterType": "SIMPLE_PATTERN", "Value": "/in*"}],
        "Excludes": [{"FilterType": "SIMPLE_PATTERN", "Value": "*.tmp|*/nothing"}],
    }

    lab.run(lab.task(options=MIRROR), **rules)

    found = {name.decode() for name, entry in tree(lab.target).items() if stat.S_ISREG(entry[0])}
    assert found == {"in/a.txt", "in/deep/c.txt", "out/old", "in/old.tmp"}


@pytest.mark.parametrize(
    ("includes", "excludes", "path", "expected"),
    [
        ("", "", b"any/thing", TAKE),
        ("", "/dir", b"dir/below", PRUNE),
        ("", "/dir/", b"dir", PRUNE),
        ("", "/dir", b"other/dir", TAKE),
        ("", "*/dir", b"other/dir/below", PRUNE),
        ("", r"/a\*b", b"a*b", PRUNE),
        ("", r"/a\*b", b"axb", TAKE),
        ("", r"/a\|b|/c", b"a|b", PRUNE),
        ("", "/A", b"a", TAKE),
        ("/a/b/*", "", b"a/b/c", TAKE),
        ("/a/b", "", b"a", DESCEND),
        ("/a/b", "", b"ab", PRUNE),
        ("", "", b"x/.snapshot", PRUNE),
        ("", "", b".aws-datasync/y", PRUNE),
        ("", "", b"x/.zfs", TAKE),
    ],
)
def test_patterns_mean_what_the_user_guide_says(includes: str, excludes: str, path: bytes, expected: int) -> None:
    filters = Filters([{"Value": includes}] if includes else [], [{"Value": excludes}] if excludes else [])
    assert filters.verdict(path, True) == expected


def test_objects_become_files_and_files_objects(lab: Lab) -> None:
    s3 = lab.aws.client("s3")
    s3.put_object(Bucket=lab.name, Key="in/a/b.txt", Body=b"content")
    kept = {"file-mtime": "1500000000/5", "file-permissions": "0600"}
    s3.put_object(Bucket=lab.name, Key="in/kept", Body=b"x", Metadata=kept)
    s3.put_object(Bucket=lab.name, Key="in/folder/", Body=b"")
    s3.put_object(Bucket=lab.name, Key="in/../sly", Body=b"x")
    bucket = {"S3BucketArn": f"arn:aws:s3:::{lab.name}", "S3Config": {"BucketAccessRoleArn": ROLE}}
    objects = lab.client.create_location_s3(Subdirectory="/in", **bucket)["LocationArn"]
    back = lab.client.create_location_s3(Subdirectory="/out", **bucket)["LocationArn"]
    to_files = lab.task(SourceLocationArn=objects)

    done = lab.run(to_files)
    again = lab.run(to_files)
    lab.run(lab.task(SourceLocationArn=lab.location("/target"), DestinationLocationArn=back))

    assert done["Status"] == "ERROR", "a name no file system takes fails"
    assert again["FilesTransferred"] == 0
    assert (lab.target / "a" / "b.txt").read_bytes() == b"content"
    assert (lab.target / "folder").is_dir()
    found = (lab.target / "kept").stat()
    assert (found.st_mtime_ns, stat.S_IMODE(found.st_mode)) == (1_500_000_000_000_000_005, 0o600)
    returned = s3.head_object(Bucket=lab.name, Key="out/kept")
    assert returned["Metadata"]["file-mtime"] == "1500000000/5"
    assert lab.keys("out/") == ["out/a/", "out/a/b.txt", "out/folder/", "out/kept"]


def test_symlinks_between_windows_shares_fail_by_name(lab: Lab) -> None:
    lab.fill({"f": "1"})
    (lab.source / "link").symlink_to("f")
    lab.aws.control("POST", "mounts", {"location": f"smb://{lab.name}/share", "directory": str(lab.source)})
    share = lab.client.create_location_smb(
        ServerHostname=lab.name, Subdirectory="/share", User="u", Password="secret", AgentArns=[lab.agent]
    )["LocationArn"]

    done = lab.run(lab.task(SourceLocationArn=share), TaskReportConfig=lab.report_config())

    assert done["Status"] == "ERROR"
    (skipped,) = lab.reports(done["TaskExecutionArn"])["Skipped"]
    assert (skipped["RelativePath"], skipped["SkipStatus"]) == ("/link", "FAILED")


def test_a_location_that_nothing_is_mapped_to_cannot_be_reached(lab: Lab) -> None:
    task = lab.task(SourceLocationArn=lab.location("/elsewhere"))
    done = lab.run(task)
    assert done["Result"]["ErrorCode"] == "LocationUnreachable"
    assert "mount.nfs: Connection timed out" in done["Result"]["ErrorDetail"]


def test_a_file_system_takes_its_files_until_it_is_full(lab: Lab) -> None:
    fsx = lab.aws.client("fsx")
    lustre = {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 125}
    made = fsx.create_file_system(
        FileSystemType="LUSTRE",
        StorageCapacity=1200,
        SubnetIds=["subnet-0123456789abcdef0"],
        LustreConfiguration=lustre,
        Tags=[{"Key": "Name", "Value": lab.name}],
    )["FileSystem"]
    _until_available(lab, made["FileSystemId"])
    group = "arn:aws:ec2:us-east-1:123456789012:security-group/sg-0123456789abcdef0"
    location = lab.client.create_location_fsx_lustre(
        FsxFilesystemArn=made["ResourceARN"], SecurityGroupArns=[group], Subdirectory="/projects"
    )["LocationArn"]
    lab.fill({"small": b"x" * 1000})
    task = lab.task(DestinationLocationArn=location)
    assert lab.run(task)["Status"] == "SUCCESS"
    lab.aws.control("POST", "fsx", {"file_system": made["FileSystemId"], "capacity_bytes": 100_000})
    lab.fill({"large": b"y" * 200_000})

    full = lab.run(task, TaskReportConfig=lab.report_config())

    assert (full["Status"], full["Result"]["ErrorCode"]) == ("ERROR", "NoSpace")
    assert "No space left on device" in full["Result"]["ErrorDetail"]
    (failed,) = lab.reports(full["TaskExecutionArn"])["Transferred"]
    assert (failed["RelativePath"], failed["TransferStatus"]) == ("/large", "FAILED")


def _until_available(lab: Lab, ident: str) -> None:
    deadline = time.monotonic() + 30
    fsx = lab.aws.client("fsx")
    while fsx.describe_file_systems(FileSystemIds=[ident])["FileSystems"][0]["Lifecycle"] != "AVAILABLE":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_options_that_do_not_go_together_are_refused(lab: Lab) -> None:
    lab.fill({"a": "1"})
    task, manifest = lab.task(), lab.manifest("a\n")
    rule = [{"FilterType": "SIMPLE_PATTERN", "Value": "/a"}]
    wrong: list[dict[str, Any]] = [
        {"OverrideOptions": {"PreserveDeletedFiles": "REMOVE", "TransferMode": "ALL"}},
        {"OverrideOptions": {"PreserveDeletedFiles": "REMOVE"}, "ManifestConfig": manifest},
        {"OverrideOptions": {"Mtime": "NONE"}},
        {"OverrideOptions": {"Uid": "NAME"}},
        {"Includes": rule, "ManifestConfig": manifest},
        {"Includes": [{"FilterType": "SIMPLE_PATTERN", "Value": "*.txt"}]},
    ]
    for parameters in wrong:
        with pytest.raises(ClientError) as caught:
            lab.start(task, **parameters)
        assert caught.value.response["Error"]["Code"] == "InvalidRequestException", parameters
