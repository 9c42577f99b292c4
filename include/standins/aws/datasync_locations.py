"""Agents and locations: their operations.

URIs are those of the service (API reference, DescribeLocation...): nfs://server/path/, smb://server/share/, s3://bucket/
prefix/, fsxl://region.fs-id/path/, fsxw://region.fs-id/share/; object storage is object-storage://server/bucket/prefix/.
Two creations with the same parameters make two locations.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from include.standins.aws.datasync_options import REFUSED
from include.standins.aws.datasync_paging import matches, page
from include.standins.aws.datasync_records import Agent, Location, Records, tag_map
from include.standins.aws.errors import AwsError

if TYPE_CHECKING:
    from include.standins.aws.datasync_faults import TransferFaults

Parameters = dict[str, Any]
KINDS = {
    "Nfs": "nfs",
    "Smb": "smb",
    "S3": "s3",
    "ObjectStorage": "object-storage",
    "FsxLustre": "fsxl",
    "FsxWindows": "fsxw",
}
# Members that a Describe operation gives back as they were asked; secrets are neither kept nor given.
_DESCRIBED = {
    "nfs": ("OnPremConfig", "MountOptions"),
    "smb": ("AgentArns", "User", "Domain", "MountOptions", "DnsIpAddresses", "KerberosPrincipal", "AuthenticationType"),
    "s3": ("S3StorageClass", "S3Config", "AgentArns"),
    "object-storage": ("AccessKey", "ServerPort", "ServerProtocol", "AgentArns", "ServerCertificate"),
    "fsxl": ("SecurityGroupArns",),
    "fsxw": ("SecurityGroupArns", "User", "Domain"),
}
_SECRETS = ("Password", "SecretKey", "KerberosKeytab", "KerberosKrb5Conf", "Tags", "CmkSecretConfig")
_DEFAULTS: dict[str, Parameters] = {
    "nfs": {"MountOptions": {"Version": "AUTOMATIC"}},
    "smb": {"MountOptions": {"Version": "AUTOMATIC"}, "AuthenticationType": "NTLM"},
    "s3": {"S3StorageClass": "STANDARD"},
    "object-storage": {"ServerProtocol": "HTTPS", "ServerPort": 443},
}


class Agents:
    """Agents come online when they are made; a fault takes them offline."""

    def __init__(self, records: Records, faults: TransferFaults) -> None:
        self._records = records
        self._faults = faults

    def create(self, parameters: Parameters) -> Parameters:
        """CreateAgent: any activation key will do."""
        private = {"VpcEndpointId", "SubnetArns", "SecurityGroupArns"}
        settings = {name: value for name, value in parameters.items() if name in private}
        arn = self._records.new_arn("agent", "agent")
        made = Agent(arn, time.time(), parameters.get("AgentName") or "", settings, tag_map(parameters.get("Tags")))
        self._records.agents.save(made)
        return {"AgentArn": arn}

    def _status(self, agent: Agent) -> str:
        return "OFFLINE" if self._faults.offline(agent.arn, agent.name) else "ONLINE"

    def _head(self, agent: Agent) -> Parameters:
        named = {"Name": agent.name} if agent.name else {}
        platform = {"Platform": {"Version": "local"}}
        return {"AgentArn": agent.arn, **named, "Status": self._status(agent), **platform}

    def describe(self, parameters: Parameters) -> Parameters:
        """DescribeAgent; an agent that is online was heard of just now."""
        agent = self._records.agents.get(parameters["AgentArn"])
        last = self._faults.offline_since(agent.arn, agent.name) or time.time()
        return {
            **self._head(agent),
            "LastConnectionTime": last,
            "CreationTime": agent.created,
            "EndpointType": "PRIVATE_LINK" if agent.settings else "PUBLIC",
        }

    def listed(self, parameters: Parameters) -> Parameters:
        """ListAgents."""
        taken, more = page(self._records.agents.all(), parameters)
        return {"Agents": [self._head(agent) for agent in taken], **more}

    def update(self, parameters: Parameters) -> Parameters:
        """UpdateAgent: the name."""
        agent = self._records.agents.get(parameters["AgentArn"])
        agent.name = parameters.get("Name") or ""
        self._records.agents.save(agent)
        return {}

    def delete(self, parameters: Parameters) -> Parameters:
        """DeleteAgent; refused while a location uses it."""
        agent = self._records.agents.get(parameters["AgentArn"])
        if self._records.locations.all(lambda location: agent.arn in location.agents):
            raise AwsError(REFUSED, f"Agent {agent.arn} is in use by a location.")
        self._records.agents.delete(agent.arn)
        return {}


class Locations:
    """Locations of the kinds that are modelled."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def create(self, name: str, parameters: Parameters) -> Parameters:
        """CreateLocation<name>."""
        kind = KINDS[name]
        settings = {key: value for key, value in parameters.items() if key not in _SECRETS}
        settings = {**_DEFAULTS.get(kind, {}), **settings}
        agents = _agents(settings)
        for arn in agents:
            self._records.agents.get(arn)
        made = Location(
            arn=self._records.new_arn("location", "loc"),
            created=time.time(),
            kind=kind,
            uri=_uri(kind, settings, region=self._records.region),
            agents=agents,
            settings=settings,
            tags=tag_map(parameters.get("Tags")),
        )
        self._records.locations.save(made)
        return {"LocationArn": made.arn}

    def _get(self, name: str, parameters: Parameters) -> Location:
        location = self._records.locations.get(parameters["LocationArn"])
        if location.kind != KINDS[name]:
            raise AwsError(REFUSED, f"Location {location.arn} is no {name} location.")
        return location

    def describe(self, name: str, parameters: Parameters) -> Parameters:
        """DescribeLocation<name>."""
        location = self._get(name, parameters)
        kept = {
            member: location.settings[member] for member in _DESCRIBED[location.kind] if member in location.settings
        }
        head = {"LocationArn": location.arn, "LocationUri": location.uri, "CreationTime": location.created}
        return {**head, **kept}

    def update(self, name: str, parameters: Parameters) -> Parameters:
        """UpdateLocation<name>: what is given replaces what was."""
        location = self._get(name, parameters)
        changes = {key: value for key, value in parameters.items() if key not in (*_SECRETS, "LocationArn")}
        location.settings |= changes
        location.agents = _agents(location.settings)
        for arn in location.agents:
            self._records.agents.get(arn)
        location.uri = _uri(location.kind, location.settings, region=self._records.region)
        self._records.locations.save(location)
        return {}

    def listed(self, parameters: Parameters) -> Parameters:
        """ListLocations: LocationUri, LocationType (NFS, S3, FSXLUSTRE ...) and CreationTime filter."""
        rows = self._records.locations.all(
            lambda row: matches(
                parameters.get("Filters"),
                {
                    "LocationUri": lambda: [row.uri, row.uri.rstrip("/")],
                    "LocationType": lambda: _types(row.kind),
                    "CreationTime": lambda: row.created,
                },
            )
        )
        taken, more = page(rows, parameters)
        return {"Locations": [{"LocationArn": row.arn, "LocationUri": row.uri} for row in taken], **more}

    def delete(self, parameters: Parameters) -> Parameters:
        """DeleteLocation; refused while a task uses it."""
        location = self._records.locations.get(parameters["LocationArn"])
        if self._records.tasks.all(lambda task: location.arn in (task.source, task.destination)):
            raise AwsError(REFUSED, f"Location {location.arn} is in use by a task.")
        self._records.locations.delete(location.arn)
        return {}


def _types(kind: str) -> list[str]:
    name = next(name for name, each in KINDS.items() if each == kind)
    return [name.upper(), {"FsxLustre": "FSX_LUSTRE", "FsxWindows": "FSX_WINDOWS"}.get(name, name.upper())]


def _agents(settings: Parameters) -> list[str]:
    given = settings.get("AgentArns") or (settings.get("OnPremConfig") or {}).get("AgentArns") or []
    return list(dict.fromkeys(given))


def _uri(kind: str, settings: Parameters, *, region: str) -> str:
    path = str(settings.get("Subdirectory") or "").strip("/")
    ending = f"{path}/" if path else ""
    if kind == "s3":
        return f"s3://{settings['S3BucketArn'].rpartition(':')[2]}/{ending}"
    if kind == "object-storage":
        return f"object-storage://{settings['ServerHostname']}/{settings['BucketName']}/{ending}"
    if kind in ("fsxl", "fsxw"):
        return f"{kind}://{region}.{settings['FsxFilesystemArn'].rpartition('/')[2]}/{ending}"
    return f"{kind}://{settings['ServerHostname']}/{ending}"
