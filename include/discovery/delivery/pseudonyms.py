"""Pseudonyms: one for each name, by a keyed hash, and the search for names in text."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
from functools import lru_cache
from typing import Final

_WORDS: Final = re.compile(r"\w+")
_ADDRESS: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)")
_MAC: Final = re.compile(r"(?<![\w:])[0-9a-f]{2}(?::[0-9a-f]{2}){5}(?![\w:])", re.IGNORECASE)
_SHORT: Final = 3
"""A name of fewer letters, or of digits alone, is replaced where it is a whole cell, not inside of sentences."""


_UNTOUCHED: Final = frozenset({0, 127, *range(224, 240), 255})
"""First bytes of addresses that name nobody: this host, loopback, multicast, broadcast (and ff.. of IPv6)."""
_FIRST: Final = (*sorted(_UNTOUCHED), 10, 100, 169, 172, 192, *range(240, 255))
_SECOND: Final = {192: (168,), 169: (254,), 172: tuple(range(16, 32)), 254: (128,)}


class Names:
    """Learns names and replaces them; the same salt gives the same pseudonyms, whatever else was learnt."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._known: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        self._phrases: dict[tuple[str, ...], str] = {}
        self._longest = 1
        self._used: dict[str, str] = {}
        self._permutation = lru_cache(maxsize=None)(self._permute)
        self._replaced = lru_cache(maxsize=200_000)(self._replace)

    def learn(self, kind: str, name: str | None) -> None:
        """Take a name in; a full domain name brings its domain along, parts joined by `; ` are names of their own."""
        if name is None or not name.strip():
            return
        name = name.strip().removeprefix("'")
        if "; " in name:
            for part in name.split("; "):
                self.learn(kind, part)
            return
        key = name.lower()
        if key in self._known:
            return
        if kind == "server" and "/" in key:  # a database or a tier below a server or an application
            self.learn(kind, name.split("/", maxsplit=1)[0])
        if kind in ("server", "host") and key.count(".") and not _ADDRESS.fullmatch(key):
            host, _, domain = name.partition(".")
            self.learn(kind, host)
            self.learn("domain", domain)
        self._take(kind, key)

    def replace(self, text: str | None) -> str | None:
        """Return a text with every learnt name, every IPv4 and every MAC address replaced. Learn all names before."""
        return self._replaced(text) if text else text

    def _replace(self, text: str) -> str:
        known = self._known.get(text.lower().removeprefix("'"))
        if known is not None:
            return known
        text = _MAC.sub(lambda found: self.mac(found[0]), text)
        text = _ADDRESS.sub(lambda found: self.address(found[0]), text)
        return self._replace_phrases(text)

    def map(self) -> dict[str, dict[str, str]]:
        """Return {kind: {name: pseudonym}}; names are in lower case."""
        found: dict[str, dict[str, str]] = {}
        for name, pseudonym in self._known.items():
            found.setdefault(self._kinds[name], {})[name] = pseudonym
        return found

    def address(self, text: str) -> str:
        """Return another address with the same subnets; what is none stays."""
        try:
            given = ipaddress.ip_address(text)
        except ValueError:
            return text
        packed = given.packed
        if packed[0] in _UNTOUCHED:
            return text
        made = bytes(self._byte(packed[:place], packed[place]) for place in range(len(packed)))
        self._remember("address", text.lower(), str(ipaddress.ip_address(made)))
        return str(ipaddress.ip_address(made))

    def mac(self, text: str) -> str:
        """Return a locally administered MAC address."""
        digest = hmac.digest(self._salt, b"mac" + text.lower().encode(), "sha256")
        made = ":".join(f"{byte:02x}" for byte in b"\x02" + digest[:5])
        self._remember("mac", text.lower(), made)
        return made

    def _take(self, kind: str, key: str) -> None:
        if kind == "address":
            self._known[key] = self.address(key)
        elif kind == "mac":
            self._known[key] = self.mac(key)
        else:
            self._known[key] = self._pseudonym(kind, key)
        self._kinds[key] = kind
        words = tuple(_WORDS.findall(key))
        if len(key) >= _SHORT and not key.isdigit() and words:
            self._phrases.setdefault(words, self._known[key])
            self._longest = max(self._longest, len(words))

    def _pseudonym(self, kind: str, key: str) -> str:
        digest = base64.b32encode(hmac.digest(self._salt, key.encode(), "sha256")).decode().lower()
        for length in range(8, 53):
            made = f"{kind}-{digest[:length]}"
            if self._used.setdefault(made, key) == key:
                return made
        raise ValueError("Two names have the same pseudonym; take another salt.")

    def _remember(self, kind: str, name: str, made: str) -> None:
        self._known.setdefault(name, made)
        self._kinds.setdefault(name, kind)

    def _replace_phrases(self, text: str) -> str:
        words = list(_WORDS.finditer(text))
        lower = [word[0].lower() for word in words]
        parts, done, number = [], 0, 0
        while number < len(words):
            length = self._length_at(lower, number)
            if length:
                parts += [text[done : words[number].start()], self._phrases[tuple(lower[number : number + length])]]
                done = words[number + length - 1].end()
            number += length or 1
        return "".join([*parts, text[done:]])

    def _length_at(self, lower: list[str], start: int) -> int:
        for length in range(min(self._longest, len(lower) - start), 0, -1):
            if tuple(lower[start : start + length]) in self._phrases:
                return length
        return 0

    def _byte(self, prefix: bytes, value: int) -> int:
        among = _values_like(prefix, value)
        return among[self._permutation(prefix, len(among))[among.index(value)]] if len(among) > 1 else value

    def _permute(self, prefix: bytes, size: int) -> list[int]:
        stream = hashlib.shake_256(b"address" + self._salt + bytes([len(prefix)]) + prefix).digest(size * 8)
        return sorted(range(size), key=lambda place: stream[place * 8 : place * 8 + 8])


def _values_like(prefix: bytes, value: int) -> range | tuple[int, ...]:
    """Return the values that a byte may change with, so that what says "private" stays: 10, 172.16 to 31, 192.168,
    ..."""
    if len(prefix) > 1 or (prefix and prefix[0] not in _SECOND):
        return range(256)
    kept = _SECOND[prefix[0]] if prefix else _FIRST
    if value not in kept:
        return tuple(other for other in range(256) if other not in kept)
    return kept if prefix == b"\xac" else (value,)
