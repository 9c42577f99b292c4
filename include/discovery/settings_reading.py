"""Read frozen dataclasses from YAML: their fields, defaults and metadata are the schema.

Metadata of a field: `doc` (a sentence), `minimum` and `maximum` of numbers, `choices` of words. Whatever does not fit
is told with its line and path, all of it at once.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping as MappingType
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.yaml_lines import Mapping

_HIGH: Final = 1e12
_NAMES: Final = {"Mapping": MappingType, "date": date}


def read_section(mapping: Mapping, kind: type[Any]) -> Any:
    """Return a dataclass filled from a mapping; missing keys take their defaults.

    Problems are noted in the mapping; the answer is whole in any case, so that reading can go on.
    """
    hints = _hints(kind)
    found = {}
    for one in fields(kind):
        value = _read(mapping, one, hints[one.name])
        if value is not None:
            found[one.name] = value
    mapping.refuse_other_keys([one.name for one in fields(kind)])
    return kind(**found)


def describe_section(kind: type[Any], *, path: str = "") -> list[tuple[str, str, str]]:
    """Return (path of the key, default as text, doc) of every setting, for documentation."""
    hints = _hints(kind)
    rows: list[tuple[str, str, str]] = []
    for one in fields(kind):
        place, hint = ".".join(part for part in (path, one.name) if part), _plain(hints[one.name])
        if is_dataclass(hint):
            rows += describe_section(hint, path=place)  # type: ignore[arg-type]  # a class, not an instance
        else:
            rows.append((place, _shown(_default(one)), str(one.metadata.get("doc", ""))))
    return rows


def _read(mapping: Mapping, one: Field[Any], hint: Any) -> Any:
    kind, name = _plain(hint), one.name
    if is_dataclass(kind):
        below = mapping.mapping(name)
        return None if below is None else read_section(below, kind)  # type: ignore[arg-type]  # a class, not an instance
    if get_origin(kind) is tuple:
        return _read_list(mapping, name, get_args(kind)[0])
    if get_origin(kind) in (MappingType, dict):
        return _read_mapping(mapping, name, get_args(kind)[1])
    return _read_scalar(mapping, one, kind)


def _read_scalar(mapping: Mapping, one: Field[Any], kind: Any) -> Any:
    name, told = one.name, one.metadata
    low, high, choices = told.get("minimum", 0), told.get("maximum", _HIGH), told.get("choices")
    readers: dict[Any, Callable[[], Any]] = {
        bool: lambda: mapping.flag(name),
        int: lambda: mapping.whole(name, low=int(low), high=int(high)),
        float: lambda: mapping.number(name, low=float(low), high=float(high)),
        str: lambda: mapping.choice(name, choices) if choices else mapping.text(name, example="text", required=False),
        date: lambda: mapping.value(
            name, date.fromisoformat, told="is no day; write 2026-05-31.", example="2026-05-31"
        ),
    }
    if kind not in readers:
        raise TypeError(f"{name}: settings of type {kind} cannot be read")
    return readers[kind]() if name in mapping else None


def _read_list(mapping: Mapping, name: str, item: Any) -> Any:
    if name not in mapping:
        return None
    if is_dataclass(item):
        return tuple(read_section(entry, item) for entry in mapping.mappings(name))  # type: ignore[arg-type]
    if item is str:
        return mapping.texts(name)
    return mapping.values(name, item, told="is no number." if item in (int, float) else "cannot be read.")


def _read_mapping(mapping: Mapping, name: str, item: Any) -> Any:
    below = mapping.mapping(name)
    if below is None:
        return None
    kinds = get_args(item) or (item,)

    def read(text: str) -> Any:
        for kind in (int, float):
            if kind in kinds:
                try:
                    return kind(text)
                except ValueError:
                    continue
        if str in kinds:
            return text
        raise ValueError(text)

    found = {key: below.value(key, read, told="is no number.", example="1") for key in below.names()}
    return {key: value for key, value in found.items() if value is not None}


def _hints(kind: type[Any]) -> dict[str, Any]:
    # names that a module imports for its type checker only are found here
    return get_type_hints(kind, globalns={**_NAMES, **vars(sys.modules[kind.__module__])})


def _plain(hint: Any) -> Any:
    """Return a type without its `| None`."""
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else hint
    return hint


def _default(one: Field[Any]) -> Any:
    if one.default is not MISSING:
        return one.default
    return one.default_factory() if one.default_factory is not MISSING else None


def _shown(value: Any) -> str:
    if value is None or value in ((), {}, ""):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(str(part) for part in value)
    if isinstance(value, MappingType):
        return ", ".join(f"{key}: {part}" for key, part in value.items())
    return str(value)
