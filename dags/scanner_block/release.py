"""
# Take a client out of the block list

Takes an address or a network out of the WAF IP sets now, and, when asked to, puts it on the approved list so that it is
never blocked again. A client that is only taken out is blocked again by its next offence, not by what it did before.

- **Changes:** the WAF IP sets, `scanner/` in the lake, and with `approve` the approved list.
- **Undo:** nothing puts a released client back by hand; remove an approval from the list (`scanner/approved.json`).
- **If it fails:** clear the failed task; releasing twice is the same as once:
  `docs/runbooks/scanner_block_release.md`
- **Waits for a person:** never.
"""

from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from landfall import scanner_block_release_tasks as steps
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

PARAMS = {
    "client": Param(
        type="string",
        minLength=2,
        maxLength=49,
        pattern=r"^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$",
        description="The address or network to take out: 192.0.2.7, 192.0.2.0/24, 2001:db8::7 or 2001:db8::/48.",
    ),
    "approve": Param(
        False, type="boolean", description="Also put it on the approved list: it is then never blocked again."
    ),
    "reason": Param(
        type="string",
        minLength=10,
        maxLength=500,
        format="multiline",
        description="Why it is taken out, in at least ten characters; kept with the approval and in the journal.",
    ),
}


@task(multiple_outputs=False)
def find_blocks() -> dict[str, Any]:
    """Show which blocks the client has, and why."""
    return steps.find_blocks(get_current_context())


@task(multiple_outputs=False)
def approve_client() -> dict[str, Any]:
    """Put the client on the approved list, when the run says so."""
    return steps.approve_client(get_current_context())


@task(multiple_outputs=False)
def release_client() -> dict[str, Any]:
    """Take the client out of the sets and pardon what it did until now."""
    return steps.release_client(get_current_context())


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=RETRYING,
    description="Take an address or network out of the block list, with a reason",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.SCANNER_BLOCK, Impact.CHANGES, Rerun.SAME_RESULT),
)
def scanner_block_release() -> None:
    find_blocks() >> approve_client() >> release_client()


scanner_block_release()
