"""From the text of a configuration to the active one: checked, seeded, published; and who is left unprotected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.log_shipping.active import publish, version_of
from include.log_shipping.configuration import LogShippingConfiguration, read_configuration
from include.log_shipping.fleet import Workplace, chosen, look
from include.log_shipping.lanes import deal
from include.log_shipping.outcomes import Outcome, RunRecords, Status, complaint, counts
from include.log_shipping.protection import unprotected
from include.log_shipping.roles import Unreachable
from include.log_shipping.seeding import STEP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.object_store import ObjectStore

LARGEST_BYTES: Final = 2**20


class ConfigurationMissingError(RuntimeError):
    """There is nothing to read where the configuration should be."""

    is_final = True


class NotSeededError(RuntimeError):
    """The configuration is active, but databases of it are not shipped; the message names each and why."""

    is_final = True


def fetch(store: ObjectStore, uri: str) -> str:
    """Return the text at an `s3://bucket/key` URI.

    :raises ConfigurationMissingError: there is no such object, it is too large or no UTF-8 text.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket or not key:
        raise ConfigurationMissingError(f"{uri!r} is no place: write s3://bucket/key, or variable:NAME.")
    client = store.client
    try:
        found = client.get_object(Bucket=bucket, Key=key)
    except (client.exceptions.NoSuchKey, client.exceptions.NoSuchBucket) as error:
        raise ConfigurationMissingError(
            f"{uri} does not exist: put the configuration there (see docs/runbooks/log_shipping_configure.md)."
        ) from error
    if found["ContentLength"] > LARGEST_BYTES:
        raise ConfigurationMissingError(f"{uri} is larger than 1 MiB: that is no configuration.")
    try:
        text: str = found["Body"].read().decode()
    except UnicodeDecodeError as error:
        raise ConfigurationMissingError(f"{uri} is no UTF-8 text: save it as UTF-8.") from error
    return text


def check(records: RunRecords, text: str, *, source: str, databases: Iterable[str]) -> dict[str, Any]:
    """Check a configuration, keep it for this run's later tasks, and deal the chosen databases over lanes.

    :raises ConfigurationError: with a line for everything that is wrong.
    :raises ValueError: a chosen database is not in it.
    """
    configuration = read_configuration(text)
    wanted = [settings.name for settings in chosen(configuration, databases)]
    records.store.put_json(_key(records), {"configuration": configuration.to_document(), "source": source})
    return {"lanes": deal(wanted), "version": version_of(configuration), "databases": wanted}


def checked(records: RunRecords) -> tuple[LogShippingConfiguration, str]:
    """Return the configuration that this run checked, and where it came from."""
    import json

    found = records.store.find_json(_key(records))
    if found is None:
        raise ConfigurationMissingError("No checked configuration: read what check_configuration says.")
    return read_configuration(json.dumps(found["configuration"])), found["source"]


def publish_checked(workplace: Workplace, *, source: str, asked: Iterable[str]) -> dict[str, Any]:
    """Make the run's configuration the active one, report unprotected databases, and sum up.

    It becomes active although a database could not be seeded: the others are shipped, and that one is named each time.

    :param asked: the databases that should have been seeded.
    :raises NotSeededError: one of them was not.
    """
    configuration, records = workplace.configuration, workplace.records
    version = publish(records.store, configuration, source=source, at=workplace.clock())
    states = look(workplace, configuration.servers)
    report = unprotected(configuration, states)
    silent = [f"{name}: {found.reason}" for name, found in states.items() if isinstance(found, Unreachable)]
    outcomes = _with_lost(records, asked, workplace)
    document = {
        "version": version,
        "unprotected": [found.to_dict() for found in report],
        "not_asked": silent,
        **counts(outcomes),
    }
    uri = records.store.put_json(records.key("summary.json"), document)
    if told := complaint(outcomes):
        raise NotSeededError(f"Configuration {version} is active, but {told} All records: {records.uri}")
    return {
        "version": version,
        "databases": len(configuration.databases),
        "unprotected": [found.sentence() for found in report],
        "uri": uri,
    }


def _with_lost(records: RunRecords, asked: Iterable[str], workplace: Workplace) -> list[Outcome]:
    found, now = records.read(STEP), workplace.clock()
    lost = [
        Outcome(
            database=name,
            step=STEP,
            status=Status.FAILED,
            reason="seed_databases left no record: read the log of that task and clear it.",
            started=now,
            finished=now,
        )
        for name in asked
        if name not in found
    ]
    return [*found.values(), *lost]


def _key(records: RunRecords) -> str:
    return records.key("configuration.json")
