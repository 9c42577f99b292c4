"""Functions DuckDB lacks, in Python. DuckDB calls them with values that are not NULL, one row at a time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import math
import re
import struct
import unicodedata
import zlib
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from include.athena_sql.java_format import java_format
from include.athena_sql.xxhash import xxhash64

if TYPE_CHECKING:
    from collections.abc import Callable


def fail(words: str, code: str = "INVALID_FUNCTION_ARGUMENT") -> ValueError:
    """An error that `explain_error` can read the code from."""
    return ValueError(f"[{code}] {words}")


def canonical_address(text: str) -> str:
    """An IP address in its shortest form, as Trino prints it."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise fail(f"Cannot cast value to IPADDRESS: {text}", "INVALID_CAST_ARGUMENT") from None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


@lru_cache(maxsize=4096)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise fail(f"Invalid CIDR: {text}") from None


def address_in_network(network: str, address: str) -> bool:
    """Whether a CIDR block holds an address (docs: functions/ipaddress, contains)."""
    if "/" not in network:
        raise fail(f"Invalid CIDR: {network}")
    return ipaddress.ip_address(address) in _network(network)


def double_text(value: float, single: bool) -> str:
    """A double or real as Trino casts it to varchar: ``1.5E0``."""
    if not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(value)]
    digits = f"{value:.9g}" if single else repr(value)
    sign, figures, exponent = Decimal(_shortest_single(value) if single else digits).as_tuple()
    text = "".join(map(str, figures)).rstrip("0") or "0"
    power = 0 if text == "0" else len(figures) - 1 + int(exponent)
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{power}"


def _shortest_single(value: float) -> str:
    """The fewest digits that still give the same 32-bit float."""
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if struct.pack("f", float(text)) == struct.pack("f", value):
            return text
    return repr(value)


def json_parse(text: str) -> str:
    """A JSON document in Trino's canonical form: keys sorted, no spaces."""
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # Jackson ends at a depth of 1,000 as well
        raise fail(f"Cannot convert value to JSON: '{text}'") from None
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _no_constant(name: str) -> float:
    raise ValueError(name)


def normalized(text: str, form: Any) -> str:
    """Unicode normalization."""
    return unicodedata.normalize(form, text)


def levenshtein(left: str, right: str) -> int:
    """Edit distance by code points."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def hamming(left: str, right: str) -> int:
    """The number of positions at which two texts of one length differ."""
    return sum(a != b for a, b in zip(left, right, strict=True))


def nth_position(text: str, part: str, instance: int) -> int:
    """Where the n-th occurrence starts, from 1; a negative n counts from the end; 0 when there is none."""
    if not part:
        return 1
    at = -1 if instance > 0 else len(text)
    for _ in range(abs(instance)):
        at = text.find(part, at + 1) if instance > 0 else text.rfind(part, 0, at + len(part) - 1)
        if at < 0:
            return 0
    return at + 1


def from_base(text: str, radix: int) -> int:
    """A number written in a base from 2 to 36."""
    if not 2 <= radix <= 36:
        raise fail("Radix must be between 2 and 36")
    try:
        return int(text, radix)
    except ValueError:
        raise fail(f"Not a valid base-{radix} number: {text}") from None


def to_base(number: int, radix: int) -> str:
    """A number in a base from 2 to 36."""
    if not 2 <= radix <= 36:
        raise fail("Radix must be between 2 and 36")
    digits, rest = "", abs(number)
    while rest:
        rest, digit = divmod(rest, radix)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return ("-" if number < 0 else "") + (digits or "0")


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def shift_left(value: int, shift: int) -> int:
    """A 64-bit shift; bits that leave are lost."""
    return _signed(value << shift) if 0 <= shift < 64 else 0


def shift_right(value: int, shift: int) -> int:
    """A logical 64-bit shift."""
    return _signed((value & ((1 << 64) - 1)) >> shift) if 0 <= shift < 64 else 0


def shift_right_arithmetic(value: int, shift: int) -> int:
    """A 64-bit shift that keeps the sign."""
    return value >> min(max(shift, 0), 63)


def bit_count(value: int, bits: int) -> int:
    """The number of ones in a two's complement number of so many bits."""
    if not 2 <= bits <= 64 or not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise fail(
            f"Number must be representable with the bits specified. {value} cannot be represented with {bits} bits"
        )
    return (value & ((1 << bits) - 1)).bit_count()


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern.replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!"), re.ASCII)
    except re.error as error:
        raise fail(f"{error} in pattern {pattern}") from None


