"""docs/dags.md is what the DAG files say."""

import os
import subprocess
import sys
from pathlib import Path

from tests.dags.conftest import ROOT


def test_the_generated_page_matches_the_dag_files(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}", "AIRFLOW_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "landfall.dag_docs", "--check"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
