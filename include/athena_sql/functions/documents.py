"""JSON and regular expressions (docs: functions/json, functions/regexp)."""

from __future__ import annotations

import re

from include.athena_sql.calls import Call, builder
from include.athena_sql.context import Typed
from include.athena_sql.errors import not_supported
from include.athena_sql.quoting import text
from include.athena_sql.syntax import position
from include.athena_sql.types import BIGINT, BOOLEAN, JSON, VARCHAR, array

TABLE = """
json_extract(json, varchar) -> json | @json_path
json_extract(varchar, varchar) -> json | @json_path
json_extract_scalar(json, varchar) -> varchar | @json_path
json_extract_scalar(varchar, varchar) -> varchar | @json_path
json_size(json, varchar) -> bigint | @json_path
json_size(varchar, varchar) -> bigint | @json_path
json_parse(varchar) -> json | ath_json_parse($1)
json_format(json) -> varchar | CAST($1 AS VARCHAR)
json_array_length(json) -> bigint | ath_json_length($1)
json_array_length(varchar) -> bigint | ath_json_length($1)
json_array_contains(json, boolean) -> boolean | ath_json_has($1, ['BOOLEAN'], CAST($2 AS VARCHAR))
json_array_contains(varchar, boolean) -> boolean | ath_json_has($1, ['BOOLEAN'], CAST($2 AS VARCHAR))
json_array_contains(json, bigint) -> boolean | ath_json_has($1, ['UBIGINT', 'BIGINT'], CAST($2 AS VARCHAR))
json_array_contains(varchar, bigint) -> boolean | ath_json_has($1, ['UBIGINT', 'BIGINT'], CAST($2 AS VARCHAR))
json_array_contains(json, double) -> boolean | ath_json_has($1, ['DOUBLE'], CAST($2 AS VARCHAR))
json_array_contains(varchar, double) -> boolean | ath_json_has($1, ['DOUBLE'], CAST($2 AS VARCHAR))
json_array_contains(json, varchar) -> boolean | ath_json_has($1, ['VARCHAR'], $2)
json_array_contains(varchar, varchar) -> boolean | ath_json_has($1, ['VARCHAR'], $2)
is_json_scalar(json) -> boolean | (json_type($1) NOT IN ('OBJECT', 'ARRAY'))
is_json_scalar(varchar) -> boolean | (json_type($1) NOT IN ('OBJECT', 'ARRAY'))
regexp_like(varchar, varchar) -> boolean | @regexp_like
regexp_extract(varchar, varchar) -> varchar | @regexp_extract
regexp_extract(varchar, varchar, bigint) -> varchar | @regexp_extract
regexp_extract_all(varchar, varchar) -> array(varchar) | @regexp_extract_all
regexp_extract_all(varchar, varchar, bigint) -> array(varchar) | @regexp_extract_all
regexp_count(varchar, varchar) -> bigint | @regexp_count
regexp_replace(varchar, varchar) -> varchar | @regexp_replace
regexp_replace(varchar, varchar, varchar) -> varchar | @regexp_replace
regexp_split(varchar, varchar) -> array(varchar) | @regexp_split
"""

_STEP = re.compile(r"\.([^.\[\]\"'*]+)|\[\s*(\d+)\s*\]|\[\s*\"([^\"\\]*)\"\s*\]|\[\s*'([^'\"\\]*)'\s*\]")
_JSON = {
    "json_extract": ("ath_json_extract", JSON),
    "json_extract_scalar": ("ath_json_scalar", VARCHAR),
    "json_size": ("ath_json_size", BIGINT),
}


def json_path(path: str, made: Call) -> str:
    """A path of names and array positions in DuckDB's notation; wildcards would give lists and are refused."""
    rest, steps = path.strip().removeprefix("$"), []
    while rest:
        step = _STEP.match(rest)
        if step is None or not path.strip().startswith("$"):
            if "*" in rest or ".." in rest:
                raise not_supported(f"The JSON path '{path}'", at=position(made.node))
            raise made.refuse(f"Invalid JSON path: '{path}'")
        names = [name for name in (step[1], step[3], step[4]) if name is not None]
        steps.append(f'."{names[0]}"' if names else f"[{step[2]}]")
        rest = rest[step.end() :]
    return "$" + "".join(steps)


