"""The result sets of RESTORE HEADERONLY, FILELISTONLY and LABELONLY: columns of SQL Server 2022, in its order.

Source: learn.microsoft.com, "RESTORE Statements - HEADERONLY / FILELISTONLY / LABELONLY (Transact-SQL)".
"""

from __future__ import annotations

import re
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.backup import versions
from include.standins.sqlserver.requests import BackupKind
from include.standins.sqlserver.results import Column, SqlType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from include.standins.sqlserver.backup.backup_set import BackedUpFile, BackupSet
    from include.standins.sqlserver.backup.media import MediaLabel

_TYPE = re.compile(r"(\w+)(?:\((\d+)(?:,(\d+))?\))?")
_INCOMPLETE = "*** INCOMPLETE ***"
_DISK = 2
_TYPE_NUMBERS = {BackupKind.DATABASE: 1, BackupKind.LOG: 2, BackupKind.DIFFERENTIAL: 5}
_CHECKSUMS, _READ_ONLY, _SINGLE_USER, _DAMAGED, _TAIL, _COPY_ONLY = 16, 4, 8, 32, 256, 512  # the bits of Flags


def _columns(text: str) -> list[Column]:
    """Read "name type, ..."; types as T-SQL writes them."""
    return [Column(name, _sql_type(kind)) for name, kind in (entry.split() for entry in text.split(";"))]


def _sql_type(text: str) -> SqlType:
    match = _TYPE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no T-SQL type.")
    name, first, second = match.groups()
    if name == "numeric":
        return SqlType(name, precision=int(first), scale=int(second))
    return SqlType(name, length=int(first) if first else None)


HEADER_COLUMNS = _columns(
    """BackupName nvarchar(128); BackupDescription nvarchar(255); BackupType smallint; ExpirationDate datetime;
    Compressed bit; Position smallint; DeviceType tinyint; UserName nvarchar(128); ServerName nvarchar(128);
    DatabaseName nvarchar(128); DatabaseVersion int; DatabaseCreationDate datetime; BackupSize numeric(20,0);
    FirstLSN numeric(25,0); LastLSN numeric(25,0); CheckpointLSN numeric(25,0); DatabaseBackupLSN numeric(25,0);
    BackupStartDate datetime; BackupFinishDate datetime; SortOrder smallint; CodePage smallint; UnicodeLocaleId int;
    UnicodeComparisonStyle int; CompatibilityLevel tinyint; SoftwareVendorId int; SoftwareVersionMajor int;
    SoftwareVersionMinor int; SoftwareVersionBuild int; MachineName nvarchar(128); Flags int;
    BindingID uniqueidentifier; RecoveryForkID uniqueidentifier; Collation nvarchar(128); FamilyGUID uniqueidentifier;
    HasBulkLoggedData bit; IsSnapshot bit; IsReadOnly bit; IsSingleUser bit; HasBackupChecksums bit; IsDamaged bit;
    BeginsLogChain bit; HasIncompleteMetaData bit; IsForceOffline bit; IsCopyOnly bit;
    FirstRecoveryForkID uniqueidentifier; ForkPointLSN numeric(25,0); RecoveryModel nvarchar(60);
    DifferentialBaseLSN numeric(25,0); DifferentialBaseGUID uniqueidentifier; BackupTypeDescription nvarchar(60);
    BackupSetGUID uniqueidentifier; CompressedBackupSize bigint; containment tinyint; KeyAlgorithm nvarchar(32);
    EncryptorThumbprint varbinary(20); EncryptorType nvarchar(32); LastValidRestoreTime datetime; TimeZone smallint;
    CompressionAlgorithm nvarchar(32)"""
)

FILE_COLUMNS = _columns(
    """LogicalName nvarchar(128); PhysicalName nvarchar(260); Type char(1); FileGroupName nvarchar(128);
    Size numeric(20,0); MaxSize numeric(20,0); FileId bigint; CreateLSN numeric(25,0); DropLSN numeric(25,0);
    UniqueId uniqueidentifier; ReadOnlyLSN numeric(25,0); ReadWriteLSN numeric(25,0); BackupSizeInBytes bigint;
    SourceBlockSize int; FileGroupId int; LogGroupGUID uniqueidentifier; DifferentialBaseLSN numeric(25,0);
    DifferentialBaseGUID uniqueidentifier; IsReadOnly bit; IsPresent bit; TDEThumbprint varbinary(32);
    SnapshotUrl nvarchar(360)"""
)

LABEL_COLUMNS = _columns(
    """MediaName nvarchar(128); MediaSetId uniqueidentifier; FamilyCount int; FamilySequenceNumber int;
    MediaFamilyId uniqueidentifier; MediaSequenceNumber int; MediaLabelPresent tinyint;
    MediaDescription nvarchar(255); SoftwareName nvarchar(128); SoftwareVendorId int; MediaDate datetime;
    Mirror_Count int; IsCompressed bit"""
)


