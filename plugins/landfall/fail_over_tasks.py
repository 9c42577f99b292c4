"""The tasks that failing over and failing back have in common; each reads state, decides, acts, and reads again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.gates.suites.log_shipping_fail_over import proof_suite, redirection_suite
from include.log_shipping.fail_over.plans import Mode, find_plan, find_refusal, load_plan, write_refusal
from landfall.hooks.log_shipping import LogShippingHook
from landfall.log_shipping_runs import records_of, workplace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from include.log_shipping.fail_over.plans import Move
    from include.log_shipping.fail_over.steps import FailOver


def fail_over() -> FailOver:
    """Return this run at work; its plan must be written."""
    from include.log_shipping.fail_over.steps import FailOver

    place = workplace()
    return FailOver(workplace=place, plan=load_plan(place.records), aws=LogShippingHook().client)


def check(mode: Mode, *, rollback_backup: bool = False) -> dict[str, Any]:
    """Decide and write the plan of this run; returns it in short."""
    from include.log_shipping.fail_over.readiness import Order, check_readiness
    from include.log_shipping.fail_over.steps import RunRefusedError

    context: Any = get_current_context()
    run, params = context["dag_run"], context["params"]
    order = Order(
        mode=mode,
        databases=params["databases"] or [],
        reason=params["reason"],
        asked_by=run.triggering_user_name,
        asked_at=run.run_after,
        rollback_backup=rollback_backup,
    )
    place = workplace()
    try:
        plan, told = check_readiness(place, order)
    except RunRefusedError as error:
        write_refusal(place.records, str(error))
        raise
    return {"databases": len(plan.moves), "refused": dict(plan.refused), "told": list(told.values())[:10]}


def work_through(
    step: str, act: Callable[[FailOver, Move], tuple[str, Mapping[str, Any]]], *, after: Iterable[str] = ()
) -> dict[str, Any]:
    """Run one step for the databases that got through the steps before it; returns counts.

    Before an approval all databases of a planned move have to get through; after it, and after a disaster, those that
    do go on, and the report names the others.
    """
    from include.log_shipping.fail_over.steps import moves_after, require, run_step

    work = fail_over()
    moves = moves_after(work, *after)
    if not moves:
        raise AirflowSkipException(f"No database got through {' and '.join(after)}: nothing is left for {step}.")
    report = run_step(work, step, moves=moves, act=lambda move: act(work, move))
    require(report, all_of_them=work.plan.mode.needs_source and step in BEFORE_APPROVAL)
    return report.summary()


BEFORE_APPROVAL = frozenset({"reseed_databases", "fence_primary", "restore_tail"})


@task(multiple_outputs=False)
def fence_primary() -> dict[str, Any]:
    """Send everybody away and take the tail WITH NORECOVERY: from here on nobody writes on the old side."""
    from include.log_shipping.fail_over import fencing

    reseeds = load_plan(records_of(get_current_context())).mode is Mode.RESEED
    return work_through("fence_primary", fencing.fence_primary, after=["reseed_databases"] if reseeds else [])


@task(multiple_outputs=False)
def restore_tail() -> dict[str, Any]:
    """Copy and restore every log that is left, the tail last, without recovering."""
    from include.log_shipping.fail_over import tail

    return work_through("restore_tail", tail.restore_tail, after=["fence_primary"])


@task(multiple_outputs=False)
def prove_chain() -> dict[str, Any]:
    """Gate: the log chain with its forks is proven, and the servers still stand where it was."""
    return prove("prove_chain")


def prove(step: str) -> dict[str, Any]:
    """Judge the proof of every restored database; the unproven ones go no further."""
    from include.log_shipping.fail_over.proving import proof_outcomes, proof_rows

    work = fail_over()
    rows = proof_rows(work)
    proof_outcomes(work, step, rows)
    return _judge(rows, proof_suite(some_may_stay=not work.plan.mode.needs_source))


def state_loss() -> dict[str, Any]:
    """State and keep what recovering now would lose; returns the approval's `subject` and `brief`."""
    from include.log_shipping.fail_over import assessing, steps

    work = fail_over()
    started = work.workplace.clock()
    loss = assessing.assess_loss(work)
    steps.write_step(work, "assess_loss", outcomes=[], started=started, inside_seconds=0.0)
    return loss


