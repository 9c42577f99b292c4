"""`landfall fsx scan`: list a mounted tree into a Parquet file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from include.cli.output import print_json, progress
from include.cli.refusal import RefusalError

if TYPE_CHECKING:
    from include.fsx_migration.listings.scanning import ScanResult

EXIT_INCOMPLETE = 1
SHOWN = 20


def scan_command(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="Root of the tree, as this host mounts it.")],
    *,
    out: Annotated[Path, typer.Option(help="Parquet file to write; it must not lie in the tree.")],
    checksums: Annotated[bool, typer.Option("--checksums", help="Read every file for a checksum; slow.")] = False,
    cross_file_systems: Annotated[
        bool, typer.Option("--cross-file-systems", help="Enter directories on which something else is mounted.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Directories listed at once; more help on NFS.")] = 4,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 when a part of the tree could not be listed.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """List files, directories and symbolic links below DIR into a listing that plan and reconcile read."""
    from include.fsx_migration.listings.scan_worker import WorkerLostError
    from include.fsx_migration.listings.scanning import ScanRefusedError, scan

    try:
        with progress("scan", steps=1, as_json=as_json) as announce:
            found = scan(
                root,
                out,
                checksum_paths="all" if checksums else frozenset(),
                one_file_system=not cross_file_systems,
                workers=workers,
                announce=lambda _rows, text: announce(0, text),
            )
    except (ScanRefusedError, WorkerLostError) as error:
        raise RefusalError(str(error)) from error
    if as_json:
        print_json({"listing": str(out), **found.to_dict()})
    else:
        _print(found, out)
    if strict and not found.is_whole:
        raise typer.Exit(EXIT_INCOMPLETE)


def _print(found: "ScanResult", out: Path) -> None:
    sys.stdout.write(
        f"{out}: {found.files:,} files ({found.bytes:,} bytes), {found.directories:,} directories, "
        f"{found.symlinks:,} symbolic links in {found.seconds:.1f} s.\n"
    )
    if found.others:
        _name("sockets, pipes or devices are in no listing: DataSync does not copy them", found.other_paths)
    if found.vanished:
        sys.stdout.write(f"{found.vanished:,} names vanished during the scan.\n")
    if found.mounts:
        _name("directories were not entered, another file system is mounted there", found.mounts)
    if found.unreadable:
        named = tuple(f"{path} ({reason})" for path, reason in found.unreadable)
        _name("names could not be read; what lies in them is not in the listing: scan as a user who may read", named)


def _name(what: str, names: tuple[str, ...]) -> None:
    sys.stdout.write(f"{len(names):,} {what}:\n")
    for name in names[:SHOWN]:
        sys.stdout.write(f"    {name}\n")
    if len(names) > SHOWN:
        sys.stdout.write(f"    and {len(names) - SHOWN:,} more; --json names up to 1,000.\n")
