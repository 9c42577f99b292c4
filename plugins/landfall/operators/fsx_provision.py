"""Have the file system of a migration: adopted, found again or created, and AVAILABLE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landfall.operators.fsx import FsxCreateFileSystemOperator
from landfall.retries import AwsRetryPolicy

if TYPE_CHECKING:
    from airflow.sdk import Context


class ProvisionFileSystemOperator(FsxCreateFileSystemOperator):
    """Adopt, find or create the file system of the run's migration and wait until it is AVAILABLE.

    What it should be stands in the migration's definition; `include.fsx_migration.resources.file_systems` decides.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(file_system_type="", subnet_ids=[], **kwargs)
        self.retry_policy = self.retry_policy or AwsRetryPolicy()

    def create_file_system(self, context: Context) -> str:
        """Find or create it by the definition; the intent is kept first."""
        from include.fsx_migration.resources.file_systems import ensure_file_system
        from landfall.fsx_migration_runs import held_workplace

        return ensure_file_system(held_workplace(context, "transfer")).id
