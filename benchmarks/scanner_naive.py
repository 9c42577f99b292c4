"""Counting access logs line by line, as one would write it: the peer of `scanner_parse` and the tests' second opinion.

It shares the addresses and the rules with our reader and nothing of its reading. Addresses and days are judged once
per text (caches), because nobody would leave that out.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import Counter
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO

from include.scanner_block.addresses import alb_client, canonical, client_key
from include.scanner_block.policy_model import LogFormat, Rules

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FIELDS = """date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent)
cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken
x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields
c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end"""
STATUS = re.compile(r"[0-9]{3}", re.ASCII)
REQUEST = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
LAST_SECOND = 253_402_300_799

cached_canonical = lru_cache(maxsize=100_000)(canonical)
cached_alb_client = lru_cache(maxsize=100_000)(alb_client)


class NaiveParser:
    """Counts the lines of one log in dictionaries."""

    def __init__(self, log_format: LogFormat, rules: Rules) -> None:
        self.log_format, self.rules = log_format, rules
        self.uris = rules.uris(log_format)
        self.unit = 1 if rules.sliding_minute else 60
        self.paths_wanted = rules.distinct_error_paths is not None and log_format is not LogFormat.WAF
        self.read = {"cloudfront": self.cloudfront, "alb": self.alb, "waf": self.waf}[log_format.value]
        self.lines = self.unreadable = 0
        self.requests: Counter[tuple[int, str, str | None, str | None]] = Counter()
        self.last: dict[tuple[int, str, str | None, str | None], int] = {}
        self.clients: set[str] = set()
        self.set_order(FIELDS.split())

    def set_order(self, names: list[str]) -> None:
        """Find the fields of CloudFront's lines."""
        needed = ("date", "time", "c-ip", "cs-uri-stem", "sc-status")
        self.order = [names.index(name) for name in needed] if set(needed) <= set(names) else None
        self.detail = names.index("x-edge-detailed-result-type") if "x-edge-detailed-result-type" in names else None

    def count(self, lines: Iterable[bytes]) -> None:
        """Count lines in order."""
        for raw in lines:
            line = raw.removesuffix(b"\n")
            if line.startswith(b"#"):
                if line.startswith(b"#Fields:") and self.log_format is LogFormat.CLOUDFRONT:
                    self.set_order(line.decode(errors="replace")[8:].split())
                continue
            if not line.strip():
                continue
            self.lines += 1
            try:
                second, client, counts, path = self.read(line.decode("utf-8", "surrogateescape"))
            except (ValueError, LookupError, TypeError, AttributeError):
                self.unreadable += 1
                continue
            if client is None:
                self.unreadable += 1
                continue
            self.clients.add(client)
            if counts and not path.endswith(self.rules.ignored_suffixes):
                self.add(second, client, path)

    def add(self, second: int, client: str, path: str) -> None:
        """Count one request."""
        digest = None
        if self.paths_wanted:
            octets = path.encode("utf-8", "surrogateescape")
            digest = hashlib.md5(octets, usedforsecurity=False).hexdigest()[:16]
        uri = path if path in self.uris else None
        who = client_key(client, ipv6_prefix=self.rules.ipv6_prefix)
        key = (second // self.unit * self.unit, who, uri, digest)
        self.requests[key] += 1
        self.last[key] = max(second, self.last.get(key, second))

    def cloudfront(self, line: str) -> tuple[int, str | None, bool, str]:
        """Read a line of CloudFront."""
        fields = line.removesuffix("\r").split("\t")
        day, clock, address, path, status = [fields[place] for place in self.order]  # None: no such header (TypeError)
        if not STATUS.fullmatch(status):
            raise ValueError(status)
        counts = int(status) in self.rules.error_statuses
        if counts and status == "403" and self.rules.ignore_waf_blocks and self.detail is not None:
            counts = len(fields) <= self.detail or fields[self.detail] != "InvalidRequestBlocked"
        return midnight(day) + second_of_day(clock), cached_canonical(address), counts, path

    def alb(self, line: str) -> tuple[int, str | None, bool, str]:
        """Read a line of a load balancer."""
        fields = line.removesuffix("\r").split(" ", 12)
        status = fields[9]
        if status != "-" and not STATUS.fullmatch(status):
            raise ValueError(status)
        time = fields[1]
        if time[10] != "T" or time[-1] != "Z" or (len(time) > 20 and not re.fullmatch("[.][0-9]+", time[19:-1])):
            raise ValueError(time)
        second = midnight(time[:10]) + second_of_day(time[11:19] if len(time) > 20 else time[11:-1])
        counts = status != "-" and int(status) in self.rules.error_statuses
        path = request_path(fields[12]) if counts and len(fields) > 12 else ""
        return second, cached_alb_client(fields[3]), counts, path

    def waf(self, line: str) -> tuple[int, str | None, bool, str]:
        """Read a line of WAF."""
        document = json.loads(line.encode("utf-8", "surrogateescape").decode())
        stamp, request = document["timestamp"], document["httpRequest"]
        if type(stamp) is not int or not 0 <= stamp // 1000 <= LAST_SECOND:
            raise ValueError(stamp)
        path = request.get("uri")
        return stamp // 1000, cached_canonical(request["clientIp"]), True, path if isinstance(path, str) else ""


@lru_cache(maxsize=1000)
def midnight(text: str) -> int:
    """Return a day as Unix seconds."""
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(text)
    return int(datetime.fromisoformat(f"{text}T00:00:00+00:00").timestamp())


@lru_cache(maxsize=100_000)
def second_of_day(text: str) -> int:
    """Return a time of day in seconds."""
    if not re.fullmatch("[0-9]{2}:[0-9]{2}:[0-9]{2}", text):
        raise ValueError(text)
    hour, minute, second = (int(part) for part in text.split(":"))
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(text)
    return hour * 3600 + minute * 60 + second


def request_path(text: str) -> str:
    """Return the path of `"GET https://host:443/path?query HTTP/1.1"`, or nothing where the request is malformed."""
    quoted = REQUEST.match(text)
    if quoted is None:
        return ""
    method, _, rest = quoted[1].partition(" ")
    url, _, version = rest.rpartition(" ")
    if not method or "\\" in method or not re.fullmatch("HTTP/[0-9.]+", version):
        return ""
    before_query = re.split("[?#]", url, maxsplit=1)[0]
    if " " in before_query:
        return ""
    absolute = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", before_query)
    if absolute is None:
        return before_query if before_query.startswith("/") else ""
    host, slash, path = before_query[absolute.end() :].partition("/")
    return slash + path if "\\" not in host else ""


def parse(stream: BinaryIO, log_format: LogFormat, rules: Rules) -> NaiveParser:
    """Count a log that is open."""
    parser = NaiveParser(log_format, rules)
    parser.count(stream)
    return parser


def parse_file(path: Path, log_format: LogFormat, rules: Rules) -> NaiveParser:
    """Count a gzip file."""
    with gzip.open(path, "rb") as stream:
        return parse(stream, log_format, rules)