@builder("json_path")
def _json_path(made: Call) -> Typed:
    function, kind = _JSON[made.name]
    path = json_path(made.constant(1, "a JSON path"), made)
    return Typed(f"{function}({made.arguments[0].sql}, {text(path)})", kind)


# What Java's patterns have and RE2 lacks: look-around, atomic groups, possessive quantifiers, back-references.
_BEYOND_RE2 = re.compile(r"\(\?(<?[=!]|>)|[*+?}]\+|\\[1-9]|\\k<")
_BEYOND_BOTH = re.compile(r"\\[hHRGXK]|&&")


def _pattern(made: Call) -> tuple[str, bool]:
    """The pattern's text and whether Python must run it: RE2 does the rest, many times faster."""
    pattern = made.arguments[1]
    if pattern.text is None:
        return pattern.sql, False
    if _BEYOND_BOTH.search(pattern.text):
        raise not_supported(f"The pattern {pattern.text}", at=position(made.node))
    if _BEYOND_RE2.search(pattern.text):
        return pattern.sql, True
    return text(re.sub(r"\(\?<(?![=!])", "(?P<", pattern.text)), False


def _every(made: Call, group: str) -> str:
    pattern, python = _pattern(made)
    return f"{'ath_re_extract_all' if python else 'regexp_extract_all'}({made.arguments[0].sql}, {pattern}, {group})"


def _group(made: Call) -> str:
    return f"CAST({made.arguments[2].sql} AS INTEGER)" if len(made.arguments) > 2 else "0"


@builder("regexp_like")
def _regexp_like(made: Call) -> Typed:
    pattern, python = _pattern(made)
    return Typed(f"{'ath_re_like' if python else 'regexp_matches'}({made.arguments[0].sql}, {pattern})", BOOLEAN)


@builder("regexp_extract")
def _regexp_extract(made: Call) -> Typed:
    """NULL without a match, and for a group that took no part in it."""
    pattern, python = _pattern(made)
    value, group = made.arguments[0].sql, _group(made)
    if python or group != "0":
        return Typed(f"list_extract({_every(made, group)}, 1)", VARCHAR)
    return Typed(f"CASE WHEN regexp_matches({value}, {pattern}) THEN regexp_extract({value}, {pattern}) END", VARCHAR)


@builder("regexp_extract_all")
def _regexp_extract_all(made: Call) -> Typed:
    return Typed(_every(made, _group(made)), array(VARCHAR))


@builder("regexp_count")
def _regexp_count(made: Call) -> Typed:
    return Typed(f"len({_every(made, '0')})", BIGINT)


@builder("regexp_split")
def _regexp_split(made: Call) -> Typed:
    pattern, python = _pattern(made)
    function = "ath_re_split" if python else "regexp_split_to_array"
    return Typed(f"{function}({made.arguments[0].sql}, {pattern})", array(VARCHAR))


@builder("regexp_replace")
def _regexp_replace(made: Call) -> Typed:
    pattern, python = _pattern(made)
    replacement = re2_replacement(made.constant(2, "a replacement"), made) if len(made.arguments) > 2 else ""
    if python:
        return Typed(f"ath_re_replace({made.arguments[0].sql}, {pattern}, {text(replacement)})", VARCHAR)
    return Typed(f"regexp_replace({made.arguments[0].sql}, {pattern}, {text(replacement)}, 'g')", VARCHAR)


def re2_replacement(replacement: str, made: Call) -> str:
    r"""Java's ``$1`` and ``\$`` as RE2's ``\1`` and ``$``."""

    def one(found: re.Match[str]) -> str:
        escaped, group = found.groups()
        if escaped is not None:
            return escaped.replace("\\", "\\\\")
        if not group:
            raise not_supported(f"The replacement {replacement}", at=position(made.node))
        return f"\\{group}"

    return re.sub(r"\\(.)|\$(\d?)", one, replacement, flags=re.DOTALL)
