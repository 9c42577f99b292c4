"""The report of a run: what was lost, how long it took, and where the time went; JSON and one page of HTML, kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from include.log_shipping.fail_over.approvals import find_answer, find_losses
from include.log_shipping.fail_over.plans import Mode, Move
from include.log_shipping.fail_over.steps import FailOver, StepReport, find_step
from include.log_shipping.names import legible
from include.log_shipping.outcomes import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

STEPS: Final = (
    *("restore_copies", "prove_copies", "recover_copies"),
    *("reseed_databases", "fence_primary", "restore_tail", "prove_chain", "assess_loss"),
    *("recover_databases", "verify_databases", "redirect_clients", "check_redirection", "switch_jobs", "give_back"),
)
LAST_STEPS: Final = {Mode.DRILL: "recover_copies"}
"""RTO ends when a drill's copy takes writes, and when clients were seen to write on the new side."""
PAGE, DOCUMENT = "index.html", "report.json"


def build_report(work: FailOver, *, dag_id: str, run_id: str) -> dict[str, Any]:
    """Return the report of a run as JSON types; it may have ended anywhere.

    Times are seconds. `rto_seconds` is from the trigger to the end; `orchestration_seconds` is what is left of it
    without the time inside SQL Server and without waiting for a person.
    """
    steps = {name: step for name in STEPS if (step := find_step(work, name)) is not None}
    answer = find_answer(work.workplace.records)
    databases = [_database(work, move, steps=steps) for move in work.plan.moves]
    return {
        "dag_id": dag_id,
        "run_id": run_id,
        "mode": work.plan.mode.value,
        "reason": work.plan.reason,
        "asked_by": work.plan.asked_by,
        "asked_at": work.plan.asked_at.isoformat(),
        "written_at": work.workplace.clock().isoformat(),
        "verdict": verdict(work, steps=steps, databases=databases, answer=answer),
        "answer": answer,
        "times": times(work, steps=steps, answer=answer),
        "databases": databases,
        "refused": dict(work.plan.refused),
        "steps": [_step_line(step) for step in steps.values()],
    }


def verdict(
    work: FailOver,
    *,
    steps: Mapping[str, StepReport],
    databases: list[dict[str, Any]],
    answer: Mapping[str, Any] | None,
) -> str:
    """Say in one word how the run ended: moved, rehearsed, rejected, incomplete or failed."""
    good = [database for database in databases if database["ended"]]
    if good and len(good) == len(databases) and not work.plan.refused:
        return "rehearsed" if work.plan.mode is Mode.DRILL else "moved"
    if answer is not None and not answer["approved"]:
        return "rejected"
    return "incomplete" if good else "failed"


def times(
    work: FailOver, *, steps: Mapping[str, StepReport], answer: Mapping[str, Any] | None
) -> dict[str, float | None]:
    """Split the time from the trigger to the last step of the move; None where the run did not get that far."""
    last = steps.get(LAST_STEPS.get(work.plan.mode, "check_redirection"))
    ended = last.tries[-1]["finished"] if last and last.done else None
    rto = None if ended is None else (datetime.fromisoformat(ended) - work.plan.asked_at).total_seconds()
    counted = [step for step in steps.values() if ended is None or step.tries[-1]["finished"] <= ended]
    inside = sum(one["inside_seconds"] for step in counted for one in step.tries)
    waited = waited_for_a_person(steps, answer=answer)
    return {
        "rto_seconds": _rounded(rto),
        "inside_sql_server_seconds": _rounded(inside),
        "waiting_for_a_person_seconds": _rounded(waited),
        "orchestration_seconds": None if rto is None else _rounded(max(0.0, rto - inside - waited)),
    }


def waited_for_a_person(steps: Mapping[str, StepReport], *, answer: Mapping[str, Any] | None) -> float:
    """Return the seconds between the last step before the approval and the answer."""
    before = [steps[name].tries[-1]["finished"] for name in ("prove_chain", "assess_loss") if name in steps]
    if answer is None or not answer.get("at") or not before:
        return 0.0
    asked = datetime.fromisoformat(max(before))
    return max(0.0, (datetime.fromisoformat(answer["at"]) - asked).total_seconds())


