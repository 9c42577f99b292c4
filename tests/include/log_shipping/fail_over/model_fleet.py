"""Two model servers with their shares, a lake, and runs that move a database between them, step by step."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from include.log_shipping import fail_back_reseed, tsql
from include.log_shipping.configuration import (
    DatabaseSettings,
    Folder,
    LogShippingConfiguration,
    ServerSettings,
    SsmRedirect,
)
from include.log_shipping.fail_over import drill, fencing, jobs, recovery, redirection, tail, verification
from include.log_shipping.fail_over.approvals import OVERWRITE, record_answer, require_approval
from include.log_shipping.fail_over.assessing import assess_loss
from include.log_shipping.fail_over.giving_back import give_back
from include.log_shipping.fail_over.plans import Mode, load_plan
from include.log_shipping.fail_over.proving import is_proven, proof_outcomes, proof_rows
from include.log_shipping.fail_over.readiness import Order, check_readiness
from include.log_shipping.fail_over.redirection import redirection_outcomes, redirection_rows
from include.log_shipping.fail_over.report import write_report
from include.log_shipping.fail_over.steps import FailOver, moves_after, require, run_step
from include.log_shipping.fleet import Workplace
from include.log_shipping.outcomes import RunRecords
from tests.include.log_shipping.fail_over.fail_over_run import AT, NEW, OLD
from tests.include.log_shipping.fail_over.lake_in_memory import LakeInMemory
from tests.include.log_shipping.fail_over.model_server import ModelServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from include.object_store import ObjectStore

SALES = "Sales"
VALUES = {OLD: "old.example", NEW: "new.example"}


class Parameters:
    """Systems Manager's parameters, as boto3 gives them."""

    class exceptions:  # noqa: N801 -- boto3's name
        class ParameterNotFound(Exception):  # noqa: N818 -- boto3's name
            pass

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get_parameter(self, *, Name: str) -> Any:  # noqa: N803 -- boto3's name
        if Name not in self.values:
            raise self.exceptions.ParameterNotFound
        return {"Parameter": {"Value": self.values[Name]}}

    def put_parameter(self, *, Name: str, Value: str, **_: Any) -> None:  # noqa: N803 -- boto3's name
        self.values[Name] = Value


@dataclass
class Fleet:
    """The world: servers, shares, lake, clock."""

    root: Path
    store: ObjectStore
    now: datetime = AT
    ssm: Parameters = field(default_factory=Parameters)
    servers: dict[str, ModelServer] = field(default_factory=dict)
    runs: int = 0

    def __post_init__(self) -> None:
        self.servers = {name: ModelServer(name, self.clock) for name in (OLD, NEW)}
        for name in (OLD, NEW):
            for kind in ("backups", "copies"):
                (self.root / name / kind / SALES).mkdir(parents=True)

    def clock(self) -> datetime:
        self.now += timedelta(milliseconds=10)
        return self.now

    @property
    def old(self) -> ModelServer:
        return self.servers[OLD]

    @property
    def new(self) -> ModelServer:
        return self.servers[NEW]

    @property
    def configuration(self) -> LogShippingConfiguration:
        def folder(name: str, kind: str) -> Folder:
            return Folder(str(self.root / name / kind), str(self.root / name / kind))

        servers = {
            name: ServerSettings(
                name=name, connection=name, backup_folder=folder(name, "backups"), copy_folder=folder(name, "copies")
            )
            for name in (OLD, NEW)
        }
        redirect = SsmRedirect(parameter="/db/sales", values=VALUES)
        sales = DatabaseSettings(name=SALES, primary=OLD, secondary=NEW, redirect=redirect, jobs=())
        return LogShippingConfiguration(servers=servers, databases=(sales,))

    def seed(self) -> None:
        """A primary with three rows and a secondary that has them."""
        self.old.create(SALES)
        full = self.root / OLD / "backups" / SALES / "Sales_20260301T100000Z_SQLFCI01_00000000.bak"
        copy = self.root / NEW / "copies" / SALES / full.name
        self.old.run(tsql.back_up_database(database=SALES, path=str(full)), doing="seed")
        copy.write_bytes(full.read_bytes())
        self.new.run(tsql.restore_database(database=SALES, path=str(copy)), doing="seed")

    def back_up(self, number: int, *, by: str = OLD) -> Path:
        """Back the log up to the share of a server; nobody copies it."""
        self.now += timedelta(minutes=1)
        path = self.root / by / "backups" / SALES / f"Sales_{self.now:%Y%m%dT%H%M%SZ}_{by}_{number:08x}.trn"
        self.servers[by].run(tsql.back_up_log(database=SALES, path=str(path)), doing="ship")
        return path

    def run(self, mode: Mode, *, run_id: str | None = None) -> ModelRun:
        """Begin a run; the same id is the same run, tried again."""
        self.runs += 1
        return ModelRun(self, mode, run_id or f"manual__{self.runs}")


