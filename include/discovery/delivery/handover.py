"""The hand-over files: what MGN, CMF, Migration Hub, Konveyor and Jira import.

Headers: MGN "Importing your data inventory" (user guide, seen November 2026); CMF intake form of CMF 4.5; Migration Hub
import template of December 2022; Konveyor's application import template; Atlassian "Keep work parent-child
relationships
during CSV import" (Parent holds the id of a row above). Only servers that somebody moves are handed over: in scope, and
neither retired nor retained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.discovery.delivery.csv_files import check_csv, copy_csv, write_csv
from include.discovery.delivery.migration_hub import MIGRATION_HUB
from include.discovery.delivery.schemas import EMPTY, Column, File, Kind, text

if TYPE_CHECKING:
    from pathlib import Path

    from include.discovery.delivery.settings import DeliverySettings

PREPARED: Final = (
    """CREATE OR REPLACE TEMP TABLE moved AS
    SELECT s.server_id, s.hostname, s.vm_name, s.fqdn, s.os_family, s.os_product, s.os_name, s.architecture,
    s.environment, s.owner, s.tier,
      y.strategy AS r_type, z.instance_type, g.application_group, g.tier_role, w.wave AS n
    FROM servers s LEFT JOIN strategies y USING (server_id) LEFT JOIN sizing z USING (server_id) LEFT JOIN groups g
    USING (server_id)
    LEFT JOIN server_waves w USING (server_id)
    WHERE s.in_scope AND coalesce(y.strategy, 'rehost') NOT IN ('retire', 'retain', 'repurchase')""",
    """CREATE OR REPLACE TEMP TABLE application_pairs AS
    SELECT DISTINCT a.application_group AS one, b.application_group AS other
    FROM (SELECT DISTINCT source_server_id, destination_server_id FROM connections) c
    JOIN groups a ON a.server_id = c.source_server_id JOIN groups b ON b.server_id = c.destination_server_id
    WHERE a.application_group <> b.application_group AND NOT a.is_hub AND NOT b.is_hub""",
    """CREATE OR REPLACE TEMP TABLE told_applications AS
    SELECT application_group, count(*) AS servers, min(w.wave) AS wave, min(p.rank) AS rank,
      list_aggregate(list_sort(list_distinct(list(s.business_unit))), 'string_agg', '; ') AS service,
      list_aggregate(list_sort(list_distinct(list(s.owner))), 'string_agg', '; ') AS owners,
      list_aggregate(list_sort(list_distinct(list(s.os_product))), 'string_agg', '; ') AS systems
    FROM groups g JOIN servers s USING (server_id) LEFT JOIN server_waves w USING (server_id, application_group)
    LEFT JOIN priorities p USING (application_group) GROUP BY application_group""",
)
_NAME: Final = "coalesce(m.hostname, m.vm_name, m.server_id)"
_WAVE: Final = "'Wave ' || lpad(CAST(m.n AS VARCHAR), 3, '0')"
_PORTABLE: Final = "coalesce(m.architecture, 'x86_64') IN ('x86_64', 'arm64') AND m.os_family IN ('windows', 'linux')"


def mgn(settings: DeliverySettings, region: str) -> File:
    """Return the MGN import file: machines that its agent runs on (Windows and Linux)."""
    return File(
        path="mgn_import.csv",
        title="AWS Application Migration Service import.",
        rows=f"moved m WHERE {_PORTABLE} AND coalesce(m.r_type, 'rehost') IN ('rehost', 'replatform')",
        order="m.server_id",
        key=("mgn:server:user-provided-id",),
        columns=(
            text("mgn:account-id", _literal(settings.account_id)),
            text("mgn:region", _literal(region), required=True),
            text("mgn:app:name", "m.application_group", private="application"),
            text("mgn:wave:name", _WAVE),
            text("mgn:server:user-provided-id", "m.server_id", required=True, private="server"),
            text(
                "mgn:server:platform", "CASE m.os_family WHEN 'windows' THEN 'windows' ELSE 'linux' END", required=True
            ),
            text("mgn:server:fqdn-for-action-framework", "m.fqdn", private="server"),
            text("mgn:launch:instance-type", "m.instance_type"),
            text("mgn:launch:placement:tenancy", "'default'", choices=("default", "dedicated", "host")),
            text(
                "mgn:launch:placement:operating-system-licensing",
                "CASE m.os_family WHEN 'windows' THEN 'license-included' END",
            ),
            text("mgn:server:tag:environment", "m.environment"),
            text("mgn:server:tag:owner", "m.owner", private="person"),
        ),
    )


def cmf(settings: DeliverySettings, region: str) -> File:
    """Return the CMF intake file."""
    subnets = tuple(
        text(name, EMPTY) for name in ("subnet_IDs", "securitygroup_IDs", "subnet_IDs_test", "securitygroup_IDs_test")
    )
    return File(
        path="cmf_intake.csv",
        title="Cloud Migration Factory intake form.",
        rows=f"moved m WHERE {_PORTABLE}",
        order="m.n, m.application_group, m.server_id",
        columns=(
            text("wave_name", _WAVE),
            text("app_name", "m.application_group", private="application"),
            text("aws_region", _literal(region), required=True),
            text("aws_accountid", _literal(settings.account_id)),
            text("server_name", _NAME, required=True, private="server"),
            text("server_os_family", "m.os_family", choices=("windows", "linux")),
            text("server_os_version", "coalesce(m.os_product, m.os_name)"),
            text("server_fqdn", f"coalesce(m.fqdn, {_NAME})", required=True, private="server"),
            text("server_tier", "coalesce(m.tier_role, m.tier)"),
            text("server_environment", "m.environment"),
            text("r_type", "upper(m.r_type[1]) || m.r_type[2:]"),
            *subnets,
            text("instanceType", "m.instance_type"),
            text("tenancy", "'Shared'"),
            text("tags", "'server_id=' || m.server_id", private="server"),
        ),
    )


def _konveyor() -> File:
    names = (
        "Record Type,Application Name,Description,Comments,Business Service,Dependency,Dependency Direction,"
        "Binary Group,Binary Artifact,Binary Version,Binary Packaging,Repository Type,Repository URL,Repository Branch,"
        "Repository Path,Owner,Contributors"
    ).split(",")
    names += [f"Tag{' Category' if is_category else ''} {n}" for n in range(1, 21) for is_category in (True, False)]
    made = {
        "Record Type": Column(name="Record Type", value="kind", kind=Kind.INTEGER, required=True),
        "Application Name": text("Application Name", "app", required=True, private="application"),
        "Description": text("Description", "told"),
        "Comments": text("Comments", "comments", private="person"),
        "Business Service": text("Business Service", "service", private="unit"),
        "Dependency": text("Dependency", "other", private="application"),
        "Dependency Direction": text("Dependency Direction", "direction", choices=("northbound", "southbound")),
    }
    rows = """(SELECT 1 AS kind, application_group AS app, servers || ' servers' || coalesce(', wave ' || wave, '')
    AS told,
      'Owners: ' || owners AS comments, service, NULL AS other, NULL AS direction FROM told_applications
      UNION ALL SELECT 2, one, NULL, NULL, NULL, other, 'southbound' FROM application_pairs) k"""  # own names
    columns = tuple(made.get(name) or text(name, EMPTY) for name in names)
    return File(
        path="konveyor.csv",
        title="Konveyor applications and dependencies.",
        rows=rows,
        order="kind, app, other",
        columns=columns,
    )


def _jira() -> File:
    rows = """(WITH epics AS (SELECT wave, min(starts) AS starts, max(ends) AS ends, sum(servers) AS servers FROM
    waves GROUP BY wave),
      links AS (SELECT one, string_agg(other, '; ' ORDER BY other) AS others FROM application_pairs GROUP BY one),
      numbered AS (SELECT *, row_number() OVER (ORDER BY wave NULLS LAST, rank NULLS LAST, application_group) AS n
      FROM told_applications)
      SELECT 0 AS level, wave AS id, 'Epic' AS type, 'Wave ' || lpad(CAST(wave AS VARCHAR), 3, '0') AS summary,
      NULL::BIGINT AS parent,
        servers || ' servers' AS told, starts, ends, NULL::BIGINT AS rank, NULL::VARCHAR AS others, NULL AS app FROM
        epics
      UNION ALL SELECT 1, 1000000 + n, 'Story', 'Migrate ' || application_group, wave, servers ||
      ' servers; owners: ' ||
        coalesce(owners, 'not known') || '; systems: ' || coalesce(systems, 'not known'), e.starts, e.ends, rank,
        others, application_group
      FROM numbered LEFT JOIN (SELECT wave, starts, ends FROM epics) e USING (wave) LEFT JOIN links ON one =
      application_group) j"""  # own names
    return File(
        path="jira.csv",
        title="Jira: an epic for each wave, a story for each application group, links as dependencies.",
        rows=rows,
        order="level, id",
        key=("Issue ID",),
        columns=(
            text("Issue Type", "type", choices=("Epic", "Story"), required=True),
            Column(name="Issue ID", value="id", kind=Kind.INTEGER, required=True, minimum=1),
            Column(name="Parent", value="parent", kind=Kind.INTEGER),
            text("Summary", "summary", required=True),
            text("Description", "told"),
            Column(name="Start date", value="starts", kind=Kind.DATE),
            Column(name="Due date", value="ends", kind=Kind.DATE),
            Column(name="Migration rank", value="rank", kind=Kind.INTEGER),
            text("Depends on", "others", private="applications"),
            text("Labels", "'landfall'"),
        ),
    )


def write_handover(connection: Any, folder: Path, *, settings: DeliverySettings, region: str) -> None:
    """Write the files that other tools import, each checked; Migration Hub's in parts below its limit.

    :raises OutputInvalidError: when a file breaks its schema.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for step in PREPARED:
        connection.execute(step).fetchall()
    for file in (mgn(settings, region), cmf(settings, region), _konveyor(), _jira()):
        write_csv(connection, folder, file)
    whole = folder / "whole.csv"
    rows = copy_csv(connection, MIGRATION_HUB.query, whole)
    check_csv(connection, whole, MIGRATION_HUB, rows=rows)
    split_csv(whole, folder, stem="migration_hub_import", limit=settings.import_bytes)
    whole.unlink()


def split_csv(whole: Path, folder: Path, *, stem: str, limit: int) -> int:
    """Cut a CSV file between rows into `stem-001.csv`, ... with fewer than `limit` bytes each; return how many.

    Every part has the header. A quoted cell may hold line ends: a row ends where its quotes are even.
    """
    parts, size, part = 0, 0, None
    with whole.open("rb") as opened:
        header = opened.readline()
        try:
            for row in _rows(opened):
                if part is None or size + len(row) >= limit:
                    parts += 1
                    if part is not None:
                        part.close()
                    part = (folder / f"{stem}-{parts:03d}.csv").open("wb")
                    size = part.write(header)
                size += part.write(row)
        finally:
            if part is not None:
                part.close()
    if not parts:
        (folder / f"{stem}-001.csv").write_bytes(header)
    return max(parts, 1)


def _rows(opened: Any) -> Any:
    held = b""
    for line in opened:
        held += line
        if held.count(b'"') % 2 == 0:
            yield held
            held = b""
    if held:
        yield held


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'" if value else EMPTY