def record_answer(context: Any, answer: Any) -> None:
    """Keep who answered, and the facts that stood in the question."""
    from include.log_shipping.fail_over.approvals import record_answer as keep

    keep(records_of(context), answer)


@task(multiple_outputs=False)
def recover_databases() -> dict[str, Any]:
    """RESTORE WITH RECOVERY, if a person approved and the facts are still the approved ones."""
    from include.log_shipping.fail_over.approvals import require_approval
    from include.log_shipping.fail_over.recovery import recover_database

    approval = require_approval(fail_over())
    return work_through(
        "recover_databases",
        lambda work, move: recover_database(work, move, approved_by=approval["by"]),
        after=["restore_tail", "prove_chain"],
    )


@task(multiple_outputs=False)
def verify_databases() -> dict[str, Any]:
    """Compare rows and canary with what was fenced, and write."""
    from include.log_shipping.fail_over.verification import verify_database

    return work_through("verify_databases", verify_database, after=["recover_databases"])


@task(multiple_outputs=False)
def redirect_clients() -> dict[str, Any]:
    """Point the databases' names at the new primary, and read them back."""
    from include.log_shipping.fail_over import redirection

    return work_through("redirect_clients", redirection.redirect_clients, after=["verify_databases"])


@task(multiple_outputs=False)
def check_redirection() -> dict[str, Any]:
    """Gate: where the name leads to, a write comes back; the old side refuses."""
    from include.log_shipping.fail_over.redirection import redirection_outcomes, redirection_rows

    work = fail_over()
    rows = redirection_rows(work)
    redirection_outcomes(work, rows)
    return _judge(rows, redirection_suite())


@task(multiple_outputs=False)
def switch_jobs() -> dict[str, Any]:
    """Switch the databases' jobs off on the old side and on on the new one."""
    from include.log_shipping.fail_over import jobs

    return work_through("switch_jobs", jobs.switch_jobs, after=["verify_databases"])


@task(multiple_outputs=False, trigger_rule=TriggerRule.ALL_DONE)
def give_back() -> dict[str, Any]:
    """However the run went: drop copies, bring an unapproved fence back, release the databases to shipping."""
    from include.log_shipping.fail_over.giving_back import give_back as end

    context = get_current_context()
    if not _has_plan(context):
        return {"step": "give_back", "done": 0, "failed": 0}
    return end(fail_over()).summary()


@task(multiple_outputs=False, trigger_rule=TriggerRule.ALL_DONE)
def write_report() -> dict[str, Any]:
    """Write the report; the run is red if a database did not get where it should, unless a person said no."""
    from include.log_shipping.fail_over import report

    context: Any = get_current_context()
    if not _has_plan(context):
        told = find_refusal(records_of(context)) or "check_readiness failed; its log says why."
        raise AirflowFailException(f"Nothing was planned and nothing changed: {told}")
    run = context["dag_run"]
    written = report.write_report(fail_over(), dag_id=run.dag_id, run_id=run.run_id)
    if written["complaint"]:
        raise AirflowFailException(f"{written['complaint']} Report: {written['report']}")
    return written


def _judge(rows: list[dict[str, Any]], suite: Any) -> dict[str, Any]:
    from landfall.gates import check as check_gate

    def load() -> Any:
        import pandas as pd

        return pd.DataFrame(rows, columns=list(suite.columns))

    return check_gate(load, suite, store=LogShippingHook().gate_store).result.to_dict()


def _has_plan(context: Any) -> bool:
    return find_plan(records_of(context)) is not None
