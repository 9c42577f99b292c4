"""Backup files: appended, striped, cut short, harmed, on a full disk, cancelled."""

from __future__ import annotations

import os
import threading
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from include.standins.sqlserver.backup import reading
from include.standins.sqlserver.backup.progress import Progress
from include.standins.sqlserver.backup.writing import back_up
from include.standins.sqlserver.errors import BatchCancelled, SqlError
from include.standins.sqlserver.requests import BackupKind, BackupRequest, MediaQuestion, MediaRequest
from tests.standins.sqlserver.storage_lab import RECOVERY, Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """An instance with some rows."""
    made = Lab(tmp_path / "a")
    made.create()
    made.add(*(f"row {number} " + "x" * 500 for number in range(50)))
    return made


def number_of(caught: pytest.ExceptionInfo[SqlError]) -> int:
    return caught.value.number


def test_appended_sets_count_up_and_file_n_picks_one(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "all.bak"
    lab.full(path)
    lab.add("second")
    lab.log(path)
    lab.log(path)
    assert [row["Position"] for row in lab.headers(path)] == [1, 2, 3]
    other = Lab(tmp_path / "b")
    other.restore(path)
    other.restore_log(path, position=2)
    other.restore_log(path, position=3, after=RECOVERY)
    assert other.digest() == lab.digest()


def test_init_leaves_one_set(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "one.bak"
    lab.full(path)
    lab.full(path, init=True)
    assert len(lab.headers(path)) == 1


def test_a_striped_set_needs_all_its_files_in_any_order(lab: Lab, tmp_path: Path) -> None:
    stripes = [tmp_path / f"s{number}.bak" for number in range(3)]
    lab.full(*stripes)
    assert all(stripe.stat().st_size > 300 for stripe in stripes)
    other = Lab(tmp_path / "b")
    with pytest.raises(SqlError) as caught:
        other.restore(*stripes[:2])
    assert number_of(caught) == 3132
    assert "has 3 media families but only 2 are provided" in caught.value.message
    other.restore(stripes[2], stripes[0], stripes[1], after=RECOVERY)
    assert other.digest() == lab.digest()
    with pytest.raises(SqlError) as caught:
        lab.log(stripes[0])
    assert number_of(caught) == 3231


@pytest.mark.parametrize("compression", [False, True])
def test_every_flipped_byte_is_noticed_and_nothing_of_it_reaches_the_database(
    lab: Lab, tmp_path: Path, *, compression: bool
) -> None:
    good, bad = tmp_path / "good.trn", tmp_path / "bad.trn"
    lab.full(tmp_path / "full.bak", compression=compression)
    lab.add("one", "two")
    lab.log(good, compression=compression)
    other = Lab(tmp_path / "b")
    other.restore(tmp_path / "full.bak")
    content = good.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 60)):
        bad.write_bytes(content[:place] + bytes([content[place] ^ 0x40]) + content[place + 1 :])
        with pytest.raises(SqlError) as caught:
            other.verify(bad)
        assert number_of(caught) in (3189, 3241, 3203), place
        with pytest.raises(SqlError):
            other.restore_log(bad)
    other.restore_log(good, after=RECOVERY)
    assert other.values() == lab.values()


