"""What is carried from one commit to the next: `scanner/states/<version>.json.gz`.

The name is the version's, not the sequence's: a run that lost its sequence to another one cannot overwrite
the winner's.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from include.object_store import to_json
from include.scanner_block.lake.count_files import CountFiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.object_store import ObjectStore

LEVEL: Final = 2
"""gzip's effort: 100,000 clients take a third of the time of the usual 6, for a tenth more bytes."""


class CarriedStateDamagedError(RuntimeError):
    """A state in the lake is not what a run wrote there."""

    is_final = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAnswer:
    """Whether a client was confirmed as a search engine's (its name, or None), and when it was asked (aware)."""

    engine: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """What people did to the sets: CIDRs they put in, by set, and CIDRs they took out, with when it was noticed."""

    added: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    removed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """The state of the family as of a commit.

    :param sources: each source's state document (`states.state_to_document`).
    :param pardons: by client, until when its offences do not count (aware).
    :param sets: CIDRs by WAF IP set, as written.
    :param count_files: the valid objects of counts.
    """

    sources: Mapping[str, Any] = field(default_factory=dict)
    pardons: Mapping[str, datetime] = field(default_factory=dict)
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_hand: ByHand = field(default_factory=ByHand)
    engines: Mapping[str, EngineAnswer] = field(default_factory=dict)
    count_files: CountFiles = field(default_factory=CountFiles)

    def to_document(self) -> dict[str, Any]:
        """Return a JSON document."""
        return {
            "sources": dict(self.sources),
            "pardons": _texts(self.pardons),
            "sets": {name: list(cidrs) for name, cidrs in self.sets.items()},
            "by_hand": {
                "added": {name: list(cidrs) for name, cidrs in self.by_hand.added.items()},
                "removed": _texts(self.by_hand.removed),
            },
            "engines": {
                client: {"engine": answer.engine, "at": answer.at.isoformat()}
                for client, answer in self.engines.items()
            },
            "count_files": self.count_files.to_document(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Carried:
        """Read what `to_document` wrote."""
        by_hand = document["by_hand"]
        return cls(
            sources=document["sources"],
            pardons=_times(document["pardons"]),
            sets={name: tuple(cidrs) for name, cidrs in document["sets"].items()},
            by_hand=ByHand(
                added={name: tuple(cidrs) for name, cidrs in by_hand["added"].items()},
                removed=_times(by_hand["removed"]),
            ),
            engines={
                client: EngineAnswer(engine=answer["engine"], at=datetime.fromisoformat(answer["at"]))
                for client, answer in document["engines"].items()
            },
            count_files=CountFiles.from_document(document["count_files"]),
        )


def save_carried(store: ObjectStore, version: str, carried: Carried) -> None:
    """Write the state of a version; the same state gives the same bytes."""
    body = gzip.compress(to_json(carried.to_document()), compresslevel=LEVEL, mtime=0)
    store.put_bytes(_key(store, version), body, content_type="application/gzip")


def load_carried(store: ObjectStore, version: str | None) -> Carried:
    """Return the state of a version; the empty one for None.

    :raises CarriedStateDamagedError: it is absent (housekeeping keeps the newest ones only) or cannot be read.
    """
    if version is None:
        return Carried()
    key = _key(store, version)
    try:
        return Carried.from_document(json.loads(gzip.decompress(store.get_bytes(key))))
    except store.client.exceptions.NoSuchKey as error:
        raise CarriedStateDamagedError(
            f"The state s3://{store.bucket}/{key} is gone; choose a newer run, or put the object back."
        ) from error
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CarriedStateDamagedError(
            f"The state s3://{store.bucket}/{key} cannot be read ({error}); put its earlier content back."
        ) from error


def _key(store: ObjectStore, version: str) -> str:
    return store.key("states", f"{version}.json.gz")


def _texts(times: Mapping[str, datetime]) -> dict[str, str]:
    return {name: time.isoformat() for name, time in times.items()}


def _times(texts: Mapping[str, str]) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(text) for name, text in texts.items()}
