"""`landfall fsx reconcile`: compare two listings exactly."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from include.cli.output import print_json, progress
from include.cli.refusal import RefusalError

if TYPE_CHECKING:
    from include.fsx_migration.reconciliation.reconciling import Reconciliation

EXIT_DIFFERENT = 1


def reconcile_command(
    *,
    source: Annotated[Path, typer.Option(help="Listing of the source, Parquet or CSV, as `landfall fsx scan` makes.")],
    target: Annotated[Path, typer.Option(help="Listing of the target.")],
    out: Annotated[Path, typer.Option(help="Folder for differences.parquet; it is made.")],
    memory_limit: Annotated[
        str, typer.Option(help="Memory to keep to, as 1GB; what is more goes to a temporary folder.")
    ] = "1GB",
    mtime_tolerance_seconds: Annotated[
        float, typer.Option(min=0.0, help="Times this far apart count as equal, for file systems that round them.")
    ] = 0.0,
    directory_times: Annotated[
        bool, typer.Option("--directory-times", help="Compare the times of directories as well.")
    ] = False,
    fail_on_difference: Annotated[
        bool, typer.Option("--fail-on-difference", help="Exit with 1 when anything differs.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Compare two listings row by row: missing, extra, and changed in size, time, mode, owner or checksum."""
    from include.fsx_migration.listings.listing import ListingRefusedError
    from include.fsx_migration.reconciliation.reconciling import STEPS, reconcile

    try:
        with progress("reconcile", steps=STEPS, as_json=as_json) as announce:
            found = reconcile(
                source,
                target,
                out=out,
                memory_limit=memory_limit,
                mtime_tolerance_seconds=mtime_tolerance_seconds,
                directory_times=directory_times,
                announce=announce,
            )
    except ListingRefusedError as error:
        raise RefusalError(str(error)) from error
    except OSError as error:
        raise RefusalError(f"{out} cannot be written ({error.strerror}): name a folder that may be made.") from error
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found)
    if fail_on_difference and not found.is_same:
        raise typer.Exit(EXIT_DIFFERENT)


def _print(found: "Reconciliation") -> None:
    changed = ", ".join(f"{kind} {count:,}" for kind, count in found.changed.items())
    sys.stdout.write(
        f"{found.same:,} are the same, {found.missing:,} missing, {found.extra:,} extra, {found.differing:,} changed "
        f"({changed}) in {found.seconds:.1f} s.\n"
    )
    if not found.is_same:
        sys.stdout.write(f"Each difference: {found.differences}\n")
