"""What comes in from the object store, and what goes back."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from include.discovery import lake
from include.discovery.lake import (
    DiscoverySettings,
    RunPlaces,
    SourceRefusedError,
    fetch_folder,
    fetch_sources,
    keep_folder,
)
from include.workbench import workbench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from include.object_store import ObjectStore


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    import boto3
    from moto import mock_aws

    with mock_aws():
        client = boto3.Session(aws_access_key_id="t", aws_secret_access_key="t", region_name="us-east-1").client("s3")
        client.create_bucket(Bucket="landfall-lake")
        yield DiscoverySettings().store(client)


def put(store: ObjectStore, **objects: bytes) -> None:
    for name, body in objects.items():
        store.put_bytes(name.replace("__", "/"), body)


def test_a_folder_keeps_its_tree_and_a_file_its_name(store: ObjectStore) -> None:
    put(store, exports__vc1__vinfo=b"a", exports__cmdb=b"b", other=b"c", exports__empty=b"")
    with workbench(store) as bench:
        found = fetch_sources(bench, ["s3://landfall-lake/exports/", "s3://landfall-lake/exports/cmdb"])
        files = [
            sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
            for folder in found
        ]
    assert files == [["cmdb", "vc1/vinfo"], ["cmdb"]]


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("exports/", "is no place in S3"),
        ("s3://landfall-lake", "is no place in S3"),
        ("s3://landfall-lake/nothing/", "holds no object"),
        ("s3://landfall-lake/exp", "holds no object"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_by_name(store: ObjectStore, uri: str, told: str) -> None:
    put(store, exports__a=b"a")
    with workbench(store) as bench, pytest.raises(SourceRefusedError, match=told) as caught:
        fetch_sources(bench, [uri])
    assert uri in str(caught.value)


def test_sources_are_bounded(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake, "SOURCE_BYTES_AT_MOST", 5)
    put(store, exports__a=b"aaa", exports__b=b"bbb")
    with workbench(store) as bench, pytest.raises(SourceRefusedError, match="more than"):
        fetch_sources(bench, ["s3://landfall-lake/exports/"])


def test_no_object_is_written_outside_the_workbench(store: ObjectStore) -> None:
    store.put_bytes("exports/../../escaped", b"x")
    with workbench(store) as bench, pytest.raises(SourceRefusedError, match="no name that a file can have"):
        fetch_sources(bench, ["s3://landfall-lake/exports/"])


def test_a_folder_comes_back_as_it_was_kept(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "handover").mkdir()
    (tmp_path / "report.html").write_text("<html>")
    (tmp_path / "handover" / "mgn.csv").write_text("a,b\n")
    places = RunPlaces(store, "manual__1", date(2026, 11, 1))
    with workbench(store) as bench:
        keys = keep_folder(bench, tmp_path, places.deliverable("").rstrip("/"))
        found = fetch_folder(bench, places.deliverable(""), "again")
        assert (found / "handover" / "mgn.csv").read_text() == "a,b\n"
    assert keys == [places.deliverable("handover/mgn.csv"), places.deliverable("report.html")]
    kind = store.client.head_object(Bucket=store.bucket, Key=places.deliverable("report.html"))["ContentType"]
    assert kind == "text/html"
