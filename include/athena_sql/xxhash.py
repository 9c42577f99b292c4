"""XXH64 with seed 0 (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md)."""

from __future__ import annotations

_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_ALL = (1 << 64) - 1


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _ALL


def _round(lane: int, word: int) -> int:
    return _rotate((lane + word * _P2) & _ALL, 31) * _P1 & _ALL


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[i : i + 8], "little") for i in range(0, len(data), 8)]


def xxhash64(data: bytes) -> int:
    """The 64-bit hash as an unsigned number."""
    stripes = len(data) // 32 * 32
    value = _stripes(data[:stripes]) if stripes else _P5
    return _avalanche(_tail((value + len(data)) & _ALL, data[stripes:]))


def _stripes(data: bytes) -> int:
    lanes = [(_P1 + _P2) & _ALL, _P2, 0, -_P1 & _ALL]
    for i, word in enumerate(_words(data)):
        lanes[i % 4] = _round(lanes[i % 4], word)
    value = sum(_rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & _ALL
    for lane in lanes:
        value = ((value ^ _round(0, lane)) * _P1 + _P4) & _ALL
    return value


def _tail(value: int, rest: bytes) -> int:
    eights = len(rest) // 8 * 8
    for word in _words(rest[:eights]):
        value = (_rotate(value ^ _round(0, word), 27) * _P1 + _P4) & _ALL
    rest = rest[eights:]
    if len(rest) >= 4:
        value = (_rotate(value ^ (int.from_bytes(rest[:4], "little") * _P1 & _ALL), 23) * _P2 + _P3) & _ALL
        rest = rest[4:]
    for byte in rest:
        value = _rotate(value ^ (byte * _P5 & _ALL), 11) * _P1 & _ALL
    return value


def _avalanche(value: int) -> int:
    value = (value ^ (value >> 33)) * _P2 & _ALL
    value = (value ^ (value >> 29)) * _P3 & _ALL
    return value ^ (value >> 32)
