"""A log backup of another product breaks the chain and is named."""

import uuid
from datetime import datetime
from typing import Any

import pytest

from include.log_shipping.foreign_backups import foreign_log_backups
from tests.include.log_shipping.backup_histories import header


def row(number: int, **columns: Any) -> dict[str, Any]:
    return {
        "backup_set_uuid": uuid.UUID(int=number), "type": "L", "is_copy_only": False, "first_lsn": 100, "last_lsn": 120,
        "backup_finish_date": datetime.fromisoformat("2026-05-31T08:01"), "user_name": "CORP\\veeam",
        "server_name": "SQLFCI01", "physical_device_name": "NUL",
    } | columns  # fmt: skip


def test_log_backup_to_nul_is_named_with_who_when_and_where() -> None:
    (found,) = foreign_log_backups([], [row(1)], r"\\fsx\backups")
    assert str(found) == (
        r"CORP\veeam backed up the log from LSN 100 to LSN 120 on SQLFCI01 at 2026-05-31 08:01:00 to NUL and threw it "
        "away: this breaks the chain of our log backups; stop that job, or bring its file."
    )


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"type": "D"}, id="full backup"),
        pytest.param({"is_copy_only": True}, id="copy-only"),
        pytest.param({"physical_device_name": r"\\FSX\Backups\Sales\a.trn"}, id="in our folder"),
        pytest.param({"physical_device_name": "//fsx/backups/Sales/a.trn"}, id="in our folder, other slashes"),
    ],
)
def test_backup_that_breaks_nothing_is_not_named(columns: dict[str, Any]) -> None:
    assert foreign_log_backups([], [row(1, **columns)], "\\\\fsx\\backups\\") == []


def test_backup_whose_file_we_have_is_not_foreign() -> None:
    assert foreign_log_backups([header(f"{{{uuid.UUID(int=1)}}}", "Log", 1, 2)], [row(1)], "/b") == []


def test_folder_that_only_begins_alike_is_not_ours() -> None:
    assert len(foreign_log_backups([], [row(1, physical_device_name="/backups-of-others/a.trn")], "/backups")) == 1


def test_striped_foreign_backup_is_named_once() -> None:
    assert len(foreign_log_backups([], [row(1), row(1), row(2)], "/b")) == 2
