"""What SQL knows about cells: macros and functions of one connection, there while sources are read."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from include.discovery.sources.addresses import addresses, macs, not_addresses, tags
from include.discovery.sources.casting import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from include.discovery.sources.settings import ReadingSettings

IPV4: Final = r"((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_OPTION: Final = r"[\w.-]*(?:pass(?:wo?r?d|phrase)?|pwd|secret|token|api[-_]?key|access[-_]?key|credentials?)[\w.]*"
_VALUE: Final = r"""("[^"]*"|''[^'']*''|[^\s;&"'']+)"""
_SECRETS: Final = (
    (rf"(?i)({_OPTION}\s*[=:]\s*|--?{_OPTION}\s+|/{_OPTION}\s+){_VALUE}", r"\1***"),
    (r"(?i)(authorization\s*:\s*(?:bearer|basic)\s+|\bbearer\s+)[^\s\"'']+", r"\1***"),
    (r"(\w+://[^\s/:@]*:)[^\s/@]+@", r"\1***@"),
    (r"(?i)(\b(?:mysql\w*|mariadb\w*|sshpass|mongo\w*)\b.*?\s-p\s*)[^\s]+", r"\1***"),
    (r"(\b(?i:sqlcmd|bcp|osql|isql)\b.*?\s-P\s*)[^\s]+", r"\1***"),
    (r"(?i)(\b(?:sqlplus|expdp|impdp|rman|sqlldr|exp|imp)\b.*?\s[\w$#]+/)[^\s@/]+", r"\1***"),
)
_DAY_FIRST: Final = [
    f"%d{sign}%m{sign}{year}{clock}"
    for sign in "./-"
    for year in ("%Y", "%y")
    for clock in (" %H:%M:%S", " %H:%M", "", " %I:%M:%S %p", " %I:%M %p")
]
_MONTH_FIRST: Final = [
    f"%m{sign}%d{sign}{year}{clock}"
    for sign in "/-."
    for year in ("%Y", "%y")
    for clock in (" %H:%M:%S", " %H:%M", "", " %I:%M:%S %p", " %I:%M %p")
]
_MACROS: Final = (
    "discovery_finite(x) AS CASE WHEN isfinite(try_cast(x AS DOUBLE)) THEN try_cast(x AS DOUBLE) END",
    r"discovery_digits(x) AS regexp_replace(x, '(\d)[\s\x{a0}\x{202f}''\x{2019}](\d)', '\1\2', 'g')",
    r"""discovery_point(x) AS coalesce(discovery_finite(x),
       CASE WHEN regexp_full_match(discovery_digits(x), '[-+]?\d{1,3}(,\d{3})+(\.\d+)?')
       THEN discovery_finite(replace(discovery_digits(x), ',', ''))
       WHEN regexp_full_match(discovery_digits(x), '[-+]?\d*,\d+')
       THEN discovery_finite(replace(discovery_digits(x), ',', '.'))
       ELSE discovery_finite(discovery_digits(x)) END)""",
    r"""discovery_comma(x) AS CASE WHEN regexp_full_match(discovery_digits(x), '[-+]?\d{1,3}(\.\d{3})+(,\d+)?')
       THEN discovery_finite(replace(replace(discovery_digits(x), '.', ''), ',', '.'))
       ELSE discovery_finite(replace(discovery_digits(x), ',', '.')) END""",
    """discovery_bytes(unit) AS CASE upper(unit) WHEN 'B' THEN 1.0 WHEN 'K' THEN 1024.0 WHEN 'M' THEN 1048576.0
       WHEN 'G' THEN 1073741824.0 WHEN 'T' THEN 1099511627776.0 WHEN 'P' THEN 1125899906842624.0 END""",
    r"""discovery_boolean(x) AS CASE WHEN lower(x) IN ('true', 'yes', 'y', '1', 'on', 'x', 't', 'ja', 'wahr',
       'oui', 'vrai', 'si') THEN true
       WHEN lower(x) IN ('false', 'no', 'n', '0', 'off', 'f', 'nein', 'falsch', 'non', 'faux') THEN false END""",
    r"""discovery_time(x, day_first) AS coalesce(
       CASE WHEN regexp_matches(x, '^\d{4}-\d\d-\d\d') THEN try_cast(x AS TIMESTAMPTZ) AT TIME ZONE 'UTC' END,
       CASE WHEN regexp_full_match(x, '\d{10}') THEN make_timestamp(try_cast(x AS BIGINT) * 1000000)
       WHEN regexp_full_match(x, '\d{13}') THEN make_timestamp(try_cast(x AS BIGINT) * 1000)
       WHEN regexp_matches(x, '^\d{4}/\d') THEN try_cast(replace(x, '/', '-') AS TIMESTAMP)
       WHEN day_first THEN try_strptime(x, getvariable('discovery_day_first'))
       ELSE try_strptime(x, getvariable('discovery_month_first')) END)""",
    rf"discovery_is_address(x) AS regexp_full_match(x, '{IPV4}') AND x <> '0.0.0.0'",
    r"""discovery_uuid(x) AS coalesce(try_cast(try_cast(
       regexp_replace(lower(x), '^(urn:uuid:|vmware-)|[-{}\s]', '', 'g') AS UUID) AS VARCHAR), lower(x))""",
    r"""discovery_list(x) AS list_filter(list_transform(string_split_regex(x, '[,;|\n]'), lambda part: trim(part)),
       lambda part: part <> '')""",
    r"discovery_joined(x) AS nullif(regexp_replace(x, '\s*[,;|\n]+\s*', '; ', 'g'), '')",
)


@contextmanager
def cell_language(connection: Any, settings: ReadingSettings) -> Iterator[None]:
    """Define the macros and functions, and take the functions away at the end."""
    functions = (
        ("discovery_addresses", addresses, "VARCHAR[]"),
        ("discovery_not_addresses", not_addresses, "VARCHAR"),
        ("discovery_macs", macs, "VARCHAR[]"),
        ("discovery_tags", tags, "MAP(VARCHAR, VARCHAR)"),
    )
    connection.execute("SET VARIABLE discovery_day_first = ?", [_DAY_FIRST]).fetchall()
    connection.execute("SET VARIABLE discovery_month_first = ?", [_MONTH_FIRST]).fetchall()
    for name, function, kind in functions:
        connection.create_function(name, function, ["VARCHAR"], kind, null_handling="special")
    try:
        for macro in (_text(settings.empty_words), *_MACROS, _secretless()):
            connection.execute(f"CREATE OR REPLACE TEMP MACRO {macro}").fetchall()
        yield
    finally:
        for name, _, _ in functions:
            connection.remove_function(name)


def _text(empty_words: Sequence[str]) -> str:
    """Return the macro that trims a cell; the first branch is for speed: most cells have nothing to trim."""
    words = ", ".join(quoted(word) for word in empty_words) or "''"
    trimmed = r"trim(replace(x, chr(160), ' '), E' \t\r\n')"
    plain = f"regexp_full_match(x, '[!-~]|[!-~].*[!-~]') AND lower(x) NOT IN ({words})"
    odd = f"WHEN lower({trimmed}) IN ({words}, '') THEN NULL ELSE {trimmed} END"
    return f"discovery_text(x) AS CASE WHEN {plain} THEN x {odd}"


def _secretless() -> str:
    text = "x"
    for pattern, replacement in _SECRETS:
        text = f"regexp_replace({text}, '{pattern}', '{replacement}', 'g')"
    return f"discovery_secretless(x) AS {text}"
