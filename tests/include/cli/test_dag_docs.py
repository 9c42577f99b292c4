"""docs/dags.md is generated from docstrings."""

from pathlib import Path

import pytest

from include.cli.dag_docs import dag_pages, render


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_page_names_the_dag_by_its_path_and_links_its_runbook(tmp_path: Path) -> None:
    write(tmp_path / "ioc_refresh" / "generate.py", '"""\n# Generate indicators\n\nReads mail.\n\n# Undo\n"""\n')
    text = render(dag_pages(tmp_path))
    assert "## Generate indicators\n\n`ioc_refresh_generate` · [runbook](runbooks/ioc_refresh_generate.md)" in text
    assert "\n### Undo" in text


def test_order_of_files_does_not_show(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write(tmp_path / "family" / f"{name}.py", f'"""# {name}"""\n')
    assert list(dag_pages(tmp_path)) == ["family_a", "family_b"]


def test_dag_file_without_docstring_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "family" / "silent.py", "x = 1\n")
    with pytest.raises(ValueError, match=r"silent\.py has no docstring"):
        dag_pages(tmp_path)
