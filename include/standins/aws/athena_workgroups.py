"""Athena's workgroups: where results go and how much a query may scan."""

from __future__ import annotations

import json
from typing import Any

from include.standins.aws.errors import AwsError
from include.standins.aws.state_store import Change, StateStore

KIND = "athena.workgroup"
SMALLEST_CUT_OFF = 10_000_000  # bytes; source: API reference, BytesScannedCutoffPerQuery
_ENGINE = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}


class WorkGroups:
    """Workgroups by name; `primary` is always there and enforces nothing."""

    def __init__(self, store: StateStore, *, now: float) -> None:
        self._store = store
        self._held: dict[str, dict[str, Any]] = {
            "primary": _workgroup("primary", {"EnforceWorkGroupConfiguration": False}, "", at=now)
        }

    def restore(self) -> None:
        """Read all back."""
        self._held |= {name: json.loads(blob) for name, blob in self._store.read(KIND)}

    def _save(self, name: str) -> None:
        held = self._held.get(name)
        self._store.write([Change(KIND, name, json.dumps(held).encode() if held else None)])

    def create(self, name: str, configuration: dict[str, Any], description: str, *, at: float) -> None:
        """Create a workgroup; raises AwsError when the name is taken."""
        if name in self._held:
            raise AwsError("InvalidRequestException", f"WorkGroup {name} is already created")
        _check(configuration)
        self._held[name] = _workgroup(
            name, {"EnforceWorkGroupConfiguration": True, **configuration}, description, at=at
        )
        self._save(name)

    def update(self, name: str, parameters: dict[str, Any]) -> None:
        """Apply UpdateWorkGroup's parameters."""
        held = self.get(name)
        updates = dict(parameters.get("ConfigurationUpdates") or {})
        results = updates.pop("ResultConfigurationUpdates", None)
        _check(updates)
        configuration: dict[str, Any] = held["Configuration"]
        if updates.pop("RemoveBytesScannedCutoffPerQuery", False):
            configuration.pop("BytesScannedCutoffPerQuery", None)
        if results is not None:
            kept = {key: value for key, value in results.items() if not key.startswith("Remove")}
            configuration["ResultConfiguration"] = {**configuration.get("ResultConfiguration", {}), **kept}
            if results.get("RemoveOutputLocation"):
                configuration["ResultConfiguration"].pop("OutputLocation", None)
        configuration |= updates
        held["Description"] = parameters.get("Description", held["Description"])
        held["State"] = parameters.get("State", held["State"])
        self._save(name)

    def get(self, name: str) -> dict[str, Any]:
        """Give the WorkGroup structure; raises AwsError when there is none."""
        if name not in self._held:
            raise AwsError("InvalidRequestException", f"WorkGroup {name} is not found.")
        return self._held[name]

    def summaries(self) -> list[dict[str, Any]]:
        """Give the summaries, by name."""
        wanted = ("Name", "State", "Description", "CreationTime")
        return [{key: group[key] for key in wanted} for _, group in sorted(self._held.items())]

    def delete(self, name: str) -> None:
        """Forget a workgroup; `primary` cannot be."""
        if name == "primary":
            raise AwsError("InvalidRequestException", "Primary WorkGroup could not be deleted")
        self.get(name)
        del self._held[name]
        self._save(name)

    def output_location(self, name: str, asked: str | None) -> str:
        """Decide where a query's results go, with a slash at the end; raises AwsError when nobody says."""
        configuration = self.get(name)["Configuration"]
        own = (configuration.get("ResultConfiguration") or {}).get("OutputLocation")
        enforced = configuration.get("EnforceWorkGroupConfiguration", True)
        chosen = own if own and (enforced or not asked) else asked
        if not chosen:
            raise AwsError(
                "InvalidRequestException",
                "No output location provided. An output location is required either through the Workgroup result "
                "configuration setting or as an API input.",
            )
        return str(chosen).rstrip("/") + "/"


def _workgroup(name: str, configuration: dict[str, Any], description: str, *, at: float) -> dict[str, Any]:
    defaults = {
        "ResultConfiguration": {},
        "PublishCloudWatchMetricsEnabled": False,
        "RequesterPaysEnabled": False,
        "EngineVersion": _ENGINE,
    }
    return {
        "Name": name,
        "State": "ENABLED",
        "Configuration": {**defaults, **configuration, "EngineVersion": _ENGINE},
        "Description": description,
        "CreationTime": at,
    }


def _check(configuration: dict[str, Any]) -> None:
    limit = configuration.get("BytesScannedCutoffPerQuery")
    if limit is not None and limit < SMALLEST_CUT_OFF:
        raise AwsError(
            "InvalidRequestException",
            f"BytesScannedCutoffPerQuery {limit} is below the smallest allowed value {SMALLEST_CUT_OFF}.",
        )
