"""`landfall fsx`: list a tree, split a listing into manifests, compare two listings."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from include.cli.fsx_reconcile import reconcile_command
from include.cli.fsx_scan import scan_command
from include.cli.output import print_json, print_table, progress
from include.cli.refusal import EXIT_USAGE, RefusalError

if TYPE_CHECKING:
    from include.fsx_migration.partition.partitioning import Partition

app = typer.Typer(no_args_is_help=True, help="FSx migration: scan a tree, partition and reconcile listings.")
app.command("scan")(scan_command)
app.command("reconcile")(reconcile_command)

SHOWN = 20


@app.command("partition")
def partition_command(
    *,
    listing: Annotated[Path, typer.Option(help="Parquet or CSV listing, as `landfall fsx scan` writes it.")],
    parts: Annotated[int, typer.Option(help="Manifests to make: a multiple of the agents, one to each at a time.")],
    out: Annotated[Path, typer.Option(help="Folder for part-0000.csv and so on; older ones in it are replaced.")],
    max_files: Annotated[
        int | None, typer.Option(help="Files in a manifest at most; takes more parts if need be.")
    ] = None,
    max_manifest_bytes: Annotated[
        int | None, typer.Option(help="Size of a manifest at most; 20 GB by default.")
    ] = None,
    cost_per_file_bytes: Annotated[int, typer.Option(help="What a file costs besides its bytes, as bytes.")] = 1 << 20,
    memory_limit: Annotated[str, typer.Option(help="Memory for sorting, as 2GB; more goes to the disk.")] = "2GB",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Split a listing's files and symbolic links into manifests of about the same cost."""
    from include.fsx_migration.listings.listing import ListingRefusedError
    from include.fsx_migration.partition.manifests import MAX_MANIFEST_BYTES
    from include.fsx_migration.partition.partitioning import STEPS, partition

    try:
        with progress("partition", steps=STEPS, as_json=as_json) as announce:
            made = partition(
                listing,
                parts=parts,
                out=out,
                max_files=max_files,
                max_manifest_bytes=MAX_MANIFEST_BYTES if max_manifest_bytes is None else max_manifest_bytes,
                cost_per_file_bytes=cost_per_file_bytes,
                memory_limit=memory_limit,
                announce=announce,
            )
    except ListingRefusedError as error:
        raise RefusalError(str(error)) from error
    except ValueError as error:
        sys.stderr.write(f"landfall: {error}\n")
        raise typer.Exit(EXIT_USAGE) from error
    except OSError as error:
        raise RefusalError(f"{out} cannot be written ({error.strerror}): name another folder.") from error
    if as_json:
        print_json(made.to_dict())
    else:
        _print(made, out)


def _print(made: "Partition", out: Path) -> None:
    rows = [(part.manifest, f"{part.files:,}", f"{part.bytes:,}") for part in made.parts]
    print_table(("manifest", "files", "bytes"), rows[:SHOWN])
    if len(rows) > SHOWN:
        sys.stdout.write(f"and {len(rows) - SHOWN:,} more; --json names all.\n")
    sys.stdout.write(
        f"{made.files:,} files ({made.bytes:,} bytes) in {len(made.parts):,} manifests in {out}; the dearest costs "
        f"{made.max_over_mean:.4f} of the mean, and no way of dealing does better than {made.lower_bound:.4f}.\n"
    )
    if made.raised_from is not None:
        sys.stdout.write(f"The limits took {len(made.parts):,} parts instead of {made.raised_from:,}.\n")
    if made.lowered_from is not None:
        sys.stdout.write(f"There are {len(made.parts):,} parts instead of {made.lowered_from:,}: one for each file.\n")
    if made.left_out:
        sys.stdout.write(f"{made.left_out:,} names fit no manifest; {out / 'left-out.csv'} has them with the reason.\n")
    if made.directories:
        sys.stdout.write(f"{made.directories:,} directories are in no manifest: the closing pass copies them.\n")
