"""Where assessments lie in the object store, below `discovery/`: what comes in, runs, what is published."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from include.object_store import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from include.workbench import Workbench

ENVIRONMENT_PREFIX: Final = "LANDFALL_DISCOVERY_"
ROOT: Final = "discovery"
INBOX: Final = "inbox"
"""The folder whose files are assessed when a run names no other."""
SOURCE_BYTES_AT_MOST: Final = 20 << 30


class SourceRefusedError(ValueError):
    """A place of sources is no place, is empty, or holds too much; the message says which."""


@dataclass(frozen=True, slots=True)
class DiscoverySettings:
    """Every field may be set as `LANDFALL_DISCOVERY_<FIELD>`.

    :param bucket: where sources, tables, deliverables and gate evidence are kept.
    """

    bucket: str = "landfall-lake"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> DiscoverySettings:
        """Read the fields that the environment sets; the others keep their defaults."""
        given = {name.name: environ.get(ENVIRONMENT_PREFIX + name.name.upper()) for name in fields(cls)}
        return cls(**{name: value for name, value in given.items() if value})

    def store(self, client: Any) -> ObjectStore:
        """Return the family's object store over a boto3 S3 client."""
        return ObjectStore(client, bucket=self.bucket, root=ROOT)


@dataclass(frozen=True, slots=True)
class RunPlaces:
    """The keys of one run's documents.

    :param run: its id as one part of a key.
    :param day: the day of the assessment, unless its settings name one.
    """

    store: ObjectStore
    run: str
    day: date

    def key(self, *parts: str) -> str:
        """Return a key below the run's folder."""
        return self.store.key("runs", self.run, *parts)

    @property
    def settings(self) -> str:
        """The YAML text that the run goes by."""
        return self.key("settings.yaml")

    def tables(self, step: str, name: str = "") -> str:
        """The Parquet files that a step leaves."""
        return self.key("tables", step, name)

    def deliverable(self, name: str) -> str:
        """A file of the folder that people get."""
        return self.key("assessment", name)


def legible(run_id: str) -> str:
    """Return a run's id as one part of an object key: letters, digits, dots, hyphens and underscores."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in run_id)


def published_key(store: ObjectStore, outcome: str) -> str:
    """Return the key of `{"run"}`: the newest run whose gate let an outcome pass."""
    return store.key("published", f"{outcome}.json")


def fetch_sources(bench: Workbench, uris: Sequence[str]) -> list[Path]:
    """Download objects or everything below prefixes (`s3://bucket/prefix/`), a folder for each address, in order.

    :raises SourceRefusedError: an address is none, has no objects, or all of them are more than 20 GiB.
    """
    found: list[Path] = []
    left = SOURCE_BYTES_AT_MOST
    for number, uri in enumerate(uris):
        bucket, prefix = _address(uri)
        objects = _objects(bench.store.client, bucket, prefix)
        if not objects:
            raise SourceRefusedError(f"{uri} holds no object: put the exports there, or name another place.")
        left -= sum(size for _, size in objects)
        if left < 0:
            raise SourceRefusedError(f"{uri}: the sources are more than {SOURCE_BYTES_AT_MOST >> 30} GiB together.")
        folder = bench.folder / f"source-{number:03d}"
        base = prefix if prefix.endswith("/") else prefix.rpartition("/")[0] + "/"
        for key, _ in objects:
            place = folder / _below(key, base, uri)
            place.parent.mkdir(parents=True, exist_ok=True)
            bench.store.client.download_file(bucket, key, str(place))
        found.append(folder)
    return found


def keep_folder(bench: Workbench, folder: Path, *parts: str) -> list[str]:
    """Upload every file of a folder below a key; returns the keys, sorted."""
    keys = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        key = "/".join((*parts, path.relative_to(folder).as_posix()))
        bench.keep(path, key, content_type=_TYPES.get(path.suffix, "application/octet-stream"))
        keys.append(key)
    return keys


def fetch_folder(bench: Workbench, prefix: str, name: str) -> Path:
    """Download every object below a prefix of the store's bucket into a folder of the workbench."""
    folder = bench.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    for key, _ in _objects(bench.store.client, bench.store.bucket, prefix):
        place = folder / _below(key, prefix, prefix)
        place.parent.mkdir(parents=True, exist_ok=True)
        bench.store.client.download_file(bench.store.bucket, key, str(place))
    return folder


_TYPES: Final = {
    ".html": "text/html",
    ".json": "application/json",
    ".csv": "text/csv",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _address(uri: str) -> tuple[str, str]:
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket or not prefix:
        raise SourceRefusedError(f"{uri} is no place in S3: write s3://bucket/folder/ or s3://bucket/file.csv.")
    return bucket, prefix


def _objects(client: Any, bucket: str, prefix: str) -> list[tuple[str, int]]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [
        (one["Key"], one["Size"])
        for page in pages
        for one in page.get("Contents", ())
        if one["Size"] and (prefix.endswith("/") or one["Key"] == prefix)
    ]


def _below(key: str, base: str, uri: str) -> str:
    """Return a key below its base as a relative path that stays below it."""
    relative = key.removeprefix(base)
    if not relative or any(part in ("", ".", "..") for part in relative.split("/")):
        raise SourceRefusedError(f"{uri}: the object {key} has no name that a file can have; rename it.")
    return relative
