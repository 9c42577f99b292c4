"""Chaos: a client commits without a pause, logs ship every second, the primary is killed at a random moment.

With the tail its disk survives: the server starts again, gives the tail of its log, and the secondary takes over.
Without it the disk is gone; what lies on the share is all there is. Every run has a database of its own.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.sql_stand_in import SqlStandIn
from include.cli.live_writer import CREATE_TABLE, Ledger, LiveWriter, Survival, survival
from include.log_shipping.client import SqlServer
from include.log_shipping.configuration import (
    DatabaseSettings,
    Folder,
    LogShippingConfiguration,
    RestoreMode,
    ServerSettings,
)
from include.log_shipping.fail_over.approvals import find_losses, record_answer
from include.log_shipping.fail_over.assessing import assess_loss
from include.log_shipping.fail_over.fencing import fence_primary
from include.log_shipping.fail_over.loss import Loss
from include.log_shipping.fail_over.plans import Mode
from include.log_shipping.fail_over.proving import proof_rows
from include.log_shipping.fail_over.readiness import Order, check_readiness
from include.log_shipping.fail_over.recovery import recover_database
from include.log_shipping.fail_over.steps import FailOver, require, run_step
from include.log_shipping.fail_over.tail import restore_tail
from include.log_shipping.fleet import Workplace
from include.log_shipping.outcomes import RunRecords, Status
from include.log_shipping.seeding import seed_database
from include.log_shipping.shipping import back_up_and_copy
from include.log_shipping.shipping_restores import restore_logs
from include.object_store import ObjectStore

PRIMARY, SECONDARY = "SQLFCI01", "EC2SQL02"
EARLIEST_KILL, LATEST_KILL = 0.5, 4.0
SHIP_EVERY_SECONDS = 1.0
APPROVER = "oncall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended.

    :ivar ours: what the secondary has after the failover.
    :ivar naive: what it had after copying and restoring what lay on the share, which is where the naive way recovers.
    :ivar loss: what was stated before anybody approved.
    :ivar misstated: rows whose fate contradicts that statement.
    """

    killed_after: float
    ours: Survival
    naive: Survival
    loss: Loss
    misstated: int


class Site:
    """Two SQL Servers, their shares, and an object store."""

    def __init__(self, home: Path, store: ObjectStore, *, primary: SqlStandIn, secondary: SqlStandIn) -> None:
        self.store = store
        self.servers = {PRIMARY: primary, SECONDARY: secondary}
        self._shares = home / "shares"

    @property
    def primary(self) -> SqlStandIn:
        return self.servers[PRIMARY]

    @property
    def secondary(self) -> SqlStandIn:
        return self.servers[SECONDARY]

    def workplace(self, database: str, run_id: str, *, dag_id: str = "chaos") -> Workplace:
        """Return what the steps of log shipping work with, for one database."""
        settings = DatabaseSettings(
            name=database, primary=PRIMARY, secondary=SECONDARY, restore_mode=RestoreMode.STANDBY, evict_readers=True
        )
        return Workplace(
            configuration=LogShippingConfiguration(
                servers={name: self._server(name) for name in self.servers}, databases=(settings,)
            ),
            records=RunRecords(self.store, dag_id, f"{database} {run_id}"),
            open_server=lambda server: SqlServer(server.name, self.servers[server.name].connect),
            clock=lambda: datetime.now(UTC),
        )

    def _server(self, name: str) -> ServerSettings:
        folders = [str(self._shares / name / kind) for kind in ("backups", "copies")]
        for folder in folders:
            Path(folder).mkdir(parents=True, exist_ok=True)
        backups, copies = (Folder(server=folder, worker=folder) for folder in folders)
        return ServerSettings(name=name, connection="", backup_folder=backups, copy_folder=copies)


