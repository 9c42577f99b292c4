"""What every DAG of this project looks like, so that nobody has to look twice."""

import ast
from pathlib import Path
from typing import Any

import pytest

from landfall.tags import Family, Impact, Rerun
from tests.dags.conftest import ROOT, dag_files

HEADINGS = ("**Changes:**", "**Undo:**", "**If it fails:**", "**Waits for a person:**")
FILES = pytest.mark.parametrize("path", dag_files(), ids=lambda path: f"{path.parent.name}/{path.stem}")


def dag_id(path: Path) -> str:
    return f"{path.parent.name}_{path.stem}"


@FILES
def test_the_dag_is_named_for_its_file(path: Path, dags: dict[str, Any]) -> None:
    assert dag_id(path) in dags


@FILES
def test_the_docstring_is_the_page_and_has_the_headings(path: Path, dags: dict[str, Any]) -> None:
    text = ast.get_docstring(ast.parse(path.read_text()))
    assert text
    assert text.startswith("# ")
    positions = [text.find(heading) for heading in HEADINGS]
    assert -1 not in positions
    assert positions == sorted(positions)
    assert dags[dag_id(path)].doc_md.strip() == text.strip()


@FILES
def test_the_docstring_names_every_task_that_waits_for_a_person(path: Path, dags: dict[str, Any]) -> None:
    from airflow.providers.standard.operators.hitl import HITLOperator

    waiting = [task.task_id for task in dags[dag_id(path)].tasks if isinstance(task, HITLOperator)]
    paragraph = dags[dag_id(path)].doc_md.split("**Waits for a person:**")[1]
    assert all(f"`{name}`" in paragraph for name in waiting)
    assert waiting or paragraph.strip() == "never."


@FILES
def test_family_impact_and_rerun_are_tagged(path: Path, dags: dict[str, Any]) -> None:
    found = dags[dag_id(path)].tags
    assert path.parent.name in found
    for words in (Family, Impact, Rerun):
        assert len([word for word in words if word.value in found]) == 1


@FILES
def test_every_param_is_described_and_typed(path: Path, dags: dict[str, Any]) -> None:
    params = dags[dag_id(path)].params
    for name in params:
        param = params.get_param(name)
        assert len(param.description or "") > 20, name
        assert param.schema.get("type") or param.schema.get("enum"), name


@FILES
def test_scheduled_runs_start_with_defaults_that_are_valid(path: Path, dags: dict[str, Any]) -> None:
    dag = dags[dag_id(path)]
    if dag.timetable.can_be_scheduled:
        dag.params.validate()


@FILES
def test_one_run_at_a_time_unless_each_holds_a_lease_of_its_subject(path: Path, dags: dict[str, Any]) -> None:
    # a migration, and an update of the block list, hold leases: runs of the others go on beside a waiting one
    allowed = {"scanner_block_update": 2} if path.parent.name != "fsx_migration" else {dag_id(path): 16}
    assert dags[dag_id(path)].max_active_runs == allowed.get(dag_id(path), 1)
    assert dags[dag_id(path)].catchup is False


@FILES
def test_every_task_is_retried_or_asks_a_person(path: Path, dags: dict[str, Any]) -> None:
    for task in dags[dag_id(path)].tasks:
        assert task.retries >= 1, task.task_id
        assert task.retry_policy is not None, task.task_id


@FILES
def test_tasks_are_named_verb_object_and_explained(path: Path, dags: dict[str, Any]) -> None:
    for task in dags[dag_id(path)].tasks:
        assert "_" in task.task_id or task.task_id in {"recount"}, task.task_id
        callable_ = getattr(task, "python_callable", None)
        assert callable_ is None or callable_.__doc__, task.task_id


@FILES
def test_nothing_at_top_level_reads_the_world(path: Path) -> None:
    tree = ast.parse(path.read_text())
    calls = [
        ast.unparse(node.func)
        for statement in tree.body
        if not isinstance(statement, ast.FunctionDef)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
    ]
    forbidden = ("Variable.get", "os.environ", "getenv", "now", "open", "IocRefreshHook", "read_text")
    assert not [call for call in calls if call.endswith(forbidden)]
    assert len(path.read_text().splitlines()) <= 200


@FILES
def test_the_dag_has_a_runbook(path: Path) -> None:
    assert (ROOT / "docs" / "runbooks" / f"{dag_id(path)}.md").is_file()
    assert f"docs/runbooks/{dag_id(path)}.md" in path.read_text()
