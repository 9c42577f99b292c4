"""The ends of the transfers as DataSync knows them: one source location for each agent, one target location."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from include.fsx_migration.clients import call_once, error_text
from include.fsx_migration.definition_model import SourceKind
from include.fsx_migration.refusals import DriftError, RefusedError
from include.fsx_migration.resources import tagging
from include.fsx_migration.resources.ensuring import Means, ensure
from include.fsx_migration.resources.file_systems import WINDOWS
from include.fsx_migration.resources.inventory import tagged_locations
from include.fsx_migration.resources.tagging import tag_list, tags_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from include.fsx_migration.resources.file_systems import FileSystem
    from include.fsx_migration.resources.inventory import Tagged
    from include.fsx_migration.workplace import Workplace

_KINDS: Final = {
    SourceKind.NFS: "nfs",
    SourceKind.SMB: "smb",
    SourceKind.S3: "s3",
    SourceKind.OBJECT_STORAGE: "object_storage",
}
_SCHEMES: Final = {
    "nfs": "nfs",
    "smb": "smb",
    "s3": "s3",
    "object_storage": "object-storage",
    "fsx_lustre": "fsxl",
    "fsx_windows": "fsxw",
}
"""Of the URIs that DataSync makes (its user guide and the acceptance tests of Terraform's AWS provider)."""
_COMPARED: Final = (
    "AgentArns",
    "OnPremConfig",
    "User",
    "Domain",
    "AccessKey",
    "ServerPort",
    "S3Config",
    "SecurityGroupArns",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationOrder:
    """A location as the definition wants it.

    :param kind: names the operation: `nfs` is CreateLocationNfs and DescribeLocationNfs.
    :param request: arguments of the create operation; it holds a password where the kind needs one.
    :param where: host and path of the URI that DataSync makes of it, the path without slashes at its ends.
    """

    kind: str
    role: str
    agent: str
    request: Mapping[str, Any]
    where: tuple[str, str]

    def __repr__(self) -> str:
        return f"LocationOrder({self.kind}, {self.role}, {self.where})"


def source_orders(place: Workplace) -> tuple[LocationOrder, ...]:
    """Return the wanted source locations: one for each agent; one without an agent for S3.

    :raises RefusedError: a kind that needs an agent has none.
    """
    source = place.migration.source
    if source.kind is SourceKind.S3:
        return (_s3(place),)
    if not source.agents:
        raise RefusedError(f"Migration {place.migration.name} names no agent: list those that reach {source.server}.")
    return tuple(_of_agent(place, agent) for agent in source.agents)


def target_order(place: Workplace, file_system: FileSystem) -> LocationOrder:
    """Return the wanted location of the file system.

    :raises RefusedError: the definition names no security group, which DataSync needs to reach the file system.
    """
    target, name = place.migration.target, place.migration.name
    if not target.security_group_ids:
        raise RefusedError(
            f"Migration {name} names no target.security_group_ids: DataSync reaches the file system through them."
        )
    request: dict[str, Any] = {
        "FsxFilesystemArn": file_system.arn,
        "SecurityGroupArns": [_security_group(file_system, group) for group in target.security_group_ids],
        "Subdirectory": target.subdirectory,
        "Tags": tag_list(tags_of(name, tagging.TARGET_LOCATION)),
    }
    windows = file_system.kind == WINDOWS
    return LocationOrder(
        kind="fsx_windows" if windows else "fsx_lustre",
        role=tagging.TARGET_LOCATION,
        agent="",
        request={**request, **_login(place, target.connection)} if windows else request,
        where=(file_system.id, target.subdirectory.strip("/")),
    )


def ensure_location(place: Workplace, order: LocationOrder, tagged: Sequence[Tagged]) -> str:
    """Return the ARN of a location: the one with this migration's tags, else a new one.

    :param tagged: the migration's locations, as `inventory.tagged_locations` gives them.
    :raises DriftError: the one that exists leads elsewhere, or goes by other agents, logins or roles. A changed
        password cannot be seen: DataSync never shows it.
    :raises RefusedError: DataSync refuses the request.
    """
    means = Means(
        list_tagged=lambda: tagged_locations(place),
        refuse_drift=lambda found: _refuse_drift(place, found, order),
        create=lambda: _create(place, order),
        delete=lambda arn: place.clients("datasync").delete_location(LocationArn=arn),
    )
    return ensure(place, order.role, order.agent, tagged=tagged, means=means)


def _of_agent(place: Workplace, agent: str) -> LocationOrder:
    source, path = place.migration.source, place.migration.source.subdirectory
    request: dict[str, Any] = {
        "ServerHostname": source.server,
        "Subdirectory": path,
        "Tags": tag_list(tags_of(place.migration.name, tagging.SOURCE_LOCATION, agent=agent)),
    }
    where = (source.server, path.strip("/"))
    if source.kind is SourceKind.NFS:
        request["OnPremConfig"] = {"AgentArns": [agent]}
    elif source.kind is SourceKind.SMB:
        request |= {"AgentArns": [agent], **_login(place, source.connection)}
    else:
        host, port = _host_and_port(source.server)
        request |= {"ServerHostname": host, "BucketName": source.bucket, "AgentArns": [agent]}
        request |= {"ServerPort": port} if port else {}
        if source.connection:
            login, password = place.secrets(source.connection)
            request |= {"AccessKey": login, "SecretKey": password}
        where = (host, "/".join(part for part in (source.bucket, path.strip("/")) if part))
    return LocationOrder(
        kind=_KINDS[source.kind], role=tagging.SOURCE_LOCATION, agent=agent, request=request, where=where
    )


def _s3(place: Workplace) -> LocationOrder:
    source = place.migration.source
    partition = source.access_role_arn.split(":")[1] if source.access_role_arn else "aws"
    request = {
        "S3BucketArn": f"arn:{partition}:s3:::{source.bucket}",
        "S3Config": {"BucketAccessRoleArn": source.access_role_arn},
        "Subdirectory": source.subdirectory,
        "Tags": tag_list(tags_of(place.migration.name, tagging.SOURCE_LOCATION)),
    }
    where = (source.bucket, source.subdirectory.strip("/"))
    return LocationOrder(kind="s3", role=tagging.SOURCE_LOCATION, agent="", request=request, where=where)


def _login(place: Workplace, connection: str) -> dict[str, str]:
    """Return User, Domain and Password of a connection whose login may be `DOMAIN\\user`."""
    if not connection:
        raise RefusedError(
            f"Migration {place.migration.name} names no connection with a login for SMB: set source.connection or "
            "target.connection to an Airflow connection."
        )
    login, password = place.secrets(connection)
    domain, _, user = login.rpartition("\\")
    return {"User": user, "Password": password, **({"Domain": domain} if domain else {})}


def _host_and_port(server: str) -> tuple[str, int]:
    """Split `store.example:9000`; 0 is DataSync's default port. An IPv6 address has several colons and no port."""
    host, _, port = server.partition(":")
    return (host, int(port)) if port.isdigit() else (server, 0)


def _security_group(file_system: FileSystem, group: str) -> str:
    _, partition, _, region, account, _ = file_system.arn.split(":", 5)
    return f"arn:{partition}:ec2:{region}:{account}:security-group/{group}"


def _create(place: Workplace, order: LocationOrder) -> str:
    from botocore.exceptions import ClientError

    create = getattr(place.client_once("datasync"), f"create_location_{order.kind}")
    try:
        return str(call_once(lambda: create(**order.request))["LocationArn"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidRequestException":
            raise
        # `from None`: a traceback with the request would carry its password.
        told = error_text(error)
    raise RefusedError(f"DataSync refuses the {order.role} {'/'.join(order.where)}: {told}")


def _refuse_drift(place: Workplace, found: Tagged, order: LocationOrder) -> None:
    if wrong := list(_differences(place, found, order)):
        raise DriftError(
            f"Location {found.arn} of migration {place.migration.name} is not what the definition describes "
            f"({'; '.join(wrong)}): it is left as it is; change the definition back, or delete location and tasks."
        )


def _differences(place: Workplace, found: Tagged, order: LocationOrder) -> Iterator[str]:
    uri = urlsplit(found.name)
    # FSx: `fsxl://us-east-1.fs-0123456789abcdef0/folder/`; the Region stands before the file system.
    host = uri.netloc.rsplit(".", 1)[-1] if order.role == tagging.TARGET_LOCATION else uri.netloc
    if (uri.scheme, host, unquote(uri.path).strip("/")) != (_SCHEMES[order.kind], *order.where):
        yield f"it leads to {found.name}, wanted {_SCHEMES[order.kind]}://{'/'.join(order.where)}"
        return  # of another kind there is nothing more to compare
    describe = getattr(place.clients("datasync"), f"describe_location_{order.kind}")
    answer = describe(LocationArn=found.arn)
    for name in _COMPARED:
        if name in order.request and _differs(order.request[name], answer.get(name)):
            yield f"{name} is not the definition's"


def _differs(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, list):
        return sorted(wanted) != sorted(found or ())
    return bool(wanted != found)
