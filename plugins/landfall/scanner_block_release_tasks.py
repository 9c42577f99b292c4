"""What people do to the block list: release a client, return to an earlier run; each may be killed and run again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landfall.hooks.scanner_block import ScannerBlockHook
from landfall.runs import run_name
from landfall.scanner_block_runs import commit, committed, holding_sets, triggered_by

if TYPE_CHECKING:
    from collections.abc import Mapping


def find_blocks(context: Any) -> dict[str, Any]:
    """Show the blocks of the client that is to be released."""
    from include.scanner_block.steps.releases import find_blocks as find

    return find(ScannerBlockHook().desk, context["params"]["client"], at=context["dag_run"].run_after)


def approve_client(context: Any) -> dict[str, Any]:
    """Put the client on the approved list, when the run says so."""
    from include.scanner_block.steps.releases import approve

    params, run = context["params"], context["dag_run"]
    if not params["approve"]:
        return {"approved": False}
    desk = ScannerBlockHook().desk
    place = approve(desk, params["client"], reason=params["reason"], by=triggered_by(context), at=run.run_after)
    return {"approved": True, "list": place}


def release_client(context: Any) -> dict[str, Any]:
    """Take the client out and commit, under the lease of the sets."""
    from include.scanner_block.steps.releases import draft_release
    from include.scanner_block.steps.writing import write_sets as write

    desk, params, run = ScannerBlockHook().desk, context["params"], context["dag_run"]
    with holding_sets(desk, context):
        if done := committed(desk, context):
            return done
        draft = draft_release(
            desk,
            params["client"],
            run_id=run_name(context),
            at=run.run_after,
            reason=params["reason"],
            by=triggered_by(context),
        )
        return commit(context, draft.version, note=params["reason"], written=write(desk, draft.version))


def compare_sets(context: Any) -> dict[str, Any]:
    """Show what going back to an earlier run changes."""
    return _draft_roll_back(context)


def record_roll_back(context: Any, answer: Mapping[str, Any]) -> None:
    """Keep who asked and who answered."""
    store = ScannerBlockHook().desk.store
    name = run_name(context).replace("/", "_")
    store.put_json(store.key("audit", "roll_backs", f"{name}.json"), dict(answer))


def roll_back_sets(context: Any) -> dict[str, Any]:
    """Decide once more, for time has passed since the question, write, and commit."""
    from include.scanner_block.steps.writing import write_sets as write

    desk = ScannerBlockHook().desk
    with holding_sets(desk, context):
        if done := committed(desk, context):
            return done
        version = _draft_roll_back(context)["version"]
        return commit(context, version, note=context["params"]["reason"], written=write(desk, version))


def _draft_roll_back(context: Any) -> dict[str, Any]:
    from include.scanner_block.steps.roll_backs import draft_roll_back

    params = context["params"]
    return draft_roll_back(
        ScannerBlockHook().desk,
        sequence=params["sequence"],
        run_id=run_name(context),
        at=context["dag_run"].run_after,
        reason=params["reason"],
        by=triggered_by(context),
    )