def write_report(work: FailOver, *, dag_id: str, run_id: str) -> dict[str, Any]:
    """Write the report's JSON and page below `reports/` and return their addresses with the numbers."""
    report = build_report(work, dag_id=dag_id, run_id=run_id)
    store = work.workplace.store
    key = store.key("reports", dag_id, legible(run_id))
    document = store.put_json(f"{key}/{DOCUMENT}", report)
    page = store.put_bytes(f"{key}/{PAGE}", render(report).encode(), content_type="text/html; charset=utf-8")
    return {
        "report": page,
        "document": document,
        "verdict": report["verdict"],
        "complaint": complaint(report),
        **report["times"],
    }


def complaint(report: Mapping[str, Any]) -> str | None:
    """Return what makes the run red, None when all went as it should; a person's no is nobody's fault."""
    told = [
        f"[{database['database']}, {step['step']}] {step['reason']}"
        for database in report["databases"]
        for step in database["steps"]
        if step["status"] in {Status.FAILED.value, Status.QUARANTINED.value}
    ]
    told += list(report["refused"].values())
    if told:
        return " ".join(told)
    if report["verdict"] in {"moved", "rehearsed", "rejected"}:
        return None
    return "The run stopped before its end: a task is red above."


def render(report: Mapping[str, Any]) -> str:
    """Return the report as one self-contained page of HTML without scripts."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"seconds": seconds_text, "clock": clock_text}
    return environment.get_template("report.html").render(report=report, longest=_longest(report))


def clock_text(at: str | None) -> str:
    """Return a stored time for people, to the second and in UTC; a dash when there is none."""
    return f"{datetime.fromisoformat(at).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else "-"


def seconds_text(value: float | None) -> str:
    """Return a duration for people: `12.3 s`, `4 min 05 s`, or `-`."""
    if value is None:
        return "-"
    if value < 120:
        return f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def _database(work: FailOver, move: Move, *, steps: Mapping[str, StepReport]) -> dict[str, Any]:
    mine = {name: step.outcomes[move.database] for name, step in steps.items() if move.database in step.outcomes}
    ended = mine.get(LAST_STEPS.get(work.plan.mode, "check_redirection"))
    loss = {loss.database: loss for loss in find_losses(work.workplace.records)}.get(move.database)
    rehearsed = mine["recover_copies"].evidence if "recover_copies" in mine else {}
    settings = work.workplace.configuration.database(move.database)
    rpo = rehearsed.get("rpo_seconds") if work.plan.mode is Mode.DRILL else (loss.seconds if loss else None)
    return {
        "database": move.database,
        "source": move.source,
        "target": move.target,
        "copy": move.copy,
        "ended": ended is not None and ended.status is Status.DONE,
        "rpo_seconds": rpo,
        "rpo_target_seconds": settings.rpo_minutes * 60,
        "rto_target_seconds": settings.rto_minutes * 60,
        "loss": None if loss is None else loss.to_dict(),
        "rows": next((o.evidence["rows"] for o in mine.values() if o.evidence.get("rows") is not None), None),
        "sessions": mine["fence_primary"].evidence.get("sessions", []) if "fence_primary" in mine else [],
        "steps": [
            {"step": name, "status": outcome.status.value, "reason": outcome.reason} for name, outcome in mine.items()
        ],
    }


def _step_line(step: StepReport) -> dict[str, Any]:
    first, last = step.tries[0], step.tries[-1]
    wall = datetime.fromisoformat(last["finished"]) - datetime.fromisoformat(first["started"])
    return {
        "step": step.name,
        "tries": len(step.tries),
        "started": first["started"],
        "seconds": _rounded(wall.total_seconds()),
        "inside_seconds": _rounded(sum(one["inside_seconds"] for one in step.tries)),
        "done": len(step.done),
        "failed": len(step.failed),
    }


def _longest(report: Mapping[str, Any]) -> float:
    return max([float(step["seconds"]) for step in report["steps"]] or [0.0]) or 1.0


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
