"""`landfall sql`: which backups a restore takes, in which order, and whether their chain is proven."""

import gc
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from include.cli.output import print_json
from include.cli.refusal import EXIT_USAGE, RefusalError

app = typer.Typer(help="SQL Server: plan a restore from backup headers, without a server.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
MAX_LSN_DIGITS = 25


@app.command("plan-restore")
def plan_restore_command(
    *,
    headers: Annotated[str, typer.Option(help="JSON file with the backup headers; - reads standard input.")],
    to: Annotated[str | None, typer.Option(help="Time to reach, ISO 8601; without a zone it is UTC.")] = None,
    ignore_logs: Annotated[bool, typer.Option("--ignore-logs", help="Full and differential backups only.")] = False,
    ignore_diffs: Annotated[bool, typer.Option("--ignore-diffs", help="Full and log backups only.")] = False,
    continue_from: Annotated[str | None, typer.Option(help="redo_start_lsn of a database that is restoring.")] = None,
    fork: Annotated[str | None, typer.Option(help="redo_start_fork_guid of that database.")] = None,
    database: Annotated[str | None, typer.Option(help="One of several databases in the file.")] = None,
    as_json: Json = False,
) -> None:
    """Choose the backups of a restore, prove their LSN chain, and say how far it reaches."""
    from include.log_shipping.headers import HeadersError, read_headers
    from include.log_shipping.plans import NothingToRestoreError, plan_restore

    asked, redo = _asked_time(to), _redo(continue_from, fork)
    # a hundred thousand headers hold no cycles; looking for some would double the time
    gc.disable()
    try:
        known = _of_database(read_headers(_document(headers)), database)
        plan = plan_restore(
            known, to=asked, ignore_logs=ignore_logs, ignore_diffs=ignore_diffs, continue_from=redo, fork=fork
        )
    except NothingToRestoreError as error:
        raise RefusalError(str(error)) from error
    except HeadersError as error:
        first, *others = error.problems
        raise RefusalError(f"{headers}: {first}", details=tuple(others)) from error
    finally:
        gc.enable()
    document = plan.to_document(to_text=to)
    if as_json:
        print_json(document)
    else:
        _print_plan(plan.restores, document)


def _asked_time(text: str | None) -> datetime | None:
    from include.log_shipping.header_fields import read_time

    if text is None:
        return None
    try:
        return read_time(text)
    except ValueError:
        raise _usage(f"--to is {text!r}: give a time as 2026-05-31T23:05:00Z.") from None


def _redo(continue_from: str | None, fork: str | None) -> int | None:
    if (continue_from is None) != (fork is None):
        raise _usage("--continue-from and --fork belong together: give both, or neither.")
    if continue_from is None:
        return None
    if not continue_from.isascii() or not continue_from.isdigit() or len(continue_from) > MAX_LSN_DIGITS:
        raise _usage(f"--continue-from is {continue_from!r}: give an LSN of up to {MAX_LSN_DIGITS} digits.")
    return int(continue_from)


def _usage(sentence: str) -> typer.Exit:
    sys.stderr.write(f"landfall: {sentence}\n")
    return typer.Exit(EXIT_USAGE)


def _document(source: str) -> Any:
    try:
        content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        # `utf-8-sig`: Windows PowerShell writes a byte order mark
        return json.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise RefusalError(f"{source} cannot be read ({error.strerror}): give the path of a JSON file, or -.") from None
    except (ValueError, RecursionError) as error:
        raise RefusalError(f"{source} is no JSON ({error}): write it as UTF-8 JSON.") from None


def _of_database(headers: list[Any], database: str | None) -> list[Any]:
    from include.log_shipping.selection import database_names

    names = database_names(headers)
    if database is None:
        if len(names) > 1:
            raise RefusalError(
                f"The headers are of {len(names)} databases: choose one with --database.", details=tuple(names)
            )
        return headers
    chosen = [header for header in headers if header.database.lower() == database.lower()]
    if not chosen:
        raise RefusalError(f"No header is of database {database}: choose one that is there.", details=tuple(names))
    return chosen


def _print_plan(restores: tuple[Any, ...], document: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "", "type", "backup set", "first LSN", "last LSN", "finished (UTC)", "files", box=None, pad_edge=False
    )
    for number, header in enumerate(restores, start=1):
        lsns = str(header.first_lsn), str(header.last_lsn)
        finished = f"{header.finished:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(number), header.type, str(header.given.id), *lsns, finished, ", ".join(header.files))
    if restores:
        # a GUID or a path that is cut helps nobody: a narrow terminal wraps the lines itself
        Console(width=1000, soft_wrap=True).print(table)
    chain, reaches = document["chain"], document["reaches"]
    reached = f"LSN {reaches['lsn']}" + (f", {reaches['time']}" if reaches["time"] else "")
    verdict = "The chain is proven" if chain["proven"] else "The chain is NOT proven"
    sys.stdout.write(f"{verdict}; it reaches {reached}.\n")
    if chain["reason"]:
        sys.stdout.write(f"{chain['reason']}\n")
