"""The chain of commits: only one run is the next, and what another one wrote counts for nobody."""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from include.scanner_block.lake.block_rows import BlockRow, show_as_current, write_blocks
from include.scanner_block.lake.carried import (
    ByHand,
    Carried,
    CarriedStateDamagedError,
    EngineAnswer,
    load_carried,
    save_carried,
)
from include.scanner_block.lake.count_files import CountFiles
from include.scanner_block.lake.deletions import NotDeletedError, delete_keys
from include.scanner_block.lake.housekeeping import remove_old_versions
from include.scanner_block.lake.intents import Intent, intents_since, keep_intent
from include.scanner_block.lake.journal import (
    Commit,
    CommitMissingError,
    JournalTakenError,
    commit,
    last_commit,
    load_commit,
    open_version,
)
from include.scanner_block.lake.ledger import empty_ledger, save_ledger
from include.scanner_block.settings import ScannerSettings

if TYPE_CHECKING:
    from include.object_store import ObjectStore

NOW = datetime(2026, 11, 24, 5, 10, tzinfo=UTC)
STATE = Carried(
    sources={"web": {"general": {"192.0.2.1": {"max_per_minute": 73, "updated_at": NOW.isoformat()}}, "uri": {}}},
    pardons={"198.51.100.7": NOW},
    sets={"landfall-scanners-v4": ("192.0.2.1/32",), "landfall-scanners-v6": ()},
    by_hand=ByHand(added={"landfall-scanners-v4": ("203.0.113.9/32",)}, removed={"192.0.2.8/32": NOW}),
    engines={"192.0.2.1": EngineAnswer(engine=None, at=NOW), "192.0.2.2": EngineAnswer(engine="Googlebot", at=NOW)},
    count_files=CountFiles({"web": {"2026-11-24-05": ("00000001-aaaaaaaa",)}}),
)


@pytest.fixture
def store(scanner_lake: Any) -> ObjectStore:
    store = ScannerSettings().store(scanner_lake)
    store.delete_prefix("")
    return store


def entry(store: ObjectStore, run_id: str, **values: Any) -> Commit:
    last = last_commit(store)
    sequence, version = open_version(run_id, last)
    as_of = NOW + timedelta(minutes=5 * sequence)
    before = last.version if last else None
    return Commit(
        **{"sequence": sequence, "version": version, "run_id": run_id, "as_of": as_of, "previous_version": before}
        | values
    )


def test_before_the_first_run_there_is_no_commit(store: ObjectStore) -> None:
    assert last_commit(store) is None
    assert open_version("run", None) == (1, "00000001-acba2551")


def test_each_commit_follows_the_one_before(store: ObjectStore) -> None:
    first = commit(store, entry(store, "a", ledger="00000001-x", facts={"blocked": 2}))
    second = commit(store, entry(store, "b", kind="release"))
    assert last_commit(store) == second
    assert (second.sequence, second.previous_version, second.kind) == (2, first.version, "release")
    assert load_commit(store, 1) == first


def test_a_sequence_that_was_never_committed_is_refused(store: ObjectStore) -> None:
    with pytest.raises(CommitMissingError, match="no run 4 in s3://landfall-lake/scanner/journal/"):
        load_commit(store, 4)


def test_of_two_rivals_the_second_is_told_and_changes_nothing(store: ObjectStore) -> None:
    winner, loser = entry(store, "winner"), entry(store, "loser")
    save_carried(store, winner.version, STATE)
    commit(store, winner)
    save_carried(store, loser.version, Carried())
    with pytest.raises(JournalTakenError, match="Sequence 1 was committed by run 'winner'; nothing of run 'loser'"):
        commit(store, loser)
    assert last_commit(store) == winner
    assert load_carried(store, winner.version) == STATE


def test_a_run_that_died_after_its_commit_gets_its_first_entry_back(store: ObjectStore) -> None:
    mine = entry(store, "run", facts={"blocked": 2})
    commit(store, mine)
    assert commit(store, replace(mine, facts={"blocked": 3})) == mine


def test_a_run_that_died_before_its_commit_gets_the_same_version(store: ObjectStore) -> None:
    commit(store, entry(store, "a"))
    assert open_version("b", last_commit(store)) == open_version("b", last_commit(store))
    assert open_version("b", last_commit(store)) != open_version("c", last_commit(store))


@pytest.mark.parametrize("hint", [None, {"sequence": 1}, {"sequence": 900}])
def test_a_hint_that_is_lost_or_wrong_does_not_hide_the_last_commit(store: ObjectStore, hint: Any) -> None:
    for run in "abc":
        newest = commit(store, entry(store, run))
    store.put_bytes("scanner/journal/00000003.json.bak", b"a person's copy")
    store.delete("scanner/last-commit-hint.json")
    if hint:
        store.put_json("scanner/last-commit-hint.json", hint)
    assert last_commit(store) == newest


def test_a_state_comes_back_whole_and_the_same_one_is_the_same_bytes(store: ObjectStore) -> None:
    save_carried(store, "00000001-aaaaaaaa", STATE)
    key = "scanner/states/00000001-aaaaaaaa.json.gz"
    first = store.get_bytes(key)
    loaded = load_carried(store, "00000001-aaaaaaaa")
    assert loaded == STATE
    save_carried(store, "00000001-aaaaaaaa", loaded)
    assert store.get_bytes(key) == first
    assert load_carried(store, None) == Carried()


