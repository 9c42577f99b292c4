"""The name that clients follow to their files: a CNAME in Route 53 or a parameter of Systems Manager."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.clients import error_code
from include.fsx_migration.definition_model import Route53Name
from include.fsx_migration.refusals import NotReadyError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from include.fsx_migration.definition_model import Name, SsmName
    from include.fsx_migration.workplace import Workplace

INSYNC_TRIES: Final = 60
PAUSE_SECONDS: Final = 2.0
"""Route 53 tells all its name servers within a minute as a rule (its API reference, GetChange)."""


class NameRefusedError(RefusedError):
    """The name cannot be switched as the definition describes it; nothing was changed."""


class NameContestedError(RefusedError):
    """The name says something that is neither old nor new: somebody else changes it as well."""


class ChangeNotPropagatedError(NotReadyError):
    """Route 53 took the change and has not told all its name servers in time."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a name says, and what a change of exactly this needs: a record set, or a parameter's type and version."""

    value: str
    held: Mapping[str, Any]


def called(name: Name) -> str:
    """Return what clients look up."""
    return name.record if isinstance(name, Route53Name) else name.parameter


def delay_seconds(name: Name) -> int | None:
    """Return how long clients may keep an old answer; None where they decide themselves."""
    return name.ttl_seconds if isinstance(name, Route53Name) else None


def read_name(place: Workplace) -> Said:
    """Return what the name says now.

    :raises NameRefusedError: it does not exist, or is no plain CNAME with one value.
    """
    name = place.migration.cut_over.name
    return _record(place, name) if isinstance(name, Route53Name) else _parameter(place, name)


def point_name(place: Workplace, *, said: Said, to: str, pause: Callable[[float], None] = time.sleep) -> None:
    """Change a name that still says `said`, and wait until everybody is told.

    Route 53 deletes the old record and creates the new one as one change, which it refuses when the old one is no
    longer exactly that (its API reference, ChangeResourceRecordSets): nobody else's change is overwritten. Systems
    Manager has no such condition; the version tells afterwards.

    :raises NameContestedError: somebody else changed the name in between.
    :raises ChangeNotPropagatedError: Route 53 has not told all its servers yet; another try goes on waiting.
    """
    name = place.migration.cut_over.name
    if isinstance(name, Route53Name):
        _replace_record(place, name, said=said, to=to, pause=pause)
        return
    client = place.client_once("ssm")
    written = client.put_parameter(Name=name.parameter, Value=to, Type=said.held["Type"], Overwrite=True)
    if written["Version"] != said.held["Version"] + 1:
        raise NameContestedError(
            f"Parameter {name.parameter} was written by somebody else at the same moment (it is version "
            f"{written['Version']}): look at its history, and agree who changes it."
        )


def _record(place: Workplace, name: Route53Name) -> Said:
    answer = place.clients("route53").list_resource_record_sets(
        HostedZoneId=name.zone_id, StartRecordName=name.record, StartRecordType="CNAME", MaxItems="1"
    )
    found = [entry for entry in answer["ResourceRecordSets"] if same_name(entry["Name"], name.record)]
    if not found or found[0]["Type"] != "CNAME":
        raise NameRefusedError(f"Zone {name.zone_id} has no CNAME {name.record}: create it, or correct the definition.")
    record = found[0]
    values = [value["Value"] for value in record.get("ResourceRecords", ())]
    if len(values) != 1 or "SetIdentifier" in record:
        raise NameRefusedError(
            f"{name.record} is an alias or has several values: Landfall switches plain CNAMEs; switch it by hand."
        )
    return Said(values[0].rstrip("."), record)


def _replace_record(
    place: Workplace, name: Route53Name, *, said: Said, to: str, pause: Callable[[float], None]
) -> None:
    from botocore.exceptions import ClientError

    client = place.clients("route53")
    new = {"Name": name.record, "Type": "CNAME", "TTL": name.ttl_seconds, "ResourceRecords": [{"Value": to}]}
    changes = [{"Action": "DELETE", "ResourceRecordSet": said.held}, {"Action": "CREATE", "ResourceRecordSet": new}]
    batch = {"Comment": f"Landfall, migration {place.migration.name}", "Changes": changes}
    try:
        change = client.change_resource_record_sets(HostedZoneId=name.zone_id, ChangeBatch=batch)["ChangeInfo"]
    except ClientError as error:
        # The request may have been sent again after a lost answer: then it was us.
        if error_code(error) == "InvalidChangeBatch" and same_name(read_name(place).value, to):
            return
        if error_code(error) == "InvalidChangeBatch":
            raise NameContestedError(
                f"Route 53 refuses to change {name.record} ({error}): somebody else changed it in between."
            ) from error
        raise
    for _ in range(INSYNC_TRIES):
        if change["Status"] == "INSYNC":
            return
        pause(PAUSE_SECONDS)
        change = client.get_change(Id=change["Id"])["ChangeInfo"]
    raise ChangeNotPropagatedError(
        f"Route 53 took the change of {name.record} and has not told all its name servers after "
        f"{INSYNC_TRIES * PAUSE_SECONDS:.0f} s: look at the change {change['Id']}, then clear this task."
    )


def _parameter(place: Workplace, name: SsmName) -> Said:
    client = place.clients("ssm")
    try:
        found = client.get_parameter(Name=name.parameter)["Parameter"]
    except client.exceptions.ParameterNotFound:
        raise NameRefusedError(
            f"There is no parameter {name.parameter}: create it with {place.migration.cut_over.old_value}."
        ) from None
    if found["Type"] == "SecureString":
        raise NameRefusedError(
            f"Parameter {name.parameter} is a SecureString: a server's name is no secret; use String."
        )
    return Said(found["Value"], {"Type": found["Type"], "Version": found["Version"]})


def same_name(one: str, other: str) -> bool:
    """Tell whether two values name the same server: case and a last dot do not matter in domain names."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return name.rstrip(".").lower()
