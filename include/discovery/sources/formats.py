"""Formats are data: each file of `formats/` says which headers of a tool's export fill which columns.

Keys of a format: `format` (the file's name), `tool`, `label`, `source`, `fills` (a raw table), `requires` (columns that
must be mapped), `columns`; optional `names`, `refuses`, `ref`, `marks`, `quarantine_when`, and
`also: [format, ...]`: other formats that read the same sheet once more, as the nameplate in a performance file.

Keys of a column: `headers` (the first that is not empty wins, row by row), `as`, `unit`, `choices`; or `constant`
(a value, or {value: ...}); or `add` (sums numbers, joins lists, of several headers). Optional:
`subtract_from: [headers]` (the value is that column less this one), `percent_of: [headers]` (a share, times 100),
`else: {a column}`: read so where no header of the first is there.
`as`: text, joined (several names in a cell, joined by '; '), lower, integer, number, size, percent, boolean, time,
choice, addresses, macs, list, uuid, tags, rate. Columns that the table has not serve `ref`, `percent_of` and the like.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from include.discovery.tables import RAW

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHIPPED: Final = Path(__file__).parent / "formats"
KINDS: Final = frozenset(
    "text joined lower integer number size percent boolean time choice addresses macs list uuid tags rate".split()
)
_COLUMN_KEYS: Final = frozenset("headers as unit choices constant add subtract_from percent_of else".split())
_FORMAT_KEYS: Final = frozenset(
    "format tool label source fills names requires refuses ref columns quarantine_when marks also".split()
)


class FormatError(ValueError):
    """A format file does not keep to the schema; the message names file, place and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How one column is filled."""

    name: str
    kind: str = "text"
    headers: tuple[str, ...] = ()
    unit: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    constant: str | None = None
    add: tuple[str, ...] = ()
    subtract_from: tuple[str, ...] = ()
    percent_of: tuple[str, ...] = ()
    otherwise: Column | None = None

    @property
    def wanted(self) -> tuple[str, ...]:
        """The headers that fill the column."""
        return self.headers + self.add


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """When a row is set aside: its column is `empty`, `negative` or `over` a value."""

    column: str
    test: str
    value: float | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format; see the module's text."""

    name: str
    tool: str
    label: str
    fills: str
    columns: tuple[Column, ...]
    names: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    ref: tuple[str, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    also: tuple[str, ...] = ()


def load_formats(own: Sequence[Path] = ()) -> tuple[Format, ...]:
    """Return the shipped formats and the user's, by name; a file with a known `format` adds to it, its headers first.

    :raises FormatError: a file does not keep to the schema.
    """
    found = dict(_shipped())
    for file in own:
        data = _open(file)
        known = found.get(str(data.get("format")))
        one = _format(data, file, is_addition=known is not None)
        found[one.name] = _merged(known, one) if known else one
    missing = sorted({f"{one.name}: {name}" for one in found.values() for name in one.also if name not in found})
    if missing:
        raise FormatError(f"`also` names a format that does not exist ({', '.join(missing)}); correct the name.")
    return tuple(found[name] for name in sorted(found))


@lru_cache(maxsize=1)
def _shipped() -> tuple[tuple[str, Format], ...]:
    made = [_format(_open(file), file, is_addition=False) for file in sorted(SHIPPED.glob("*.yaml"))]
    return tuple((one.name, one) for one in made)


def _open(file: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FormatError(f"{file.name} cannot be read as a format file ({error}); give a YAML file.") from error
    if not isinstance(data, dict) or not isinstance(data.get("columns", {}), dict) or "format" not in data:
        raise FormatError(f"{file.name} is no format file: it needs `format:` and `columns:` as a mapping.")
    return data


def _format(data: Mapping[str, Any], file: Path, *, is_addition: bool) -> Format:
    unknown = sorted(set(data) - _FORMAT_KEYS)
    lacking = (
        [] if is_addition else [key for key in ("tool", "label", "fills", "requires", "columns") if not data.get(key)]
    )
    if unknown or lacking:
        raise FormatError(
            f"{file.name}: unknown keys {unknown or 'none'}, missing keys {lacking or 'none'}; "
            "see docs/discovery/sources.md."
        )
    if data.get("fills", "raw_servers") not in RAW:
        raise FormatError(f"{file.name}: `fills: {data['fills']}` is no raw table; take one of {', '.join(RAW)}.")
    return Format(
        name=str(data["format"]),
        tool=str(data.get("tool", "")),
        label=str(data.get("label", "")),
        fills=str(data.get("fills", "")),
        columns=tuple(_column(name, spec, file) for name, spec in data.get("columns", {}).items()),
        names=_words(name.lower() for name in data.get("names", ())),
        requires=_words(data.get("requires", ())),
        refuses=_words(data.get("refuses", ())),
        ref=_words(data.get("ref", ())),
        marks={str(key): str(value) for key, value in data.get("marks", {}).items()},
        conditions=tuple(_condition(one, file) for one in data.get("quarantine_when", ())),
        also=_words(data.get("also", ())),
    )


def _column(name: str, spec: Any, file: Path) -> Column:
    if not isinstance(spec, dict) or set(spec) - _COLUMN_KEYS or spec.get("as", "text") not in KINDS:
        raise FormatError(f"{file.name}: column `{name}` has an unknown key or `as`; see docs/discovery/sources.md.")
    constant = spec.get("constant")
    if isinstance(constant, dict):
        constant = constant.get("value")
    return Column(
        name=str(name),
        kind=str(spec.get("as", "text")),
        headers=_words(spec.get("headers", ())),
        unit=str(spec.get("unit", "")),
        choices={str(key).lower(): str(value) for key, value in spec.get("choices", {}).items()},
        constant=None if constant is None else str(constant),
        add=_words(spec.get("add", ())),
        subtract_from=_words(spec.get("subtract_from", ())),
        percent_of=_words(spec.get("percent_of", ())),
        otherwise=_column(name, spec["else"], file) if "else" in spec else None,
    )


def _condition(spec: Mapping[str, Any], file: Path) -> Condition:
    test = str(spec.get("is"))
    if test not in ("empty", "negative", "over") or not {"column", "sentence"} <= set(spec):
        raise FormatError(f"{file.name}: `quarantine_when` needs column, is (empty, negative, over), sentence.")
    value = spec.get("value")
    return Condition(
        column=str(spec["column"]),
        test=test,
        value=None if value is None else float(value),
        sentence=str(spec["sentence"]),
    )


def _merged(known: Format, own: Format) -> Format:
    """Return a format with the user's headers before the shipped ones; what the user does not say stays."""
    columns = {one.name: one for one in known.columns}
    for one in own.columns:
        before = columns.get(one.name)
        columns[one.name] = _merged_column(before, one) if before else one
    return replace(
        known,
        columns=tuple(columns.values()),
        label=own.label or known.label,
        names=known.names + own.names,
        requires=own.requires or known.requires,
        refuses=known.refuses + own.refuses,
        ref=own.ref or known.ref,
        marks={**known.marks, **own.marks},
        conditions=known.conditions + own.conditions,
        also=known.also + own.also,
    )


def _merged_column(before: Column, own: Column) -> Column:
    if own.constant is not None:
        return own
    return replace(
        before,
        kind=own.kind if own.kind != "text" else before.kind,
        headers=own.headers + before.headers,
        add=own.add + before.add,
        unit=own.unit or before.unit,
        choices={**before.choices, **own.choices},
    )


def _words(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
