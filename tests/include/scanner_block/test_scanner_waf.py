"""The writer of WAF IP sets: one call for a change, none without, right under conflicts and throttling."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from include.scanner_block.waf import (
    IpSetContestedError,
    IpSetMissingError,
    IpSetWriter,
    UnfitAddressesError,
    Write,
)
from tests.local_aws import LocalAws, start_local_aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OLD, NEW, BY_HAND = "192.0.2.1/32", "192.0.2.2/32", "203.0.113.9/32"


@dataclass
class Clock:
    """Time that passes only while somebody sleeps."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS whose WAF takes any number of calls."""
    with start_local_aws(tmp_path_factory.mktemp("scanner_waf") / "state") as aws:
        aws.control("POST", "waf", {"calls_per_second": 0})
        yield aws


@dataclass
class Bench:
    """One IP set in the local AWS, a writer on it, and a second client."""

    waf: Any
    writer: IpSetWriter
    clock: Clock
    name: str
    id: str

    def addresses(self) -> list[str]:
        return list(self.waf.get_ip_set(Name=self.name, Scope="REGIONAL", Id=self.id)["IPSet"]["Addresses"])

    def edit(self, *addresses: str) -> None:
        """Replace the set's addresses as somebody else."""
        place = {"Name": self.name, "Scope": "REGIONAL", "Id": self.id}
        token = self.waf.get_ip_set(**place)["LockToken"]
        self.waf.update_ip_set(**place, LockToken=token, Addresses=list(addresses))


@pytest.fixture
def make(aws: LocalAws) -> Iterator[Callable[..., Bench]]:
    """Make a set that holds addresses, and a writer with a clock of its own."""

    def bench(*addresses: str, version: str = "IPV4", **more: Any) -> Bench:
        waf, clock, name = aws.client("wafv2"), Clock(), f"set-{uuid4().hex[:8]}"
        made = waf.create_ip_set(
            Name=name, Scope="REGIONAL", IPAddressVersion=version, Addresses=list(addresses), **more
        )["Summary"]
        writer = IpSetWriter(waf, scope="REGIONAL", sleep=clock.sleep, monotonic=clock.monotonic)
        return Bench(waf, writer, clock, name, made["Id"])

    yield bench
    aws.control("DELETE", "faults")


def wish(*addresses: str) -> Callable[[frozenset[str]], frozenset[str]]:
    """Want exactly these addresses, whatever is there."""
    return lambda _held: frozenset(addresses)


def test_a_change_takes_one_call_and_keeps_the_description(make: Callable[..., Bench]) -> None:
    bench = make(OLD, Description="made by hand")
    written = bench.writer.write(bench.name, wish(NEW))
    assert written == Write(name=bench.name, before=frozenset({OLD}), after=frozenset({NEW}), calls=1, conflicts=0)
    assert bench.addresses() == [NEW]
    assert bench.writer.read(bench.name).description == "made by hand"


def test_a_set_that_is_right_is_not_called_even_where_waf_spells_it_otherwise(make: Callable[..., Bench]) -> None:
    bench = make("2001:0db8::0001/128", version="IPV6")
    token = bench.writer.read(bench.name).lock_token
    assert bench.writer.write(bench.name, wish("2001:db8::1/128")).calls == 0
    assert bench.writer.read(bench.name).lock_token == token


def test_a_set_can_be_emptied(make: Callable[..., Bench]) -> None:
    bench = make(OLD)
    bench.writer.write(bench.name, wish())
    assert bench.addresses() == []


def test_an_edit_between_read_and_write_is_seen_and_kept(make: Callable[..., Bench]) -> None:
    bench = make(OLD)
    seen: list[frozenset[str]] = []
    waits_before_reading: list[int] = []

    def wanted(held: frozenset[str]) -> frozenset[str]:
        seen.append(held)
        waits_before_reading.append(len(bench.clock.slept))
        if len(seen) == 1:
            bench.edit(OLD, BY_HAND)
        return (held - {OLD}) | {NEW}

    written = bench.writer.write(bench.name, wanted)
    assert seen == [frozenset({OLD}), frozenset({OLD, BY_HAND})]
    assert (written.before, written.calls, written.conflicts) == (frozenset({OLD, BY_HAND}), 2, 1)
    assert set(bench.addresses()) == {NEW, BY_HAND}
    assert (bench.clock.slept, waits_before_reading) == ([1.0], [0, 1])  # the second read is fresh when it is used


