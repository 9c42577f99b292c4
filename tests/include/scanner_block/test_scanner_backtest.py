"""A back-test decides as production does: sums over files, each content once, nobody spared is blocked."""

from __future__ import annotations

import gzip
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.scanner_block.addresses import Networks
from include.scanner_block.blocking.state_model import Entry, SourceState
from include.scanner_block.policy_model import IpSets, LogFormat, Policy, Rules
from include.scanner_block.sample.busy_logs import GATEWAY, Traffic, busy_log
from include.scanner_block.sample.traffic import Scanner
from include.scanner_block.study.backtest import Backtest, backtest, different_contents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

START = datetime(2026, 11, 24, 5, tzinfo=UTC)
NOBODY = Networks.of(())
HEADER = "#Version: 1.0\n#Fields: date time c-ip cs-uri-stem sc-status x-edge-detailed-result-type\n"


def lines(client: str, count: int, *, at: datetime = START, path: str = "/x", status: int = 404) -> str:
    return "".join(
        f"{at + timedelta(seconds=number % 60):%Y-%m-%d\t%H:%M:%S}\t{client}\t{path}\t{status}\tError\n"
        for number in range(count)
    )


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    body = (HEADER + text).encode()
    file.write_bytes(gzip.compress(body, mtime=0) if name.endswith(".gz") else body)
    return file


def run(
    logs: Sequence[Path],
    *,
    rules: Rules | None = None,
    state: SourceState | None = None,
    approved: Networks = NOBODY,
    now: datetime = START + timedelta(minutes=10),
    policy: Policy | None = None,
) -> Backtest:
    return backtest(
        logs,
        log_format=LogFormat.CLOUDFRONT,
        policy=replace(policy or Policy(), rules=rules or Rules(error_threshold=10)),
        state=state or SourceState(),
        approved=approved,
        now=now,
    )


def test_a_minute_is_summed_over_files(tmp_path: Path) -> None:
    logs = [write(tmp_path, f"{part}.gz", lines("192.0.2.9", 4, path=f"/{part}")) for part in range(3)]
    assert run(logs).ipv4 == ("192.0.2.9/32",)
    assert run(logs[:2]).ipv4 == ()


def test_the_same_content_counts_once_and_the_later_one_is_named(tmp_path: Path) -> None:
    one = write(tmp_path, "one.gz", lines("192.0.2.9", 6))
    twin = tmp_path / "twin.gz"
    twin.write_bytes(one.read_bytes())
    other = write(tmp_path, "other", lines("192.0.2.8", 12))
    found = run([one, other, twin, one])
    assert found.skipped == (twin, one)
    assert found.ipv4 == ("192.0.2.8/32",)
    assert run([twin, one]).skipped == (one,)


def test_contents_of_the_same_size_are_told_apart(tmp_path: Path) -> None:
    one, other = write(tmp_path, "a", lines("192.0.2.1", 6)), write(tmp_path, "b", lines("192.0.2.2", 6))
    assert one.stat().st_size == other.stat().st_size
    assert different_contents([one, other]) == ((one, other), ())


def test_addresses_are_sorted_by_number(tmp_path: Path) -> None:
    clients = ["192.0.2.100", "192.0.2.9", "2001:db8::10", "2001:db8::9", "::ffff:192.0.2.20"]
    found = run([write(tmp_path, "a", "".join(lines(client, 10) for client in clients))])
    assert found.ipv4 == ("192.0.2.9/32", "192.0.2.20/32", "192.0.2.100/32")
    assert found.ipv6 == ("2001:db8::9/128", "2001:db8::10/128")


def test_the_worst_stay_in_each_version_and_the_rest_is_named(tmp_path: Path) -> None:
    text = "".join(lines(f"192.0.2.{host}", 10 + host) for host in range(1, 6)) + lines("2001:db8::1", 10)
    found = run([write(tmp_path, "a", text)], rules=Rules(error_threshold=10, ipset_limit=2))
    assert found.ipv4 == ("192.0.2.4/32", "192.0.2.5/32")
    assert found.ipv6 == ("2001:db8::1/128",)
    assert found.left_out == ("192.0.2.3", "192.0.2.2", "192.0.2.1")
    assert len(found.state.general) == 6


