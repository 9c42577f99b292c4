"""RESTORE accepts what SQL Server accepts and refuses what it refuses, with its numbers."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from include.standins.sqlserver.backup.restoring import restore
from include.standins.sqlserver.errors import BatchCancelled, SqlError
from include.standins.sqlserver.requests import RestoreRequest
from include.standins.sqlserver.storage.properties import DatabaseState, RecoveryModel
from tests.standins.sqlserver.storage_lab import NORECOVERY, RECOVERY, STANDBY, Lab

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Lab, Lab]:
    """A primary with one full and two log backups, and a secondary restored from the full."""
    primary, secondary = Lab(tmp_path / "a", "SQLFCI01"), Lab(tmp_path / "b", "EC2SQL02")
    primary.create()
    primary.full(tmp_path / "full.bak")
    for number in (1, 2):
        primary.add(f"log {number}")
        primary.log(tmp_path / f"{number}.trn")
    secondary.restore(tmp_path / "full.bak")
    return primary, secondary


def refused(action: Callable[[], Any]) -> int:
    """Return the number of the error, which 3013 must follow."""
    with pytest.raises(SqlError) as caught:
        action()
    assert [error.number for error in caught.value.follow][-1:] == [3013]
    return caught.value.number


def test_logs_restored_in_order_bring_every_row(pair: tuple[Lab, Lab], tmp_path: Path) -> None:
    primary, secondary = pair
    secondary.restore_log(tmp_path / "1.trn")
    secondary.restore_log(tmp_path / "2.trn", after=RECOVERY)
    assert secondary.values() == ["log 1", "log 2"]
    assert secondary.digest() == primary.digest()


def test_a_gap_is_4305_and_names_the_lsn_that_is_missing(pair: tuple[Lab, Lab], tmp_path: Path) -> None:
    _, secondary = pair
    redo = secondary.catalog.get("sales").properties.redo_start_lsn
    with pytest.raises(SqlError, match=f"includes LSN {redo} can be restored") as caught:
        secondary.restore_log(tmp_path / "2.trn")
    assert caught.value.number == 4305


def test_an_earlier_log_is_4326_but_the_last_one_again_changes_nothing(pair: tuple[Lab, Lab], tmp_path: Path) -> None:
    _, secondary = pair
    secondary.restore_log(tmp_path / "1.trn")
    secondary.restore_log(tmp_path / "2.trn")
    before = secondary.catalog.get("sales").properties.redo_start_lsn
    assert refused(lambda: secondary.restore_log(tmp_path / "1.trn")) == 4326
    secondary.restore_log(tmp_path / "2.trn")
    assert secondary.catalog.get("sales").properties.redo_start_lsn == before


def test_a_diverged_primary_is_refused_with_4330_or_4326_by_its_lsn(pair: tuple[Lab, Lab], tmp_path: Path) -> None:
    primary, secondary = pair
    secondary.restore_log(tmp_path / "1.trn", after=RECOVERY)  # a failover without log 2 and without tail
    secondary.add("new side")
    secondary.log(tmp_path / "short.trn")
    secondary.add(*(f"more {number}" for number in range(20)))
    secondary.log(tmp_path / "long.trn")
    primary.add("old side", "old side")
    primary.log(tmp_path / "late_tail.trn", no_recovery=True)
    assert refused(lambda: primary.restore_log(tmp_path / "short.trn")) == 4326
    assert refused(lambda: primary.restore_log(tmp_path / "long.trn")) == 4330


def test_after_a_tail_the_roles_swap_there_and_back_without_a_new_full(pair: tuple[Lab, Lab], tmp_path: Path) -> None:
    primary, secondary = pair
    for number in (1, 2):
        secondary.restore_log(tmp_path / f"{number}.trn")
    here, there = primary, secondary
    for turn in range(4):
        here.add(f"turn {turn}")
        here.log(tmp_path / f"tail{turn}.trn", no_recovery=True)
        assert here.catalog.get("sales").state is DatabaseState.RESTORING
        there.restore_log(tmp_path / f"tail{turn}.trn", after=RECOVERY)
        header = there.headers(tmp_path / f"tail{turn}.trn")[0]
        assert header["IsForceOffline"] is True
        assert (header["ForkPointLSN"] is None) == (turn == 0)
        here, there = there, here
    assert here.values() == ["log 1", "log 2", "turn 0", "turn 1", "turn 2", "turn 3"]


def test_each_recovery_begins_a_fork_that_the_next_log_backup_states(pair: tuple[Lab, Lab], tmp_path: Path) -> None:
    _, secondary = pair
    before = secondary.catalog.get("sales").properties
    secondary.restore(after=RECOVERY)
    secondary.log(tmp_path / "new.trn")
    header = secondary.headers(tmp_path / "new.trn")[0]
    assert str(header["FirstRecoveryForkID"]).upper() == before.recovery_fork
    assert str(header["RecoveryForkID"]).upper() == secondary.catalog.get("sales").properties.recovery_fork
    assert header["ForkPointLSN"] == before.redo_start_lsn == header["FirstLSN"]


@pytest.mark.parametrize(
    ("action", "number"),
    [
        (lambda lab, path: lab.restore_log(path / "1.trn"), 3117),
        (lambda lab, path: lab.restore(after=RECOVERY), 3153),
        (lambda lab, path: lab.restore(path / "full.bak"), 3159),
        (lambda lab, path: lab.restore_log(path / "1.trn", name="nobody"), 3118),
        (lambda lab, path: lab.restore(after=RECOVERY, name="nobody"), 911),
        (lambda lab, path: lab.restore(path / "1.trn"), 3135),
        (lambda lab, path: lab.restore_log(path / "full.bak"), 3135),
        (lambda lab, path: lab.restore_log(path / "missing.trn"), 3201),
        (lambda lab, path: lab.restore_log(path / "1.trn", position=2), 4038),
        (lambda lab, path: lab.restore(path / "full.bak", name="copy", moves={"nope": "/tmp/x"}), 3234),
        (lambda lab, path: lab.restore(path / "full.bak", name="copy", moves={"sales": "/nowhere/x.mdf"}), 5133),
        (lambda lab, path: lab.restore(path / "full.bak", name="copy"), 1834),
    ],
)
def test_what_an_online_primary_refuses(
    pair: tuple[Lab, Lab], tmp_path: Path, action: Callable[[Lab, Path], Any], number: int
) -> None:
    primary, _ = pair
    assert refused(lambda: action(primary, tmp_path)) == number
    assert primary.values() == ["log 1", "log 2"]
    assert primary.catalog.names() == ["sales"]


def test_another_database_is_3154_and_replace_overrides_it(pair: tuple[Lab, Lab], tmp_path: Path) -> None:
    _, secondary = pair
    secondary.create("other")
    secondary.full(tmp_path / "other.bak", name="other")
    assert refused(lambda: secondary.restore(tmp_path / "other.bak")) == 3154
    assert refused(lambda: secondary.restore(tmp_path / "full.bak", name="other")) == 3154
    data = tmp_path / "elsewhere.mdf"
    log = tmp_path / "elsewhere.ldf"
    moves = {"sales": str(data), "sales_log": str(log)}
    secondary.restore(tmp_path / "full.bak", name="other", replace=True, after=RECOVERY, moves=moves)
    assert secondary.values("other") == []
    assert data.exists()
    assert not (secondary.catalog.data_directory / "other.mdf").exists()


def test_move_puts_a_scratch_copy_beside_the_original(pair: tuple[Lab, Lab], tmp_path: Path) -> None:
    primary, _ = pair
    moves = {"SALES": str(tmp_path / "drill.mdf"), "sales_log": str(tmp_path / "drill.ldf")}
    primary.restore(tmp_path / "full.bak", name="drill", moves=moves)
    primary.restore_log(tmp_path / "1.trn", name="drill", after=RECOVERY)
    assert primary.values("drill") == ["log 1"]
    assert primary.values() == ["log 1", "log 2"]
    primary.reopen()
    assert primary.values("drill") == ["log 1"]


def test_standby_is_readable_refuses_writes_and_rolls_forward_only_without_readers(
    pair: tuple[Lab, Lab], tmp_path: Path
) -> None:
    _, secondary = pair
    undo = tmp_path / "undo.tuf"
    secondary.restore_log(tmp_path / "1.trn", after=STANDBY, standby_file=str(undo))
    database = secondary.catalog.get("sales")
    assert (database.state, database.properties.is_in_standby, undo.exists()) == (DatabaseState.STANDBY, True, True)
    assert secondary.values() == ["log 1"]
    with pytest.raises(SqlError) as caught:
        secondary.add("no")
    assert caught.value.number == 3906
    assert refused(lambda: secondary.full(tmp_path / "no.bak")) == 3036
    secondary.users = [57]
    assert refused(lambda: secondary.restore_log(tmp_path / "2.trn", after=STANDBY, standby_file=str(undo))) == 3101
    assert secondary.values() == ["log 1"]
    secondary.users = []
    generation = database.generation
    secondary.restore_log(tmp_path / "2.trn", after=STANDBY, standby_file=str(undo))
    assert secondary.values() == ["log 1", "log 2"]
    assert database.generation > generation
    secondary.restore(after=NORECOVERY)
    assert (database.state, undo.exists()) == (DatabaseState.RESTORING, False)


def test_a_restoring_database_opens_for_nobody(pair: tuple[Lab, Lab], tmp_path: Path) -> None:
    _, secondary = pair
    with pytest.raises(SqlError) as caught:
        secondary.catalog.get("sales").connect()
    assert caught.value.number == 927
    assert refused(lambda: secondary.full(tmp_path / "no.bak")) == 927


def test_stop_at_keeps_commits_up_to_the_time_and_lets_later_logs_follow(tmp_path: Path) -> None:
    primary, secondary = Lab(tmp_path / "a"), Lab(tmp_path / "b")
    primary.create()
    primary.full(tmp_path / "full.bak")
    before = primary.catalog.clock.now()
    primary.add("early")
    middle = primary.catalog.clock.now()
    primary.add("late")
    primary.log(tmp_path / "1.trn")
    primary.add("later")
    primary.log(tmp_path / "2.trn")
    after = primary.catalog.clock.now()
    secondary.restore(tmp_path / "full.bak")
    secondary.restore_log(tmp_path / "1.trn", stop_at=middle, after=STANDBY, standby_file="x.tuf")
    assert secondary.values() == ["early"]
    assert refused(lambda: secondary.restore_log(tmp_path / "1.trn", stop_at=before)) == 4335
    secondary.restore_log(tmp_path / "1.trn")
    texts = [message.number for message in secondary.restore_log(tmp_path / "2.trn", stop_at=after, after=RECOVERY)]
    assert 4322 in texts
    assert secondary.catalog.get("sales").state is DatabaseState.RESTORING
    secondary.restore(after=RECOVERY)
    assert secondary.values() == ["early", "late", "later"]


def test_a_full_or_log_that_begins_after_the_stop_is_4338(tmp_path: Path) -> None:
    primary, secondary = Lab(tmp_path / "a"), Lab(tmp_path / "b")
    primary.create()
    early = primary.catalog.clock.now()
    primary.full(tmp_path / "full.bak")
    assert refused(lambda: secondary.restore(tmp_path / "full.bak", stop_at=early)) == 4338
    primary.add("1")
    primary.log(tmp_path / "1.trn")
    primary.log(tmp_path / "2.trn")
    secondary.restore(tmp_path / "full.bak")
    assert refused(lambda: secondary.restore_log(tmp_path / "1.trn", stop_at=early)) in (4335, 4338)


def test_simple_recovery_has_no_log_chain_and_ends_the_one_it_had(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "a")
    database = lab.create()
    assert refused(lambda: lab.log(tmp_path / "no.trn")) == 4214
    lab.full(tmp_path / "copy.bak", copy_only=True)
    assert refused(lambda: lab.log(tmp_path / "no.trn")) == 4214
    assert refused(lambda: lab.differential(tmp_path / "no.dif")) == 3035
    lab.full(tmp_path / "full.bak")
    lab.log(tmp_path / "1.trn")
    database.set_recovery_model(RecoveryModel.SIMPLE)
    assert refused(lambda: lab.log(tmp_path / "no.trn")) == 4208
    database.set_recovery_model(RecoveryModel.FULL)
    assert refused(lambda: lab.log(tmp_path / "no.trn")) == 4214
    lab.differential(tmp_path / "1.dif")
    lab.log(tmp_path / "2.trn")
    assert not (tmp_path / "no.trn").exists()


def test_the_writer_of_a_closed_reader_is_not_blocked(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "a")
    database = lab.create()
    with closing(database.connect(read_only=True)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (0,)
        lab.add("1")
        database.checkpoint()
        lab.full(tmp_path / "full.bak")
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (0,)
    other = Lab(tmp_path / "b")
    other.restore(tmp_path / "full.bak", after=RECOVERY)
    assert other.values() == ["1"]


def test_an_interrupted_full_restore_goes_on_only_by_being_restored_again(
    pair: tuple[Lab, Lab], tmp_path: Path
) -> None:
    _, secondary = pair

    def cancel() -> None:
        raise BatchCancelled

    request = RestoreRequest(log=False, database="sales", devices=(str(tmp_path / "full.bak"),))
    with pytest.raises(BatchCancelled):
        list(restore(secondary.catalog, request, user="sa", owner=object(), check=cancel))
    assert refused(lambda: secondary.restore_log(tmp_path / "1.trn")) == 4319
    assert refused(lambda: secondary.restore(after=RECOVERY)) == 4319
    secondary.reopen()
    assert secondary.catalog.get("sales").state is DatabaseState.RESTORING
    secondary.restore(tmp_path / "full.bak")
    secondary.restore_log(tmp_path / "1.trn", after=RECOVERY)
    assert secondary.values() == ["log 1"]


def test_a_differential_of_another_base_is_3136(pair: tuple[Lab, Lab], tmp_path: Path) -> None:
    primary, secondary = pair
    primary.full(tmp_path / "second.bak")
    primary.differential(tmp_path / "second.dif")
    assert refused(lambda: secondary.restore(tmp_path / "second.dif")) == 3136
    assert refused(lambda: primary.restore(tmp_path / "second.dif")) == 3117
    secondary.restore(tmp_path / "second.bak")
    secondary.restore(tmp_path / "second.dif", after=RECOVERY)
    assert secondary.digest() == primary.digest()


def test_a_tail_with_standby_leaves_the_old_primary_readable(pair: tuple[Lab, Lab], tmp_path: Path) -> None:
    primary, secondary = pair
    primary.add("tail")
    primary.log(tmp_path / "3.trn", standby=str(tmp_path / "undo.tuf"))
    assert primary.values() == ["log 1", "log 2", "tail"]
    assert (tmp_path / "undo.tuf").exists()
    for number in (1, 2, 3):
        secondary.restore_log(tmp_path / f"{number}.trn")
    secondary.restore(after=RECOVERY)
    secondary.add("new side")
    secondary.log(tmp_path / "4.trn")
    primary.restore_log(tmp_path / "4.trn", after=STANDBY, standby_file=str(tmp_path / "undo.tuf"))
    assert primary.values()[-1] == "new side"
