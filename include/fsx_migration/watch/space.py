"""When a target's free space stops a migration.

A full storage target ends writes although others have room (FSx for Lustre user guide, "Monitoring with Amazon
CloudWatch").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.fsx_migration.watch.troubles import Remedy, Trouble

if TYPE_CHECKING:
    from include.fsx_migration.resources.metrics import Measured

_GIB: Final = 1 << 30


def space_troubles(measured: Measured, *, storage_gib: int, free_share: float) -> list[Trouble]:
    """Return what is short of room, in total or on one storage target; nothing while CloudWatch has no values."""
    found = []
    capacity = storage_gib * _GIB
    if measured.free_bytes is not None and measured.free_bytes < free_share * capacity:
        sentence = (
            f"The file system has {_gib(measured.free_bytes)} of {storage_gib:,} GiB left, less than the "
            f"{free_share:.0%} that stay free."
        )
        found.append(_space("space/total", sentence))
    share, least = capacity / max(measured.targets, 1), measured.least_free_bytes
    if least is not None and measured.targets > 1 and least < free_share * share:
        sentence = (
            f"The fullest of {measured.targets} storage targets has {_gib(least)} of {_gib(share)} "
            f"left, less than the {free_share:.0%} that stay free; writes to it end although others have room."
        )
        found.append(_space("space/target", sentence))
    return found


def _space(key: str, sentence: str) -> Trouble:
    return Trouble(
        key=key,
        remedy=Remedy.STOP_ALL,
        sentence=sentence,
        look="Delete what is not needed on the file system or increase its storage capacity, then clear the task.",
    )


def _gib(size: float) -> str:
    return f"{size / _GIB:,.1f} GiB"
