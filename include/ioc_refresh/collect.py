"""The steps of a refresh between its queries: keep the plan, turn new verdicts into evidence, nothing lost."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from include.ioc_refresh.evidence import ReceiptStore, evidence_parquet
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.refreshes import NO_VERSION, RefreshPlan, hours_of, last_commit, plan_refresh
from include.ioc_refresh.verdicts import Resolution, Verdict, resolve, verdict_of, verdict_to_dict
from include.object_store import to_json

OBJECTS_PER_QUERY = 1_500
"""Object addresses in one query: about 130 characters each, of the 262,144 bytes that Athena takes (service quotas)."""


class RefreshClosedError(RuntimeError):
    """A task of a refresh that is already committed, or overtaken by another one, was run again."""

    is_final = True


def open_refresh(lake: Lake, *, run_id: str, at: datetime, backfill_days: int) -> dict[str, Any]:
    """Plan the next refresh, keep the plan beside the data, and return what tasks need to find it, with counts.

    Returns an empty dict when nothing is new; after a roll-back the table differs from the evidence, which is news
    enough. Time never runs back: a run older than the last commit, cleared days
    later, takes the commit's time, or it would bring expired indicators back for one refresh.
    """
    last = last_commit(lake)
    as_of = max(at.astimezone(UTC), datetime.fromisoformat(last["as_of"])) if last else at.astimezone(UTC)
    plan = plan_refresh(lake, run_id=run_id, as_of=as_of, backfill_days=backfill_days)
    rolled_back = last is not None and "rolled_back_to" in last
    return {} if plan.nothing_new and not rolled_back else keep_plan(lake, plan)


def keep_plan(lake: Lake, plan: RefreshPlan) -> dict[str, Any]:
    """Write a plan beside the data and return what tasks need to find it, with its counts."""
    return {
        "plan": lake.put_json(lake.settings.key("plans", f"{plan.version}.json"), plan.to_dict()),
        "version": plan.version,
        "sequence": plan.sequence,
        "as_of": plan.as_of.isoformat(),
        "mail_objects": len(plan.mail_objects),
        "verdict_objects": len(plan.verdict_objects),
        "pending_verdicts": plan.pending,
        "new_day": plan.new_day,
    }


def load_plan(lake: Lake, version: str) -> RefreshPlan:
    """Read the plan of a version."""
    return RefreshPlan.from_dict(lake.get_json(lake.settings.key("plans", f"{version}.json")))


def load_open_plan(lake: Lake, version: str) -> RefreshPlan:
    """Read the plan of a version that may still write; raises RefreshClosedError once its sequence is taken."""
    plan, last = load_plan(lake, version), last_commit(lake)
    if last and last["sequence"] >= plan.sequence:
        raise RefreshClosedError(
            f"Refresh {plan.sequence} is closed (the last commit is {last['sequence']}), so no task of it may write "
            "again; trigger a new run of ioc_refresh_generate instead of clearing this one."
        )
    return plan


def object_batches(lake: Lake, keys: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the objects' URIs with their arrival hours, few enough for one query each."""
    for start in range(0, len(keys), OBJECTS_PER_QUERY):
        batch = keys[start : start + OBJECTS_PER_QUERY]
        yield [f"s3://{lake.settings.bucket}/{key}" for key in batch], hours_of(batch)


def new_mail_frame(lake: Lake, version: str) -> Any:
    """Return the profile of a refresh's new mails as the DataFrame its gate judges; hours are floating point.

    No object is an empty frame without columns, which the gate blocks.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    keys = lake.list_keys("news", f"version={version}", "mails", "")
    tables = [pq.read_table(BytesIO(lake.get_bytes(key))) for key in keys]
    if not tables:
        return pd.DataFrame()
    frame = pa.concat_tables(tables).to_pandas()
    late = frame["lateness_hours"].astype("float64")  # Athena divides into a decimal
    return frame.assign(lateness_hours=late, hours_ahead=-late)


def collect_verdicts(lake: Lake, receipts: ReceiptStore, plan: RefreshPlan) -> dict[str, Any]:
    """Join new and pending verdicts to their mails; write evidence, pending verdicts and dead letters.

    Returns counts and the digest of the evidence. Run again it writes the same objects over themselves.
    """
    verdicts = [*_pending(lake, plan.previous_version), *_new_verdicts(lake, plan.version)]
    resolution = resolve(verdicts, receipts=receipts.read, as_of=plan.as_of)
    body = evidence_parquet(resolution.evidence) if resolution.evidence else b""
    folder = ("evidence", f"version={plan.version}")
    if body:
        lake.put_bytes(lake.settings.key(*folder, "evidence.parquet"), body)
    else:
        lake.delete_prefix(*folder, "")
    lake.put_json(_pending_key(lake, plan.version), [verdict_to_dict(verdict) for verdict in resolution.pending])
    _bury(lake, resolution, hour=f"{plan.as_of:%Y-%m-%d-%H}")
    return {
        "verdicts": len(verdicts),
        "evidence": len(resolution.evidence),
        "pending": len(resolution.pending),
        "given_up": len(resolution.given_up),
        "receipt_reads": receipts.reads,
        "evidence_digest": hashlib.sha256(body).hexdigest()[:16],
    }


def read_parquet(lake: Lake, *prefix: str) -> list[dict[str, Any]]:
    """Return the rows of the Parquet objects under a prefix of `ioc/`."""
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    for key in lake.list_keys(*prefix):
        rows += pq.read_table(BytesIO(lake.get_bytes(key))).to_pylist()
    return rows


def _new_verdicts(lake: Lake, version: str) -> Iterable[Verdict]:
    for row in read_parquet(lake, "news", f"version={version}", "verdicts", ""):
        reported, arrived = (row[name].replace(tzinfo=UTC) for name in ("reported_at", "arrived_at"))
        yield Verdict(row["mail_id"], row["verdict"], reported, arrived)


def _pending(lake: Lake, version: str) -> Iterable[Verdict]:
    if version != NO_VERSION:
        yield from (verdict_of(document) for document in lake.get_json(_pending_key(lake, version)))


def _pending_key(lake: Lake, version: str) -> str:
    return lake.settings.key("pending", f"version={version}.json")


def _bury(lake: Lake, resolution: Resolution, *, hour: str) -> None:
    for verdict, reason in resolution.given_up:
        raw = verdict_to_dict(verdict)
        letter = {"reason": reason, "arrived_at": raw["arrived_at"], "source": "verdict", "raw": raw}
        name = hashlib.sha256(to_json(raw)).hexdigest()[:32]
        lake.put_json(lake.settings.key("dead-letter", f"dt={hour}", f"{name}.json"), letter)
