"""The reconciliation of a migration: list both mounts, compare, explain every difference, and keep all of it.

Nothing is trusted but the two trees as they are now. What the passes say only explains differences, and every claim
that the comparison rests on is judged by the gate as well.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.definition_model import Checksums, SourceKind
from include.fsx_migration.listings.listing import out_of_core
from include.fsx_migration.listings.scanning import scan
from include.fsx_migration.planning.plans import load_plan
from include.fsx_migration.reconciliation.agreement import Agreement, agree
from include.fsx_migration.reconciliation.claims import Obstacle, Sides, claims, current_failures, some
from include.fsx_migration.reconciliation.explaining import explain
from include.fsx_migration.reconciliation.reconciling import KINDS, reconcile
from include.fsx_migration.reconciliation.sampling import choose_sample
from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.transfer.passes import load_failures, read_passes
from include.workbench import workbench

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from include.fsx_migration.listings.scanning import ScanResult
    from include.fsx_migration.transfer.pass_model import Pass
    from include.fsx_migration.workplace import Workplace
    from include.workbench import Workbench

SUMMARY, DIFFERENCES, FINDINGS = "summary.json", "differences.parquet", "findings.parquet"
NAMED_AT_MOST: Final = 1_000
"""Names of each kind in the summary; the Parquet files name all."""


def reconcile_migration(place: Workplace, *, label: str, frozen: bool = False) -> dict[str, Any]:
    """Compare source and target as they are now, keep what was found below `reconciliations/<label>/`, and return it.

    May be repeated: each run lists both sides anew and writes over what the label had.

    :param frozen: nobody writes to the source any more: what changed there since the last pass is unexplained.
    :returns: the summary: counts by what became of them, claims, names and URIs.
    :raises RefusedError: nothing was transferred yet.
    """
    passes = read_passes(place)
    if not passes:
        raise RefusedError(f"Migration {place.migration.name} has transferred nothing yet: run fsx_migration_migrate.")
    with workbench(place.store) as bench:
        sides = _compare(place, bench, passes, label=label, frozen=frozen)
        agreement = _agreement(place, passes)
        summary = _summary(place, passes, sides, agreement, label=label, frozen=frozen)
        summary["findings_named"] = _named(bench.folder / FINDINGS)
        for name in (DIFFERENCES, FINDINGS):
            bench.keep(bench.folder / name, place.places.reconciliation(label, name))
    place.store.put_json(place.places.reconciliation(label, SUMMARY), summary)
    return summary


def find_summary(place: Workplace, label: str) -> dict[str, Any] | None:
    """Return the summary of the last reconciliation of a label, None without one."""
    found: dict[str, Any] | None = place.store.find_json(place.places.reconciliation(label, SUMMARY))
    return found


def gate_rows(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the gate judges: a row for each claim, and one for each named path that differs and counts.

    The claims hold the whole counts, so that the verdict is the same where more paths differ than are named.
    """
    rows = [
        {"finding": claim["claim"], "kinds": "claim", "holds": claim["holds"], "moved": True, "why": claim["told"]}
        for claim in summary["claims"]
    ]
    paths = [
        {
            "finding": finding["path"],
            "kinds": finding["kinds"],
            "holds": finding["standing"] != "unexplained",
            "moved": finding["standing"] != "explained",
            "why": finding["why"],
        }
        for finding in summary["findings_named"]
        if finding["standing"] in ("unexplained", "explained")
    ]
    return rows + paths


def compared_kinds(place: Workplace) -> frozenset[str]:
    """Return what files are compared by: modes and owners only where both sides know POSIX's."""
    wanted, posix = place.migration.reconciling, _knows_posix(place)
    left_out = {"mode"} if not (wanted.mode and posix) else set[str]()
    left_out |= {"owner"} if not (wanted.owner and posix) else set()
    return frozenset(KINDS) - left_out


def _knows_posix(place: Workplace) -> bool:
    source = place.migration.source.kind
    return source is SourceKind.NFS and not place.migration.target.is_windows


def _compare(place: Workplace, bench: Workbench, passes: Sequence[Pass], *, label: str, frozen: bool) -> Sides:
    migration, folder = place.migration, bench.folder
    last = bench.fetch(passes[-1].listing_key, "last.parquet")
    sampled = _sampled(place, last, passes)
    read: Any = "all" if sampled is None else sampled
    found = {}
    # the target first: what clients change meanwhile is then the source's news, not the target's loss
    for side, mount in (("target", migration.target.mount), ("source", migration.source.mount)):
        found[side] = scan(mount, folder / f"{side}.parquet", checksum_paths=read)
        bench.keep(folder / f"{side}.parquet", place.places.listing(side, label))
    tolerance, kinds = migration.reconciling.mtime_tolerance_seconds, compared_kinds(place)
    same = reconcile(
        folder / "source.parquet",
        folder / "target.parquet",
        out=folder,
        mtime_tolerance_seconds=tolerance,
        compare=kinds,
    )
    # what counts as a change since the last pass is what the next pass would move: everything that a listing tells
    since = reconcile(last, folder / "source.parquet", out=folder / "since")
    explained = explain(
        same.differences,
        folder / FINDINGS,
        failed=current_failures(passes),
        changed_since=since.differences,
        frozen=frozen,
        keeps_extra=not migration.transfer.delete_extra,
    )
    obstacles = [_obstacles(side, result, folder / f"{side}.parquet") for side, result in found.items()]
    return Sides(
        source=found["source"],
        target=found["target"],
        sampled=sampled,
        same=same,
        explained=explained,
        unread=tuple(obstacle for unread, _ in obstacles for obstacle in unread),
        unlisted=tuple(obstacle for _, unlisted in obstacles for obstacle in unlisted),
    )