def chaos_run(site: Site, number: int, *, with_tail: bool, seed: int) -> Ending:
    """Seed, write, ship, kill, fail over; the site is whole again afterwards."""
    database, killed_after = f"Chaos{number}", random.Random(seed).uniform(EARLIEST_KILL, LATEST_KILL)
    create(site, database)
    with LiveWriter(partial(site.primary.connect, database)) as writer:
        if not writer.wait_for(more=1, timeout_seconds=30):
            raise RuntimeError(f"Nobody could write to {database} on the primary.")
        with shipping(site, database):
            threading.Event().wait(killed_after)
            asked_at = datetime.now(UTC)
            site.primary.kill() if with_tail else site.primary.lose_disk()
    ship(site, database, run_id="last")
    naive = seen_on(site.secondary, database, writer.ledger)
    if with_tail:
        site.primary.start()
    loss = fail_over(site.workplace(database, "failover", dag_id="log_shipping_fail_over"), asked_at=asked_at)
    ours = seen_on(site.secondary, database, writer.ledger)
    if not with_tail:
        site.primary.start()
    return Ending(
        killed_after=killed_after,
        ours=ours,
        naive=naive,
        loss=loss,
        misstated=misstated(loss, writer.ledger, ours),
    )


def create(site: Site, database: str) -> None:
    """Create a database with the writer's table on the primary, and seed the secondary with it."""
    site.primary.execute(f"CREATE DATABASE {database}", f"ALTER DATABASE {database} SET RECOVERY FULL")
    site.primary.execute(CREATE_TABLE, database=database)
    seeded = seed_database(site.workplace(database, "seed"), database)
    if seeded.status is not Status.DONE:
        raise RuntimeError(f"{database} could not be seeded: {seeded.reason}")


@contextmanager
def shipping(site: Site, database: str) -> Iterator[None]:
    """Ship every second while the block runs; a cycle that the kill cuts short fails as a task would."""
    over = threading.Event()

    def repeat() -> None:
        cycle = 0
        while not over.wait(SHIP_EVERY_SECONDS):
            ship(site, database, run_id=f"cycle {cycle}")
            cycle += 1

    thread = threading.Thread(target=repeat, name="shipping")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def ship(site: Site, database: str, *, run_id: str) -> None:
    """One cycle: back up and copy, then restore; what went wrong stands in its outcome, as in the DAG."""
    workplace = site.workplace(database, run_id)
    back_up_and_copy(workplace, database)
    restore_logs(workplace, database)


def fail_over(workplace: Workplace, *, asked_at: datetime) -> Loss:
    """Take the steps of log_shipping_fail_over in mode disaster, up to the recovery; return the loss as stated."""
    database = workplace.configuration.databases[0].name
    order = Order(
        mode=Mode.DISASTER, databases=[database], reason="the primary died", asked_by="analyst", asked_at=asked_at
    )
    plan, _ = check_readiness(workplace, order)
    work = FailOver(workplace=workplace, plan=plan, aws=lambda service: None)
    for name, act in (("fence_primary", fence_primary), ("restore_tail", restore_tail)):
        require(run_step(work, name, moves=plan.moves, act=partial(act, work)), all_of_them=True)
    for row in proof_rows(work):
        if not (row["chain_is_proven"] and row["lsn_is_as_proven"] and row["fork_is_as_proven"]):
            raise RuntimeError(f"The gate before recovery would stop here: {row}")
    assess_loss(work)
    answer = {"approved": True, "by": APPROVER, "at": workplace.clock().isoformat()}
    record_answer(workplace.records, answer)
    act = partial(recover_database, work, approved_by=APPROVER)
    require(run_step(work, "recover_databases", moves=plan.moves, act=act), all_of_them=True)
    (loss,) = find_losses(workplace.records)
    return loss


def seen_on(server: SqlStandIn, database: str, ledger: Ledger) -> Survival:
    """Compare what a client was told with what a server has."""
    with closing(server.connect(database)) as connection:
        return survival(ledger, connection)


def misstated(loss: Loss, ledger: Ledger, ours: Survival) -> int:
    """Count rows whose fate contradicts what the approval said.

    Said was: commits until `certain_until` are all there, none after `restored_until`, and what is lost was committed
    before `counted_until`. A commit lies between the moments it was sent and acknowledged.
    """
    if loss.with_tail or loss.certain_until is None or loss.restored_until is None:
        return len(ours.lost)
    lost = set(ours.lost)
    promised = [commit for commit in lost if commit.acknowledged_at <= loss.certain_until]
    uncounted = [commit for commit in lost if commit.sent_at > loss.counted_until]
    denied = [commit for commit in ledger.acknowledged if commit not in lost and commit.sent_at > loss.restored_until]
    return len(promised) + len(uncounted) + len(denied)
