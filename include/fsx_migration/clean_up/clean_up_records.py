"""What a clean-up run keeps: the list that was shown, who answered, what was deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.fsx_migration.clean_up.clean_ups import CleanUpPlan, CleanUpRefusedError
from include.fsx_migration.clean_up.removing import apply_clean_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from include.fsx_migration.clean_up.clean_ups import CleanUpItem
    from include.fsx_migration.workplace import Workplace


def keep_list(place: Workplace, run_id: str, plan: CleanUpPlan, *, asked: Mapping[str, Any]) -> str:
    """Write the list of a run and return its URI."""
    return place.store.put_json(_key(place, run_id, "list.json"), {**plan.to_dict(), "asked": dict(asked)})


def shown_list(place: Workplace, run_id: str) -> CleanUpPlan:
    """Return the list that this run showed."""
    return CleanUpPlan.from_dict(place.store.get_json(_key(place, run_id, "list.json")))


def keep_answer(place: Workplace, run_id: str, answer: Mapping[str, Any]) -> None:
    """Write who answered the approval, and what the list was."""
    digest = shown_list(place, run_id).digest
    place.store.put_json(_key(place, run_id, "answer.json"), {**answer, "digest": digest})


def remove_approved(place: Workplace, run_id: str, *, plan_now: Callable[[], CleanUpPlan]) -> dict[str, int]:
    """Delete what was shown and approved, and return how many of each kind this try deleted.

    A killed try leaves less than was shown, hence less is fine; anything that was not shown is not.

    :param plan_now: lists what there is now.
    :raises CleanUpRefusedError: nobody approved this list, or there is more now than it showed.
    """
    shown, answer = shown_list(place, run_id), place.store.find_json(_key(place, run_id, "answer.json"))
    if not answer or not answer["approved"] or answer["digest"] != shown.digest:
        raise CleanUpRefusedError(f"Nobody approved this list of migration {shown.migration}: nothing is removed.")
    found = plan_now()
    if more := {item.arn for item in found.doomed} - {item.arn for item in shown.doomed}:
        raise CleanUpRefusedError(
            f"{', '.join(sorted(more))} came after the list that was approved: nothing is removed; run it again."
        )
    return apply_clean_up(place, found)


def write_report(
    place: Workplace, run_id: str, *, asked: Mapping[str, Any], deleted: Mapping[str, int] | None, left: CleanUpPlan
) -> dict[str, Any]:
    """Write what a run did and what is left, and return it in short with the report's URI.

    :param deleted: what `remove_approved` returned; None when nothing was to be deleted.
    """
    shown, answer = shown_list(place, run_id), place.store.find_json(_key(place, run_id, "answer.json"))
    gone = [item for item in shown.doomed if item.arn not in {found.arn for found in left.items}]
    result = "dry run" if asked["dry_run"] else "rejected" if deleted is None else "deleted"
    document = {
        "migration": shown.migration,
        "result": result,
        "asked": dict(asked),
        "answer": answer,
        "deleted": [item.name for item in gone] if result == "deleted" else [],
        "left": left.to_dict(),
    }
    uri = place.store.put_json(_key(place, run_id, "report.json"), document)
    return {"result": result, "deleted": len(document["deleted"]), "left": len(left.items), "report": uri}


def table(plan: CleanUpPlan) -> str:
    """Return the list as a Markdown table, in the order of deletion."""
    rows = ["| what becomes of it | kind | name | why |", "|---|---|---|---|"]
    rows += [
        f"| {item.action.value} | {item.kind} | `{_shown_name(item)}` | {item.reason or '-'} |" for item in plan.items
    ]
    return "\n".join(rows) if plan.items else "Nothing carries the tag of this migration."


def _shown_name(item: CleanUpItem) -> str:
    return item.name or item.arn


def _key(place: Workplace, run_id: str, name: str) -> str:
    return place.places.key("clean_ups", run_id, name)
