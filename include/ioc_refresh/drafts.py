"""A refresh's change of the indicator table as a draft: judged and shown to people before anything is written."""

from collections.abc import Iterable, Mapping
from typing import Any

from include.gates.suites.ioc_refresh import change_summary
from include.ioc_refresh.briefs import brief
from include.ioc_refresh.changes import Changes, RemovalReason, diff
from include.ioc_refresh.collect import read_parquet
from include.ioc_refresh.domains import Popularity, ip_literal, organisational_domain
from include.ioc_refresh.indicators import Indicator, TableEntry, entry_key
from include.ioc_refresh.kinds import Kind
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.refreshes import RefreshPlan, last_commit
from include.ioc_refresh.table import IndicatorTable

_DOMAIN_KINDS = (Kind.LINK_DOMAIN, Kind.SENDER_DOMAIN)


class NewerRefreshError(RuntimeError):
    """Entries of the table belong to a newer refresh than the one that wants to write them."""

    is_final = True


def candidate_rows(lake: Lake, version: str) -> list[dict[str, Any]]:
    """Return the rows that the candidate queries wrote for a version."""
    return read_parquet(lake, "candidates", f"version={version}", "")


def candidate_frame(lake: Lake, version: str, popularity: Popularity) -> Any:
    """Return the candidates as the DataFrame their gate judges.

    `popular` and `infrastructure` are found here again, by the list and the Public Suffix List rather than by the
    query's join: the gate must not repeat the mistake it is there to catch.
    """
    import pandas as pd

    rows = [{**row, **_guards(row, popularity)} for row in candidate_rows(lake, version)]
    columns = [*("kind", "value", "domain", "malicious", "benign", "first_day", "last_day", "expires_at")]
    return pd.DataFrame(rows, columns=[*columns, "query_version", "popular", "infrastructure"])


def owed_candidates(lake: Lake) -> int:
    """Return how many candidates the gate may expect at least: one, once a refresh has published some."""
    last = last_commit(lake)
    return int(bool(last and last.get("indicators")))


def draft_changes(lake: Lake, table: IndicatorTable, plan: RefreshPlan, popularity: Popularity) -> dict[str, Any]:
    """Compare the candidates with the table, keep the difference beside the data, and return its summary.

    `share` is (added + removed) / indicators there, of 100 at least; 0 for the very first fill, which removes nothing
    and which nobody could compare with anything. `brief` is Markdown for the person who approves.
    """
    current = table.read_all()
    wanted = [Indicator.from_dict({**row, "refresh": plan.sequence}) for row in candidate_rows(lake, plan.version)]
    reasons = removal_reasons(current.values(), _benign_keys(lake, plan.version), popularity)
    changes = diff(current, wanted, as_of=plan.as_of, reasons=reasons)
    previous = sum(entry.indicator is not None for entry in current.values())
    summary = {**changes.summary(), **change_summary(**_counts(changes, previous))}
    first_fill = plan.sequence == 1 and not previous
    return {
        **keep_draft(lake, plan.version, changes),
        **summary,
        "share": 0.0 if first_fill else summary["change_share"],
        "changed": len(changes.added) + len(changes.removed),
        "brief": brief(changes, previous=previous),
    }


def keep_draft(lake: Lake, version: str, changes: Changes) -> dict[str, str]:
    """Write a difference where `write_draft` finds it; returns its URI."""
    return {"draft": lake.put_bytes(draft_key(lake, version), changes.to_jsonl(), content_type="application/x-ndjson")}


def read_draft(lake: Lake, version: str) -> Changes:
    """Read the difference of a version."""
    return Changes.from_jsonl(lake.get_bytes(draft_key(lake, version)))


def draft_key(lake: Lake, version: str) -> str:
    """Return the object key of a version's difference."""
    return lake.settings.key("drafts", f"version={version}.jsonl")


def write_draft(lake: Lake, table: IndicatorTable, *, version: str, sequence: int) -> dict[str, Any]:
    """Apply a draft; applied twice it changes nothing.

    Raises NewerRefreshError when a newer refresh holds some of the entries.
    """
    changes = read_draft(lake, version)
    applied = table.apply(changes, refresh=sequence)
    if applied.newer:
        raise NewerRefreshError(
            f"{len(applied.newer)} entries, {applied.newer[0]!r} among them, were written by a newer refresh than "
            f"{sequence}; nothing more is done here: trigger a new run of ioc_refresh_generate."
        )
    return {**applied.to_dict(), **{name: changes.summary()[name] for name in ("added", "renewed", "unchanged")}}


def removal_reasons(
    entries: Iterable[TableEntry], benign: frozenset[str], popularity: Popularity
) -> dict[str, RemovalReason]:
    """Return why an indicator would go: a benign mail with its key came in, or its domain became popular."""
    standing = [entry.indicator for entry in entries if entry.indicator]
    reasons = {one.key: RemovalReason.POPULAR for one in standing if one.domain and popularity.covers(one.domain)}
    return reasons | {one.key: RemovalReason.BENIGN_REPORT for one in standing if one.key in benign}


def _counts(changes: Changes, previous: int) -> dict[str, int]:
    return {"previous": previous, "added": len(changes.added), "removed": len(changes.removed)}


def _benign_keys(lake: Lake, version: str) -> frozenset[str]:
    rows = read_parquet(lake, "evidence", f"version={version}", "")
    benign = (key for row in rows if row["verdict"] == "benign" for key in row["keys"])
    return frozenset(entry_key(key["kind"], key["value"]) for key in benign)


def _guards(row: Mapping[str, Any], popularity: Popularity) -> dict[str, bool]:
    host = row["domain"] or (row["value"] if row["kind"] in _DOMAIN_KINDS else "")
    return {
        "popular": bool(host) and popularity.covers(host),
        "infrastructure": row["kind"] == Kind.LINK_DOMAIN and not _names_one_owner(row["value"]),
    }


def _names_one_owner(domain: str) -> bool:
    """A public suffix (`github.io`, `co.uk`) belongs to all of its customers, and an address to whoever has it."""
    return bool(ip_literal(domain) or organisational_domain(domain))
