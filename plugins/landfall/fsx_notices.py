"""Tell people of a running migration, through the family's topic; each notice once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landfall.alerts import AlertTopic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.fsx_migration.watch.notices import Notice
    from include.fsx_migration.watch.troubles import Trouble
    from include.fsx_migration.workplace import Workplace


def tell_start(place: Workplace, *, executions: int, context: Any) -> bool:
    """Tell that a run transfers."""
    from include.fsx_migration.watch.notices import Notice

    what = (
        f"The transfer of {place.migration.source.subdirectory} to the file system has begun: {executions} executions."
    )
    return _tell(place, Notice(key="start", subject="transfer started", what=what, since=_began(context)), context)


def tell_troubles(place: Workplace, troubles: Sequence[Trouble], *, context: Any) -> None:
    """Tell each trouble that this run did not tell before."""
    from include.fsx_migration.watch.notices import Notice

    for trouble in troubles:
        kind = trouble.key.partition("/")[0].replace("_", " ")
        notice = Notice(
            key=f"trouble/{trouble.key}",
            subject=f"trouble: {kind}",
            what=trouble.sentence,
            since=place.now(),
            look=trouble.look,
        )
        _tell(place, notice, context)


def tell_stop(place: Workplace, sentence: str, *, context: Any) -> bool:
    """Tell that the run waits for a person."""
    from include.fsx_migration.watch.notices import Notice

    look = "The message says what to mend; then clear the red task."
    notice = Notice(key=f"stop/{sentence}", subject="waits for a person", what=sentence, since=place.now(), look=look)
    return _tell(place, notice, context)


def tell_end(place: Workplace, *, subject: str, went_well: bool, what: str, context: Any) -> bool:
    """Tell that the run has ended, and how.

    :param subject: what the run was, as `transfer`, `cut-over`.
    """
    from include.fsx_migration.watch.notices import Notice

    look = "" if went_well else "The report and the red task's log say what is left."
    ended = f"{subject} ended well" if went_well else f"{subject} ended with a failure"
    notice = Notice(key=f"end/{went_well}", subject=ended, what=what, since=_began(context), look=look)
    return _tell(place, notice, context)


def _tell(place: Workplace, notice: Notice, context: Mapping[str, Any]) -> bool:
    from include.fsx_migration.watch.notices import tell_once

    run = context["dag_run"]
    topic = AlertTopic(place.store, sns=place.clients("sns"), topic_arn=place.settings.alert_topic)
    return tell_once(place, topic, notice, run=f"{run.dag_id}/{run.run_id}")


def _began(context: Mapping[str, Any]) -> Any:
    run = context["dag_run"]
    return getattr(run, "start_date", None) or run.run_after
