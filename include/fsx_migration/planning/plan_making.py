"""Make a plan: read the listing, partition, look at the target, judge, estimate; nothing in AWS is changed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from include.fsx_migration.clients import pages
from include.fsx_migration.listings.listing import ListingFacts, ListingRefusedError, normalise
from include.fsx_migration.listings.scanning import ScanRefusedError, scan
from include.fsx_migration.partition.partitioning import COST_PER_FILE_BYTES, LEFT_OUT, partition
from include.fsx_migration.planning.estimate import estimate
from include.fsx_migration.planning.plan_page import plan_page
from include.fsx_migration.planning.plans import Plan, deal_parts, definition_digest, save_plan
from include.fsx_migration.planning.preflight import Survey, preflight
from include.fsx_migration.planning.prices import default_prices
from include.fsx_migration.planning.profile import profile
from include.fsx_migration.planning.target_state import read_target
from include.fsx_migration.resources.agents import check_agents
from include.fsx_migration.sizes import count
from include.workbench import workbench

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from include.fsx_migration.listings.scanning import ScanResult
    from include.fsx_migration.partition.partitioning import Partition
    from include.fsx_migration.places import Places
    from include.fsx_migration.planning.prices import Prices
    from include.fsx_migration.workplace import Workplace
    from include.workbench import Workbench

DEFINITION = "definition.yaml"
FACTS = "listing.json"
NAMED = 3
"""Names that a sentence about a scan gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a plan is asked for.

    :param definition: the YAML text of the migration.
    :param parts: manifests; None takes what the definition says, else one for each agent.
    :param window_hours: how long the full pass may take.
    :param prices: None takes the file that comes with Landfall.
    :param start: aware; from when ages, calendar and cost count.
    """

    plan_id: str
    definition: str
    start: datetime
    parts: int | None = None
    window_hours: float | None = None
    prices: Prices | None = None


def keep_listing(place: Workplace, plan_id: str, *, uri: str | None = None) -> dict[str, Any]:
    """Bring the source's listing into the lake, from where it was put or by scanning the source's mount.

    Returns the facts for the gate, one row, and keeps them beside the plan: `is_readable`, `refusal` (why not),
    counts, `notes` (what a scan could not see).
    """
    facts: dict[str, Any] = {"listing": uri or str(place.migration.source.mount)}
    with workbench(place.store) as bench:
        canonical, notes = bench.folder / "canonical.parquet", list[str]()
        source = bench.folder / (uri.rsplit("/", 1)[-1] if uri else "scanned.parquet")
        try:
            if uri:
                _fetch(place, uri, source)
            else:
                notes = _scan_notes(scan(place.migration.source.mount, source))
            held = normalise(source, canonical)
            bench.keep(canonical, listing_key(place.places, plan_id))
            facts |= {"is_readable": True, "refusal": "", **_counts(held)}
        except (ListingRefusedError, ScanRefusedError) as error:
            refusal = str(error).replace(str(source), facts["listing"])
            facts |= {"is_readable": False, "refusal": refusal, **_counts(ListingFacts(0, 0, 0, 0))}
    place.store.put_json(place.places.plan(plan_id, FACTS), {**facts, "notes": notes})
    return facts


def make_plan(place: Workplace, order: Order) -> Plan:
    """Make a plan from the listing that `keep_listing` kept, and keep it with its manifests and its page.

    It is not the current plan before `plans.publish_plan`. Run again, it writes the same objects again.
    """
    places, migration = place.places, place.migration
    agents = migration.source.agents
    with workbench(place.store) as bench:
        listing = bench.fetch(listing_key(places, order.plan_id), "listing.parquet")
        made = _partition(place, listing, order)
        keys = _keep_manifests(place, bench, order.plan_id, made)
        looked = profile(listing, now=order.start, parts=len(made.parts), cost_per_file_bytes=made.cost_per_file_bytes)
    parts, balance = deal_parts(made, agents, keys=keys)
    survey = Survey(
        migration=migration,
        profile=looked,
        parts=parts,
        balance=balance,
        left_out=made.left_out,
        cost_per_file_bytes=made.cost_per_file_bytes,
        target=read_target(place),
        now=order.start,
        agent_problems=tuple(agent.problem for agent in check_agents(place, at_least=0) if agent.problem),
        tasks_in_region=_other_tasks(place),
        window_hours=order.window_hours,
        begun=place.store.find_json(places.transfer_pass(1, "pass.json")) is not None,
        scan_notes=tuple(place.store.get_json(places.plan(order.plan_id, FACTS))["notes"]),
    )
    plan = Plan(
        plan_id=order.plan_id,
        migration=migration.name,
        definition_digest=definition_digest(order.definition),
        made=order.start.isoformat(),
        listing_key=listing_key(places, order.plan_id),
        files=looked.files + looked.symlinks,
        directories=looked.directories,
        bytes=looked.bytes,
        left_out=made.left_out,
        left_out_key=places.plan(order.plan_id, "manifests", LEFT_OUT) if made.left_out else "",
        cost_per_file_bytes=made.cost_per_file_bytes,
        parts=parts,
        balance=balance,
        findings=preflight(survey),
        profile=looked.to_dict(),
        estimate=estimate(survey, order.prices or default_prices()).to_dict(),
    )
    save_plan(places, plan)
    kept = Plan.from_dict(place.store.get_json(places.plan(plan.plan_id, "plan.json")))  # the page shows what is kept
    page = plan_page(kept, migration.bandwidth, window_hours=order.window_hours)
    place.store.put_bytes(page_key(places, plan.plan_id), page.encode(), content_type="text/html; charset=utf-8")
    return kept


def listing_key(places: Places, plan_id: str) -> str:
    """Return the key of the canonical listing of a plan."""
    return places.listing("source", f"plan-{plan_id}")


def page_key(places: Places, plan_id: str) -> str:
    """Return the key of a plan's page."""
    return places.plan(plan_id, "page.html")


