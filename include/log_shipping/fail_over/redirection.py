"""Lead clients to the new primary, by a CNAME in Route 53 or a parameter of Systems Manager, and check it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from include.log_shipping.configuration import Route53Redirect
from include.log_shipping.fail_over.fencing import renew
from include.log_shipping.fail_over.steps import THREADS, FailOver, StepError, StepReport, moves_after, write_step
from include.log_shipping.fail_over.verification import token_of, write_and_read_back
from include.log_shipping.failures import ServerUnreachableError, SqlServerError
from include.log_shipping.fleet import look_at, seen_in
from include.log_shipping.lanes import each
from include.log_shipping.outcomes import Outcome, Status
from include.log_shipping.server_state import DatabaseState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from include.log_shipping.configuration import Redirect, SsmRedirect
    from include.log_shipping.fail_over.plans import Move

INSYNC_TRIES: Final = 60
PAUSE_SECONDS: Final = 2.0
"""Route 53 tells all its name servers within a minute as a rule (its documentation of GetChange)."""


class ChangeNotPropagatedError(StepError):
    """Route 53 took the change and has not told all its name servers in time."""


def redirect_clients(
    work: FailOver, move: Move, *, pause: Callable[[float], None] = time.sleep
) -> tuple[str, dict[str, Any]]:
    """Point the database's name at the target and read it back; a database without a redirect says so.

    :raises StepError: AWS refused, or what is read back is not what was written.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    renew(work, move.database)
    redirect = work.workplace.configuration.database(move.database).redirect
    if redirect is None:
        return f"{move.database} has no redirect: tell its clients to use {move.target}.", {"redirected": False}
    name, wanted = name_of(redirect), value_for(redirect, move.target)
    try:
        before = current_value(work.aws, redirect)
        if before != wanted:
            _point(work.aws, redirect, to=wanted, pause=pause)
        found = current_value(work.aws, redirect)
    except (BotoCoreError, ClientError) as error:
        raise StepError(f"{name} still leads to the old side: {error}; mend it and clear redirect_clients.") from error
    if found != wanted:
        raise StepError(f"{name} was pointed at {wanted} and reads {found}: somebody else changes it as well.")
    return f"{name} leads to {wanted}.", {"redirected": True, "name": name, "before": before, "now": found}


def name_of(redirect: Redirect) -> str:
    """Return what clients look up."""
    return redirect.record if isinstance(redirect, Route53Redirect) else redirect.parameter


def value_for(redirect: Redirect, server: str) -> str:
    """Return what the name has to say while a server is primary."""
    return redirect.targets[server] if isinstance(redirect, Route53Redirect) else redirect.values[server]


def current_value(aws: Callable[[str], Any], redirect: Redirect) -> str | None:
    """Return what the name says now, None when there is no such record or parameter."""
    if isinstance(redirect, Route53Redirect):
        return _record(aws("route53"), redirect)
    return _parameter(aws("ssm"), redirect)


def redirection_rows(work: FailOver) -> list[dict[str, Any]]:
    """Return what the gate after the redirection judges: a row per database whose clients were redirected."""
    return each(moves_after(work, "redirect_clients"), lambda move: redirection_row(work, move), threads=THREADS)


def redirection_outcomes(work: FailOver, rows: Sequence[Mapping[str, Any]]) -> StepReport:
    """Keep what the gate is about to judge."""
    at = work.workplace.clock()
    outcomes = [
        Outcome(
            database=row["database"],
            step="check_redirection",
            status=Status.DONE if is_redirected(row) else Status.FAILED,
            reason=row["told"],
            started=at,
            finished=at,
            evidence=dict(row),
        )
        for row in rows
    ]
    inside = work.stopwatch.seconds
    return write_step(work, "check_redirection", outcomes=outcomes, started=at, inside_seconds=inside)


