"""T-SQL as typed functions, one per statement: fixed fragments joined with quoted parts, nothing interpolated."""

from include.log_shipping.tsql.canary import (
    beat_canary,
    create_canary,
    drop_probe,
    read_canary,
    read_probe,
    write_probe,
)
from include.log_shipping.tsql.databases import (
    agent_jobs,
    check_database,
    database_states,
    drop_database,
    kill,
    master_files,
    requests,
    row_counts,
    server_facts,
    sessions,
    set_agent_job,
    set_multi_user,
    set_read_only,
    set_read_write,
    set_recovery_full,
    set_single_user,
    user_tables,
)
from include.log_shipping.tsql.history import msdb_backups, msdb_restores, put_monitor_primary, put_monitor_secondary
from include.log_shipping.tsql.media import (
    After,
    back_up_database,
    back_up_log,
    file_list_only,
    header_only,
    label_only,
    recover,
    restore_database,
    restore_log,
    verify_only,
)
from include.log_shipping.tsql.quoting import Statement, identifier, literal

__all__ = [
    "After", "Statement", "agent_jobs", "back_up_database", "back_up_log", "beat_canary", "check_database",
    "create_canary", "database_states", "drop_database", "drop_probe", "file_list_only", "header_only", "identifier",
    "kill", "label_only", "literal", "master_files", "msdb_backups", "msdb_restores", "put_monitor_primary",
    "put_monitor_secondary", "read_canary", "read_probe", "recover", "requests", "restore_database", "restore_log",
    "row_counts", "server_facts", "sessions", "set_agent_job", "set_multi_user", "set_read_only", "set_read_write",
    "set_recovery_full", "set_single_user", "user_tables", "verify_only", "write_probe",
]  # fmt: skip
