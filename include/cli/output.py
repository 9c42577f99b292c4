"""How `landfall` speaks: JSON for machines, bars for people at a terminal, plain lines everywhere else."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from include.cli.refusal import RefusalError
from include.cli.stack import Announce


def print_json(document: object) -> None:
    """Print one JSON document on one line."""
    sys.stdout.write(json.dumps(document, default=str) + "\n")
    sys.stdout.flush()


def print_refusal(refusal: RefusalError, *, as_json: bool) -> None:
    """Print a refusal: as ``{"error", "details"}`` on stdout, or as its sentence and indented details on stderr."""
    if as_json:
        print_json({"error": refusal.sentence, "details": list(refusal.details)})
        return
    sys.stderr.write(f"landfall: {refusal.sentence}\n")
    sys.stderr.writelines(f"    {line}\n" for line in refusal.details)


@contextmanager
def progress(title: str, *, steps: int, as_json: bool) -> Iterator[Announce]:
    """Show work of known length; yields ``announce(done, text)``.

    A terminal gets a bar on stderr, a pipe gets a line whenever the text changes, ``as_json`` stays silent.
    """
    if as_json:
        yield lambda _done, _text: None
    elif sys.stderr.isatty():
        with _bar(title, steps=steps) as announce:
            yield announce
    else:
        yield _lines(title, steps=steps)


@contextmanager
def _bar(title: str, *, steps: int) -> Iterator[Announce]:
    columns = (TextColumn("[bold]{task.fields[title]}"), BarColumn(bar_width=24), MofNCompleteColumn())
    tail = (TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, *tail, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=steps, title=title)
        yield lambda done, text: bar.update(task, completed=done, description=text)


def _lines(title: str, *, steps: int) -> Announce:
    said = ""

    def announce(done: int, text: str) -> None:
        nonlocal said
        if text != said:
            said = text
            sys.stderr.write(f"{title} {done}/{steps}: {text}\n")
            sys.stderr.flush()

    return announce


def print_table(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Print a table on stdout; None shows as a dash."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*("-" if value is None else str(value) for value in row))
    Console(soft_wrap=True).print(table)