def test_a_file_cut_short_anywhere_is_never_taken_for_a_backup(lab: Lab, tmp_path: Path) -> None:
    lab.full(tmp_path / "full.bak")
    lab.log(tmp_path / "good.trn")
    other = Lab(tmp_path / "b")
    other.restore(tmp_path / "full.bak")
    content = (tmp_path / "good.trn").read_bytes()
    cut = tmp_path / "cut.trn"
    numbers = set()
    for length in range(0, len(content), max(1, len(content) // 50)):
        cut.write_bytes(content[:length])
        with pytest.raises(SqlError) as caught:
            other.restore_log(cut)
        numbers.add(number_of(caught))
    assert numbers <= {3203, 3241, 3254, 4038}
    assert 3203 in numbers
    cut.write_bytes(content[:-10])
    row = lab.headers(cut)[0]
    assert (row["BackupName"], row["FirstLSN"]) == ("*** INCOMPLETE ***", None)


@pytest.mark.parametrize(
    ("content", "number"), [(b"", 3254), (b"no backup at all, but long enough to have a header", 3241), (b"x", 3203)]
)
def test_what_is_no_backup_is_told_apart(lab: Lab, tmp_path: Path, content: bytes, number: int) -> None:
    (tmp_path / "x.bak").write_bytes(content)
    with pytest.raises(SqlError) as caught:
        lab.headers(tmp_path / "x.bak")
    assert number_of(caught) == number


@pytest.mark.parametrize(
    ("device", "system_error"),
    [("missing/x.bak", "3(The system cannot find the path"), ("D:\\Backup\\x.bak", "3("), (".", "5(Access is denied")],
)
def test_a_device_that_cannot_be_written_is_3201_with_the_system_error(
    lab: Lab, device: str, system_error: str
) -> None:
    with pytest.raises(SqlError) as caught:
        lab.full(device)
    assert number_of(caught) == 3201
    assert f"Operating system error {system_error}" in caught.value.message


def test_a_full_disk_is_3202_leaves_no_file_and_moves_nothing(lab: Lab, tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    lab.full(tmp_path / "full.bak")
    lab.log(share / "kept.trn")
    kept = (share / "kept.trn").read_bytes()
    before = lab.catalog.get("sales").properties.last_log_backup_lsn
    lab.add("more")
    lab.catalog.faults.set("disk_full", str(share))
    for path in (share / "new.trn", share / "kept.trn"):
        with pytest.raises(SqlError, match="112\\(There is not enough space on the disk") as caught:
            lab.log(path)
        assert number_of(caught) == 3202
    assert lab.catalog.get("sales").properties.last_log_backup_lsn == before
    assert [path.name for path in share.iterdir()] == ["kept.trn"]
    assert (share / "kept.trn").read_bytes() == kept
    lab.catalog.faults.set("disk_full", None)
    lab.log(share / "new.trn")


def test_a_cancelled_backup_leaves_no_file_and_a_cancelled_tail_leaves_the_database_online(
    lab: Lab, tmp_path: Path
) -> None:
    lab.full(tmp_path / "full.bak")

    def cancel() -> None:
        raise BatchCancelled

    for options in ({}, {"no_recovery": True}):
        request = BackupRequest(kind=BackupKind.LOG, database="sales", devices=(str(tmp_path / "x.trn"),), **options)
        with pytest.raises(BatchCancelled):
            list(back_up(lab.catalog, request, user="sa", owner=object(), check=cancel))
        assert not (tmp_path / "x.trn").exists()
    lab.add("still writable")
    lab.log(tmp_path / "x.trn", no_recovery=True)


def test_a_tail_needs_the_database_for_itself(lab: Lab, tmp_path: Path) -> None:
    lab.full(tmp_path / "full.bak")
    lab.users = [55]
    with pytest.raises(SqlError) as caught:
        lab.log(tmp_path / "tail.trn", no_recovery=True)
    assert number_of(caught) == 3101
    lab.add("still writable")


def test_writers_go_on_while_a_slow_full_backup_runs_and_it_restores_consistently(lab: Lab, tmp_path: Path) -> None:
    lab.catalog.faults.set("slow_backup", "100000")
    progress = Progress()
    thread = threading.Thread(target=lambda: lab.full(tmp_path / "slow.bak", progress=progress))
    thread.start()
    written = 0
    while thread.is_alive() and written < 100:
        lab.run_all("sales", [("INSERT INTO t (v) VALUES (?)", ("pair",))] * 2)
        written += 1
        if written == 100:
            lab.catalog.faults.set("slow_backup", None)
    thread.join()
    assert progress.percent == pytest.approx(100, abs=5)
    other = Lab(tmp_path / "b")
    other.restore(tmp_path / "slow.bak", after=RECOVERY)
    values = other.values()
    assert values == lab.values()[: len(values)]
    assert values.count("pair") % 2 == 0


def test_stats_are_announced_in_steps_up_to_100(lab: Lab, tmp_path: Path) -> None:
    messages = lab.full(tmp_path / "full.bak", stats=25)
    percents = [message.text for message in messages if message.number == 3211]
    assert percents == [f"{percent} percent processed." for percent in (25, 50, 75, 100)]
    assert [message.number for message in messages][-3:] == [4035, 4035, 3014]


def test_headeronly_has_the_documented_columns_and_types(lab: Lab, tmp_path: Path) -> None:
    lab.full(tmp_path / "full.bak", name="sales", description="nightly", checksum=True)
    columns, rows = reading.headers(
        lab.catalog, MediaRequest(question=MediaQuestion.HEADERONLY, devices=(str(tmp_path / "full.bak"),))
    )
    row = dict(zip([column.name for column in columns], rows[0], strict=True))
    assert len(columns) == 59
    assert [column.name for column in columns][-3:] == ["LastValidRestoreTime", "TimeZone", "CompressionAlgorithm"]
    assert isinstance(row["FirstLSN"], Decimal)
    assert isinstance(row["BackupSetGUID"], UUID)
    assert (row["BackupType"], row["BackupTypeDescription"], row["ServerName"]) == (1, "Database", "SQLFCI01")
    assert (row["HasBackupChecksums"], row["IsCopyOnly"], row["BackupDescription"]) == (True, False, "nightly")
    assert row["FirstLSN"] == row["CheckpointLSN"] <= row["LastLSN"]


def test_file_list_and_label_describe_the_media(lab: Lab, tmp_path: Path) -> None:
    lab.full(tmp_path / "1.bak", tmp_path / "2.bak")
    request = MediaRequest(question=MediaQuestion.FILELISTONLY, devices=(str(tmp_path / "2.bak"),))
    columns, rows = reading.file_list(lab.catalog, request)
    assert [(row[0], row[2]) for row in rows] == [("sales", "D"), ("sales_log", "L")]
    assert len(columns) == 22
    columns, rows = reading.label(lab.catalog, request)
    found = dict(zip([column.name for column in columns], rows[0], strict=True))
    assert (found["FamilyCount"], found["FamilySequenceNumber"]) == (2, 2)


def test_msdb_remembers_backups_and_restores_with_the_servers_columns(lab: Lab, tmp_path: Path) -> None:
    lab.full(tmp_path / "full.bak")
    lab.log(tmp_path / "1.trn", copy_only=True)
    assert lab.msdb("SELECT database_name, type, is_copy_only, position FROM backupset ORDER BY backup_set_id") == [
        ("sales", "D", 0, 1),
        ("sales", "L", 1, 1),
    ]
    assert lab.msdb("SELECT physical_device_name FROM backupmediafamily") == [
        (str(tmp_path / "full.bak"),),
        (str(tmp_path / "1.trn"),),
    ]
    other = Lab(tmp_path / "b", "EC2SQL02")
    other.restore(tmp_path / "full.bak")
    other.restore_log(tmp_path / "1.trn")
    query = """SELECT r.destination_database_name, r.restore_type, s.server_name FROM restorehistory r
        JOIN backupset s ON s.backup_set_id = r.backup_set_id ORDER BY r.restore_history_id"""
    assert other.msdb(query) == [("sales", "D", "SQLFCI01"), ("sales", "L", "SQLFCI01")]


def test_a_session_that_keeps_msdb_locked_delays_the_history_but_not_the_backup(lab: Lab, tmp_path: Path) -> None:
    connection = lab.catalog.msdb.connect()
    connection.execute("BEGIN")
    connection.execute("INSERT INTO suspect_pages (database_id) VALUES (9)")
    lab.catalog.msdb._connection.execute("PRAGMA busy_timeout = 50")
    lab.full(tmp_path / "full.bak")
    assert lab.msdb("SELECT count(*) FROM backupset") == [(0,)]
    connection.execute("COMMIT")
    connection.close()
    lab.log(tmp_path / "1.trn")
    assert lab.msdb("SELECT type FROM backupset ORDER BY backup_set_id") == [("D",), ("L",)]


def test_a_full_backup_needs_bounded_memory(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "a")
    lab.create()
    block = [("INSERT INTO t (v) VALUES (hex(randomblob(50000)))", ())] * 100
    for _ in range(12):
        lab.run_all("sales", block)
    before = _resident_bytes()
    lab.full(tmp_path / "big.bak")
    other = Lab(tmp_path / "b")
    other.restore(tmp_path / "big.bak", after=RECOVERY)
    assert (tmp_path / "big.bak").stat().st_size > 100 << 20
    assert _resident_bytes() - before < 60 << 20


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
