"""msdb's tables with SQL Server's own column names and types, as its documentation lists them."""

from __future__ import annotations

_GUID, _NAME, _WHEN, _LSN = "uniqueidentifier", "nvarchar(128)", "datetime", "numeric(25,0)"


def _columns(text: str) -> tuple[tuple[str, str], ...]:
    """Read "name type, name type"; a name without a type is an int. Types of several columns are written short."""
    short = {"guid": _GUID, "name": _NAME, "when": _WHEN, "lsn": _LSN, "": "int"}
    pairs = (entry.split() for entry in text.replace("\n", " ").split(";"))
    return tuple((pair[0], short.get(pair[1], pair[1]) if len(pair) > 1 else "int") for pair in pairs if pair)


TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "backupmediaset": _columns(
        """media_set_id; media_uuid guid; media_family_count tinyint; name name; description nvarchar(255);
        software_name name; software_vendor_id; MTF_major_version tinyint; mirror_count tinyint;
        is_password_protected bit; is_compressed bit; is_encrypted bit"""
    ),
    "backupmediafamily": _columns(
        """media_set_id; family_sequence_number tinyint; media_family_id guid; media_count; logical_device_name name;
        physical_device_name nvarchar(260); device_type tinyint; physical_block_size; mirror tinyint"""
    ),
    "backupset": _columns(
        """backup_set_id; backup_set_uuid guid; media_set_id; first_family_number tinyint; first_media_number smallint;
        last_family_number tinyint; last_media_number smallint; catalog_family_number tinyint;
        catalog_media_number smallint; position; expiration_date when; software_vendor_id; name name;
        description nvarchar(255); user_name name; software_major_version tinyint; software_minor_version tinyint;
        software_build_version smallint; time_zone smallint; mtf_minor_version tinyint; first_lsn lsn; last_lsn lsn;
        checkpoint_lsn lsn; database_backup_lsn lsn; database_creation_date when; backup_start_date when;
        backup_finish_date when; type char(1); sort_order smallint; code_page smallint; compatibility_level tinyint;
        database_version; backup_size numeric(20,0); database_name name; server_name name; machine_name name; flags;
        unicode_locale; unicode_compare_style; collation_name name; is_password_protected bit;
        recovery_model nvarchar(60); has_bulk_logged_data bit; is_snapshot bit; is_readonly bit; is_single_user bit;
        has_backup_checksums bit; is_damaged bit; begins_log_chain bit; has_incomplete_metadata bit;
        is_force_offline bit; is_copy_only bit; first_recovery_fork_guid guid; last_recovery_fork_guid guid;
        fork_point_lsn lsn; database_guid guid; family_guid guid; differential_base_lsn lsn;
        differential_base_guid guid; compressed_backup_size numeric(20,0); key_algorithm nvarchar(32);
        encryptor_thumbprint varbinary(20); encryptor_type nvarchar(32); last_valid_restore_time when;
        compression_algorithm nvarchar(32)"""
    ),
    "backupfile": _columns(
        """backup_set_id; first_family_number tinyint; first_media_number smallint; filegroup_name name; page_size;
        file_number numeric(10,0); backed_up_page_count numeric(10,0); file_type char(1); source_file_block_size;
        file_size numeric(20,0); logical_name name; physical_drive nvarchar(260); physical_name nvarchar(260);
        state tinyint; state_desc nvarchar(64); differential_base_lsn lsn; differential_base_guid guid;
        backup_size numeric(20,0); is_readonly bit; is_present bit"""
    ),
    "restorehistory": _columns(
        """restore_history_id; restore_date when; destination_database_name name; user_name name; backup_set_id;
        restore_type char(1); replace bit; recovery bit; restart bit; stop_at when; device_count tinyint;
        stop_at_mark_name name; stop_before bit"""
    ),
    "restorefile": _columns(
        """restore_history_id; file_number numeric(10,0); destination_phys_drive nvarchar(260);
        destination_phys_name nvarchar(260)"""
    ),
    "suspect_pages": _columns("database_id; file_id; page_id bigint; event_type; error_count; last_update_date when"),
    "log_shipping_monitor_primary": _columns(
        """primary_id guid; primary_server name; primary_database name; backup_threshold; threshold_alert;
        threshold_alert_enabled bit; last_backup_file nvarchar(500); last_backup_date when; last_backup_date_utc when;
        history_retention_period"""
    ),
    "log_shipping_monitor_secondary": _columns(
        """secondary_server name; secondary_database name; secondary_id guid; primary_server name;
        primary_database name; restore_threshold; threshold_alert; threshold_alert_enabled bit;
        last_copied_file nvarchar(500); last_copied_date when; last_copied_date_utc when;
        last_restored_file nvarchar(500); last_restored_date when; last_restored_date_utc when; last_restored_latency;
        history_retention_period"""
    ),
    "log_shipping_monitor_history_detail": _columns(
        """agent_id guid; agent_type tinyint; session_id; database_name name; session_status tinyint; log_time when;
        log_time_utc when; message nvarchar(4000)"""
    ),
    "log_shipping_monitor_error_detail": _columns(
        """agent_id guid; agent_type tinyint; session_id; database_name name; sequence_number; log_time when;
        log_time_utc when; message nvarchar(4000); source nvarchar(4000); help_url nvarchar(4000)"""
    ),
    "log_shipping_primary_databases": _columns(
        """primary_id guid; primary_database name; backup_directory nvarchar(500); backup_share nvarchar(500);
        backup_retention_period; backup_job_id guid; monitor_server name; monitor_server_security_mode bit;
        last_backup_file nvarchar(500); last_backup_date when; user_specified_monitor bit;
        backup_compression tinyint"""
    ),
    "log_shipping_primary_secondaries": _columns("primary_id guid; secondary_server name; secondary_database name"),
    "log_shipping_secondary_databases": _columns(
        """secondary_database name; secondary_id guid; restore_delay; restore_all bit; restore_mode bit;
        disconnect_users bit; block_size; buffer_count; max_transfer_size; last_restored_file nvarchar(500);
        last_restored_date when"""
    ),
}
"""Table to its columns in order, each a name and a T-SQL type."""

WRITABLE_PREFIX = "log_shipping_"
"""Statements may change only tables whose name begins so; the others are history that BACKUP and RESTORE write."""

IDENTITIES = {
    "backupmediaset": "media_set_id",
    "backupset": "backup_set_id",
    "restorehistory": "restore_history_id",
}
"""Tables whose key numbers itself."""
