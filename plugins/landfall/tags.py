"""The words a DAG is tagged with: family, impact, and whether it may be run again."""

from __future__ import annotations

from enum import StrEnum


class Family(StrEnum):
    """Whose work it is; the first part of the dag_id."""

    IOC_REFRESH = "ioc_refresh"
    SCANNER_BLOCK = "scanner_block"
    LOG_SHIPPING = "log_shipping"
    FSX_MIGRATION = "fsx_migration"
    DISCOVERY = "discovery"


class Impact(StrEnum):
    """What a run changes."""

    READS = "impact:reads"
    """Nothing but its own reports."""
    CHANGES = "impact:changes"
    """Something that is read in production; the DAG can undo it."""
    CANNOT_UNDO = "impact:cannot-undo"


class Rerun(StrEnum):
    """What running it again does."""

    SAME_RESULT = "rerun:same-result"
    """Any task may be cleared at any time."""
    ASK_RUNBOOK = "rerun:ask-runbook"
    """The runbook says which task may be cleared when."""


def tags(family: Family, impact: Impact, rerun: Rerun) -> list[str]:
    """Return the three tags that every DAG carries."""
    return [family.value, impact.value, rerun.value]
