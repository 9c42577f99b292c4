"""`landfall discovery`: the whole assessment without Airflow, comparisons, anonymised copies, tool selection."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from include.cli.output import print_json, progress
from include.cli.refusal import RefusalError

if TYPE_CHECKING:
    from include.discovery.settings import AssessmentSettings

app = typer.Typer(no_args_is_help=True, help="Assess an estate: inventory, sizing, cost, applications, waves.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command("assess")
def assess_command(
    *,
    source: Annotated[list[Path], typer.Option(help="A file or folder of exports; may be given several times.")],
    out: Annotated[Path, typer.Option(help="Folder for the assessment; it is replaced as a whole.")],
    settings: Annotated[Path | None, typer.Option(help="Settings as YAML (docs/discovery/settings.md).")] = None,
    review: Annotated[Path | None, typer.Option(help="A workbook whose review sheet people edited.")] = None,
    previous: Annotated[Path | None, typer.Option(help="Folder of an earlier assessment, for the trend.")] = None,
    memory_limit: Annotated[
        str, typer.Option(help="Memory of the query engine, as 1GB; more goes to the disk.")
    ] = "1GB",
    as_json: Json = False,
) -> None:
    """Read, merge, gate, size, cost, group, rank and plan; write one folder."""
    from include.discovery.assess import STEPS, assess, make_order

    for place in source:
        if not place.exists():
            raise RefusalError(f"{place} does not exist: name a file or folder of exports.")
    wanted = _settings(settings)
    try:
        order = make_order(
            wanted, prices=Path(wanted.prices) if wanted.prices else None, review=review, previous=previous
        )
        with progress("assess", steps=STEPS, as_json=as_json) as announce:
            assess(source, out, order, announce=announce, memory_limit=memory_limit)
    except ValueError as error:
        raise RefusalError(str(error)) from error
    except OSError as error:
        raise RefusalError(f"{error.filename or out}: {error.strerror}.") from error
    _tell(out, as_json=as_json)


@app.command("diff")
def diff_command(
    *,
    before: Annotated[Path, typer.Argument(help="Folder of the earlier assessment.")],
    after: Annotated[Path, typer.Argument(help="Folder of the later one, or of a what-if.")],
    as_json: Json = False,
) -> None:
    """Say what two assessments differ in: moved applications, changed sizes, cost by item, new and gone servers."""
    from include.discovery.delivery.diffs import compare_assessments, describe_comparison

    try:
        found = compare_assessments(before, after)
    except (ValueError, FileNotFoundError) as error:
        raise RefusalError(str(error)) from error
    if as_json:
        print_json(found)
    else:
        sys.stdout.write(describe_comparison(found))


@app.command("anonymise")
def anonymise_command(
    *,
    folder: Annotated[Path, typer.Argument(help="Folder of an assessment.")],
    out: Annotated[Path, typer.Option(help="Folder for the copy; the private map is written beside it.")],
) -> None:
    """Copy an assessment with pseudonyms for names, addresses and owners; the map stays with you."""
    import secrets

    from include.discovery.delivery.anonymising import anonymise

    try:
        anonymise(folder, out, salt=secrets.token_bytes(32))
    except (ValueError, FileNotFoundError) as error:
        raise RefusalError(str(error)) from error
    sys.stdout.write(f"{out} has no name of yours; the private map lies beside it: keep it to yourself.\n")


@app.command("select-tool")
def select_tool_command(
    *,
    request: Annotated[Path, typer.Option(help="What you want and have, as YAML (docs/discovery/tool_selection.md).")],
    as_json: Json = False,
) -> None:
    """Choose a discovery tool: Review what is missing, Refine the catalogue, Select by your priorities."""
    from datetime import UTC, datetime

    from include.discovery.selection.catalogue import load_catalogue
    from include.discovery.selection.request import read_request
    from include.discovery.selection.select import select_tool, to_markdown
    from include.yaml_lines import ProblemsError

    tools = load_catalogue()
    try:
        found = select_tool(read_request(request.read_text(), catalogue=tools, at=datetime.now(UTC).date()), tools)
    except ProblemsError as error:
        raise RefusalError(f"{request} cannot be meant:", details=tuple(str(one) for one in error.problems)) from error
    except (ValueError, OSError) as error:
        raise RefusalError(str(error)) from error
    if as_json:
        print_json(found.to_dict())
    else:
        sys.stdout.write(to_markdown(found))


def _settings(file: Path | None) -> "AssessmentSettings":
    from include.discovery.settings import read_settings
    from include.yaml_lines import ProblemsError

    if file is None:
        return read_settings("")
    try:
        return read_settings(file.read_text())
    except ProblemsError as error:
        raise RefusalError(f"{file} cannot be meant:", details=tuple(str(one) for one in error.problems)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise RefusalError(f"{file} cannot be read ({error}).") from error


def _tell(out: Path, *, as_json: bool) -> None:
    import json

    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    if as_json:
        print_json(summary)
        return
    for name in ("servers", "conflicts", "quarantined"):
        sys.stdout.write(f"{name}: {summary[name]:,}\n")
    sys.stdout.write(f"The report: {out / 'report.html'}\n")