@pytest.mark.parametrize(
    "body",
    [b"", b"no gzip", gzip.compress(b"{", mtime=0)[:-9], gzip.compress(b"[]", mtime=0), gzip.compress(b"{}", mtime=0)],
)
def test_a_damaged_state_is_refused_by_name(store: ObjectStore, body: bytes) -> None:
    store.put_bytes("scanner/states/00000001-aaaaaaaa.json.gz", body)
    with pytest.raises(CarriedStateDamagedError, match=r"states/00000001-aaaaaaaa\.json\.gz cannot be read"):
        load_carried(store, "00000001-aaaaaaaa")


def test_a_state_that_housekeeping_took_is_told_apart_from_a_damaged_one(store: ObjectStore) -> None:
    with pytest.raises(CarriedStateDamagedError, match=r"states/00000009-aaaaaaaa\.json\.gz is gone"):
        load_carried(store, "00000009-aaaaaaaa")


def intent(sequence: int, *cidrs: str, run: str = "run") -> Intent:
    return Intent(sequence=sequence, run_id=run, as_of=NOW, sets={"v4": frozenset(cidrs)})


def test_every_attempt_to_write_sets_is_kept_and_the_same_one_only_once(store: ObjectStore) -> None:
    first, second = intent(7, "192.0.2.2/32", "192.0.2.1/32"), intent(7, "192.0.2.3/32", run="rival")
    assert keep_intent(store, first) == keep_intent(store, first) == "scanner/intents/00000007-0001.json"
    assert keep_intent(store, second) == "scanner/intents/00000007-0002.json"
    assert keep_intent(store, first) == "scanner/intents/00000007-0001.json"
    keep_intent(store, later := intent(8, "192.0.2.4/32"))
    keep_intent(store, intent(6, "192.0.2.5/32"))
    assert intents_since(store, 7) == (first, second, later)
    assert intents_since(store, 9) == ()


def row(client: str, **values: Any) -> BlockRow:
    given = BlockRow(client, "web", None, 73, NOW, NOW + timedelta(hours=4), "73 errors in one minute (threshold 50)")
    return given._replace(**values)


def test_blocks_are_written_in_one_order_and_in_utc(store: ObjectStore) -> None:
    import pyarrow.parquet as pq

    east = timezone(timedelta(hours=2))
    rows = [row("192.0.2.2"), row("192.0.2.1", uri="/login"), row("192.0.2.1", updated_at=NOW.astimezone(east))]
    key = write_blocks(store, "00000001-aaaaaaaa", rows)
    first = store.get_bytes(key)
    assert key == "scanner/blocks/version=00000001-aaaaaaaa/blocks.parquet"
    write_blocks(store, "00000001-aaaaaaaa", rows[::-1])
    assert store.get_bytes(key) == first
    found = pq.read_table(io.BytesIO(first)).to_pylist()
    assert [(one["client"], one["uri"]) for one in found] == [
        ("192.0.2.1", None),
        ("192.0.2.1", "/login"),
        ("192.0.2.2", None),
    ]
    assert {one["updated_at"] for one in found} == {NOW.replace(tzinfo=None)}
    show_as_current(store, "00000001-aaaaaaaa")
    assert store.get_bytes("scanner/blocks/version=current/blocks.parquet") == first


def test_no_blocks_are_an_empty_table(store: ObjectStore) -> None:
    import pyarrow.parquet as pq

    key = write_blocks(store, "00000001-aaaaaaaa", [])
    assert pq.read_table(io.BytesIO(store.get_bytes(key))).num_rows == 0


def test_housekeeping_keeps_the_newest_and_what_the_last_commit_relies_on(store: ObjectStore) -> None:
    for number in range(1, 7):
        made = entry(store, f"run {number}", ledger=f"0000000{min(number, 2)}-ledger")
        save_carried(store, made.version, STATE)
        write_blocks(store, made.version, [])
        keep_intent(store, intent(number, "192.0.2.1/32"))
        for name in ("plans/{}.json", "tallies/{}.json", "drafts/{}.json.gz", "news/version={}/source=web/part=0/x.gz"):
            store.put_json(store.key(name.format(made.version)), {})
        last = commit(store, made)
    for number in range(1, 7):
        save_ledger(store, f"0000000{number}-ledger", empty_ledger())
    show_as_current(store, last.version)
    store.put_json(store.key("plans", "00000007-underway.json"), {})
    removed = remove_old_versions(store, last, files=CountFiles(), kept=2, kept_shortly=1)
    four, five = dict.fromkeys(("plans", "states", "blocks", "tallies", "ledger"), 4), ("intents", "drafts", "news")
    assert removed == {**four, **dict.fromkeys(five, 5), "counts": 0}
    left = [key.removeprefix("scanner/") for key in store.list_keys("")]
    assert [key for key in left if key.startswith("ledger/")] == [
        "ledger/00000002-ledger.parquet",
        "ledger/00000006-ledger.parquet",
    ]
    assert len([key for key in left if key.startswith("journal/")]) == 6, "the journal stays"
    assert "blocks/version=current/blocks.parquet" in left
    assert "plans/00000007-underway.json" in left
    assert load_carried(store, last.version) == STATE
    assert sum(remove_old_versions(store, last, files=CountFiles(), kept=2, kept_shortly=1).values()) == 0


def test_what_s3_refuses_to_delete_is_not_taken_for_deleted(store: ObjectStore) -> None:
    class Refusing:
        def delete_objects(self, **_: Any) -> dict[str, Any]:
            return {"Errors": [{"Key": "scanner/states/a", "Code": "AccessDenied"}]}

    refused = ScannerSettings().store(Refusing())
    with pytest.raises(NotDeletedError, match=r"did not delete 1 objects.*scanner/states/a: AccessDenied; allow"):
        delete_keys(refused, ["scanner/states/a"])
