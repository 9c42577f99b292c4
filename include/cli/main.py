"""The `landfall` command. Only signatures live here; a command's body is imported when the command runs."""

import importlib
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from include.cli.refusal import EXIT_REFUSED, RefusalError

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def commands_of(module: str) -> type[TyperGroup]:
    """Return a group whose commands are those of a module's `app`, imported when one of them is asked for."""

    def group() -> TyperGroup:
        return typer.main.get_group(importlib.import_module(module).app)

    class LateCommands(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            return group().list_commands(ctx)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            return group().get_command(ctx, cmd_name)

    return LateCommands


app = typer.Typer(
    name="landfall",
    help="Run and inspect Landfall: the local stack, its demo, back-tests and benchmarks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(
    typer.Typer(cls=commands_of("include.cli.ioc"), no_args_is_help=True),
    name="ioc",
    help="Back-test the IOC queries on a labelled mail history; threat report for one mail.",
)

app.add_typer(
    typer.Typer(cls=commands_of("include.cli.scanner"), no_args_is_help=True),
    name="scanner",
    help="Back-test the blocking of scanners on access logs; choose a threshold.",
)

app.add_typer(
    typer.Typer(cls=commands_of("include.cli.sql"), no_args_is_help=True),
    name="sql",
    help="Plan a SQL Server restore: which backups, in which order, and is the chain proven.",
)

app.add_typer(
    typer.Typer(cls=commands_of("include.cli.fsx"), no_args_is_help=True),
    name="fsx",
    help="Migrate files to FSx: scan a tree, partition and reconcile listings.",
)

app.add_typer(
    typer.Typer(cls=commands_of("include.cli.discovery"), no_args_is_help=True),
    name="discovery",
    help="Assess an estate for its migration: inventory, sizing, cost, applications, waves.",
)


@app.command()
def up(*, as_json: Json = False) -> None:
    """Start the local stack (Airflow, the local AWS, two SQL Servers) and wait until it is healthy."""
    from include.cli import stack_commands

    stack_commands.up(os.environ, as_json=as_json)


@app.command()
def down(*, as_json: Json = False) -> None:
    """Stop every process of the local stack; state and logs stay."""
    from include.cli import stack_commands

    stack_commands.down(os.environ, as_json=as_json)


@app.command()
def status(
    *, as_json: Json = False, passwords: Annotated[bool, typer.Option(help="Show the users' passwords, too.")] = False
) -> None:
    """Say what runs, where, and whether it is healthy (exit code 3 when it is not)."""
    from include.cli import stack_commands

    if not stack_commands.status(os.environ, as_json=as_json, passwords=passwords):
        raise typer.Exit(EXIT_REFUSED)


@app.command()
def demo(
    families: Annotated[list[str] | None, typer.Argument(help="Workflow families; all when none is named.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Run the workflows end to end on the local stack and say where to look."""
    from include.cli.demo import run_demo

    run_demo(families or [], as_json=as_json)


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Benchmark lines; all when none is named.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Run benchmarks, each beside its naive way: ours, peer, and their ratio."""
    from include.cli.bench import run_benchmarks

    run_benchmarks(names or [], as_json=as_json)


def main() -> None:
    """Run the command; a refusal ends as one sentence and exit code 3."""
    try:
        app()
    except RefusalError as refusal:
        from include.cli.output import print_refusal

        print_refusal(refusal, as_json="--json" in sys.argv[1:])
        sys.exit(EXIT_REFUSED)


if __name__ == "__main__":
    main()
