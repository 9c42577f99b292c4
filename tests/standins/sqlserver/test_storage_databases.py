"""Databases on disk: durable commits, damage, a full log, the writer's place, names and files."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.standins.sqlserver.errors import SessionKilled, SqlError
from include.standins.sqlserver.storage import lsn as lsns
from include.standins.sqlserver.storage.log import LogFile
from include.standins.sqlserver.storage.properties import DatabaseState
from include.standins.sqlserver.storage.writer_slot import WriterSlot
from tests.standins.sqlserver.storage_lab import RECOVERY, Lab, never

if TYPE_CHECKING:
    from include.standins.sqlserver.storage.faults import Faults


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """An instance with a backed up database of three rows."""
    made = Lab(tmp_path / "a")
    made.create()
    made.full(tmp_path / "full.bak")
    made.add("1", "2", "3")
    return made


def recovered(lab: Lab) -> dict[str, Any]:
    """Return what a new process finds in the files as they are now."""
    command = [sys.executable, "-m", "tests.standins.sqlserver.storage_victim", "show", str(lab.root)]
    found: dict[str, Any] = json.loads(subprocess.check_output(command, cwd=Path(__file__).parents[3]))
    return found


# LSNs


@given(vlf=st.integers(0, 10**10 - 1), block=st.integers(0, 10**10 - 1), slot=st.integers(0, 10**5 - 1))
def test_an_lsn_keeps_its_parts_and_orders_by_them(vlf: int, block: int, slot: int) -> None:
    lsn = lsns.make_lsn(vlf, block, slot)
    assert lsns.parts(lsn) == (vlf, block, slot)
    assert lsns.parse_lsn(lsns.format_lsn(lsn)) == lsn
    assert len(lsns.format_lsn(lsn)) <= 25


@given(size=st.integers(1, 10**9), lsn=st.just(lsns.FIRST_LSN))
def test_the_next_lsn_is_always_greater(size: int, lsn: int) -> None:
    assert lsns.after(lsn, size) > lsn


def test_the_hexadecimal_form_of_an_lsn_is_read_too() -> None:
    assert lsns.parse_lsn("00000022:000000a7:0004") == 34_0000000167_00004
    with pytest.raises(ValueError, match="is no LSN"):
        lsns.parse_lsn("34.5")


# The log


def test_a_half_written_last_record_is_cut_off_and_the_commits_before_it_stay(lab: Lab) -> None:
    path = lab.catalog.get("sales").log_path
    with closing(LogFile.open(path)) as log:
        end = log.end_lsn
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(path.read_bytes()[64:200])
    with closing(LogFile.open(path)) as log:
        assert log.end_lsn == end
    assert path.stat().st_size == size


def test_damage_inside_the_log_is_suspect_and_loses_nothing_silently(lab: Lab) -> None:
    path = lab.catalog.get("sales").log_path
    content = bytearray(path.read_bytes())
    for place in (80, 300):
        harmed = bytearray(content)
        harmed[place] ^= 1
        path.write_bytes(harmed)
        assert recovered(lab)["state"] == DatabaseState.SUSPECT
    path.write_bytes(content)
    assert recovered(lab)["values"] == ["1", "2", "3"]


def test_truncation_keeps_every_record_from_its_lsn_on(tmp_path: Path, lab: Lab) -> None:
    database = lab.catalog.get("sales")
    lab.log(tmp_path / "1.trn")
    kept_from = database.properties.last_log_backup_lsn
    lab.add("4")
    database.checkpoint()
    with closing(LogFile.open(database.log_path)) as log:
        assert log.start_lsn == kept_from
        assert log.end_lsn == database.end_lsn
    assert database.log_bytes(kept_from or 0) > 0


def test_log_backups_keep_the_log_and_the_write_ahead_log_small(lab: Lab, tmp_path: Path) -> None:
    database = lab.catalog.get("sales")
    for number in range(30):
        lab.run("sales", "INSERT INTO t (v) VALUES (hex(randomblob(50000)))")
        lab.log(tmp_path / f"{number}.trn")
    wal = database.data_path.with_name(database.data_path.name + "-wal")
    assert wal.stat().st_size < 500_000
    assert database.log_path.stat().st_size < 3 << 20


def test_a_full_log_disk_is_9002_and_the_transaction_can_be_rolled_back(lab: Lab) -> None:
    database = lab.catalog.get("sales")
    lab.catalog.faults.set("disk_full", str(database.log_path))
    with pytest.raises(SqlError) as caught:
        lab.add("4")
    assert (caught.value.number, caught.value.severity) == (9002, 17)
    lab.catalog.faults.set("disk_full", None)
    lab.add("5")
    assert lab.values() == ["1", "2", "3", "5"]


def test_a_commit_whose_log_write_fails_is_gone_after_a_restart(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    database = lab.catalog.get("sales")

    def fail(*_: object, **__: object) -> int:
        raise OSError(errno.EIO, "input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(LogFile, "append", fail)
        with pytest.raises(SqlError) as caught:
            lab.add("lost")
    assert caught.value.number == 9001
    assert database.state is DatabaseState.RECOVERY_PENDING
    with pytest.raises(SqlError):
        database.connect()
    assert recovered(lab)["values"] == ["1", "2", "3"]


def test_many_small_and_one_huge_commit_survive_a_restart_without_a_checkpoint(lab: Lab) -> None:
    lab.run(
        "sales",
        "INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) "
        "SELECT printf('%01000d', i) FROM n",
    )
    lab.add(*(f"small {number}" for number in range(50)))
    expected = lab.digest()
    assert recovered(lab)["digest"] == expected


def test_a_rolled_back_transaction_that_spilled_leaves_no_trace_in_the_log(lab: Lab) -> None:
    database = lab.catalog.get("sales")
    before = database.end_lsn
    owner = object()
    with closing(database.connect()) as connection:
        database.begin_write(owner, never)
        connection.execute("BEGIN")
        connection.execute(
            "INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) "
            "SELECT printf('%01000d', i) FROM n"
        )
        database.rollback(connection, owner)
    assert database.end_lsn == before
    lab.add("4")
    assert recovered(lab)["values"] == ["1", "2", "3", "4"]


def test_two_writers_commit_by_turns_and_both_are_durable(lab: Lab) -> None:
    def write(letter: str) -> None:
        for number in range(40):
            lab.add(f"{letter}{number}")

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = sorted(f"{letter}{number}" for letter in "abcd" for number in range(40))
    assert sorted(recovered(lab)["values"]) == sorted(["1", "2", "3", *expected])


# Damaged files


def test_a_missing_data_file_is_recovery_pending_and_the_tail_saves_every_commit(lab: Lab, tmp_path: Path) -> None:
    lab.add("tail")
    data = lab.catalog.get("sales").data_path
    lab.catalog.close()
    data.unlink()
    hurt = Lab(lab.root)
    database = hurt.catalog.get("sales")
    assert database.state is DatabaseState.RECOVERY_PENDING
    with pytest.raises(SqlError) as caught:
        database.connect()
    assert caught.value.number == 945
    with pytest.raises(SqlError) as caught:
        hurt.log(tmp_path / "no.trn")
    assert caught.value.number == 945
    hurt.log(tmp_path / "tail.trn", no_truncate=True, no_recovery=True)
    assert hurt.headers(tmp_path / "tail.trn")[0]["IsDamaged"] is True
    other = Lab(tmp_path / "b")
    other.restore(tmp_path / "full.bak")
    other.restore_log(tmp_path / "tail.trn", after=RECOVERY)
    assert other.values() == ["1", "2", "3", "tail"]
    hurt.restore(tmp_path / "full.bak")
    hurt.restore_log(tmp_path / "tail.trn", after=RECOVERY)
    assert hurt.digest() == other.digest()


def test_a_data_file_that_is_no_database_is_suspect_and_offline_files_come_back(lab: Lab) -> None:
    database = lab.catalog.get("sales")
    database.set_offline(object())
    content = database.data_path.read_bytes()
    database.data_path.write_bytes(b"x" * len(content))
    with pytest.raises(SqlError) as caught:
        database.set_online()
    assert caught.value.number == 926
    database.data_path.write_bytes(content)
    database.set_online()
    assert lab.values() == ["1", "2", "3"]


# The writer's place


def test_the_writers_place_goes_first_come_first_served() -> None:
    slot, order = WriterSlot(), []
    slot.acquire("first", never)
    started = [threading.Event() for _ in range(5)]

    def wait(number: int) -> None:
        slot.acquire(number, started[number].set)
        order.append(number)
        slot.release(number)

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        assert started[number].wait(5)
    slot.release("first")
    for thread in threads:
        thread.join(5)
    assert order == [0, 1, 2, 3, 4]
    assert slot.owner is None


def test_a_killed_waiter_leaves_the_line_to_the_next() -> None:
    slot = WriterSlot()
    slot.acquire("first", never)

    def kill() -> None:
        raise SessionKilled

    with pytest.raises(SessionKilled):
        slot.acquire("killed", kill)
    slot.release("first")
    assert slot.try_acquire("next")


# The catalog


def test_names_are_found_in_any_case_and_files_get_safe_names(lab: Lab) -> None:
    assert lab.catalog.get("SALES").name == "sales"
    with pytest.raises(SqlError) as caught:
        lab.catalog.create("Sales")
    assert caught.value.number == 1801
    odd = lab.catalog.create("../we?rd/n\u00e4me")
    assert odd.data_path.parent == lab.catalog.data_directory
    assert (lab.catalog.get("sales").id, odd.id) == (5, 6)
    lab.reopen()
    assert lab.catalog.names() == ["sales", "../we?rd/n\u00e4me"]


def test_a_dropped_database_is_gone_with_its_files_unless_somebody_uses_it(lab: Lab) -> None:
    data = lab.catalog.get("sales").data_path
    lab.users = [51]
    with pytest.raises(SqlError) as caught:
        lab.catalog.drop("sales", object())
    assert caught.value.number == 3702
    lab.users = []
    lab.catalog.drop("sales", object())
    assert not data.exists()
    with pytest.raises(SqlError) as caught:
        lab.catalog.get("sales")
    assert caught.value.number == 911
    lab.reopen()
    assert lab.catalog.names() == []


def test_settings_survive_a_restart(lab: Lab) -> None:
    lab.catalog.get("sales").set_read_only(read_only=True)
    lab.catalog.rename("sales", "shop", object())
    lab.reopen()
    with pytest.raises(SqlError) as caught:
        lab.add("no", name="shop")
    assert caught.value.number == 3906
    assert lab.values("shop") == ["1", "2", "3"]


# Faults


def test_unknown_faults_and_values_are_refused_with_the_choices(lab: Lab) -> None:
    faults: Faults = lab.catalog.faults
    for name, value in (("nope", "1"), ("crash", "nowhere"), ("slow_backup", "-1"), ("disk_full", "here")):
        with pytest.raises(ValueError, match=r"There is no|needs"):
            faults.set(name, value)
    assert faults.active() == {}


def test_the_clock_offset_moves_commit_and_backup_times(lab: Lab, tmp_path: Path) -> None:
    lab.catalog.faults.set("clock_offset", "-86400")
    lab.add("yesterday")
    lab.log(tmp_path / "1.trn")
    header = lab.headers(tmp_path / "1.trn")[0]
    lab.catalog.faults.set("clock_offset", None)
    assert (lab.catalog.clock.now() - header["LastValidRestoreTime"]).days == 1
    assert header["BackupFinishDate"] < lab.headers(tmp_path / "full.bak")[0]["BackupStartDate"]
