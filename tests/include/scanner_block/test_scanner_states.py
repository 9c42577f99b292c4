"""Who is blocked from tick to tick, and the document that carries it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.scanner_block.addresses import Networks
from include.scanner_block.blocking.state_model import Entry, Offence, Offences, SourceState
from include.scanner_block.blocking.states import (
    Advance,
    Release,
    StateRefusedError,
    advance,
    live_pardons,
    state_from_document,
    state_to_document,
    until,
)
from include.scanner_block.policy_model import LogFormat, RepeatOffenders, Rules, UriRule
from tests.include.scanner_block.scanner_decision_model import NOW, ago, model_state

A, B, C = "192.0.2.1", "192.0.2.2", "2001:db8::1"
RULES = Rules(error_threshold=10, block_period_minutes=60)
REPEATING = replace(RULES, repeat_offenders=RepeatOffenders(factor=2, longest_minutes=180, forget_days=1))


def entry(minutes: float = 5, count: int = 20, **more: Any) -> Entry:
    return Entry(max_per_minute=count, updated_at=ago(minutes), **more)


def offence(minutes: float = 1, count: int = 15, **more: Any) -> Offence:
    return Offence(max_per_minute=count, at=ago(minutes), **more)


def tick(
    general: dict[str, Entry] | SourceState,
    offences: dict[str, Offence] | Offences | None = None,
    *,
    rules: Rules = RULES,
    spared: tuple[str, ...] = (),
    now: datetime = NOW,
    pardons: dict[str, datetime] | None = None,
    log_format: LogFormat = LogFormat.CLOUDFRONT,
) -> Advance:
    return advance(
        general if isinstance(general, SourceState) else SourceState(general=general),
        offences if isinstance(offences, Offences) else Offences(general=offences or {}),
        rules=rules, log_format=log_format, spared=Networks.of(spared), now=now, pardons=pardons or {},
    )  # fmt: skip


def test_a_block_is_over_at_exactly_its_end_without_any_traffic() -> None:
    assert tick({A: entry(59.99)}).state.general.keys() == {A}
    ended = tick({A: entry(60)})
    assert (ended.state, ended.released) == (SourceState(), (Release(A, "its time is over"),))


def test_a_new_offence_renews_a_block_and_keeps_the_largest_count() -> None:
    state = tick({A: entry(59, 20), B: entry(59, 12)}, {A: offence(1, 15), B: offence(2, 30)}).state
    assert state.general == {A: entry(1, 20), B: entry(2, 30)}


def test_an_older_offence_leaves_the_last_one_as_it_is() -> None:
    assert tick({A: entry(5, 20)}, {A: offence(30, 25)}).state.general == {A: entry(5, 25)}


def test_an_offence_older_than_its_own_period_blocks_nobody() -> None:
    assert tick({}, {A: offence(60)}) == Advance(state=SourceState())


def test_an_offence_in_the_future_counts_as_now() -> None:
    assert tick({}, {A: offence(-30)}).state.general == {A: entry(0, 15)}


def test_a_block_below_todays_threshold_ends() -> None:
    ended = tick({A: entry(5, 9), B: entry(5, 10)})
    assert ended.released == (Release(A, "below today's threshold"),)
    assert ended.state.general.keys() == {B}


def test_different_paths_keep_a_block_only_while_that_rule_is_on() -> None:
    probing = {A: entry(5, 3, distinct_error_paths=12)}
    assert tick(probing, rules=replace(RULES, distinct_error_paths=12)).state.general == probing
    for rules in (RULES, replace(RULES, distinct_error_paths=13)):
        assert tick(probing, rules=rules).released == (Release(A, "below today's threshold"),)


def test_a_path_taken_out_of_the_settings_takes_its_blocks_along() -> None:
    rules = replace(RULES, uri_thresholds={"/login": UriRule(error_threshold=5)})
    state = SourceState(
        general={B: entry()}, uri={"/login": {A: entry(5, 6)}, "/old": {A: entry(), B: entry(), C: entry()}}
    )
    gone = tick(state, rules=rules)
    assert gone.state == SourceState(general={B: entry()}, uri={"/login": {A: entry(5, 6)}})
    assert gone.released == (Release(C, "path no longer watched"),)
    assert tick(state, rules=rules, log_format=LogFormat.WAF).state.uri == {}


@pytest.mark.parametrize("approved", [A, "192.0.2.0/24"])
def test_an_approved_client_is_never_blocked_and_comes_off_when_approved_later(approved: str) -> None:
    spared = tick({A: entry(), C: entry()}, {A: offence(), C: offence()}, spared=(approved,))
    assert spared.state.general.keys() == {C}
    assert (spared.released, spared.kept_out) == ((Release(A, "approved"),), (A,))
    assert tick({}, {A: offence()}, spared=(approved,)).kept_out == (A,)


def test_a_network_with_an_approved_address_in_it_is_spared() -> None:
    rules = replace(RULES, ipv6_prefix=64)
    assert tick({}, {"2001:db8::/64": offence()}, rules=rules, spared=("2001:db8::7",)).state == SourceState()


def test_a_pardon_covers_what_was_before_it_and_nothing_after() -> None:
    pardons = {"192.0.2.0/24": ago(10)}
    pardoned = tick({A: entry(10, 99), B: entry(9)}, {A: offence(10)}, pardons=pardons)
    assert pardoned.state.general == {B: entry(9)}
    assert pardoned.released == (Release(A, "released by hand"),)
    again = tick({A: entry(10, 99)}, {A: offence(9, 15)}, pardons=pardons)
    assert (again.state.general, again.released) == ({A: entry(9, 15)}, ())


def test_the_latest_of_several_pardons_holds() -> None:
    assert tick({}, {A: offence(5)}, pardons={A: ago(9), "192.0.2.0/28": ago(4)}).state == SourceState()


def test_pardons_are_forgotten_when_no_block_before_them_could_last() -> None:
    assert live_pardons({A: ago(59), B: ago(60)}, rules=RULES, now=NOW) == {A: ago(59)}
    assert live_pardons({A: ago(179), B: ago(180)}, rules=REPEATING, now=NOW) == {A: ago(179)}


def test_two_spellings_are_one_client_and_a_mapped_address_is_its_ipv4() -> None:
    merged = tick({"2001:0DB8::0001": entry(9, 30), C: entry(5, 11), "::ffff:192.0.2.1": entry()})
    assert merged.state.general == {C: entry(5, 30), A: entry()}
    assert merged.released == ()


def test_what_is_no_address_is_reported_and_not_blocked() -> None:
    for text in ("scanner.example", "192.0.2.300", "192.0.2.0/24", "192.0.2.1/", "2001:db8::/32"):
        assert tick({text: entry()}) == Advance(state=SourceState(), released=(Release(text, "no address"),))


def test_addresses_join_their_network_when_grouping_begins_and_networks_stay_when_it_ends() -> None:
    grouped = tick({C: entry(5, 11), "2001:db8::2": entry(9, 30)}, rules=replace(RULES, ipv6_prefix=64)).state
    assert grouped.general == {"2001:db8::/64": entry(5, 30)}
    assert tick(grouped).state == grouped


def test_a_client_is_released_only_when_its_last_block_at_the_source_ends() -> None:
    rules = replace(RULES, uri_thresholds={"/login": UriRule(error_threshold=5)})
    half = tick(SourceState(general={A: entry(61)}, uri={"/login": {A: entry(59)}}), rules=rules)
    assert (half.state, half.released) == (SourceState(uri={"/login": {A: entry(59)}}), ())


def test_who_comes_back_is_blocked_longer_up_to_the_longest_period() -> None:
    assert [until(entry(0, times=n), rules=REPEATING) - NOW for n in (1, 2, 3, 5_000)] == [
        timedelta(minutes=minutes) for minutes in (60, 120, 180, 180)
    ]
    assert until(entry(0, times=3), rules=RULES) - NOW == timedelta(minutes=60)
    long = replace(REPEATING, block_period_minutes=500)
    assert until(entry(0, times=2), rules=long) - NOW == timedelta(minutes=500)


def test_only_an_offence_after_the_end_of_a_block_is_a_further_one() -> None:
    renewed = tick({A: entry(30)}, {A: offence(1)}, rules=REPEATING).state
    assert renewed.general[A].times == 1
    ended = tick({A: entry(65)}, rules=REPEATING).state
    assert ended == SourceState(past={A: (1, ago(5))})
    assert tick(ended, {A: offence(6)}, rules=REPEATING).state.general[A].times == 1
    back = tick(ended, {A: offence(1)}, rules=REPEATING).state
    assert (back.general[A].times, back.past) == (2, {})
    assert tick({A: entry(65)}, {A: offence(1)}, rules=REPEATING).state.general[A].times == 2


def test_old_blocks_are_forgotten() -> None:
    past = SourceState(past={A: (3, NOW - timedelta(days=1)), B: (3, NOW - timedelta(days=1, seconds=1))})
    assert tick(past, rules=REPEATING).state.past.keys() == {A}
    assert tick(past, rules=RULES).state.past == {}
    assert tick(past, {B: offence(0)}, rules=REPEATING).state.general[B].times == 1


clients = st.sampled_from([A, B, C, "192.0.2.9"])
entries = st.builds(lambda m, n, t: entry(m, n, times=t), st.integers(0, 90), st.integers(5, 30), st.integers(1, 3))
found = st.builds(offence, st.integers(-3, 90), st.integers(10, 30))
places = st.fixed_dictionaries({"general": st.dictionaries(clients, found), "uri": st.dictionaries(clients, found)})
URIS = {"/login": UriRule(error_threshold=8)}


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.dictionaries(clients, entries), st.dictionaries(clients, found), st.sets(clients, max_size=2))
def test_a_tick_is_what_plain_bookkeeping_says(
    old: dict[str, Entry], new: dict[str, Offence], spared: set[str]
) -> None:
    new = {client: replace(one, at=min(one.at, NOW)) for client, one in new.items()}
    plain = {client: {"max_per_minute": e.max_per_minute, "updated_at": e.updated_at} for client, e in old.items()}
    after = tick(old, new, spared=tuple(spared))
    assert {c: (e.max_per_minute, e.updated_at) for c, e in after.state.general.items()} == model_state(
        plain, new, threshold=10, minutes=60, spared=spared
    )
    assert {release.client for release in after.released} == old.keys() - after.state.general.keys()


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.dictionaries(clients, entries), st.dictionaries(clients, entries), places, st.booleans())
def test_the_same_counts_again_change_nothing(
    general: dict[str, Entry], uri: dict[str, Entry], new: dict[str, dict[str, Offence]], repeating: bool
) -> None:
    rules = replace(REPEATING if repeating else RULES, uri_thresholds=URIS)
    offences = Offences(general=new["general"], uri={"/login": new["uri"]})
    once = tick(SourceState(general=general, uri={"/login": uri}), offences, rules=rules).state
    again = tick(once, offences, rules=rules)
    assert (again.state, again.released) == (once, ())


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(10, 30)), min_size=1, max_size=8))
def test_renewing_in_small_ticks_is_one_big_step(events: list[tuple[int, int]]) -> None:
    small = SourceState()
    for minutes, count in sorted(events, reverse=True):
        small = tick(small, {A: offence(minutes, count)}, rules=REPEATING, now=ago(minutes)).state
    big = offence(min(minutes for minutes, _ in events), max(count for _, count in events))
    assert tick(small, rules=REPEATING).state == tick({}, {A: big}, rules=REPEATING).state


def test_an_unchanged_entry_keeps_its_time_as_it_was_written() -> None:
    times = {
        "192.0.2.1": "2026-11-24T11:59:00Z",
        "192.0.2.2": "2026-11-24T12:59:00+01:00",
        "192.0.2.3": "2026-11-24T11:59:00",
    }
    document = {"general": {c: {"max_per_minute": 20, "updated_at": text} for c, text in times.items()}, "uri": {}}
    state = tick(state_from_document(document, rules=RULES), {A: offence(40, 12)}).state
    times["192.0.2.3"] += "+00:00"
    written = state_to_document(state)["general"]
    assert {client: written[client]["updated_at"] for client in written} == times
    assert {at.updated_at for at in state.general.values()} == {datetime(2026, 11, 24, 11, 59, tzinfo=UTC)}


def test_a_document_says_only_what_there_is() -> None:
    state = SourceState(
        general={B: entry(1), A: entry(2, times=2, distinct_error_paths=7)}, uri={"/b": {}}, past={C: (2, ago(9))}
    )
    assert state_to_document(state) == {
        "general": {
            A: {"max_per_minute": 20, "updated_at": "2026-11-24T11:58:00+00:00", "distinct_error_paths": 7, "times": 2},
            B: {"max_per_minute": 20, "updated_at": "2026-11-24T11:59:00+00:00"},
        },
        "uri": {},
        "past": {C: {"times": 2, "ended_at": "2026-11-24T11:51:00+00:00"}},
    }
    assert list(state_to_document(state)["general"]) == [A, B]
    assert state_to_document(SourceState()) == {"general": {}, "uri": {}}


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.dictionaries(clients, entries), st.dictionaries(clients, entries, min_size=1))
def test_a_document_comes_back_as_the_state_it_was(general: dict[str, Entry], uri: dict[str, Entry]) -> None:
    state = SourceState(general=general, uri={"/login": uri}, past={A: (2, ago(9))})
    assert state_from_document(state_to_document(state), rules=RULES) == state


def test_no_address_in_a_document_is_left_for_the_tick_to_report() -> None:
    bad = {"x": {"max_per_minute": 20, "updated_at": "2026-11-24T11:59:00Z"}}
    state = state_from_document({"general": bad, "uri": {"/login": bad}}, rules=RULES)
    assert tick(state).released == (Release("x", "no address"),)


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([], "the state"),
        ({"generals": {}}, "generals"),
        ({"general": []}, "general"),
        ({"general": {A: 5}}, f"general, {A}"),
        ({"general": {A: {"updated_at": "2026-11-24"}}}, f"general, {A}, max_per_minute"),
        ({"general": {A: {"max_per_minute": True, "updated_at": "2026-11-24"}}}, "max_per_minute"),
        ({"general": {A: {"max_per_minute": 5, "updated_at": "yesterday"}}}, f"general, {A}, updated_at"),
        ({"uri": {"/login": {A: {"max_per_minute": 5}}}}, f"uri, /login, {A}, updated_at"),
        ({"past": {A: {"times": 0, "ended_at": "2026-11-24"}}}, f"past, {A}, times"),
    ],
)
def test_an_unreadable_document_is_refused_with_the_place(document: object, place: str) -> None:
    with pytest.raises(StateRefusedError) as refused:
        state_from_document(document, rules=RULES)
    assert place in str(refused.value)