def is_redirected(row: Mapping[str, Any]) -> bool:
    """Whether clients are led right; the suite of the gate expects the same three claims."""
    return all(row[name] for name in ("leads_right", "reads_back", "old_side_refuses"))


def redirection_row(work: FailOver, move: Move) -> dict[str, Any]:
    """Return the gate's row of a database.

    The row is written and read where the name leads to, which need not be where it should.
    """
    redirect = work.workplace.configuration.database(move.database).redirect
    found = None if redirect is None else current_value(work.aws, redirect)
    leads_to = move.target if redirect is None else _server_of(redirect, found, move=move)
    fault = f"the name leads to {found or 'nothing'}, which is no server of {move.database}"
    if leads_to is not None:
        fault = _write_fault(work, move, server_name=leads_to)
    return {
        "database": move.database,
        "leads_right": leads_to == move.target,
        "reads_back": not fault,
        "old_side_refuses": _old_side_refuses(work, move),
        "told": fault or f"{move.database} writes on {leads_to}",
    }


def _server_of(redirect: Redirect, value: str | None, *, move: Move) -> str | None:
    return next((name for name in (move.target, move.source) if value_for(redirect, name) == value), None)


def _write_fault(work: FailOver, move: Move, *, server_name: str) -> str:
    try:
        with work.server(server_name) as server:
            write_and_read_back(server, move.database, token=token_of(work, move))
    except (SqlServerError, StepError) as error:
        return str(error)
    return ""


def _old_side_refuses(work: FailOver, move: Move) -> bool:
    """A lost server refuses everybody; one that answers must not be writable, and a write to it must fail."""
    seen = seen_in(look_at(work.workplace, move.source), move.database)
    if not isinstance(seen, DatabaseState):
        return True
    if seen.is_writable:
        return False
    try:
        with work.server(move.source) as server:
            write_and_read_back(server, move.database, token=token_of(work, move))
    except ServerUnreachableError:
        return True
    except SqlServerError:
        return True
    return False


def _point(aws: Callable[[str], Any], redirect: Redirect, *, to: str, pause: Callable[[float], None]) -> None:
    if not isinstance(redirect, Route53Redirect):
        aws("ssm").put_parameter(Name=redirect.parameter, Value=to, Type="String", Overwrite=True)
        return
    client = aws("route53")
    record = {
        "Name": redirect.record,
        "Type": "CNAME",
        "TTL": redirect.ttl,
        "ResourceRecords": [{"Value": to}],
    }
    batch = {"Comment": "Landfall", "Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    change = client.change_resource_record_sets(HostedZoneId=redirect.hosted_zone_id, ChangeBatch=batch)["ChangeInfo"]
    for _ in range(INSYNC_TRIES):
        if change["Status"] == "INSYNC":
            return
        pause(PAUSE_SECONDS)
        change = client.get_change(Id=change["Id"])["ChangeInfo"]
    raise ChangeNotPropagatedError(
        f"Route 53 took the change of {redirect.record} and has not told all its name servers after "
        f"{INSYNC_TRIES * PAUSE_SECONDS:.0f} s; clear redirect_clients to go on waiting."
    )


def _record(client: Any, redirect: Route53Redirect) -> str | None:
    wanted = redirect.record.rstrip(".").lower()
    answer = client.list_resource_record_sets(
        HostedZoneId=redirect.hosted_zone_id, StartRecordName=redirect.record, StartRecordType="CNAME", MaxItems="1"
    )
    for record in answer["ResourceRecordSets"]:
        if record["Type"] == "CNAME" and record["Name"].rstrip(".").lower() == wanted:
            values = [value["Value"] for value in record["ResourceRecords"]]
            return values[0] if len(values) == 1 else ", ".join(values)
    return None


def _parameter(client: Any, redirect: SsmRedirect) -> str | None:
    try:
        value: str = client.get_parameter(Name=redirect.parameter)["Parameter"]["Value"]
    except client.exceptions.ParameterNotFound:
        return None
    return value
