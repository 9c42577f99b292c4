"""The object store keeps documents whole, and lets only one of two writers win."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from include.object_store import ObjectStore
from tests.local_aws import start_local_aws

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    folder: Path = tmp_path_factory.mktemp("aws")
    with start_local_aws(folder) as aws:
        client = aws.client("s3")
        client.create_bucket(Bucket="lake")
        yield ObjectStore(client, bucket="lake", root="family")


def test_the_second_of_two_first_writers_is_told(store: ObjectStore) -> None:
    key = store.key("first.json")
    assert store.put_if_absent(key, {"by": "a"})
    assert not store.put_if_absent(key, {"by": "b"})
    assert store.get_json(key) == {"by": "a"}


def test_a_document_that_changed_since_it_was_read_is_not_overwritten(store: ObjectStore) -> None:
    key = store.key("changed.json")
    store.put_json(key, {"count": 1})
    found = store.find_versioned_json(key)
    assert found is not None
    assert store.put_if_unchanged(key, {"count": 2}, etag=found[1])
    assert not store.put_if_unchanged(key, {"count": 3}, etag=found[1])
    assert store.get_json(key) == {"count": 2}


def test_a_document_that_was_deleted_since_is_not_written_back(store: ObjectStore) -> None:
    key = store.key("deleted.json")
    store.put_json(key, {})
    found = store.find_versioned_json(key)
    assert found is not None
    store.delete(key)
    assert not store.put_if_unchanged(key, {"count": 1}, etag=found[1])
    assert store.find_json(key) is None


def test_what_is_not_there_is_none_and_deleting_it_is_no_error(store: ObjectStore) -> None:
    assert store.find_json(store.key("nothing.json")) is None
    assert store.find_versioned_json(store.key("nothing.json")) is None
    store.delete(store.key("nothing.json"))


def test_a_listing_stays_below_its_prefix_and_in_order(store: ObjectStore) -> None:
    for name in ("b", "a", "c"):
        store.put_json(store.key("listed", name), name)
    store.put_json(store.key("listed-beside", "x"), "x")
    listed = list(store.list_keys("listed", ""))
    assert listed == [store.key("listed", name) for name in "abc"]
    assert list(store.list_keys("listed", "", after=store.key("listed", "a"))) == listed[1:]
    assert store.delete_prefix("listed", "") == 3
