"""A source's state as a JSON document, the same for a back-test's file and for the lake."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from include.scanner_block.blocking.state_clients import with_canonical_clients
from include.scanner_block.blocking.state_model import Entry, SourceState

if TYPE_CHECKING:
    from include.scanner_block.policy_model import Rules

Document: TypeAlias = dict[str, Any]


class StateRefusedError(ValueError):
    """A state document cannot be read; without it nobody knows who is blocked, so nothing may be changed."""


class _WrittenTime(datetime):
    """A time that goes back into a document as it was written there (`Z`, an offset, the digits of a second)."""

    text: str | None = None

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        return self.text or super().isoformat(sep, timespec)


def state_to_document(state: SourceState) -> Document:
    """Return the state as `{"general": {client: {"max_per_minute", "updated_at"}}, "uri": {uri: {client: ...}}}`.

    Entries carry `distinct_error_paths` and `times` (over 1) only where they say something; `past` (`times` and
    `ended_at` by client) comes with repeat offenders only. Clients and paths are sorted: same state, same bytes.
    """
    document: Document = {
        "general": _entries_document(state.general),
        "uri": {uri: _entries_document(entries) for uri, entries in sorted(state.uri.items()) if entries},
    }
    if state.past:
        document["past"] = {
            client: {"times": times, "ended_at": end.isoformat()} for client, (times, end) in sorted(state.past.items())
        }
    return document


def state_from_document(document: object, *, rules: Rules) -> SourceState:
    """Read what `state_to_document` wrote, or what a person did; clients become canonical as the rules group them.

    Texts that are no address stay, so that `states.advance` can report them. Naive times are UTC.

    :raises StateRefusedError: what cannot be read, and where.
    """
    whole = _mapping(document, "the state")
    strange = sorted(str(key) for key in whole.keys() - {"general", "uri", "past"})
    if strange:
        raise StateRefusedError(f"The state has unknown parts ({', '.join(strange)}); it has general, uri and past.")
    uris = _mapping(whole.get("uri", {}), "uri")
    past = _mapping(whole.get("past", {}), "past")
    read = SourceState(
        general=_entries(whole.get("general", {}), "general"),
        uri={uri: _entries(entries, f"uri, {uri}") for uri, entries in uris.items()},
        past={client: _past(ended, f"past, {client}") for client, ended in past.items()},
    )
    state, strangers = with_canonical_clients(read, ipv6_prefix=rules.ipv6_prefix)
    unknown = {text: read.general[text] for text in strangers if text in read.general}
    unknown_by_uri = {
        uri: {text: read.uri[uri][text] for text in strangers if text in read.uri[uri]} for uri in read.uri
    }
    return SourceState(
        general={**state.general, **unknown},
        uri={uri: {**entries, **unknown_by_uri[uri]} for uri, entries in state.uri.items()},
        past=state.past,
    )


def _entries_document(entries: Mapping[str, Entry]) -> Document:
    return {client: _entry_document(entry) for client, entry in sorted(entries.items())}


def _entry_document(entry: Entry) -> Document:
    document: Document = {"max_per_minute": entry.max_per_minute, "updated_at": entry.updated_at.isoformat()}
    if entry.distinct_error_paths is not None:
        document["distinct_error_paths"] = entry.distinct_error_paths
    if entry.times > 1:
        document["times"] = entry.times
    return document


def _entries(document: object, place: str) -> dict[str, Entry]:
    return {client: _entry(entry, f"{place}, {client}") for client, entry in _mapping(document, place).items()}


def _entry(document: object, place: str) -> Entry:
    entry = _mapping(document, place)
    paths = entry.get("distinct_error_paths")
    return Entry(
        max_per_minute=_number(entry.get("max_per_minute"), f"{place}, max_per_minute", least=0),
        updated_at=_time(entry.get("updated_at"), f"{place}, updated_at"),
        distinct_error_paths=None if paths is None else _number(paths, f"{place}, distinct_error_paths", least=0),
        times=_number(entry.get("times", 1), f"{place}, times", least=1),
    )


def _past(document: object, place: str) -> tuple[int, datetime]:
    ended = _mapping(document, place)
    return _number(ended.get("times"), f"{place}, times", least=1), _time(ended.get("ended_at"), f"{place}, ended_at")


def _mapping(document: object, place: str) -> Mapping[str, object]:
    if not isinstance(document, Mapping):
        raise StateRefusedError(f"The state cannot be read at {place}: it must be an object.")
    return document


def _number(value: object, place: str, *, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise StateRefusedError(
            f"The state cannot be read at {place}: {value!r} is no whole number of {least} or more."
        )
    return value


def _time(value: object, place: str) -> datetime:
    try:
        time = _WrittenTime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise StateRefusedError(
            f"The state cannot be read at {place}: {value!r} is no time; write it as 2026-11-24T05:12:40+00:00."
        ) from None
    if time.tzinfo is None:
        return time.replace(tzinfo=UTC)
    time.text = value if isinstance(value, str) else None
    return time
