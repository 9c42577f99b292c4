"""Write docs/dags.md from the DAG files: `python -m landfall.dag_docs`, with `--check` only compare."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "dags.md"
_OPENING = """<!-- Written by `make docs` from the DAG files; edit those. -->

# DAGs

Each page below is the DAG's own documentation, as the web UI shows it, with its schedule, form and tasks.
"""


def dag_page() -> str:
    """Return the text of docs/dags.md; raises RuntimeError when a DAG file cannot be imported or none is found."""
    dags = sorted(_parsed_dags(), key=lambda dag: dag.dag_id)
    return "\n".join([_OPENING, *(line for dag in dags for line in _section(dag))])


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` exit 1 when the file differs from what would be written."""
    text = dag_page()
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        sys.stderr.write("docs/dags.md does not match the DAG files: run `make docs` and commit the result.\n")
        return 1
    return 0


def _parsed_dags() -> list[Any]:
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("AIRFLOW_HOME", home)
        os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(dag_folder=ROOT / "dags", bundle_path=ROOT / "dags", bundle_name="dags")
    if bag.import_errors or not bag.dags:
        raise RuntimeError(f"The DAG files cannot be documented: {bag.import_errors or 'there are none'}")
    return list(bag.dags.values())


def _section(dag: Any) -> Iterator[str]:
    title, _, body = dag.doc_md.strip().partition("\n")
    yield f"## {title.lstrip('# ')}"
    yield ""
    yield f"`{dag.dag_id}` · {_schedule(dag)} · {', '.join(f'`{tag}`' for tag in sorted(dag.tags))}"
    yield f"{body.rstrip()}\n"
    yield from _form(dag)
    yield "| task | what it does |"
    yield "|---|---|"
    for task in dag.topological_sort():
        yield f"| `{task.task_id}` | {_purpose(task)} |"
    yield ""


def _form(dag: Any) -> Iterator[str]:
    if not dag.params:
        return
    yield "| field of the trigger form | default | meaning |"
    yield "|---|---|---|"
    for name in dag.params:
        param = dag.params.get_param(name)
        default = f"`{param.value}`" if param.has_value and param.value is not None else ""
        yield f"| `{name}` | {default} | {param.description} |"
    yield ""


def _schedule(dag: Any) -> str:
    """Say the schedule: cron text, assets, or that people start it."""
    timetable = dag.timetable
    parts = []
    inner = getattr(timetable, "timetable", timetable)
    if expression := getattr(inner, "expression", None) or getattr(inner, "_expression", None):
        parts.append(f"`{expression}` UTC")
    if condition := getattr(timetable, "asset_condition", None):
        parts.append("asset " + ", ".join(f"`{asset.name}`" for asset in condition.objects))
    return " or ".join(parts) or "started by people"


def _purpose(task: Any) -> str:
    """Return the first sentence that explains a task."""
    text = getattr(task, "python_callable", None) and task.python_callable.__doc__
    text = text or getattr(getattr(task, "queries", None), "__doc__", None)
    if not text and getattr(task, "subject", None):
        people = ", ".join(person["name"] for person in task.assigned_users or ())
        text = f"Waits for one of {people}."
    return " ".join((text or "").split())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