def _obstacles(side: str, result: ScanResult, listing: Path) -> tuple[list[Obstacle], list[Obstacle]]:
    """Tell files that were listed and could not be read from names that could not be listed."""
    if not result.unreadable:
        return [], []
    with out_of_core(memory_limit="500MB") as connection:
        connection.read_parquet(str(listing)).create_view("listing")
        query = "FROM listing SELECT path WHERE type = 'file' AND path IN (SELECT unnest(?))"
        files = {path for (path,) in connection.execute(query, [[path for path, _ in result.unreadable]]).fetchall()}
    told = [Obstacle(path, f"{side}: {why}") for path, why in result.unreadable]
    return [one for one in told if one.path in files], [one for one in told if one.path not in files]


def _sampled(place: Workplace, listing: Path, passes: Sequence[Pass]) -> frozenset[str] | None:
    """Return the files to read: None for all. Suspects and whatever had to be tried again are always among them."""
    wanted = place.migration.reconciling
    if wanted.checksums is Checksums.ALL:
        return None
    doubtful = set(passes[-1].suspects)
    doubtful |= {
        file.path for one in passes for _, attempt in one.attempts() for file in load_failures(place.places, attempt)
    }
    files = wanted.sample_files if wanted.checksums is Checksums.SAMPLE else 0
    return choose_sample(listing, seed=place.migration.name, files=files, also=doubtful)


def _agreement(place: Workplace, passes: Sequence[Pass]) -> Agreement:
    plan = load_plan(place.places, passes[0].plan_id)
    return agree(
        passes,
        lambda attempt: load_failures(place.places, attempt),
        planned_files=plan.files,
        left_out=plan.left_out,
    )


def _summary(
    place: Workplace, passes: Sequence[Pass], sides: Sides, agreement: Agreement, *, label: str, frozen: bool
) -> dict[str, Any]:
    same, explained, failed = sides.same, sides.explained, current_failures(passes)
    places = place.places
    return {
        "migration": place.migration.name,
        "label": label,
        "at": place.now().isoformat(timespec="seconds"),
        "frozen": frozen,
        "passes": len(passes),
        "files": sides.source.files,
        "bytes": sides.source.bytes,
        "source_rows": same.source_rows,
        "target_rows": same.target_rows,
        **{name: value for name, value in same.to_dict().items() if name != "seconds"},
        "paths": asdict(explained),
        "compared_by": sorted(compared_kinds(place)),
        "checksums": {
            "policy": place.migration.reconciling.checksums.value,
            "wanted": sides.source.files if sides.sampled is None else len(sides.sampled),
            "compared": same.checksums,
            "unread": len(sides.unread),
        },
        "unread_named": [{"path": path, "why": why} for path, why in sides.unread[:NAMED_AT_MOST]],
        "failed": len({file.path for file in failed}),
        "suspects": len(passes[-1].living_suspects),
        "agreement": agreement.to_dict(),
        "claims": [asdict(claim) for claim in claims(place, passes, sides, agreement)],
        "notes": _notes(sides),
        "seconds": round(same.seconds + sides.source.seconds + sides.target.seconds, 1),
        "uris": {
            "summary": f"s3://{place.store.bucket}/{places.reconciliation(label, SUMMARY)}",
            "differences": f"s3://{place.store.bucket}/{places.reconciliation(label, DIFFERENCES)}",
            "findings": f"s3://{place.store.bucket}/{places.reconciliation(label, FINDINGS)}",
            "source": f"s3://{place.store.bucket}/{places.listing('source', label)}",
            "target": f"s3://{place.store.bucket}/{places.listing('target', label)}",
        },
    }


def _notes(sides: Sides) -> list[str]:
    notes = []
    for side, result in (("source", sides.source), ("target", sides.target)):
        if result.mounts:
            notes.append(
                f"Other file systems are mounted in the {side}, not compared: {some(result.mounts, 'mounts')}."
            )
        if result.others:
            notes.append(f"{result.others:,} sockets, pipes or devices of the {side} are not compared.")
    return notes


def _named(findings: Path) -> list[dict[str, Any]]:
    with out_of_core(memory_limit="500MB") as connection:
        rows = connection.read_parquet(str(findings)).limit(NAMED_AT_MOST).fetchall()
    return [dict(zip(("path", "kinds", "standing", "why"), row, strict=True)) for row in rows]
