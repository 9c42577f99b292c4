"""Make the passes of a migration: plan, start, wait without a slot, settle, retry, until the rule is met."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from landfall.retries import AwsRetryPolicy
from landfall.triggers.fsx_migration import MigrationTrigger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from include.fsx_migration.transfer.transferring import TransferOrder
    from include.fsx_migration.workplace import Workplace


_LOOK_SECONDS = 1.0


class TransferUnreadableError(AirflowException):
    """The trigger could not read the executions for a long time."""


class TransferStopped(AirflowFailException):
    """A person has to decide or mend something; clearing the task goes on from where it stands."""


class TransferPassesOperator(BaseOperator):
    """Make passes of the run's migration and return counts and URIs when they are done.

    Everything is kept in the passes' documents: a retry, a clear or a killed worker finds the executions that run and
    starts nothing twice. While executions run the task is deferred; its trigger watches all of them.

    :param kinds: `full`, `incremental` (until they converge or a person has to decide), `closing`, or `final`: one
        incremental pass and a closing one.
    :param on_cancel: what becomes of running executions when somebody clears or marks the deferred task: `cancel` or
        `leave`; templated. A worker that is ended leaves them: it cannot tell a person from a restart.
    :param passes_at_most: incremental passes of this run; None takes the definition's. Templated, empty is None.
    :param linger: how long the worker itself waits before it defers: what ends in seconds is not worth the way to the
        triggerer and back, and Airflow (3.3.2) may fail a task that resumes within seconds.
    :param poll: the time between two looks.
    :param settle: the least time before executions that failed are tried again while others go on.
    :param patience: seconds by the names of include.fsx_migration.watch.troubles.Patience.
    :param tells_start: publish the notice that the transfer starts.
    """

    ui_color = "#d8e4f2"
    template_fields: Sequence[str] = ("on_cancel", "passes_at_most")

    def __init__(
        self,
        *,
        kinds: str,
        on_cancel: str = "leave",
        passes_at_most: int | str | None = None,
        linger: timedelta = timedelta(0),
        poll: timedelta = timedelta(seconds=15),
        settle: timedelta = timedelta(minutes=1),
        patience: Mapping[str, float] | None = None,
        tells_start: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.retry_policy = self.retry_policy or AwsRetryPolicy()
        self.kinds = kinds
        self.on_cancel = on_cancel
        self.passes_at_most = passes_at_most
        self.linger = linger
        self.poll = poll
        self.settle = settle
        self.patience = dict(patience or {})
        self.tells_start = tells_start

    def execute(self, context: Context) -> dict[str, Any]:
        """Take up what an earlier try left, and go on."""
        from include.fsx_migration.transfer.transferring import begin
        from landfall.fsx_migration_runs import held_workplace

        place = held_workplace(context, f"{self.kinds} pass")
        begin(place)
        return self._go_on(context, place)

    def resume(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Act on what the trigger saw, and go on."""
        from include.fsx_migration.refusals import RefusedError
        from include.fsx_migration.watch.remedies import act_on
        from include.fsx_migration.watch.troubles import Trouble
        from landfall.fsx_migration_runs import held_workplace
        from landfall.fsx_notices import tell_troubles

        place = held_workplace(context, f"{self.kinds} pass")
        if event["event"] == "unreadable":
            raise TransferUnreadableError(f"The executions could not be read: {event['error']}")
        if event["event"] == "trouble":
            troubles = [Trouble.from_dict(trouble) for trouble in event["troubles"]]
            tell_troubles(place, troubles, context=context)
            try:
                act_on(place, event["pass_number"], troubles)
            except RefusedError as error:
                raise TransferStopped(str(error)) from error
        return self._go_on(context, place)

    def on_kill(self) -> None:
        """Leave the executions: what ends a worker is a restart as often as a person."""
        self.log.warning(
            "The worker was ended. Executions go on in DataSync and the next try finds them; to end them, cancel them "
            "in DataSync or clear the task while it is deferred with on_cancel = cancel."
        )

    def _go_on(self, context: Context, place: Workplace) -> dict[str, Any]:
        from include.fsx_migration.refusals import RefusedError
        from include.fsx_migration.transfer.transferring import Waiting, advance, summary
        from landfall.fsx_notices import tell_start, tell_stop

        order, deadline = self._order(context), time.monotonic() + self.linger.total_seconds()
        told = not self.tells_start
        while True:
            try:
                step = advance(place, order)
            except RefusedError as error:
                tell_stop(place, str(error), context=context)
                raise TransferStopped(str(error)) from error
            if not isinstance(step, Waiting):
                return summary(place, step)
            if not told:
                tell_start(place, executions=step.executions, context=context)
                told = True
            if time.monotonic() >= deadline:
                break
            time.sleep(_LOOK_SECONDS)
        self.log.info("Pass %s: %s executions are queued or running.", step.pass_number, step.executions)
        self.defer(
            trigger=MigrationTrigger(
                migration=place.migration.name,
                bucket=place.store.bucket,
                pass_number=step.pass_number,
                on_cancel=self.on_cancel,
                poll_seconds=self.poll.total_seconds(),
                settle_seconds=self.settle.total_seconds(),
                patience=self.patience,
            ),
            method_name="resume",
        )
        raise AssertionError("defer does not return")

    def _order(self, context: Context) -> TransferOrder:
        from include.fsx_migration.transfer.transferring import Kinds, TransferOrder

        run: Any = context["dag_run"]
        wanted = self.passes_at_most
        return TransferOrder(
            kinds=Kinds(self.kinds),
            run=f"{run.dag_id}/{run.run_id}",
            passes_at_most=int(wanted) if wanted not in (None, "", "None") else None,
        )