def _fetch(place: Workplace, uri: str, path: Path) -> None:
    from botocore.exceptions import ClientError

    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        place.store.client.download_file(bucket, key, str(path))
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        raise ListingRefusedError(f"{uri} does not exist: correct the address, or leave it empty to scan.") from None


def _counts(held: ListingFacts) -> dict[str, int]:
    return {**asdict(held), "movable": held.files + held.symlinks}


def _scan_notes(result: ScanResult) -> list[str]:
    """Say what is missing from a scan: whole folders, mounts inside, and what no transfer takes."""
    notes = []
    if result.unreadable:
        named = ", ".join(repr(found.path) for found in result.unreadable[:NAMED])
        notes.append(
            f"The scan could not read {count(len(result.unreadable))} directories, as {named}: no part has what is in "
            "them; let the worker read the mount, then plan again."
        )
    if result.mounts:
        named = ", ".join(map(repr, result.mounts[:NAMED]))
        notes.append(
            f"Other file systems are mounted inside the tree, as {named}: they were left out; plan them by themselves."
        )
    if result.others:
        named = ", ".join(map(repr, result.other_paths[:NAMED]))
        notes.append(
            f"{count(result.others)} sockets, pipes or devices, as {named}, are in no part: DataSync does not copy "
            "their contents."
        )
    if result.vanished:
        notes.append(f"{count(result.vanished)} names vanished while the tree was scanned: it is in use.")
    return notes


def _partition(place: Workplace, listing: Path, order: Order) -> Partition:
    transfer, key = place.migration.transfer, listing_key(place.places, order.plan_id)
    try:
        return partition(
            listing,
            parts=order.parts or transfer.parts or max(1, len(place.migration.source.agents)),
            out=listing.parent / "manifests",
            max_files=transfer.max_files,
            cost_per_file_bytes=COST_PER_FILE_BYTES,
        )
    except ListingRefusedError as error:
        raise ListingRefusedError(str(error).replace(str(listing), key)) from None


def _keep_manifests(place: Workplace, bench: Workbench, plan_id: str, made: Partition) -> list[str]:
    folder = bench.folder / "manifests"
    names = [part.manifest for part in made.parts]
    for name in [*names, *([LEFT_OUT] if made.left_out else [])]:
        bench.keep(folder / name, place.places.plan(plan_id, "manifests", name), content_type="text/csv")
    return [place.places.plan(plan_id, "manifests", name) for name in names]


def _other_tasks(place: Workplace) -> int:
    """Count the account's DataSync tasks that are not this migration's; their names tell."""
    ours = f"landfall-{place.migration.name}"
    listed = pages(place.clients("datasync").list_tasks, "Tasks")
    return sum(
        not (task.get("Name", "") == ours or task.get("Name", "").startswith(f"{ours}-agent-")) for task in listed
    )
