"""What log shipping relies on, asked of whatever server is there: the stand-in, or a real one."""

import itertools
from decimal import Decimal

import pytest

from tests.standins.sqlserver.contract.pair import Pair


def add(pair: Pair, database: str, number: int) -> None:
    pair.primary.execute("INSERT INTO dbo.orders VALUES (%d, 1.00)", (number,), database=database)


def numbers(pair: Pair, database: str) -> list[int]:
    rows = pair.secondary.query("SELECT number FROM dbo.orders ORDER BY number", database=database)
    return [row["number"] for row in rows]


@pytest.fixture
def seeded(pair: Pair, orders: str) -> str:
    """The database restored on the secondary and waiting for logs."""
    full = pair.back_up(orders, "DATABASE")
    pair.restore(orders, full, "DATABASE")
    return orders


def test_log_backup_before_the_first_full_is_refused(pair: Pair, orders: str) -> None:
    assert pair.primary.refusal(f"BACKUP LOG [{orders}] TO DISK = N'{pair.file('early.trn')}'") == 4214


def test_log_of_a_simple_database_cannot_be_backed_up(pair: Pair, orders: str) -> None:
    pair.primary.execute(f"ALTER DATABASE [{orders}] SET RECOVERY SIMPLE")
    assert pair.primary.refusal(f"BACKUP LOG [{orders}] TO DISK = N'{pair.file('simple.trn')}'") == 4208


def test_backup_inside_a_transaction_is_refused(pair: Pair, orders: str) -> None:
    path = pair.file("inside.bak")
    assert pair.primary.refusal(f"BEGIN TRAN; BACKUP DATABASE [{orders}] TO DISK = N'{path}'") == 3021


def test_logs_restored_in_order_bring_every_row(pair: Pair, seeded: str) -> None:
    for number in (2, 3, 4):
        add(pair, seeded, number)
        pair.restore(seeded, pair.back_up(seeded))
        assert pair.secondary.state(seeded) == ("RESTORING", False)
    pair.secondary.execute(f"RESTORE DATABASE [{seeded}] WITH RECOVERY")
    assert pair.secondary.state(seeded) == ("ONLINE", False)
    assert numbers(pair, seeded) == [1, 2, 3, 4]
    (row,) = pair.secondary.query("SELECT SUM(amount) AS total FROM dbo.orders", database=seeded)
    assert row["total"] == Decimal("13.50")


def test_each_log_begins_where_the_one_before_ended(pair: Pair, seeded: str) -> None:
    headers = []
    for number in (2, 3, 4):
        add(pair, seeded, number)
        headers.append(pair.header(pair.back_up(seeded)))
    for earlier, later in itertools.pairwise(headers):
        assert int(later["FirstLSN"]) == int(earlier["LastLSN"])
        assert later["FirstRecoveryForkID"] == earlier["FirstRecoveryForkID"]
    assert {header["BackupTypeDescription"].upper() for header in headers} == {"TRANSACTION LOG"}


def test_redo_lsn_of_the_secondary_is_the_end_of_the_last_log(pair: Pair, seeded: str) -> None:
    add(pair, seeded, 2)
    path = pair.back_up(seeded)
    pair.restore(seeded, path)
    header = pair.header(path)
    assert int(header["FirstLSN"]) <= pair.secondary.redo_lsn(seeded) <= int(header["LastLSN"])


def test_gap_in_the_chain_is_4305_and_changes_nothing(pair: Pair, seeded: str) -> None:
    add(pair, seeded, 2)
    missing = pair.back_up(seeded)
    add(pair, seeded, 3)
    late = pair.back_up(seeded)
    before = pair.secondary.redo_lsn(seeded)
    assert pair.secondary.refusal(f"RESTORE LOG [{seeded}] FROM DISK = N'{late}' WITH NORECOVERY") == 4305
    assert pair.secondary.redo_lsn(seeded) == before
    pair.restore(seeded, missing)
    pair.restore(seeded, late)


def test_log_from_before_the_redo_point_is_4326(pair: Pair, seeded: str) -> None:
    paths = []
    for number in (2, 3, 4):
        add(pair, seeded, number)
        paths.append(pair.back_up(seeded))
        pair.restore(seeded, paths[-1])
    assert pair.secondary.refusal(f"RESTORE LOG [{seeded}] FROM DISK = N'{paths[0]}' WITH NORECOVERY") == 4326


def test_log_for_a_database_that_is_already_recovered_is_3117(pair: Pair, seeded: str) -> None:
    pair.secondary.execute(f"RESTORE DATABASE [{seeded}] WITH RECOVERY")
    add(pair, seeded, 2)
    path = pair.back_up(seeded)
    assert pair.secondary.refusal(f"RESTORE LOG [{seeded}] FROM DISK = N'{path}' WITH NORECOVERY") == 3117


def test_standby_is_read_and_not_written_between_two_logs(pair: Pair, seeded: str) -> None:
    for number in (2, 3):
        add(pair, seeded, number)
        pair.restore(seeded, pair.back_up(seeded), after=f"STANDBY = N'{pair.file('undo.dat')}'")
        assert pair.secondary.state(seeded) == ("ONLINE", True)
        assert numbers(pair, seeded)[-1] == number
    assert pair.secondary.refusal("INSERT INTO dbo.orders VALUES (9, 1.00)", database=seeded) == 3906


def test_tail_with_norecovery_fences_the_primary_and_loses_nothing(pair: Pair, seeded: str) -> None:
    add(pair, seeded, 2)
    tail = pair.back_up(seeded, options=", NORECOVERY")
    assert pair.primary.state(seeded) == ("RESTORING", False)
    pair.restore(seeded, tail, after="RECOVERY")
    assert numbers(pair, seeded) == [1, 2]


def test_recovered_secondary_ships_back_to_the_fenced_primary(pair: Pair, seeded: str) -> None:
    pair.restore(seeded, pair.back_up(seeded, options=", NORECOVERY"), after="RECOVERY")
    pair.secondary.execute("INSERT INTO dbo.orders VALUES (5, 1.00)", database=seeded)
    path = pair.file("reverse.trn")
    pair.secondary.execute(f"BACKUP LOG [{seeded}] TO DISK = N'{path}' WITH INIT, CHECKSUM, NORECOVERY")
    pair.primary.execute(f"RESTORE LOG [{seeded}] FROM DISK = N'{path}' WITH RECOVERY")
    rows = pair.primary.query("SELECT number FROM dbo.orders ORDER BY number", database=seeded)
    assert [row["number"] for row in rows] == [1, 5]


def test_file_that_is_not_there_is_3201(pair: Pair, orders: str) -> None:
    assert pair.secondary.refusal(f"RESTORE HEADERONLY FROM DISK = N'{pair.file('nowhere.trn')}'") == 3201
