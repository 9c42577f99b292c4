"""What a refresh publishes: the whole table, what changed, and both as STIX; the same input gives the same bytes."""

import gzip
import json
from collections.abc import Iterable

from include.ioc_refresh.changes import Changes
from include.ioc_refresh.indicators import Indicator, UnreadableEntryError
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.stix import stix_bundle
from include.object_store import to_json

INDICATORS, CHANGES, STIX = "indicators.jsonl.gz", "changes.jsonl.gz", "stix.json.gz"


def snapshot_objects(indicators: Iterable[Indicator], changes: Changes, *, sequence: int) -> dict[str, bytes]:
    """Return the objects of a snapshot by name: indicators sorted by key, the changes, both as a STIX 2.1 bundle."""
    ordered = sorted(indicators, key=lambda indicator: indicator.key)
    bundle = stix_bundle(ordered, changes.removed, as_of=changes.as_of, sequence=sequence)
    return {
        INDICATORS: _packed(b"".join(to_json(indicator.to_dict()) + b"\n" for indicator in ordered)),
        CHANGES: _packed(changes.to_jsonl()),
        STIX: _packed(to_json(bundle)),
    }


def load_snapshot(lake: Lake, sequence: int) -> list[Indicator]:
    """Return the indicators of a published snapshot; raises the client's NoSuchKey when there is none."""
    return read_snapshot(lake.get_bytes(lake.settings.key("snapshots", f"{sequence:08d}", INDICATORS)))


def read_snapshot(body: bytes) -> list[Indicator]:
    """Read `indicators.jsonl.gz`; raises UnreadableEntryError, naming the line, for a damaged one."""
    try:
        lines = gzip.decompress(body).splitlines()
    except (OSError, EOFError) as error:
        raise UnreadableEntryError(f"The snapshot is not a whole gzip file: {error}") from error
    indicators = []
    for number, line in enumerate(lines, start=1):
        try:
            indicators.append(Indicator.from_dict(json.loads(line)))
        except ValueError as error:
            raise UnreadableEntryError(f"Line {number} of the snapshot is no indicator: {error}") from error
    return indicators


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)