def re_like(text: str, pattern: str) -> bool:
    """Whether a pattern that RE2 cannot run is found in a text."""
    return _pattern(pattern).search(text) is not None


def re_extract_all(text: str, pattern: str, group: int) -> list[str | None]:
    """One group of every match."""
    if group > _pattern(pattern).groups:
        raise fail(f"Pattern has {_pattern(pattern).groups} groups. Cannot access group {group}")
    return [found.group(group) for found in _pattern(pattern).finditer(text)]


def re_replace(text: str, pattern: str, replacement: str) -> str:
    """Replace every match; groups are written ``\\1``."""
    return _pattern(pattern).sub(replacement, text)


def re_split(text: str, pattern: str) -> list[str]:
    """The texts between matches."""
    ends, parts = 0, []
    for found in _pattern(pattern).finditer(text):
        parts.append(text[ends : found.start()])
        ends = found.end()
    return [*parts, text[ends:]]


def crc32(data: bytes) -> int:
    """CRC-32; zlib's own function takes a second argument, which DuckDB would count."""
    return zlib.crc32(data)


def _hmac(name: str) -> Callable[[bytes, bytes], bytes]:
    return lambda data, key: hmac.new(key, data, name).digest()


def format_values(pattern: str, values: str) -> str:
    """format(): `values` is a JSON array of the arguments."""
    return java_format(pattern, json.loads(values, parse_float=Decimal))


FUNCTIONS: dict[str, tuple[Callable[..., Any], list[str], str]] = {
    "ath_ip": (canonical_address, ["VARCHAR"], "VARCHAR"),
    "ath_ip_in_network": (address_in_network, ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "ath_double_text": (double_text, ["DOUBLE", "BOOLEAN"], "VARCHAR"),
    "ath_json_parse": (json_parse, ["VARCHAR"], "JSON"),
    "ath_normalize": (normalized, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    "ath_levenshtein_text": (levenshtein, ["VARCHAR", "VARCHAR"], "BIGINT"),
    "ath_hamming_text": (hamming, ["VARCHAR", "VARCHAR"], "BIGINT"),
    "ath_strpos": (nth_position, ["VARCHAR", "VARCHAR", "BIGINT"], "BIGINT"),
    "ath_from_base": (from_base, ["VARCHAR", "BIGINT"], "BIGINT"),
    "ath_to_base": (to_base, ["BIGINT", "BIGINT"], "VARCHAR"),
    "ath_shift_left": (shift_left, ["BIGINT", "BIGINT"], "BIGINT"),
    "ath_shift_right": (shift_right, ["BIGINT", "BIGINT"], "BIGINT"),
    "ath_shift_right_arithmetic": (shift_right_arithmetic, ["BIGINT", "BIGINT"], "BIGINT"),
    "ath_bit_count": (bit_count, ["BIGINT", "BIGINT"], "BIGINT"),
    "ath_re_like": (re_like, ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "ath_re_extract_all": (re_extract_all, ["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR[]"),
    "ath_re_replace": (re_replace, ["VARCHAR", "VARCHAR", "VARCHAR"], "VARCHAR"),
    "ath_re_split": (re_split, ["VARCHAR", "VARCHAR"], "VARCHAR[]"),
    "ath_format": (format_values, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    "ath_from_utf8": (lambda data: data.decode("utf-8", "replace"), ["BLOB"], "VARCHAR"),
    "ath_xxhash64": (lambda data: xxhash64(data).to_bytes(8, "big"), ["BLOB"], "BLOB"),
    "ath_crc32": (crc32, ["BLOB"], "BIGINT"),
    "ath_sha512": (lambda data: hashlib.sha512(data).digest(), ["BLOB"], "BLOB"),
    "ath_hmac_md5": (_hmac("md5"), ["BLOB", "BLOB"], "BLOB"),
    "ath_hmac_sha1": (_hmac("sha1"), ["BLOB", "BLOB"], "BLOB"),
    "ath_hmac_sha256": (_hmac("sha256"), ["BLOB", "BLOB"], "BLOB"),
    "ath_hmac_sha512": (_hmac("sha512"), ["BLOB", "BLOB"], "BLOB"),
    "ath_base64url": (lambda data: base64.urlsafe_b64encode(data).decode(), ["BLOB"], "VARCHAR"),
    "ath_from_base64url": (lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), ["VARCHAR"], "BLOB"),
    "ath_big_endian": (lambda number: number.to_bytes(8, "big", signed=True), ["BIGINT"], "BLOB"),
    "ath_from_big_endian": (lambda data: int.from_bytes(data, "big", signed=True), ["BLOB"], "BIGINT"),
}