def header_row(found: BackupSet) -> tuple[Any, ...]:
    """Return a complete set's row."""
    header, end = found.header, found.end
    return _row(
        HEADER_COLUMNS,
        {
            "BackupName": header.name,
            "BackupDescription": header.description,
            "BackupType": _TYPE_NUMBERS[header.kind],
            "Compressed": header.is_compressed,
            "Position": found.position,
            "DeviceType": _DISK,
            "UserName": header.user,
            "ServerName": header.server,
            "DatabaseName": header.database,
            "DatabaseVersion": versions.DATABASE_VERSION,
            "DatabaseCreationDate": header.created,
            "BackupSize": end.backup_bytes,
            "FirstLSN": header.first_lsn,
            "LastLSN": end.last_lsn,
            "CheckpointLSN": header.checkpoint_lsn,
            "DatabaseBackupLSN": header.database_backup_lsn or 0,
            "BackupStartDate": header.started,
            "BackupFinishDate": end.finished,
            "SortOrder": versions.SORT_ORDER,
            "CodePage": versions.CODE_PAGE,
            "UnicodeLocaleId": versions.LOCALE,
            "UnicodeComparisonStyle": versions.COMPARISON_STYLE,
            "CompatibilityLevel": versions.COMPATIBILITY_LEVEL,
            "SoftwareVendorId": 0,
            "SoftwareVersionMajor": versions.VERSION[0],
            "SoftwareVersionMinor": versions.VERSION[1],
            "SoftwareVersionBuild": versions.VERSION[2],
            "MachineName": header.server,
            "Flags": _flags(found),
            "BindingID": header.database_guid,
            "RecoveryForkID": found.last_fork,
            "Collation": versions.COLLATION,
            "FamilyGUID": header.family_guid,
            "HasBulkLoggedData": False,
            "IsSnapshot": False,
            "IsReadOnly": header.is_read_only,
            "IsSingleUser": header.is_single_user,
            "HasBackupChecksums": header.has_checksums,
            "IsDamaged": header.is_damaged,
            "BeginsLogChain": header.begins_log_chain,
            "HasIncompleteMetaData": False,
            "IsForceOffline": header.is_tail,
            "IsCopyOnly": header.is_copy_only,
            "FirstRecoveryForkID": found.first_fork,
            "ForkPointLSN": found.fork_point_lsn,
            "RecoveryModel": header.recovery_model,
            "DifferentialBaseLSN": header.differential_base_lsn,
            "DifferentialBaseGUID": header.differential_base_guid,
            "BackupTypeDescription": str(header.kind),
            "BackupSetGUID": header.guid,
            "CompressedBackupSize": end.compressed_bytes,
            "containment": 0,
            "LastValidRestoreTime": end.last_commit_time,
            "TimeZone": 0,
            "CompressionAlgorithm": "MS_XPRESS" if header.is_compressed else None,
        },
    )


def incomplete_row(position: int) -> tuple[Any, ...]:
    """Return the row of a set whose backup did not end, or whose file was cut short: nothing of it is usable."""
    return _row(HEADER_COLUMNS, {"BackupName": _INCOMPLETE, "Position": position, "DeviceType": _DISK})


def file_row(found: BackupSet, file: BackedUpFile) -> tuple[Any, ...]:
    """Return one file's row."""
    is_data = file.type == "D"
    backed_up = found.end.data_pages * 4096 if is_data else found.end.log_bytes
    return _row(
        FILE_COLUMNS,
        {
            "LogicalName": file.logical_name,
            "PhysicalName": file.physical_name,
            "Type": file.type,
            "FileGroupName": "PRIMARY" if is_data else None,
            "Size": file.size,
            "MaxSize": 35184372080640,
            "FileId": file.file_id,
            "CreateLSN": 0,
            "DropLSN": 0,
            "UniqueId": str(uuid.uuid5(uuid.UUID(found.header.database_guid), str(file.file_id))),
            "ReadOnlyLSN": 0,
            "ReadWriteLSN": 0,
            "BackupSizeInBytes": backed_up,
            "SourceBlockSize": 512,
            "FileGroupId": 1 if is_data else 0,
            "DifferentialBaseLSN": found.header.differential_base_lsn or 0,
            "DifferentialBaseGUID": found.header.differential_base_guid,
            "IsReadOnly": found.header.is_read_only,
            "IsPresent": True,
        },
    )


def label_row(path: Path, label: MediaLabel) -> tuple[Any, ...]:
    """Return one media file's row."""
    return _row(
        LABEL_COLUMNS,
        {
            "MediaName": path.name,
            "MediaSetId": label.media_guid,
            "FamilyCount": label.family_count,
            "FamilySequenceNumber": label.family_number,
            "MediaFamilyId": label.family_guid,
            "MediaSequenceNumber": 1,
            "MediaLabelPresent": 0,
            "SoftwareName": versions.SOFTWARE_NAME,
            "SoftwareVendorId": 0,
            "MediaDate": label.written,
            "Mirror_Count": 1,
            "IsCompressed": label.compressed,
        },
    )


def _flags(found: BackupSet) -> int:
    header = found.header
    bits = (
        (header.has_checksums, _CHECKSUMS),
        (header.is_read_only, _READ_ONLY),
        (header.is_single_user, _SINGLE_USER),
        (header.is_damaged, _DAMAGED),
        (header.is_tail, _TAIL),
        (header.is_copy_only, _COPY_ONLY),
    )
    return sum(bit for is_set, bit in bits if is_set)


def _row(columns: Sequence[Column], values: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(_value(column.type, values.get(column.name)) for column in columns)


def _value(kind: SqlType, value: Any) -> Any:
    if value is None:
        return None
    if kind.name == "numeric":
        return Decimal(value)
    return uuid.UUID(value) if kind.name == "uniqueidentifier" else value
