"""
# Configure log shipping

Checks a configuration line by line, brings each of its databases under log shipping (full backup, copy, restore, first
log), and makes it the configuration that shipping, watching and failing over read. A database that is shipped already
is continued, not seeded again.

- **Changes:** a full backup and a restoring database per new database; `log_shipping/configuration/active.json`.
- **Undo:** run it with the configuration of before (`log_shipping/configuration/versions/`); a seeded secondary is
  dropped by hand.
- **If it fails:** the last task names each database and what to change; then trigger it again:
  `docs/runbooks/log_shipping_configure.md`
- **Waits for a person:** never.
"""

from typing import Any

from airflow.sdk import Param, TriggerRule, dag, get_current_context, task

from landfall.log_shipping_runs import configuration_text, records_of, workplace
from landfall.retries import RETRYING
from landfall.tags import Family, Impact, Rerun, tags

PARAMS = {
    "configuration": Param(
        None,
        type=["null", "string"],
        pattern=r"^(s3://[^/]+/.+|variable:.+)$",
        description="Where the YAML is: s3://bucket/key, or variable:NAME of an Airflow Variable with the YAML or its "
        "URI. Empty takes the place that the environment names (docs/connections.md).",
    ),
    "databases": Param(
        [],
        type="array",
        items={"type": "string", "minLength": 1, "maxLength": 128},
        description="Names of the databases to seed or adopt now, one per line; none means all of the configuration.",
    ),
    "reseed": Param(
        False,
        type="boolean",
        description="Replace secondaries that take logs already by a new full backup, as after a gap that nothing "
        "bridges. Name the databases above.",
    ),
}


@task(multiple_outputs=False)
def check_configuration() -> list[dict[str, Any]]:
    """Read the configuration, name everything wrong in it, and deal its databases over lanes."""
    from include.log_shipping import configuring

    context: Any = get_current_context()
    params = context["params"]
    if params["reseed"] and not params["databases"]:
        raise ValueError("reseed replaces secondaries: name the databases it is for, all of them is never meant.")
    text, source = configuration_text(params["configuration"])
    found = configuring.check(records_of(context), text, source=source, databases=params["databases"] or [])
    context["ti"].xcom_push(key="asked", value={"version": found["version"], "databases": found["databases"]})
    lanes: list[dict[str, Any]] = found["lanes"]
    return lanes


@task(multiple_outputs=False, map_index_template="{{ lane }}")
def seed_databases(lane: dict[str, Any]) -> dict[str, int]:
    """Seed or adopt a lane's databases, up to the restore of their first log."""
    from include.log_shipping import configuring, lanes, outcomes, seeding

    context: Any = get_current_context()
    context["lane"] = lane["label"]
    place, reseed = workplace(configuring.checked(records_of(context))[0]), context["params"]["reseed"]
    done = lanes.each(lane["databases"], lambda name: seeding.seed_database(place, name, reseed=reseed))
    return outcomes.counts(done)


@task(multiple_outputs=False, trigger_rule=TriggerRule.ALL_DONE)
def publish_configuration() -> dict[str, Any]:
    """Make it the active configuration and report whom nobody protects; red when a database was not seeded."""
    from include.log_shipping import configuring

    context: Any = get_current_context()
    configuration, source = configuring.checked(records_of(context))
    asked = context["ti"].xcom_pull(task_ids="check_configuration", key="asked")["databases"]
    return configuring.publish_checked(workplace(configuration), source=source, asked=asked)


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=RETRYING,
    description="Check a configuration, seed its databases, and make it the active one",
    doc_md=__doc__,
    params=PARAMS,
    tags=tags(Family.LOG_SHIPPING, Impact.CHANGES, Rerun.SAME_RESULT),
)
def log_shipping_configure() -> None:
    seeded = seed_databases.expand(lane=check_configuration())
    seeded >> publish_configuration()  # what is active is shipped at once: nothing before its first log was restored


log_shipping_configure()
