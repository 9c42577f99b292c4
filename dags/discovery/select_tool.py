"""
# Choose a discovery tool

Compares what the wanted outcome needs with what is in house (Review), weighs a dated catalogue of tools by what is
missing and wanted (Refine), and chooses by your priorities, with what would change the choice (Select). A missing
special feature lowers a tool, it never sets it aside.

- **Changes:** nothing; a document under `discovery/tool_selections/` in the lake.
- **Undo:** nothing to undo.
- **If it fails:** the red task names the line of the request to correct: `docs/runbooks/discovery_select_tool.md`
- **Waits for a person:** never.
"""

from typing import Any

from airflow.sdk import Param, dag, task

from landfall import discovery_tasks as tasks
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

PARAMS = {
    "request": Param(
        "outcome: wave_plan\nin_house: {server_inventory: yes}\npriorities: [agentless, free_of_charge]\n",
        type="string",
        format="multiline",
        minLength=10,
        maxLength=100_000,
        description="What you want and have, as YAML: outcome (snapshot, tco, wave_plan), in_house, wanted, "
        "priorities, holds, weights (docs/discovery/tool_selection.md).",
    ),
}


@task(multiple_outputs=False)
def select_tool() -> dict[str, Any]:
    """Review, refine, select; the log has the table, the lake the whole answer."""
    return tasks.select_tool()


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=RETRYING,
    description="Choose a discovery tool for the outcome you want, with reasons",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.DISCOVERY, Impact.READS, Rerun.SAME_RESULT),
)
def discovery_select_tool() -> None:
    select_tool()


discovery_select_tool()
