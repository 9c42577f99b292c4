"""Organisational domains by the Public Suffix List, and the popularity guard."""

import gzip
import ipaddress
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

SHIPPED_POPULARITY = Path(__file__).parent / "data" / "popular_domains.json.gz"


@cache
def _suffixes() -> Any:
    import tldextract

    # The list that ships with the library, private part included: github.io is a suffix, so one bad page never
    # condemns every other customer of the same host.
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


@lru_cache(maxsize=65536)
def organisational_domain(host: str) -> str | None:
    """Return the registrable domain of a host name, the address itself for an IP literal, else None.

    `mail.shop.example.co.uk` gives `example.co.uk`; a bare public suffix, a name under no public suffix and an
    empty label give None. Source: publicsuffix.org, ICANN and private parts, as shipped with tldextract.
    """
    address = ip_literal(host)
    if address:
        return address
    parts = _suffixes()(host)
    if not parts.suffix or not parts.domain or ".." in host or host.startswith("."):
        return None
    return f"{parts.domain}.{parts.suffix}".lower()


def ip_literal(host: str) -> str | None:
    """Return the canonical form of an IPv4 or IPv6 address (with or without brackets), or None for a name.

    An IPv4 address mapped into IPv6 is the IPv4 address.
    """
    if not host or not (host[0] in "[:" or host[-1].isdigit() or ":" in host):
        return None
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


def parent_domains(host: str) -> Iterator[str]:
    """Yield the host (without a final dot) and its parents, most specific first, down to the organisational domain."""
    host = host.rstrip(".")
    organisation = organisational_domain(host)
    if organisation is None or organisation == host:
        yield host
        return
    while True:
        yield host
        if host == organisation or "." not in host:
            return
        host = host.split(".", 1)[1]


@dataclass(frozen=True, slots=True)
class Popularity:
    """A dated list of domains that too many people use to be indicators."""

    domains: frozenset[str]
    source: str
    as_of: str

    def covers(self, host: str) -> bool:
        """Whether the host, or its organisational domain, stands in the list."""
        return host in self.domains or organisational_domain(host) in self.domains

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Popularity":
        """Read the list that `LANDFALL_POPULAR_FILE` names, else the shipped one; every process must name the same."""
        path = environ.get("LANDFALL_POPULAR_FILE")
        return cls.load(Path(path) if path else SHIPPED_POPULARITY)

    @classmethod
    def load(cls, path: Path = SHIPPED_POPULARITY) -> "Popularity":
        """Read a list: JSON with a `list` (MISP warninglist form, `.gz` too), or text with one domain a line.

        Raises ValueError, naming the file, when it holds no domain.
        """
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
        if text.lstrip().startswith("{"):
            document = json.loads(text)
            names, source = document.get("list", []), str(document.get("name", path.name))
            as_of = str(document.get("version", "unknown"))
        else:
            names, source, as_of = [line.split("#")[0] for line in text.splitlines()], path.name, "unknown"
        domains = frozenset(name.strip().lower().strip(".") for name in names) - {""}
        if not domains:
            raise ValueError(f"{path} holds no domain: give a JSON file with a `list`, or one domain a line.")
        return cls(domains, source, as_of)
