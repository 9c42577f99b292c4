"""Open a pass: decide what it moves, write its manifests, and only then its document."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING, Final

from include.fsx_migration.listings.scanning import scan
from include.fsx_migration.partition.manifests import refusal, write_manifest
from include.fsx_migration.partition.partitioning import partition
from include.fsx_migration.planning.plans import load_plan
from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.resources.transfer_resources import load_resources
from include.fsx_migration.transfer.deltas import find_delta
from include.fsx_migration.transfer.pass_model import ALL, CHANGED, Delta, Pass, PassKind, PassPart
from include.fsx_migration.transfer.passes import create_pass, read_passes, save_repairs
from include.fsx_migration.transfer.suspects import REPAIRS
from include.workbench import workbench

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from include.fsx_migration.resources.transfer_resources import AgentTask
    from include.fsx_migration.transfer.deltas import DeltaFacts
    from include.fsx_migration.workplace import Workplace
    from include.workbench import Workbench

CLOSING: Final = "closing"


def open_full_pass(place: Workplace, *, run: str) -> Pass:
    """Open the first pass: a part for each manifest of the current plan.

    :raises RefusedError: a part is planned for an agent that the definition no longer has.
    """
    plan, tasks = load_plan(place.places, None), {task.agent: task for task in load_resources(place).tasks}
    strangers = sorted({part.agent for part in plan.parts} - set(tasks))
    if strangers:
        raise RefusedError(
            f"Plan {plan.plan_id} of migration {place.migration.name} has parts for agents without a task "
            f"({', '.join(strangers)}): run fsx_migration_plan again."
        )
    parts = tuple(
        PassPart(
            name=f"{part.index:04d}",
            agent=part.agent,
            task_arn=tasks[part.agent].task_arn,
            manifest_key=part.manifest_key,
            files=part.files,
            bytes=part.bytes,
        )
        for part in plan.parts
    )
    moved = Delta(files=sum(part.files for part in parts), bytes=sum(part.bytes for part in parts))
    made = Pass(
        number=1,
        kind=PassKind.FULL,
        run=run,
        plan_id=plan.plan_id,
        listing_key=plan.listing_key,
        opened=place.now(),
        delta=moved,
        parts=parts,
    )
    return create_pass(place.places, made)


def open_incremental_pass(place: Workplace, *, run: str) -> Pass:
    """Scan the source, and open a pass for what is new, changed, failed before or suspect."""
    passes, started, clock = read_passes(place), place.now(), time.monotonic()
    before, number = passes[-1], len(passes) + 1
    with workbench(place.store) as bench:
        older, newer = bench.fetch(before.listing_key, "older.parquet"), bench.folder / "newer.parquet"
        notes = _scan(place, newer)
        facts = find_delta(older, newer, bench.folder / "delta.parquet", repairs=_repairable(before))
        listing_key = place.places.listing("source", f"pass-{number:04d}")
        bench.keep(newer, listing_key)
        parts = _parts(place, bench, number, facts)
    delta = Delta(
        new=facts.new,
        changed=facts.changed,
        deleted=facts.deleted,
        files=facts.files,
        bytes=facts.bytes,
        repairs=len(facts.repairs),
        left_out=facts.left_out,
    )
    present = {path for path, _ in facts.repairs}
    made = Pass(
        number=number,
        kind=PassKind.INCREMENTAL,
        run=run,
        plan_id=before.plan_id,
        listing_key=listing_key,
        opened=started,
        scan_seconds=time.monotonic() - clock,
        delta=delta,
        parts=parts,
        notes=notes,
        gone=tuple(path for path in before.suspects if not refusal(path) and path not in present),
    )
    return create_pass(place.places, made)


def open_closing_pass(place: Workplace, *, run: str) -> Pass:
    """Open a pass of one execution over the whole tree, after the repair of what is suspect.

    It moves what no manifest can name: empty directories, directories' own metadata, names that are no UTF-8; and it
    removes from the target what the source no longer has, when the definition says so. It lists nothing anew.
    """
    passes = read_passes(place)
    before, number = passes[-1], len(passes) + 1
    suspects = [(path, 0) for path in before.living_suspects if not refusal(path)]
    with workbench(place.store) as bench:
        parts = _repairs(place, bench, number, suspects, load_resources(place).tasks[-1])
    task = load_resources(place).tasks[0]
    closing = PassPart(name=CLOSING, agent=task.agent, task_arn=task.task_arn, manifest_key="", files=0, bytes=0)
    made = Pass(
        number=number,
        kind=PassKind.CLOSING,
        run=run,
        plan_id=before.plan_id,
        listing_key=before.listing_key,
        opened=place.now(),
        delta=Delta(repairs=len(suspects)),
        parts=(*parts, closing),
        gone=before.gone,
    )
    return create_pass(place.places, made)


def _repairable(before: Pass) -> list[str]:
    """Return the files that the newest pass left suspect or unmoved."""
    failed = {file.path for file in before.failed if file.step != "delete" and not file.directory}
    return sorted(path for path in failed | set(before.suspects) if not refusal(path))


def _scan(place: Workplace, out: Path) -> tuple[str, ...]:
    """List the source; returns what a person should know about the listing."""
    result = scan(place.migration.source.mount, out)
    if not result.files + result.symlinks:
        raise RefusedError(
            f"{place.migration.source.mount} holds no file, yet the pass before had some: mount the source on the "
            "workers again, then clear this task; going on would take everything for deleted."
        )
    if result.is_whole:
        return ()
    named = [found.path for found in result.unreadable[:5]] + list(result.mounts[:5])
    sentence = (
        f"The scan could not read {len(result.unreadable)} directories and left out {len(result.mounts)} mounts inside "
        f"the source: {', '.join(named)}."
    )
    return (sentence,)


def _parts(place: Workplace, bench: Workbench, number: int, facts: DeltaFacts) -> tuple[PassPart, ...]:
    """Write the manifests of a delta and return its parts; files that no manifest can hold are the closing pass's."""
    tasks = load_resources(place).tasks
    parts: tuple[PassPart, ...] = ()
    if files := facts.files - facts.left_out - len(facts.repairs):
        folder = bench.folder / "manifests"
        made = partition(
            bench.folder / "delta.parquet",
            parts=min(len(tasks), files),
            out=folder,
            max_files=place.migration.transfer.max_files,
        )
        parts = tuple(
            _part(place, bench, number, task, folder / part.manifest, (part.files, part.bytes))
            for part, task in zip(made.parts, cycle(tasks), strict=False)
            if part.files
        )
    return parts + _repairs(place, bench, number, facts.repairs, tasks[-1])


def _part(
    place: Workplace, bench: Workbench, number: int, task: AgentTask, manifest: Path, size: tuple[int, int]
) -> PassPart:
    key = place.places.transfer_pass(number, "manifests", manifest.name)
    bench.keep(manifest, key, content_type="text/csv")
    return PassPart(
        name=manifest.stem.removeprefix("part-"),
        agent=task.agent,
        task_arn=task.task_arn,
        manifest_key=key,
        files=size[0],
        bytes=size[1],
        transfer_mode=CHANGED,
    )


def _repairs(
    place: Workplace, bench: Workbench, number: int, files: Sequence[tuple[str, int]], task: AgentTask
) -> tuple[PassPart, ...]:
    """Return the part that moves single files anew, whatever the target has; none without files."""
    if not files:
        return ()
    paths = [path for path, _ in files]
    save_repairs(place.places, number, paths)
    manifest = bench.folder / f"{REPAIRS}.csv"
    write_manifest(manifest, paths)
    part = _part(place, bench, number, task, manifest, (len(files), sum(size for _, size in files)))
    return (replace(part, transfer_mode=ALL),)
