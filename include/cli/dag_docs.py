"""Write docs/dags.md from the docstrings of the DAG files, which the web UI shows as well.

Run as ``python -m include.cli.dag_docs``; with ``--check`` nothing is written and exit code 1 tells that the page
is out of date. The files are read as text, so that neither Airflow nor a connection is needed.
"""

import ast
import sys
from collections.abc import Mapping
from pathlib import Path

from include.cli.settings import project_root

_HEAD = """# The workflows

Generated from the docstrings in `dags/` by `make docs`; edit them there.
"""


def dag_pages(dags_folder: Path) -> Mapping[str, str]:
    """Map each dag_id (``<family>_<file stem>``) to its file's docstring, in order of dag_id.

    :raises ValueError: a DAG file has no docstring.
    """
    pages = {}
    for path in sorted(dags_folder.glob("*/*.py")):
        if path.name.startswith("_"):
            continue
        text = ast.get_docstring(ast.parse(path.read_text()))
        if not text:
            raise ValueError(f"{path} has no docstring: write what it does, changes, and how it is undone.")
        pages[f"{path.parent.name}_{path.stem}"] = text
    return dict(sorted(pages.items()))


def render(pages: Mapping[str, str]) -> str:
    """Render all pages as one: each DAG's title becomes a second-level heading with its dag_id below."""
    parts = [_HEAD]
    for dag_id, text in pages.items():
        title, _, body = text.partition("\n")
        parts.append(f"## {title.lstrip('# ')}\n\n`{dag_id}` · [runbook](runbooks/{dag_id}.md)\n\n{_demoted(body)}\n")
    return "\n".join(parts)


def _demoted(body: str) -> str:
    return "\n".join(f"##{line}" if line.startswith("#") else line for line in body.strip().splitlines())


def main(arguments: list[str]) -> int:
    """Write or check docs/dags.md; return the exit code."""
    root = project_root()
    target = root / "docs" / "dags.md"
    text = render(dag_pages(root / "dags"))
    if "--check" not in arguments:
        target.write_text(text)
        return 0
    if target.exists() and target.read_text() == text:
        return 0
    sys.stderr.write(f"{target} does not match the docstrings in dags/: run `make docs`.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
