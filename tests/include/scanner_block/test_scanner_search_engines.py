"""A crawler is known by its names in both directions; everybody else is not spared."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from include.scanner_block import search_engines
from include.scanner_block.search_engines import SystemResolver, confirm, confirm_each, crawler_names

if TYPE_CHECKING:
    from collections.abc import Callable


class Zone:
    """Names and addresses as a made-up DNS has them."""

    def __init__(self, names: dict[str, tuple[str, ...]], addresses: dict[str, tuple[str, ...]]) -> None:
        self._names, self._addresses = names, addresses
        self.asked: list[str] = []

    def names(self, address: str) -> tuple[str, ...]:
        self.asked.append(address)
        return self._names.get(address, ())

    def addresses(self, name: str) -> tuple[str, ...]:
        self.asked.append(name)
        return self._addresses.get(name, ())


def zone(name: str, address: str = "192.0.2.1", back: str | None = None) -> Zone:
    return Zone({address: (name,)}, {name.rstrip(".").lower(): (back or address,)})


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("crawl-192-0-2-1.googlebot.com", "Google"),
        ("geo-crawl-192-0-2-1.geo.googlebot.com.", "Google"),
        ("RATE-LIMITED-PROXY-192-0-2-1.Google.com", "Google"),
        ("msnbot-192-0-2-1.search.msn.com", "Bing"),
        ("192-0-2-1.applebot.apple.com", "Apple"),
        ("192-0-2-1.spider.yandex.com", "Yandex"),
        ("spider-192-0-2-1.yandex.ru", "Yandex"),
        ("baiduspider-192-0-2-1.crawl.baidu.com", "Baidu"),
        ("fulltextrobot-192-0-2-1.seznam.cz", "Seznam"),
    ],
)
def test_a_documented_name_that_leads_back_is_a_crawler(name: str, engine: str) -> None:
    assert confirm("192.0.2.1", resolver=zone(name)) == engine


@pytest.mark.parametrize(
    "name",
    [
        "crawl.evilgooglebot.com",
        "googlebot.com.scanner.example",
        "googlebot.com",
        "192-0-2-1.gae.googleusercontent.com",
        "google-proxy-192-0-2-1.google.com",
        "vm.msn.com",
        "host.apple.com",
        "mail.seznam.cz",
        "www.baidu.com",
        "",
        ".",
    ],
)
def test_a_name_that_only_looks_like_a_crawlers_spares_nobody(name: str) -> None:
    assert confirm("192.0.2.1", resolver=zone(name)) is None


def test_a_reverse_name_that_does_not_lead_back_spares_nobody() -> None:
    forged = zone("crawl-192-0-2-1.googlebot.com", back="198.51.100.1")
    assert confirm("192.0.2.1", resolver=forged) is None


def test_ipv6_is_compared_by_address_not_by_spelling() -> None:
    resolver = zone("crawl.googlebot.com", "2001:db8::1", back="2001:0DB8:0::1")
    assert confirm("2001:db8::1", resolver=resolver) == "Google"


def test_a_network_and_a_client_without_a_name_are_not_confirmed() -> None:
    nobody = Zone({}, {})
    assert confirm("2001:db8::/64", resolver=nobody) is None
    assert nobody.asked == []
    assert confirm("192.0.2.1", resolver=nobody) is None


def test_an_address_with_hundreds_of_names_costs_three_look_ups_at_most() -> None:
    many = Zone({"192.0.2.1": tuple(f"c{n}.googlebot.com" for n in range(300))}, {})
    assert confirm("192.0.2.1", resolver=many) is None
    assert len(many.asked) == 4


def test_many_are_confirmed_at_once_each_asked_once() -> None:
    resolver = zone("crawl.googlebot.com", "192.0.2.1")
    found = confirm_each(["192.0.2.1", "192.0.2.2", "192.0.2.1"], resolver=resolver, workers=2)
    assert found == {"192.0.2.1": "Google"}
    assert sorted(resolver.asked) == ["192.0.2.1", "192.0.2.2", "crawl.googlebot.com"]
    assert confirm_each([], resolver=resolver) == {}


def test_every_engine_has_a_source_and_its_domains_are_plain() -> None:
    document = json.loads((Path(search_engines.__file__).parent / "data" / "search_engines.json").read_bytes())
    assert all(engine["source"].startswith("https://") for engine in document["engines"])
    assert len(crawler_names()) >= len(document["engines"])
    assert all(name.domain == name.domain.lower().strip(".") for name in crawler_names())


def answer(monkeypatch: pytest.MonkeyPatch, look_up: Callable[[str], tuple[str, list[str], list[str]]]) -> None:
    monkeypatch.setattr(socket, "gethostbyaddr", look_up)


def test_the_system_resolver_gives_names_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, lambda address: ("a.example", ["b.example"], [address]))
    info = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 0, 0, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: info)
    resolver = SystemResolver(seconds=30)
    assert resolver.names("192.0.2.1") == ("a.example", "b.example")
    assert resolver.addresses("a.example") == ("2001:db8::1",)


@pytest.mark.parametrize("error", [socket.herror("unknown"), socket.gaierror("unknown"), TimeoutError(), OSError()])
def test_a_failed_look_up_is_an_unknown_client(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    def fail(*_: object, **__: object) -> tuple[str, list[str], list[str]]:
        raise error

    answer(monkeypatch, fail)
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    resolver = SystemResolver(seconds=30)
    assert (resolver.names("192.0.2.1"), resolver.addresses("a.example")) == ((), ())


def test_a_name_that_no_dns_takes_is_unknown() -> None:
    assert SystemResolver(seconds=30).addresses("x" * 300 + ".googlebot.com") == ()


def test_a_look_up_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    never = Event()

    def hang(address: str) -> tuple[str, list[str], list[str]]:
        never.wait(30)
        return address, [], []

    answer(monkeypatch, hang)
    assert SystemResolver(seconds=0.01).names("192.0.2.1") == ()
    never.set()


def test_no_more_is_asked_than_allowed_in_number_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, lambda address: ("a.example", [], [address]))
    few = SystemResolver(seconds=30, most=2)
    assert [few.names("192.0.2.1") for _ in range(3)] == [("a.example",), ("a.example",), ()]
    clock = iter([0.0, 29.9, 30.0])
    short = SystemResolver(seconds=30, all_seconds=30.0, monotonic=lambda: next(clock))
    assert [short.names("192.0.2.1") for _ in range(3)] == [("a.example",), ("a.example",), ()]
