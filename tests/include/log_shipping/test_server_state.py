"""A state is read from the server's own catalog views."""

from decimal import Decimal
from uuid import UUID

from include.log_shipping.server_state import states_of

FORK = UUID("6d0f5c1e-9b1c-4f1a-8e58-0c5f7f3f8f11")


def database(name: str = "Sales", **changed: object) -> dict[str, object]:
    return {
        "name": name,
        "database_id": 5,
        "state_desc": "RESTORING",
        "is_in_standby": False,
        "is_read_only": False,
        "recovery_model_desc": "FULL",
        "user_access_desc": "MULTI_USER",
        "recovery_fork_guid": None,
        "last_log_backup_lsn": None,
        **changed,
    }


def file(lsn: Decimal | None, database_id: int = 5) -> dict[str, object]:
    return {"database_id": database_id, "redo_start_lsn": lsn, "redo_start_fork_guid": FORK if lsn else None}


def test_an_lsn_of_25_digits_keeps_every_digit() -> None:
    lsn = Decimal("3400000000001670000400001")
    found = states_of([database()], [file(lsn)])["sales"]
    assert found.redo_lsn == 3400000000001670000400001
    assert found.to_dict()["redo_lsn"] == "3400000000001670000400001"


def test_the_data_file_that_is_furthest_behind_says_where_the_restore_stands() -> None:
    found = states_of([database()], [file(Decimal(700)), file(Decimal(500)), file(None), file(Decimal(9), 6)])["sales"]
    assert (found.redo_lsn, found.redo_fork) == (500, str(FORK).upper())


def test_system_databases_are_nobodys_to_ship() -> None:
    assert set(states_of([database("master"), database("MSDB"), database("Sales")], [])) == {"sales"}


def test_a_readable_standby_is_online_and_still_not_writable() -> None:
    standby = states_of([database(state_desc="ONLINE", is_in_standby=True, is_read_only=True)], [])["sales"]
    assert standby.takes_logs
    assert not standby.is_writable
    assert standby.describe() == "a readable standby"
