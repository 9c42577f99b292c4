"""The active configuration: the one that was checked last, which shipping, watching and failing over all read."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from include.log_shipping.configuration import LogShippingConfiguration, read_configuration
from include.object_store import ObjectStore, to_json

if TYPE_CHECKING:
    from datetime import datetime


class NotConfiguredError(RuntimeError):
    """There is no active configuration yet."""

    is_final = True


def version_of(configuration: LogShippingConfiguration) -> str:
    """Return a short name that changes with the content."""
    return hashlib.sha256(to_json(configuration.to_document())).hexdigest()[:12]


def publish(store: ObjectStore, configuration: LogShippingConfiguration, *, source: str, at: datetime) -> str:
    """Make a checked configuration the active one and return its version; each version is kept as well.

    :param source: where it was read from, for people.
    """
    version = version_of(configuration)
    document = {
        "version": version,
        "source": source,
        "published_at": at.isoformat(),
        "configuration": configuration.to_document(),
    }
    store.put_json(store.key("configuration", "versions", f"{version}.json"), document)
    store.put_json(store.key("configuration", "active.json"), document)
    return version


def find_active(store: ObjectStore) -> dict[str, Any] | None:
    """Return the published document (`version`, `source`, `published_at`, `configuration`), None before the first."""
    document: dict[str, Any] | None = store.find_json(store.key("configuration", "active.json"))
    return document


def load_active(store: ObjectStore) -> LogShippingConfiguration:
    """Return the active configuration; raises NotConfiguredError before `log_shipping_configure` published one."""
    document = find_active(store)
    if document is None:
        raise NotConfiguredError(
            f"{store.uri('configuration', 'active.json')} does not exist: put a configuration.yaml into the lake and "
            "run log_shipping_configure."
        )
    return read_configuration(json.dumps(document["configuration"]))
