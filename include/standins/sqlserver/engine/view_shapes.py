"""The columns of the catalog views that the stand-in has; those it leaves out are not read by anybody here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.query.types import read_declared

if TYPE_CHECKING:
    from typing import Any

    from include.standins.sqlserver.results import SqlType


_SHORT = {
    "": "int",
    "name": "nvarchar(128)",
    "desc": "nvarchar(60)",
    "lsn": "numeric(25,0)",
    "guid": "uniqueidentifier",
    "when": "datetime",
    "wide": "nvarchar(4000)",
}


def columns(text: str) -> tuple[tuple[str, SqlType], ...]:
    """Read "name type; name type"; a name without a type is an int."""
    pairs = (entry.split() for entry in text.replace("\n", " ").split(";"))
    return tuple(
        (pair[0], read_declared(_SHORT.get(kind, kind)))
        for pair in pairs
        if pair
        for kind in [pair[1] if len(pair) > 1 else ""]
    )


DATABASES = columns(
    """name name; database_id; source_database_id; create_date when; compatibility_level tinyint; collation_name name;
    user_access tinyint; user_access_desc desc; is_read_only bit; is_auto_close_on bit; is_auto_shrink_on bit;
    state tinyint; state_desc desc; is_in_standby bit; is_cleanly_shutdown bit; snapshot_isolation_state tinyint;
    snapshot_isolation_state_desc desc; is_read_committed_snapshot_on bit; recovery_model tinyint;
    recovery_model_desc desc; page_verify_option tinyint; page_verify_option_desc desc; is_published bit;
    is_distributor bit; service_broker_guid guid; is_broker_enabled bit; log_reuse_wait tinyint;
    log_reuse_wait_desc desc; is_encrypted bit; replica_id guid; group_database_id guid; containment tinyint;
    containment_desc desc; is_query_store_on bit"""
)
MASTER_FILES = columns(
    """database_id; file_id; file_guid guid; type tinyint; type_desc desc; data_space_id; name name;
    physical_name nvarchar(260); state tinyint; state_desc desc; size; max_size; growth; is_media_read_only bit;
    is_read_only bit; is_sparse bit; is_percent_growth bit; create_lsn lsn; drop_lsn lsn; read_only_lsn lsn;
    read_write_lsn lsn; differential_base_lsn lsn; differential_base_guid guid; differential_base_time when;
    redo_start_lsn lsn; redo_start_fork_guid guid; redo_target_lsn lsn; redo_target_fork_guid guid; backup_lsn lsn"""
)
RECOVERY_STATUS = columns(
    """database_id; database_guid guid; family_guid guid; last_log_backup_lsn lsn; recovery_fork_guid guid;
    first_recovery_fork_guid guid; fork_point_lsn lsn"""
)
OBJECTS = columns(
    """name name; object_id; principal_id; schema_id; parent_object_id; type char(2); type_desc desc; create_date when;
    modify_date when; is_ms_shipped bit"""
)
COLUMNS = columns(
    """object_id; name name; column_id; system_type_id tinyint; user_type_id; max_length smallint; precision tinyint;
    scale tinyint; collation_name name; is_nullable bit; is_identity bit; is_computed bit; default_object_id"""
)
INDEXES = columns(
    """object_id; name name; index_id; type tinyint; type_desc desc; is_unique bit; is_primary_key bit;
    is_unique_constraint bit; is_disabled bit"""
)
SCHEMAS = columns("name name; schema_id; principal_id")
SESSIONS = columns(
    """session_id smallint; login_time when; host_name name; program_name name; host_process_id; client_version;
    client_interface_name nvarchar(32); login_name name; original_login_name name; status nvarchar(30);
    database_id smallint; open_transaction_count; is_user_process bit; last_request_start_time when;
    last_request_end_time when; cpu_time; memory_usage; reads bigint; writes bigint; row_count bigint"""
)
REQUESTS = columns(
    """session_id smallint; request_id; start_time when; status nvarchar(30); command nvarchar(32);
    database_id smallint; blocking_session_id smallint; wait_type nvarchar(60); wait_time; percent_complete real;
    estimated_completion_time bigint; total_elapsed_time; cpu_time; open_transaction_count; transaction_id bigint;
    sql_text wide"""
)
CONNECTIONS = columns(
    """session_id; connect_time when; net_transport nvarchar(40); protocol_type nvarchar(40);
    encrypt_option nvarchar(40); auth_scheme nvarchar(40); client_net_address varchar(48)"""
)
PROCESSES = columns(
    """spid smallint; kpid smallint; blocked smallint; waittime bigint; lastwaittype nchar(32); dbid smallint;
    uid smallint; login_time when; last_batch when; open_tran smallint; status nchar(30); hostname nchar(128);
    program_name nchar(128); cmd nchar(26); loginame nchar(128)"""
)
TABLES = columns("TABLE_CATALOG name; TABLE_SCHEMA name; TABLE_NAME name; TABLE_TYPE varchar(10)")
INFORMATION_COLUMNS = columns(
    """TABLE_CATALOG name; TABLE_SCHEMA name; TABLE_NAME name; COLUMN_NAME name; ORDINAL_POSITION;
    COLUMN_DEFAULT wide; IS_NULLABLE varchar(3); DATA_TYPE name; CHARACTER_MAXIMUM_LENGTH;
    NUMERIC_PRECISION tinyint; NUMERIC_SCALE; DATETIME_PRECISION smallint; COLLATION_NAME name"""
)
CONFIGURATIONS = columns("configuration_id; name nvarchar(35); value; value_in_use; description nvarchar(255)")


def by_name(shape: tuple[tuple[str, SqlType], ...], values: dict[str, Any]) -> tuple[Any, ...]:
    """Return a row from values by column name; a column without a value is NULL."""
    return tuple(values.get(name) for name, _ in shape)