@dataclass
class ModelRun:
    """A run as the DAGs wire it, without Airflow; each step may be called again."""

    fleet: Fleet
    mode: Mode
    run_id: str
    opened: Callable[[ModelServer], Any] = lambda server: server

    @property
    def place(self) -> Workplace:
        return Workplace(
            configuration=self.fleet.configuration,
            records=RunRecords(self.fleet.store, "log_shipping_fail_over", self.run_id),
            open_server=lambda settings: Wrapped(self.opened(self.fleet.servers[settings.name])),
            clock=self.fleet.clock,
        )

    @property
    def work(self) -> FailOver:
        place = self.place
        return FailOver(workplace=place, plan=load_plan(place.records), aws=lambda service: self.fleet.ssm)

    def ready(self) -> None:
        order = Order(
            mode=self.mode,
            databases=[],
            reason="the yearly rehearsal",
            asked_by="oncall",
            asked_at=self.fleet.now,
            rollback_backup=self.mode is Mode.PLANNED,
        )
        check_readiness(self.place, order, pause=lambda seconds: None)

    def step(self, name: str, act: Any, *after: str) -> None:
        work = self.work
        report = run_step(work, name, moves=moves_after(work, *after), act=lambda move: act(work, move))
        require(report, all_of_them=True)

    def prove(self, name: str = "prove_chain") -> None:
        rows = proof_rows(self.work)
        proof_outcomes(self.work, name, rows)
        assert rows
        assert all(is_proven(row) for row in rows), rows

    def fence(self) -> None:
        self.step("fence_primary", fencing.fence_primary)

    def restore(self) -> None:
        self.step("restore_tail", tail.restore_tail, "fence_primary")

    def assess(self) -> dict[str, Any]:
        return assess_loss(self.work)

    def answer(self, *, approved: bool = True, name: str | None = None) -> None:
        given = {"approved": approved, "by": "admin", "at": self.fleet.now.isoformat(), "asked_by": "oncall"}
        record_answer(self.place.records, given, **({"name": name} if name else {}))

    def recover(self) -> None:
        require_approval(self.work)
        self.step(
            "recover_databases",
            lambda work, move: recovery.recover_database(work, move, approved_by="admin"),
            *("restore_tail", "prove_chain"),
        )

    def verify(self) -> None:
        self.step("verify_databases", verification.verify_database, "recover_databases")

    def redirect(self) -> None:
        self.step("redirect_clients", redirection.redirect_clients, "verify_databases")

    def check(self) -> None:
        rows = redirection_rows(self.work)
        redirection_outcomes(self.work, rows)
        assert all(redirection.is_redirected(row) for row in rows), rows

    def switch(self) -> None:
        self.step("switch_jobs", jobs.switch_jobs, "verify_databases")

    def end(self) -> None:
        require(give_back(self.work), all_of_them=True)

    def report(self) -> dict[str, Any]:
        return write_report(self.work, dag_id="log_shipping_fail_over", run_id=self.run_id)

    def reseed(self) -> None:
        fail_back_reseed.require_overwrite(self.work)
        self.step("reseed_databases", fail_back_reseed.reseed)

    def restore_copies(self) -> None:
        self.step("restore_copies", drill.restore_copy)

    def recover_copies(self) -> None:
        self.step("recover_copies", drill.recover_copy, "restore_copies", "prove_copies")

    @property
    def tasks(self) -> list[Callable[[], Any]]:
        """The tasks of the run in their order."""
        if self.mode is Mode.DRILL:
            return [
                *(self.ready, self.restore_copies, lambda: self.prove("prove_copies"), self.recover_copies, self.end),
                self.report,
            ]
        overwrite = [lambda: self.answer(name=OVERWRITE), self.reseed] if self.mode is Mode.RESEED else []
        moving = [self.fence, self.restore, self.prove, self.assess, self.answer, self.recover, self.verify]
        return [self.ready, *overwrite, *moving, self.redirect, self.check, self.switch, self.end, self.report]

    def all(self) -> dict[str, Any]:
        """Run everything; the answer is yes. Returns what the report says."""
        for task in self.tasks[:-1]:
            task()
        return self.report()


class Wrapped:
    """What a step opens: a server whose `run` may be replaced, as the stopwatch does."""

    def __init__(self, server: Any) -> None:
        self.server, self.name, self.run = server, server.name, server.run

    def __enter__(self) -> Wrapped:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def one(self, statement: Any, *, doing: str) -> Any:
        rows = self.run(statement, doing=doing)
        return rows[0] if rows else None

    def now(self) -> datetime:
        found: datetime = self.server.now()
        return found


@contextmanager
def model_fleet(root: Path) -> Iterator[Fleet]:
    """A seeded pair of servers, and an empty lake."""
    fleet = Fleet(root, LakeInMemory())
    fleet.seed()
    yield fleet
