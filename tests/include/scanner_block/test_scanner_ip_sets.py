"""What the WAF IP sets are to hold, and what people changed in them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from include.scanner_block.addresses import Networks
from include.scanner_block.blocking.blocks import Block, blocks_of
from include.scanner_block.blocking.ip_sets import ByHand, HandEdits, SetContents, SetPlan, hand_edits, plan_sets
from include.scanner_block.blocking.state_model import Offence, Offences, SourceState
from include.scanner_block.blocking.states import advance
from include.scanner_block.policy_model import IpSets, LogFormat, Rules
from tests.include.scanner_block.scanner_decision_model import NOW, ago

ONE = IpSets(ipv4=("v4",), ipv6=("v6",))
TWO = IpSets(ipv4=("v4", "v4-more"), ipv6=("v6",))
NOBODY = Networks.of([])


def blocks(*clients: str) -> tuple[Block, ...]:
    """Return blocks, the worst first."""
    return tuple(
        Block(client=client, max_per_minute=99 - rank, updated_at=NOW, until=NOW, reasons=())
        for rank, client in enumerate(clients)
    )


def contents(**sets: str) -> dict[str, frozenset[str]]:
    return {name.replace("_", "-"): frozenset(held.split()) for name, held in sets.items()}


def plan(
    found: tuple[Block, ...],
    *,
    names: IpSets = ONE,
    limit: int = 10,
    actual: SetContents | None = None,
    by_hand: SetContents | None = None,
) -> SetPlan:
    return plan_sets(found, names=names, limit=limit, actual=actual or {}, by_hand=by_hand or {})


def edits(
    actual: SetContents,
    written: SetContents,
    *intents: SetContents,
    previous: ByHand | None = None,
    spared: Networks = NOBODY,
) -> HandEdits:
    return hand_edits(
        actual=actual, written=written, intents=intents, previous=previous or ByHand(), spared=spared, now=NOW
    )


def test_each_version_has_its_set_sorted_by_number() -> None:
    planned = plan(blocks("192.0.2.10", "2001:db8:1:2::/64", "192.0.2.9", "2001:db8::1"))
    assert planned.wanted == {
        "v4": ("192.0.2.9/32", "192.0.2.10/32"),
        "v6": ("2001:db8::1/128", "2001:db8:1:2::/64"),
    }
    assert planned.added == (*planned.wanted["v4"], *planned.wanted["v6"])


def test_the_limit_is_per_set_and_the_worst_stay() -> None:
    planned = plan(blocks("192.0.2.3", "2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"), limit=1)
    assert planned.wanted == {"v4": ("192.0.2.3/32",), "v6": ("2001:db8::1/128",)}
    assert planned.left_out == ("192.0.2.1", "2001:db8::2", "192.0.2.2")


def test_a_worse_offender_takes_the_place_of_the_least_one() -> None:
    planned = plan(
        blocks("192.0.2.9", "192.0.2.1", "192.0.2.2"), limit=2, actual=contents(v4="192.0.2.1/32 192.0.2.2/32")
    )
    assert planned.wanted["v4"] == ("192.0.2.1/32", "192.0.2.9/32")
    assert (planned.added, planned.removed, planned.left_out) == (("192.0.2.9/32",), ("192.0.2.2/32",), ("192.0.2.2",))


def test_addresses_stay_in_their_set_and_new_ones_go_where_there_is_room() -> None:
    actual = contents(v4="192.0.2.1/32 192.0.2.2/32", v4_more="192.0.2.3/32 192.0.2.4/32")
    planned = plan(blocks("192.0.2.9", "192.0.2.3", "192.0.2.1", "192.0.2.8"), names=TWO, limit=2, actual=actual)
    assert planned.wanted["v4"] == ("192.0.2.1/32", "192.0.2.9/32")
    assert planned.wanted["v4-more"] == ("192.0.2.3/32", "192.0.2.8/32")


def test_what_people_put_in_stays_and_takes_room() -> None:
    hand = contents(v4="198.51.100.0/24")
    planned = plan(blocks("192.0.2.1", "192.0.2.2"), limit=2, actual=hand, by_hand=hand)
    assert planned.wanted["v4"] == ("192.0.2.1/32", "198.51.100.0/24")
    assert (planned.ours["v4"], planned.left_out) == (("192.0.2.1/32",), ("192.0.2.2",))


def test_what_people_blocked_already_is_not_put_in_twice() -> None:
    hand = contents(v4_more="192.0.2.1/32")
    planned = plan(blocks("192.0.2.1"), names=TWO, actual=hand, by_hand=hand)
    assert (planned.wanted, planned.added) == ({"v4": (), "v4-more": ("192.0.2.1/32",), "v6": ()}, ())


def test_wafs_own_spelling_of_ipv6_is_no_change() -> None:
    actual = contents(v6="2001:0db8:0000:0000:0000:0000:0000:0001/128")
    planned = plan(blocks("2001:db8::1"), actual=actual)
    assert (planned.added, planned.removed) == ((), ())
    assert edits(actual, contents(v6="2001:db8::1/128")) == HandEdits(by_hand=ByHand())


def test_without_sets_of_a_version_its_clients_are_left_out() -> None:
    assert plan(blocks("2001:db8::1"), names=IpSets(ipv4=("v4",), ipv6=())).left_out == ("2001:db8::1",)


addresses = st.sampled_from([f"192.0.2.{n}" for n in range(12)] + [f"2001:db8::{n + 1}" for n in range(6)])
held = st.frozensets(addresses.filter(lambda text: ":" not in text).map("{}/32".format), max_size=4)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.lists(addresses, unique=True), st.integers(1, 6), held, held, held)
def test_a_plan_keeps_the_limit_loses_nobody_and_is_at_rest_when_done(
    clients: list[str], limit: int, first: frozenset[str], second: frozenset[str], hand: frozenset[str]
) -> None:
    by_hand = {"v4": frozenset(sorted(hand)[:limit])}
    actual = {"v4": first | by_hand["v4"], "v4-more": second - first}
    planned = plan(blocks(*clients), names=TWO, limit=limit, actual=actual, by_hand=by_hand)
    assert all(len(wanted) <= limit for wanted in planned.wanted.values())
    placed = [address for wanted in planned.wanted.values() for address in wanted]
    assert len(placed) == len(set(placed))
    assert {address.split("/")[0] for address in placed} >= set(clients) - set(planned.left_out)
    done = {name: frozenset(wanted) for name, wanted in planned.wanted.items()}
    again = plan(blocks(*clients), names=TWO, limit=limit, actual=done, by_hand=by_hand)
    assert (again.wanted, again.added, again.removed) == (planned.wanted, (), ())
    ours = {name: frozenset(own) for name, own in planned.ours.items()}
    seen = edits(done, ours, previous=ByHand(added=by_hand))
    assert (seen.added, seen.removed) == ((), ())
    assert {n: c for n, c in seen.by_hand.added.items() if c} == {n: c for n, c in by_hand.items() if c}


def test_what_nobody_here_wrote_was_put_in_by_hand_and_stays_so() -> None:
    found = edits(contents(v4="192.0.2.1/32 198.51.100.0/24"), contents(v4="192.0.2.1/32"))
    assert (found.added, found.by_hand.added) == (("198.51.100.0/24",), contents(v4="198.51.100.0/24"))
    later = edits(contents(v4="192.0.2.1/32 198.51.100.0/24"), contents(v4="192.0.2.1/32"), previous=found.by_hand)
    assert (later.added, later.by_hand.added) == ((), found.by_hand.added)


def test_what_a_killed_run_wrote_is_ours() -> None:
    actual = contents(v4="192.0.2.1/32 192.0.2.2/32")
    assert edits(actual, contents(v4="192.0.2.1/32"), actual) == HandEdits(by_hand=ByHand())


def test_what_a_killed_run_took_out_was_not_taken_out_by_hand() -> None:
    found = edits(contents(v4=""), contents(v4="192.0.2.1/32"), contents(v4=""))
    assert found == HandEdits(by_hand=ByHand())


def test_what_a_killed_run_never_wrote_was_not_taken_out_by_hand() -> None:
    assert edits(contents(v4=""), contents(v4=""), contents(v4="192.0.2.1/32")).removed == ()


def test_what_somebody_took_out_is_pardoned_now_and_remembered_until_it_is_back() -> None:
    found = edits(contents(v4="192.0.2.2/32"), contents(v4="192.0.2.1/32 192.0.2.2/32"))
    assert (found.removed, found.by_hand.removed) == (("192.0.2.1/32",), {"192.0.2.1/32": NOW})
    previous = ByHand(removed={"192.0.2.1/32": ago(9)})
    kept = edits(contents(v4=""), contents(v4=""), previous=previous)
    assert (kept.removed, kept.by_hand) == ((), previous)
    assert edits(contents(v4="192.0.2.1/32"), contents(v4="192.0.2.1/32"), previous=previous).by_hand == ByHand()


def test_a_client_taken_out_by_hand_stays_out_until_its_next_offence() -> None:
    pardons = edits(contents(v4=""), contents(v4="192.0.2.1/32")).by_hand.removed
    old = Offences(general={"192.0.2.1": Offence(max_per_minute=60, at=ago(5))})
    new = Offences(general={"192.0.2.1": Offence(max_per_minute=60, at=NOW.replace(minute=1))})
    state = SourceState()
    for offences, blocked in ((old, set()), (new, {"192.0.2.1"})):
        seen = advance(
            state,
            offences,
            rules=Rules(),
            log_format=LogFormat.ALB,
            spared=NOBODY,
            now=NOW.replace(minute=2),
            pardons=pardons,
        )
        state = seen.state
        assert set(state.general) == blocked


def test_a_move_between_our_sets_is_no_edit() -> None:
    assert edits(contents(v4="", v4_more="192.0.2.1/32"), contents(v4="192.0.2.1/32")) == HandEdits(by_hand=ByHand())


def test_a_set_that_could_not_be_read_says_nothing() -> None:
    previous = ByHand(added=contents(v6="2001:db8::7/128"))
    found = edits(contents(v4=""), contents(v4="", v6="2001:db8::1/128"), previous=previous)
    assert found.removed == ()


def test_nobody_approved_stays_blocked_by_hand() -> None:
    found = edits(contents(v4="192.0.2.0/24 198.51.100.1/32"), {}, spared=Networks.of(["192.0.2.7"]))
    assert (found.taken_off, found.by_hand.added) == (("192.0.2.0/24",), contents(v4="198.51.100.1/32"))


@settings(derandomize=True, deadline=None, max_examples=80)
@given(st.sets(addresses), st.sets(addresses, max_size=4), held, st.integers(1, 5))
def test_nobody_spared_is_ever_in_a_set(
    offenders: set[str], approved: set[str], hand: frozenset[str], limit: int
) -> None:
    spared = Networks.of(approved)
    offences = Offences(general={client: Offence(max_per_minute=60, at=ago(1)) for client in sorted(offenders)})
    state = advance(SourceState(), offences, rules=Rules(), log_format=LogFormat.ALB, spared=spared, now=NOW).state
    found = blocks_of({"web": state}, formats={"web": LogFormat.ALB}, rules=Rules())
    by_hand = edits({"v4": hand}, {}, spared=spared).by_hand.added
    planned = plan(found, limit=limit, actual={"v4": hand}, by_hand=by_hand)
    assert not any(spared.overlap(address) for wanted in planned.wanted.values() for address in wanted)
