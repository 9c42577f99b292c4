"""What is measured before an outcome may rest on the data: one query and one sentence each.

A measure is a share or a number with a limit below or above which the outcome is blocked. A measure without anything to
measure (no connections at all, no commercial database) gives NULL; `when_absent` says what that means.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SNAPSHOT, TCO, WAVE_PLAN = "snapshot", "tco", "wave_plan"
OUTCOMES: Final = (SNAPSHOT, TCO, WAVE_PLAN)


class Side(StrEnum):
    """On which side of the limit a value is good."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One check of the gates.

    :param outcomes: which of `OUTCOMES` it may block.
    :param query: one value; `$at` is the day of the assessment.
    :param limit: the field of QualitySettings.
    :param told: what is measured, the beginning of a sentence.
    :param advice: what to do when it blocks.
    :param when_absent: whether no value passes.
    """

    check: str
    outcomes: tuple[str, ...]
    query: str
    side: Side
    limit: str
    told: str
    advice: str
    when_absent: bool = True
    is_share: bool = True


def _known(condition: str) -> str:
    return f"SELECT avg(CASE WHEN {condition} THEN 1.0 ELSE 0 END) FROM servers WHERE in_scope"


PLAUSIBLE: Final = (
    "coalesce(cpu_cores, 1) BETWEEN 1 AND 2048 AND coalesce(memory_mib, 1024) BETWEEN 64 AND 67108864 "
    "AND coalesce(storage_gib, 1) BETWEEN 0 AND 4000000 "
    "AND coalesce(storage_used_gib, 0) <= coalesce(storage_gib, storage_used_gib, 0) * 1.02"
)
"""Cores up to the largest machines sold, 64 MiB to 64 TiB of memory, no more used than there is (2 % for rounding)."""

MEASURES: Final = (
    Measure(
        check="facts_known",
        outcomes=(SNAPSHOT, TCO),
        query=_known("cpu_cores IS NOT NULL AND memory_mib IS NOT NULL AND os_family <> 'unknown'"),
        side=Side.AT_LEAST,
        limit="known_share",
        told="servers with cores, memory and operating system",
        advice="export them from the hypervisor, or add them to a generic servers file",
        when_absent=False,
    ),
    Measure(
        check="rows_set_aside",
        outcomes=OUTCOMES,
        query="WITH wanted AS (SELECT source_id, rows_read FROM sources WHERE fills = 'raw_servers') "
        "SELECT (SELECT count(DISTINCT (source_id, source_row)) FROM quarantine SEMI JOIN wanted USING (source_id)) "
        "/ nullif((SELECT sum(rows_read) FROM wanted), 0)",
        side=Side.AT_MOST,
        limit="quarantined_share",
        told="rows of servers that were set aside",
        advice="look into quality.json for their rows and correct the export",
    ),
    Measure(
        check="plausible",
        outcomes=(SNAPSHOT, TCO),
        query=_known(f"NOT ({PLAUSIBLE})"),
        side=Side.AT_MOST,
        limit="implausible_share",
        told="servers with values that no machine has",
        advice="a unit is wrong in the export most often: name it in the header, as `Memory (In MB)`",
    ),
    Measure(
        check="conflicts",
        outcomes=(SNAPSHOT,),
        query="SELECT count(DISTINCT server_id) / nullif((SELECT count(*) FROM servers), 0) FROM conflicts",
        side=Side.AT_MOST,
        limit="conflicting_share",
        told="servers whose sources contradict each other",
        advice="conflicts.csv names each; say in `inventory.tools` which tool to believe first",
    ),
    Measure(
        check="hosts_known",
        outcomes=(SNAPSHOT,),
        query=_known("list_contains(marks, 'unknown_host')"),
        side=Side.AT_MOST,
        limit="unknown_host_share",
        told="machines whose virtualisation host is in no source",
        advice="add the export of the missing vCenter",
    ),
    Measure(
        check="fresh",
        outcomes=OUTCOMES,
        query="SELECT date_diff('day', CAST(max(newest) AS DATE), CAST($at AS DATE)) FROM ("
        "SELECT max(exported_at) AS newest FROM sources WHERE format <> 'review' "
        'UNION ALL SELECT max("at") FROM raw_utilisation UNION ALL SELECT max(last_seen) FROM raw_connections)',
        side=Side.AT_MOST,
        limit="stale_days",
        told="days since the newest day that the sources tell",
        advice="export anew",
        is_share=False,
    ),
    Measure(
        check="storage_known",
        outcomes=(TCO,),
        query=_known("storage_gib IS NOT NULL OR storage_used_gib IS NOT NULL"),
        side=Side.AT_LEAST,
        limit="stored_share",
        told="servers with a known storage size",
        advice="add RVTools' vDisk or the storage columns",
        when_absent=False,
    ),
    Measure(
        check="utilisation",
        outcomes=(TCO,),
        query="SELECT avg(CASE WHEN is_fallback THEN 0.0 ELSE 1 END) FROM sizing",
        side=Side.AT_LEAST,
        limit="utilised_share",
        told="servers sized by what they use",
        advice="collect utilisation for two weeks, at least 60 % of the time",
        when_absent=False,
    ),
    Measure(
        check="priced",
        outcomes=(TCO,),
        query="SELECT avg(CASE WHEN z.instance_type IS NOT NULL AND z.hourly_usd IS NOT NULL THEN 1.0 ELSE 0 END) "
        "FROM sizing z JOIN servers s USING (server_id) "
        "WHERE coalesce(s.architecture, 'x86_64') IN ('x86_64', 'arm64')",
        side=Side.AT_LEAST,
        limit="priced_share",
        told="servers with a type that has a price",
        advice="give a price list of the Region, or allow more families in `sizing`",
        when_absent=False,
    ),
    Measure(
        check="editions_known",
        outcomes=(TCO,),
        query="SELECT avg(CASE WHEN engine_edition IS NOT NULL THEN 1.0 ELSE 0 END) FROM databases "
        "WHERE engine_family IN ('sqlserver', 'oracle', 'db2', 'sybase')",
        side=Side.AT_LEAST,
        limit="edition_share",
        told="commercial databases with a known edition",
        advice="licences cost more than machines: add the edition to the databases file",
    ),
    Measure(
        check="connections",
        outcomes=(WAVE_PLAN,),
        query=_known(
            "server_id IN (SELECT source_server_id FROM connections "
            "UNION SELECT destination_server_id FROM connections)"
        ),
        side=Side.AT_LEAST,
        limit="connected_share",
        told="servers with at least one connection",
        advice="without traffic, applications are what the CMDB says; collect connections for two weeks",
        when_absent=False,
    ),
    Measure(
        check="connection_days",
        outcomes=(WAVE_PLAN,),
        query="SELECT date_diff('hour', min(first_seen), max(last_seen)) / 24.0 FROM connections",
        side=Side.AT_LEAST,
        limit="connection_days",
        told="days that connections were watched",
        advice="month-end jobs do not show in less; collect longer",
        is_share=False,
    ),
    Measure(
        check="unknown_traffic",
        outcomes=(WAVE_PLAN,),
        query="SELECT sum(CASE WHEN source_server_id IS NULL OR destination_server_id IS NULL THEN count ELSE 0 END) "
        "/ nullif(sum(count), 0) FROM connections",
        side=Side.AT_MOST,
        limit="unknown_traffic_share",
        told="connections with an address of no inventory",
        advice="unknown_addresses.csv ranks them: add the inventory that has them",
    ),
    Measure(
        check="owners",
        outcomes=(WAVE_PLAN,),
        query=_known("owner IS NOT NULL"),
        side=Side.AT_LEAST,
        limit="owned_share",
        told="servers with an owner",
        advice="fill the owner in the workbook's review sheet",
        when_absent=False,
    ),
    Measure(
        check="environments",
        outcomes=(WAVE_PLAN,),
        query=_known("environment IS NOT NULL"),
        side=Side.AT_LEAST,
        limit="environment_share",
        told="servers with an environment",
        advice="add the environment from the CMDB or by tag",
        when_absent=False,
    ),
)