def test_an_edit_that_did_our_work_leaves_nothing_to_write(make: Callable[..., Bench]) -> None:
    bench = make(OLD)

    def wanted(held: frozenset[str]) -> frozenset[str]:
        if held == {OLD}:
            bench.edit(NEW)
        return frozenset({NEW})

    written = bench.writer.write(bench.name, wanted)
    assert (written.calls, written.conflicts, bench.addresses()) == (1, 1, [NEW])


def test_after_the_sixth_conflict_it_gives_up_and_says_where_to_look(make: Callable[..., Bench]) -> None:
    bench, asked = make(OLD), []

    def wanted(held: frozenset[str]) -> frozenset[str]:
        asked.append(held)
        bench.edit(f"198.51.100.{len(asked)}/32")
        return frozenset({NEW})

    with pytest.raises(IpSetContestedError, match=f"{bench.name}.*CloudTrail"):
        bench.writer.write(bench.name, wanted)
    assert (len(asked), bench.addresses()) == (6, ["198.51.100.6/32"])


def test_updates_of_several_sets_keep_a_second_between_them(make: Callable[..., Bench]) -> None:
    bench, others = make(), [make() for _ in range(2)]
    for other in (bench, *others):
        bench.writer.write(other.name, wish(NEW))
    assert bench.clock.slept == [1.0, 1.0]
    bench.clock.now += 0.75
    bench.writer.write(bench.name, wish(NEW))  # nothing to do: nothing to wait for
    bench.writer.write(bench.name, wish(OLD))
    assert bench.clock.slept == [1.0, 1.0, 0.25]


def test_throttling_is_waited_out(make: Callable[..., Bench], aws: LocalAws) -> None:
    bench = make(OLD)
    aws.control("POST", "faults", {"service": "wafv2", "operation": "UpdateIPSet", "kind": "throttle", "times": 3})
    assert bench.writer.write(bench.name, wish(NEW)).after == {NEW}
    assert (bench.addresses(), bench.clock.slept) == ([NEW], [2.0, 4.0, 8.0])


def test_throttling_without_end_fails_and_leaves_the_set(make: Callable[..., Bench], aws: LocalAws) -> None:
    bench = make(OLD)
    aws.control("POST", "faults", {"service": "wafv2", "operation": "UpdateIPSet", "kind": "throttle"})
    with pytest.raises(ClientError, match="Rate exceeded"):
        bench.writer.write(bench.name, wish(NEW))
    assert (bench.addresses(), bench.clock.slept) == ([OLD], [2.0, 4.0, 8.0, 16.0, 30.0])


class LosesAnswer:
    """A client whose first update is done, but whose answer is lost; botocore then sends it again."""

    def __init__(self, waf: Any) -> None:
        self._waf, self._lost = waf, False
        self.meta, self.exceptions = waf.meta, waf.exceptions
        self.get_ip_set, self.list_ip_sets = waf.get_ip_set, waf.list_ip_sets

    def update_ip_set(self, **request: Any) -> Any:
        if not self._lost:
            self._lost = True
            self._waf.update_ip_set(**request)
        return self._waf.update_ip_set(**request)


def test_an_update_whose_answer_is_lost_is_recognised_as_done(make: Callable[..., Bench]) -> None:
    bench = make(OLD)
    writer = IpSetWriter(LosesAnswer(bench.waf), scope="REGIONAL", sleep=bench.clock.sleep)
    written = writer.write(bench.name, wish(NEW))
    assert (written.after, bench.addresses()) == ({NEW}, [NEW])


def test_a_set_made_anew_under_another_id_is_found(make: Callable[..., Bench]) -> None:
    bench = make(OLD)
    held = bench.writer.read(bench.name)
    bench.waf.delete_ip_set(Name=bench.name, Scope="REGIONAL", Id=held.id, LockToken=held.lock_token)
    bench.waf.create_ip_set(Name=bench.name, Scope="REGIONAL", IPAddressVersion="IPV4", Addresses=[])
    assert bench.writer.write(bench.name, wish(NEW)).after == {NEW}


def test_a_missing_set_is_named_with_what_makes_it(make: Callable[..., Bench]) -> None:
    bench = make()
    with pytest.raises(IpSetMissingError, match="no-such-set of the scope REGIONAL in us-east-1: create it"):
        bench.writer.write("no-such-set", wish(NEW))


