"""Headers are read from JSON and from RESTORE HEADERONLY; what cannot be read is named."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.log_shipping.headers import BackupType, HeadersError, from_headeronly, merged, read_headers
from tests.include.log_shipping.backup_histories import entry, header, headers

GOOD = entry("set-1", "Log", 100, 120, started=0)


def read_one(**columns: Any) -> Any:
    return read_headers({"backups": [GOOD | columns]})[0]


@pytest.mark.parametrize(
    ("given", "lsn"),
    [("34000000016700004", 34000000016700004), (34000000016700004, 34000000016700004), ("9" * 25, int("9" * 25))],
)
def test_lsns_are_exact_as_text_and_as_number(given: Any, lsn: int) -> None:
    read = read_one(LastLSN=given)
    assert (read.last_lsn, read.given.last_lsn) == (lsn, given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-05-31T08:00:00Z", datetime(2026, 5, 31, 8, tzinfo=UTC)),
        ("2026-05-31 08:00:00.997", datetime(2026, 5, 31, 8, 0, 0, 997000, tzinfo=UTC)),
        ("2026-05-31T08:00:00+02:00", datetime(2026, 5, 31, 6, tzinfo=UTC)),
        ("2026-05-31T08:00:00.1234567Z", datetime(2026, 5, 31, 8, 0, 0, 123456, tzinfo=UTC)),
        ("/Date(1500223890000)/", datetime(2017, 7, 16, 16, 51, 30, tzinfo=UTC)),
        ({"value": "/Date(1500223890000)/", "DisplayHint": 2}, datetime(2017, 7, 16, 16, 51, 30, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_every_form_that_tools_write(given: Any, expected: datetime) -> None:
    assert read_one(BackupStartDate=given).started == expected


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("Database", BackupType.DATABASE),
        ("full", BackupType.DATABASE),
        (1, BackupType.DATABASE),
        ("Database Differential", BackupType.DIFFERENTIAL),
        (5, BackupType.DIFFERENTIAL),
        ("Transaction Log", BackupType.LOG),
        (2, BackupType.LOG),
    ],
)
def test_backup_types_are_read_by_every_name_they_have(given: Any, kind: BackupType) -> None:
    assert read_one(BackupType=given).type is kind


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"FirstLSN": 1.5}, "backups[0].FirstLSN is 1.5: write an LSN of up to 25 digits"),
        ({"FirstLSN": "9" * 26}, "backups[0].FirstLSN is"),
        ({"FirstLSN": "34:167:4"}, "backups[0].FirstLSN is '34:167:4'"),
        ({"FirstLSN": -1}, "backups[0].FirstLSN is -1"),
        ({"FirstLSN": True}, "backups[0].FirstLSN is True"),
        ({"FirstLSN": "1\u0662"}, "backups[0].FirstLSN is"),
        ({"FirstLSN": None}, "backups[0].FirstLSN is missing: add it."),
        ({"FirstLSN": 121}, "backups[0].FirstLSN is 121, after LastLSN 120"),
        ({"BackupType": "File"}, "backups[0].BackupType is 'File': write Database, Differential or Log."),
        ({"BackupSetGUID": ""}, "backups[0].BackupSetGUID is missing"),
        ({"DatabaseName": 5}, "backups[0].DatabaseName is 5"),
        ({"BackupFinishDate": "soon"}, "backups[0].BackupFinishDate is 'soon': write a time"),
        ({"BackupFinishDate": 7}, "backups[0].BackupFinishDate is 7: write a time"),
        ({"BackupFinishDate": "/Date(999999999999999)/"}, "backups[0].BackupFinishDate is"),
        ({"Position": "first"}, "backups[0].Position is 'first'"),
        ({"IsCopyOnly": "maybe"}, "backups[0].IsCopyOnly is 'maybe': write true or false."),
        ({"Files": [1]}, "backups[0].Files is [1]"),
        ({"BackupType": "Database", "CheckpointLSN": None}, "backups[0].CheckpointLSN is missing"),
        ({"BackupType": "Differential", "DatabaseBackupLSN": None}, "backups[0].DatabaseBackupLSN is missing"),
    ],
)
def test_bad_field_is_named_by_its_path(columns: dict[str, Any], told: str) -> None:
    with pytest.raises(HeadersError) as refused:
        read_one(**columns)
    assert refused.value.problems[0].startswith(told)


def test_every_bad_backup_is_named_at_once() -> None:
    with pytest.raises(HeadersError) as refused:
        read_headers({"backups": [GOOD | {"LastLSN": "x"}, GOOD, "text", GOOD | {"BackupType": None}]})
    assert [problem.split()[0] for problem in refused.value.problems] == [
        "backups[0].LastLSN",
        "backups[2]",
        "backups[3].BackupType",
    ]


@pytest.mark.parametrize("document", [None, [], {}, {"backups": {}}, {"backups": None}, "text"])
def test_document_of_another_shape_is_refused(document: Any) -> None:
    with pytest.raises(HeadersError, match="backups"):
        read_headers(document)


def test_optional_columns_of_a_log_may_be_missing() -> None:
    bare = {name: GOOD[name] for name in GOOD if name not in {"CheckpointLSN", "DatabaseBackupLSN", "ServerName"}}
    bare.pop("FirstRecoveryForkID")
    read = read_headers({"backups": [bare]})[0]
    assert (read.checkpoint_lsn, read.first_fork, read.recovery_fork, read.server) == (0, None, None, "")


def test_stripes_become_one_set_in_their_order() -> None:
    read = headers(GOOD, GOOD | {"Files": ["/backups/b"]}, GOOD | {"Files": ["/backups/set-1"]})
    assert [one.files for one in read] == [("/backups/set-1", "/backups/b")]


def test_one_guid_with_different_lsns_is_refused() -> None:
    with pytest.raises(HeadersError, match="SET-1 stands twice"):
        merged([header("set-1", "Log", 1, 2), header("SET-1", "Log", 1, 3)])


def test_rows_of_headeronly_are_read_with_the_drivers_types_and_the_servers_offset() -> None:
    guid, fork = uuid.UUID(int=5), uuid.UUID(int=0xAB)
    row = {
        "BackupType": 2, "BackupSetGUID": guid, "DatabaseName": "Sales", "ServerName": "SQLFCI01", "Position": 1,
        "FirstLSN": Decimal(34000000016700004), "LastLSN": Decimal(34000000016700009), "CheckpointLSN": Decimal(0),
        "DatabaseBackupLSN": Decimal(34000000016700001), "BackupStartDate": datetime.fromisoformat("2026-05-31T10:00"),
        "BackupFinishDate": datetime.fromisoformat("2026-05-31T10:01"), "FirstRecoveryForkID": fork,
        "IsCopyOnly": False, "RecoveryForkID": fork,
        "ForkPointLSN": None, "HasBackupChecksums": True, "Compressed": 1, "IsDamaged": False,
        "BackupSize": Decimal(4096), "DifferentialBaseGUID": None,
    }  # fmt: skip
    (read,) = from_headeronly([row], file=r"D:\b\a.trn", utc_offset=timedelta(hours=2))
    assert read.started == datetime(2026, 5, 31, 8, tzinfo=UTC)
    assert (read.first_lsn, read.last_lsn) == (34000000016700004, 34000000016700009)
    assert (read.first_fork, read.key) == (str(fork).upper(), str(guid).upper())
    assert (read.has_checksums, read.is_compressed, read.is_damaged, read.size_bytes) == (True, True, False, 4096)
    assert read.files == (r"D:\b\a.trn",)
    assert read.given.id == str(guid)


def test_row_of_another_backup_type_names_the_file() -> None:
    with pytest.raises(HeadersError, match="file-1: BackupType is 4"):
        from_headeronly([GOOD | {"BackupType": 4}], file="file-1")
