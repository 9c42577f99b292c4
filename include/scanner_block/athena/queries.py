"""Counting by Athena: the tables over raw log lines, and one SELECT that counts the lines of some objects.

A table has one column, the whole line, because a CloudFront object states its own order of fields and unreadable lines
must be seen. Its SerDe is RegexSerDe with `(.*)`: in Trino a dot there matches everything and bytes that are no UTF-8
become U+FFFD (RegexDeserializer), while LazySimpleSerDe would cut a line at its delimiter, which no character is safe
from, make NULL of a line `\\N` and hand on bytes that are no text (SimpleDeserializer).

Athena knows no order of lines: one `#Fields` line is taken to stand first in its object, as CloudFront writes it; an
object with two different ones is left to the file reader. A carriage return alone ends a line in Athena and not in the
file reader; the three services escape it.

The SQL files are Athena's dialect (Trino) and run unchanged on the service and on the local Athena.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from include.scanner_block.policy_model import LogFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from include.scanner_block.policy_model import LogSource, Rules

OBJECTS_PER_QUERY: Final = 200
"""So many keys of 1,024 bytes, the longest S3 has, leave 40,000 bytes of a query for its text and the rules."""

QUERY_BYTES: Final = 262_144
"""The longest query that Athena takes (Athena user guide, Service Quotas)."""

SQL: Final = Path(__file__).parent / "sql"
_LONG_LINE: Final = 4 * 1024 * 1024
"""Characters from which the file reader decides, as its limit of 16 MiB counts bytes; at most 4 make a character."""

_PLACEHOLDER: Final = re.compile(r"(?<![:\w?]):([a-z_]+)\b|\{([a-z]+)\}")
_DAY: Final = re.compile(r"\d{4}/\d\d/\d\d/")
_NEVER: Final = r"\z."
_PATTERNS: Final = {
    # What each address is made of; `addresses.canonical` judges each distinct text later.
    "address": r"\A[0-9A-Fa-f.:\[\]]{2,60}\z",
    "clock": r"\A([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\z",
    "passed_over": r"\A(#|[ \t\x0b\x0c]*\z)",
    # The path of `"METHOD scheme://host:port/path?query#fragment HTTP/x"` in a load balancer's 13th field; `\\"` does
    # not end the request.
    "request": (
        r'\A(?:[^ ]* ){12}"[^ "\\]+ (?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#" \\]*)?((?:/(?:[^?#" \\]|\\[\s\S])*)?)'
        r'(?:[?#](?:[^"\\]|\\[\s\S])*)? HTTP/[0-9.]+"'
    ),
}

Value = str | int | tuple[str, ...]


class QueryTooLongError(ValueError):
    """A query would be longer than Athena takes; the sentence says what to shorten."""


def table_name(source: LogSource) -> str:
    """Return the name of the table over a source's raw lines."""
    return source.name


def table_input(source: LogSource) -> dict[str, Any]:
    """Return Glue's TableInput for a source's raw lines; its one column is `line`.

    Load balancers' and WAF's tables have a projected partition `day` (`yyyy/MM/dd`), so that a query lists a few days
    instead of years. CloudFront puts everything into one folder: its location is the folder of the prefix.
    """
    parameters = {"EXTERNAL": "TRUE", "classification": "regex"}
    folder = source.prefix.rpartition("/")[0]
    location = f"s3://{source.bucket}/{folder}/" if folder else f"s3://{source.bucket}/"
    if _by_day(source):
        parameters |= {
            "projection.enabled": "true",
            "projection.day.type": "date",
            "projection.day.format": "yyyy/MM/dd",
            "projection.day.range": "2000/01/01,2099/12/31",
            "projection.day.interval": "1",
            "projection.day.interval.unit": "DAYS",
            "storage.location.template": location + "${day}/",
        }
    return {
        "Name": table_name(source),
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        "PartitionKeys": [{"Name": "day", "Type": "string"}] if _by_day(source) else [],
        "StorageDescriptor": {
            "Columns": [{"Name": "line", "Type": "string"}],
            "Location": location,
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.RegexSerDe",
                "Parameters": {"input.regex": "(.*)"},
            },
        },
    }


