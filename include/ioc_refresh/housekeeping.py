"""Remove what refreshes leave behind: each writes a version of its own, and only the newest are ever read again."""

import re
from typing import Any

from include.ioc_refresh.lake import Lake
from include.ioc_refresh.refreshes import last_commit

KEPT_REFRESHES = 50
"""Newest refreshes whose working data stay: at one refresh in five minutes, four hours to look into a bad one."""

VERSIONED = ("state", "ledger", "evidence", "candidates", "recounted", "news")


def remove_old_versions(lake: Lake, *, kept: int = KEPT_REFRESHES) -> dict[str, Any]:
    """Delete working data of all but the newest refreshes and return the number of objects by table.

    Snapshots, the commit log and dead letters stay; so does the version that the next refresh reads, however old it is.
    Data of runs that never committed go with the sequence they were planned for.
    """
    last = last_commit(lake)
    if last is None:
        return {}
    removed = {}
    for table in VERSIONED:
        old = [name for name in _versions(lake, table) if _is_old(name, last, kept)]
        removed[table] = sum(lake.delete_prefix(table, f"version={name}", "") for name in old)
    return removed


def _is_old(version: str, last: dict[str, Any], kept: int) -> bool:
    sequence = re.match(r"(\d{8})-", version)
    return sequence is not None and version != last["version"] and int(sequence[1]) <= last["sequence"] - kept


def _versions(lake: Lake, table: str) -> list[str]:
    pages = lake.client.get_paginator("list_objects_v2").paginate(
        Bucket=lake.settings.bucket, Prefix=lake.settings.key(table, "version="), Delimiter="/"
    )
    prefixes = (found["Prefix"] for page in pages for found in page.get("CommonPrefixes", ()))
    return [prefix.rstrip("/").rpartition("version=")[2] for prefix in prefixes]
