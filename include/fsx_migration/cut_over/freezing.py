"""Whether nobody writes to the source any more: two listings, some time apart, that do not differ."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.listings.listing import out_of_core
from include.fsx_migration.listings.scanning import scan
from include.fsx_migration.reconciliation.reconciling import reconcile
from include.fsx_migration.refusals import NotReadyError, RefusedError
from include.workbench import workbench

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from include.fsx_migration.workplace import Workplace

FREEZE: Final = "freeze.json"
_NAMED: Final = 5


class NotFrozenError(NotReadyError):
    """Something in the source still changes; the message names it. A later try may find it quiet."""


class ThawedError(RefusedError):
    """The source changed after it was reconciled: what was approved is no longer what is there."""


def check_frozen(place: Workplace, *, pause: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """List the source twice, `quiet_seconds` apart, and keep since when it is frozen in `cut_over/freeze.json`.

    A writer that has a file open and is silent for longer is not seen by anybody who looks at metadata: stop writers,
    or export the share read-only, and let this prove it.

    :raises NotFrozenError: names, sizes, times, modes or owners changed in between, with the first paths.
    """
    quiet, mount = place.migration.cut_over.quiet_seconds, place.migration.source.mount
    with workbench(place.store) as bench:
        first, second = bench.folder / "first.parquet", bench.folder / "second.parquet"
        frozen_at, clock = place.now(), time.monotonic()
        found = scan(mount, first)
        pause(max(0.0, quiet - (time.monotonic() - clock)))
        scan(mount, second)
        changed = _changed(first, second, bench.folder / "changed")
    if changed:
        raise NotFrozenError(
            f"The source {mount} still changes: {_some(changed)} changed within {quiet:g} s. Stop who writes there, or "
            "export it read-only, then clear this task."
        )
    document = {
        "frozen_at": frozen_at.isoformat(),
        "quiet_seconds": quiet,
        "files": found.files,
        "directories": found.directories,
        "bytes": found.bytes,
    }
    place.store.put_json(place.places.cut_over(FREEZE), document)
    return document


def require_still_frozen(place: Workplace, *, label: str) -> None:
    """Compare the source with the listing of its reconciliation: an approval may have taken hours.

    :raises ThawedError: something changed since, with the first paths.
    """
    mount = place.migration.source.mount
    with workbench(place.store) as bench:
        before, now = bench.fetch(place.places.listing("source", label), "before.parquet"), bench.folder / "now.parquet"
        scan(mount, now)
        changed = _changed(before, now, bench.folder / "changed")
    if changed:
        raise ThawedError(
            f"The source {mount} changed after it was reconciled: {_some(changed)}. Nobody was led over. Stop who "
            "writes there, then clear check_frozen with all that follows."
        )


def _changed(before: Path, after: Path, folder: Path) -> list[str]:
    found = reconcile(before, after, out=folder, directory_times=True)
    if found.is_same:
        return []
    with out_of_core(memory_limit="500MB") as connection:
        connection.read_parquet(str(found.differences)).create_view("differences")
        return [path for (path,) in connection.execute("FROM differences SELECT DISTINCT path ORDER BY 1").fetchall()]


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else ""
    return ", ".join(repr(path) for path in paths[:_NAMED]) + more
