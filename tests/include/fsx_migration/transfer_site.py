"""A migration on the local AWS, ready to be transferred: source tree, agents, file system, tasks and a plan.

with start_local_aws(...) as aws:
    site = make_site(aws, tmp_path, "projects")
    site.run(Kinds.FULL)                    # passes to their end, as the operator and the trigger would
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.fsx_migration.definition import read_definition
from include.fsx_migration.listings.listing import normalise
from include.fsx_migration.listings.scanning import scan
from include.fsx_migration.partition.partitioning import COST_PER_FILE_BYTES, partition
from include.fsx_migration.places import Places
from include.fsx_migration.planning.plans import Plan, deal_parts, definition_digest, publish_plan, save_plan
from include.fsx_migration.resources.file_systems import ensure_file_system
from include.fsx_migration.resources.transfer_resources import ensure_transfer_resources
from include.fsx_migration.settings import FsxMigrationSettings
from include.fsx_migration.transfer.transferring import Finished, Kinds, TransferOrder, advance, begin
from include.fsx_migration.workplace import Workplace

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.fsx_migration.definition_model import Migration
    from tests.local_aws import LocalAws

RUN = "fsx_migration_migrate/manual__1"
DEFINITION = """\
name: {name}
source:
  kind: nfs
  server: {name}.example
  subdirectory: /projects
  agents: {agents}
  mount: {source}
target:
  lustre: {{storage_gib: 2400, throughput_per_tib: 250}}
  subnet_ids: [subnet-0123456789abcdef0]
  security_group_ids: [sg-0123456789abcdef0]
  subdirectory: /projects
  mount: {target}
cut_over:
  name: {{kind: ssm, parameter: /shares/projects/host}}
  old_value: nas01.example
transfer: {{log_group: /landfall/{name}}}
{more}
"""


@dataclass
class Site:
    """One migration and the machine around it."""

    aws: LocalAws
    place: Workplace
    source: Path
    target: Path

    def run(self, kinds: Kinds, *, run: str = RUN, fresh: bool = True, **order: Any) -> Finished:
        """Make passes to their end; nothing is watched, only waited for."""
        wanted = TransferOrder(kinds=kinds, run=run, **order)
        if fresh:
            begin(self.place)
        found: list[Finished] = []

        def ended() -> bool:
            step = advance(self.place, wanted)
            if isinstance(step, Finished):
                found.append(step)
            return bool(found)

        until(ended, seconds=60)
        return found[0]

    def fault(self, kind: str, **fields: Any) -> None:
        """Let transfers of this migration go wrong."""
        self.aws.control("POST", "datasync/faults", {"kind": kind, "task": self.place.migration.name, **fields})

    def mend(self) -> None:
        """Lift all faults."""
        self.aws.control("DELETE", "datasync/faults")

    def differing(self) -> list[str]:
        """Return the files whose contents differ on both sides, or are on one only."""
        sides = [
            {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
            for root in (self.source, self.target)
        ]
        return sorted(name for name in sides[0].keys() | sides[1].keys() if sides[0].get(name) != sides[1].get(name))


def until(claim: Callable[[], Any], *, seconds: float = 30) -> Any:
    """Poll until a claim holds, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def make_site(aws: LocalAws, folder: Path, name: str, *, files: int = 12, parts: int = 4, more: str = "") -> Site:
    """Prepare a migration of a small tree over two agents up to its plan.

    :param more: further sections of the definition, as YAML.
    """
    source = folder / name / "source"
    for number in range(files):
        path = source / f"d{number % 3}" / f"f{number:02d}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(1000 + number * 100))
    (source / "empty").mkdir()
    aws.control("POST", "mounts", {"location": f"nfs://{name}.example/projects", "directory": str(source)})
    create = aws.client("datasync").create_agent
    agents = [create(ActivationKey="AAAAA-BBBBB-CCCCC-DDDDD-EEEEE")["AgentArn"] for _ in range(2)]
    text = DEFINITION.format(name=name, agents=agents, source=source, target=Path("/mnt/none"), more=more)
    place = _place(aws, read_definition(text))
    until(lambda: ensure_file_system(place).is_available)
    target = _target(aws, ensure_transfer_resources(place).file_system.id)
    target.mkdir(parents=True, exist_ok=True)
    text = text.replace("/mnt/none", str(target))
    site = Site(aws, _place(aws, read_definition(text)), source, target)
    _plan(site, folder / name / "plan", parts, text)
    return site


def _target(aws: LocalAws, file_system_id: str) -> Path:
    """Return where the local AWS keeps the files of a file system's /projects: below a folder of its name."""
    (found,) = aws.client("fsx").describe_file_systems(FileSystemIds=[file_system_id])["FileSystems"]
    names = [tag["Value"] for tag in found["Tags"] if tag["Key"] == "Name"]
    return aws.state_dir / "fsx" / names[0] / "projects"


def _place(aws: LocalAws, wanted: Migration) -> Workplace:
    settings = FsxMigrationSettings()
    store = settings.store(aws.client("s3"))
    return Workplace(
        store=store,
        places=Places(store, wanted.name),
        migration=wanted,
        settings=settings,
        clients=aws.client,
        now=lambda: datetime.now(UTC),
        secrets=lambda _: ("EXAMPLE\\mover", "open sesame"),
    )


def _plan(site: Site, folder: Path, parts: int, text: str) -> None:
    place, listing = site.place, folder / "listing.parquet"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    scan(site.source, folder / "scan.parquet")
    facts = normalise(folder / "scan.parquet", listing)
    made = partition(listing, parts=parts, out=folder / "manifests")
    keys = [place.places.plan("p1", "manifests", part.manifest) for part in made.parts]
    client, bucket = place.store.client, place.store.bucket
    for part, key in zip(made.parts, keys, strict=True):
        client.upload_file(str(folder / "manifests" / part.manifest), bucket, key)
    listing_key = place.places.listing("source", "plan")
    client.upload_file(str(listing), bucket, listing_key)
    dealt, balance = deal_parts(made, place.migration.source.agents, keys=keys)
    plan = Plan(
        plan_id="p1",
        migration=place.migration.name,
        definition_digest=definition_digest(text),
        made=place.now().isoformat(),
        listing_key=listing_key,
        files=facts.files,
        directories=facts.directories,
        bytes=facts.bytes,
        left_out=0,
        left_out_key="",
        cost_per_file_bytes=COST_PER_FILE_BYTES,
        parts=dealt,
        balance=balance,
    )
    save_plan(place.places, plan)
    publish_plan(place.places, plan, definition=text)