@pytest.mark.parametrize(
    ("addresses", "message"),
    [
        ([f"198.18.{number // 256}.{number % 256}/32" for number in range(10_001)], "10,001 addresses do not fit"),
        (["192.0.2.1"], "no CIDR"),
        (["192.0.2.1/24"], "no CIDR"),
        (["0.0.0.0/0"], "no CIDR"),
        (["scanner.example"], "no CIDR"),
        (["2001:db8::1/128"], "which holds IPv4"),
    ],
)
def test_what_the_set_cannot_take_is_refused_before_any_call(
    make: Callable[..., Bench], addresses: list[str], message: str
) -> None:
    bench = make(OLD)
    token = bench.writer.read(bench.name).lock_token
    with pytest.raises(UnfitAddressesError, match=message):
        bench.writer.write(bench.name, wish(*addresses))
    assert bench.writer.read(bench.name).lock_token == token


def test_a_full_set_of_ten_thousand_is_written_at_once(make: Callable[..., Bench]) -> None:
    bench = make(version="IPV6")
    full = [f"2001:db8:0:{number:x}::/64" for number in range(1, 10_001)]
    assert bench.writer.write(bench.name, wish(*full)).calls == 1
    assert bench.writer.read(bench.name).addresses == set(full)


def test_a_set_on_a_later_page_is_found(make: Callable[..., Bench]) -> None:
    benches = [make() for _ in range(3)]
    first = benches[0]
    pages = first.waf.list_ip_sets

    class TwoAPage(LosesAnswer):
        def __init__(self, waf: Any) -> None:
            super().__init__(waf)
            self.list_ip_sets = lambda **request: pages(**(request | {"Limit": 2}))

    writer = IpSetWriter(TwoAPage(first.waf), scope="REGIONAL")
    assert {writer.read(bench.name).id for bench in benches} == {bench.id for bench in benches}


def test_the_scope_cloudfront_needs_a_client_of_us_east_1(aws: LocalAws) -> None:
    session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local")
    client = session.client("wafv2", region_name="eu-west-1", endpoint_url=aws.endpoint, config=Config())
    with pytest.raises(ValueError, match="us-east-1"):
        IpSetWriter(client, scope="CLOUDFRONT")
    IpSetWriter(aws.client("wafv2"), scope="CLOUDFRONT")


class Contested:
    """WAF with one set that others change as a script says: before a call, or not."""

    class NonexistentError(Exception):
        """As WAF's."""

    class StaleError(Exception):
        """As WAF's."""

    def __init__(self, held: set[str], edits: list[set[str] | None]) -> None:
        self.held, self.edits, self.token = held, edits, 0
        self.calls: list[float] = []
        self.clock = Clock()
        self.meta = type("Meta", (), {"region_name": "us-east-1"})
        names = {"WAFNonexistentItemException": self.NonexistentError, "WAFOptimisticLockException": self.StaleError}
        self.exceptions = type("Exceptions", (), names)

    def list_ip_sets(self, **_: Any) -> dict[str, Any]:
        return {"IPSets": [{"Name": "s", "Id": "1"}]}

    def get_ip_set(self, **_: Any) -> dict[str, Any]:
        held = {"Id": "1", "IPAddressVersion": "IPV4", "Addresses": sorted(self.held)}
        return {"IPSet": held, "LockToken": str(self.token)}

    def update_ip_set(self, *, LockToken: str, Addresses: list[str], **_: Any) -> None:  # noqa: N803 - boto3's names
        self.calls.append(self.clock.now)
        self.clock.now += 0.5  # the rate counts from the answer, however late the call arrived
        edit = self.edits.pop(0) if self.edits else None
        if edit is not None:
            self.held, self.token = edit, self.token + 1
        if LockToken != str(self.token):
            raise self.StaleError
        self.held, self.token = set(Addresses), self.token + 1


_ADDRESSES = st.sets(st.sampled_from([f"192.0.2.{number}/32" for number in range(8)]))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(held=_ADDRESSES, add=_ADDRESSES, drop=_ADDRESSES, edits=st.lists(st.none() | _ADDRESSES, max_size=5))
def test_whoever_edits_the_set_ends_as_wanted_from_the_last_edit(
    held: set[str], add: set[str], drop: set[str], edits: list[set[str] | None]
) -> None:
    waf = Contested(held, list(edits))
    writer = IpSetWriter(waf, scope="REGIONAL", sleep=waf.clock.sleep, monotonic=waf.clock.monotonic)
    written = writer.write("s", lambda there: frozenset((there - drop) | add))
    assert waf.held == written.after == (written.before - drop) | add
    assert written.calls == len(waf.calls)
    assert all(later - earlier >= 1.5 for earlier, later in zip(waf.calls, waf.calls[1:], strict=False))
