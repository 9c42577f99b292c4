"""What the steps of a log shipping run work with: records, active configuration, servers, the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.timezone import utcnow

from landfall.hooks.log_shipping import LogShippingHook
from landfall.runs import run_is_over

if TYPE_CHECKING:
    from include.log_shipping.configuration import LogShippingConfiguration
    from include.log_shipping.fleet import Workplace
    from include.log_shipping.outcomes import RunRecords


def records_of(context: Any) -> RunRecords:
    """Return where a run keeps its records."""
    from include.log_shipping.outcomes import RunRecords

    run = context["dag_run"]
    return RunRecords(LogShippingHook().store, run.dag_id, run.run_id)


def workplace(configuration: LogShippingConfiguration | None = None) -> Workplace:
    """Return what the running task works with.

    :param configuration: another one than the active one, as the one that is being checked.
    """
    from include.log_shipping.active import load_active
    from include.log_shipping.fleet import Workplace

    context: Any = get_current_context()
    records = records_of(context)
    return Workplace(
        configuration=configuration or load_active(records.store),
        records=records,
        open_server=LogShippingHook().server,
        clock=utcnow,
        is_over=run_is_over(context),
    )


def configuration_text(place: str | None) -> tuple[str, str]:
    """Return the text of a configuration and where it was read.

    :param place: `s3://bucket/key`, or `variable:NAME` of a Variable that holds the YAML or such a URI; None takes
        what the environment names.
    """
    from airflow.sdk import Variable

    from include.log_shipping.configuring import ConfigurationMissingError, fetch

    hook = LogShippingHook()
    source = place or hook.settings.configuration_uri
    if not source.startswith("variable:"):
        return fetch(hook.store, source), source
    text = Variable.get(source.removeprefix("variable:"), default=None)
    if not text:
        raise ConfigurationMissingError(f"{source}: there is no such Variable; add it under Admin > Variables.")
    if text.strip().startswith("s3://"):
        return fetch(hook.store, text.strip()), text.strip()
    return text, source