def count_objects(source: LogSource, *, table: str, objects: Sequence[str], rules: Rules) -> str:
    """Return the SELECT that counts the lines of some objects in one scan; `news.read_news` reads what it gives.

    :param table: the table's name, with or without its database, as `table_input` made it.
    :param objects: S3 URIs below the source's prefix.
    :raises ValueError: an object lies outside the source's folders of days, so that the query would not see it.
    :raises QueryTooLongError: the query is longer than Athena takes.
    """
    named = ".".join('"' + part.replace('"', '""') + '"' for part in table.split("."))
    chosen = f'"$path" IN ({_literal(tuple(objects))})'
    if _by_day(source):
        days = tuple(sorted({_day(source, uri) for uri in objects}))
        chosen = f"day IN ({_literal(days)}) AND {chosen}"
    values = _values(source.log_format, rules)
    lines = _render(_sql_file(source.log_format), values, {"table": named, "objects": chosen})
    query = _render(_sql_file("count_objects"), values, {"lines": lines})
    if (size := len(query.encode())) > QUERY_BYTES:
        raise QueryTooLongError(
            f"The query over {len(objects):,} objects of {source.name} has {size:,} bytes, Athena takes "
            f"{QUERY_BYTES:,}; shorten uri_thresholds and ignored_suffixes."
        )
    return query


def unload(select: str, *, to: str) -> str:
    """Wrap a SELECT to write Parquet below an S3 prefix, which must be empty."""
    return f"UNLOAD (\n{select}\n) TO {_literal(to)} WITH (format = 'PARQUET', compression = 'SNAPPY')"


def _values(log_format: LogFormat, rules: Rules) -> dict[str, Value]:
    hashes = rules.distinct_error_paths is not None and not log_format.counts_every_request
    ends = "|".join(re.escape(suffix) for suffix in sorted(rules.ignored_suffixes))
    return {
        **_PATTERNS,
        "log_format": str(log_format),
        "step": 1 if rules.sliding_minute else 60,
        "hashes": int(hashes),
        "longest": _LONG_LINE,
        "is_json": int(log_format is LogFormat.WAF),  # the file reader refuses JSON that is no UTF-8
        "last_timestamp": 253_402_300_799_999,  # the end of the year 9999
        "ignored": rf"(?:{ends})\z" if ends else _NEVER,
        "uris": tuple(sorted(rules.uris(log_format))),
        "statuses": tuple(f"{status:03d}" for status in sorted(rules.error_statuses)),
        "ignore_blocks": int(rules.ignore_waf_blocks),
    }


def _by_day(source: LogSource) -> bool:
    return source.log_format is not LogFormat.CLOUDFRONT


def _day(source: LogSource, uri: str) -> str:
    start = f"s3://{source.bucket}/{source.prefix}"
    found = _DAY.match(uri, len(start)) if uri.startswith(start) else None
    if found is None:
        raise ValueError(f"{uri} lies in no folder yyyy/MM/dd/ below {start}, where {source.log_format} logs arrive.")
    return found[0].rstrip("/")


@cache
def _sql_file(name: str) -> str:
    """Return `sql/<name>.sql` without its comments, which would count against the query's length."""
    lines = (SQL / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--")).strip()


def _render(sql: str, values: Mapping[str, Value], parts: Mapping[str, str]) -> str:
    """Replace each `:name` by the literal of its value and each `{name}` by a part of SQL, in one go."""
    return _PLACEHOLDER.sub(lambda match: _literal(values[match[1]]) if match[1] else parts[match[2]], sql)


def _literal(value: Value) -> str:
    """Return a typed literal: quotes doubled, lists comma-separated; NULL, which nothing is in, for an empty list."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, int):
        return str(value)
    return _joined(value)


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(_literal(text) for text in texts) or "NULL"