def test_several_sets_hold_more(tmp_path: Path) -> None:
    text = "".join(lines(f"192.0.2.{host}", 10 + host) for host in range(1, 6))
    rules = Rules(error_threshold=10, ipset_limit=2)
    policy = Policy(ip_sets=IpSets(ipv4=("a", "b")))
    assert len(run([write(tmp_path, "a", text)], rules=rules, policy=policy).ipv4) == 4


def test_approved_and_own_networks_are_never_blocked(tmp_path: Path) -> None:
    log = write(tmp_path, "a", lines("192.0.2.1", 50) + lines("198.51.100.7", 50) + lines("203.0.113.1", 50))
    policy = Policy(own_networks=("198.51.100.0/24",))
    found = run([log], approved=Networks.of(["192.0.2.0/25"]), policy=policy)
    assert found.ipv4 == ("203.0.113.1/32",)
    assert found.kept_out == ("192.0.2.1", "198.51.100.7")


def test_a_block_is_over_at_exactly_its_end_without_traffic(tmp_path: Path) -> None:
    state = SourceState(general={"192.0.2.1": Entry(max_per_minute=80, updated_at=START)})
    log, rules = write(tmp_path, "a", ""), Rules(block_period_minutes=30)
    end = START + timedelta(minutes=30)
    assert run([log], rules=rules, state=state, now=end - timedelta(seconds=1)).ipv4 == ("192.0.2.1/32",)
    over = run([log], rules=rules, state=state, now=end)
    assert (over.ipv4, [release.client for release in over.released]) == ((), ["192.0.2.1"])


def test_what_was_no_address_is_named_last_among_the_released(tmp_path: Path) -> None:
    old = Entry(max_per_minute=80, updated_at=START - timedelta(days=9))
    state = SourceState(general={"localhost": old, "192.0.2.10": old, "192.0.2.9": old})
    found = run([write(tmp_path, "a", "")], state=state)
    assert [release.client for release in found.released] == ["192.0.2.9", "192.0.2.10", "localhost"]


def test_running_again_from_its_own_state_changes_nothing(tmp_path: Path) -> None:
    log = write(tmp_path, "a", lines("192.0.2.1", 50) + lines("2001:db8::1", 12))
    once = run([log])
    again = run([log], state=once.state)
    assert again.to_document() == once.to_document()


def test_the_scanners_of_a_busy_log_are_blocked_and_nobody_else(tmp_path: Path) -> None:
    scanners = (
        Scanner(address="203.0.113.250", starts=START, ends=START + timedelta(minutes=4)),
        Scanner(address="2001:db8:bad::1", starts=START, ends=START + timedelta(minutes=9), per_minute=120),
    )
    logs = []
    for number, (_, body) in enumerate(busy_log(Traffic(start=START, minutes=10, scanners=scanners))):
        logs.append(tmp_path / f"{number}.gz")
        logs[-1].write_bytes(body)
    found = run(logs, rules=Rules(), approved=Networks.of([GATEWAY]))
    assert (found.ipv4, found.ipv6) == (("203.0.113.250/32",), ("2001:db8:bad::1/128",))
    assert found.kept_out == (GATEWAY,)
    assert found.counts.unreadable == 0
    assert [block.max_per_minute for block in found.blocks] == [300, 120]
    assert run(logs, rules=Rules()).ipv4 == (f"{GATEWAY}/32", "203.0.113.250/32")


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:DB8:0:0::1", "::ffff:192.0.2.1"]),
        st.integers(1, 12),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=8,
)


@given(events=EVENTS, parts=st.integers(1, 3))
@settings(derandomize=True, deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_neither_the_order_nor_the_number_of_files_matters(
    events: list[tuple[str, int, int]], parts: int, tmp_path: Path
) -> None:
    texts = [
        lines(client, count, at=START + timedelta(minutes=minute), path=f"/{number}")
        for number, (client, count, minute) in enumerate(events)
    ]
    whole = write(tmp_path, "whole", "".join(texts))
    split = [write(tmp_path, f"part{part}.gz", f"# {part}\n" + "".join(texts[part::parts])) for part in range(parts)]
    expected = run([whole]).to_document()
    for permuted in itertools.islice(itertools.permutations(split), 3):
        assert run(permuted).to_document() == expected
