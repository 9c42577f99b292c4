"""The gate that compares source and target of a migration: a task for every DAG that needs it."""

from __future__ import annotations

from typing import Any

from airflow.sdk import get_current_context, task

from landfall.fsx_migration_runs import held_workplace


def reconcile_task(*, task_id: str, label: str, frozen: bool = False, **task_arguments: Any) -> Any:
    """Return the task, called: it lists both trees, compares them, keeps all of it and judges it.

    :param label: names the documents below `reconciliations/`; a run writes over those of an earlier one.
    :param frozen: nobody writes to the source any more, so that what changed there is a difference.
    :param task_arguments: any argument of `@task`.
    """

    @task(task_id=task_id, multiple_outputs=False, **task_arguments)
    def reconcile() -> dict[str, Any]:
        """Gate: the target is the source, row by row; every difference is a failed file with its name."""
        return reconcile_and_judge(label=label, frozen=frozen)

    return reconcile()


def reconcile_and_judge(*, label: str, frozen: bool) -> dict[str, Any]:
    """Compare and judge inside a running task; returns counts, the verdict and URIs.

    :raises GateBlocked: a claim does not hold, or a path differs and nothing says why; the documents are kept.
    """
    from include.fsx_migration.reconciliation.reconciliations import gate_rows, reconcile_migration
    from include.gates.suites.fsx_migration import reconciliation_suite
    from landfall.gates import check
    from landfall.hooks.fsx_migration import FsxMigrationHook

    place = held_workplace(get_current_context(), "reconciliation")
    summary = reconcile_migration(place, label=label, frozen=frozen)
    suite = reconciliation_suite()

    def load() -> Any:
        import pandas as pd

        return pd.DataFrame(gate_rows(summary), columns=list(suite.columns))

    result = check(load, suite, store=FsxMigrationHook().gate_store).result
    counts = {name: summary[name] for name in ("same", "missing", "extra", "changed", "files", "bytes", "failed")}
    return {**counts, **summary["paths"], "verdict": result.verdict.value, "uris": summary["uris"]}
