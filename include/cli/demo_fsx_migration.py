"""The FSx migration demo: plan, move in passes while clients work, cut over, and show that nothing is missing."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from include.cli.credentials import read_credentials
from include.cli.demo_runs import FinishedRun, Users, named_users, run_dag, switch_on
from include.cli.demo_share import SERVER, DemoShare
from include.cli.ioc import local_client
from include.cli.refusal import RefusalError
from include.cli.share_clients import ShareClients, survival
from include.fsx_migration.transfer.passes import VERIFY, AttemptState, list_passes, load_failures
from include.gates.evidence import docs_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from include.cli.settings import StackSettings
    from include.cli.stack import Announce

PLAN, MIGRATE, CUT_OVER = "fsx_migration_plan", "fsx_migration_migrate", "fsx_migration_cut_over"
ROLL_BACK, CLEAN_UP = "fsx_migration_roll_back", "fsx_migration_clean_up"
BY_HAND = (PLAN, MIGRATE, CUT_OVER, ROLL_BACK, CLEAN_UP)
BUSY_TASK = "full_pass"
CUT_OVER_LABEL = "cut-over"
REASON = "landfall demo: the projects move to Amazon FSx"
PAUSE_SECONDS = 0.02
ACTIONS_BEFORE_FREEZE, ACTIONS_AFTER = 120, 40
MIB = 1 << 20
STEPS = 7


class _Demo:
    """One demonstration: what it works on, and what ran."""

    def __init__(self, settings: StackSettings, users: Users, announce: Announce) -> None:
        self.settings = settings
        self.users = users
        self.share = DemoShare(settings, partial(local_client, endpoint=settings.aws_url))
        self.runs: list[FinishedRun] = []
        self._announce = announce
        self._step = 0

    def say(self, text: str) -> None:
        self._announce(self._step, text)

    def step(self, text: str) -> None:
        self._step += 1
        self.say(text)

    def run(self, title: str, dag_id: str, *, seen: Callable[[str], None] = lambda _: None, **conf: Any) -> FinishedRun:
        """Trigger a run of the migration and follow it to its end; `seen` hears which tasks run."""

        def progress(text: str) -> None:
            seen(text)
            self.say(f"{title}: {text}")

        self.step(title)
        conf = {"migration": self.share.name, **conf}
        self.runs.append(run_dag(self.users, dag_id, conf, on_progress=progress))
        return self.runs[-1]

    def result(self, run: FinishedRun, task_id: str, key: str = "return_value") -> Any:
        return self.users.analyst.xcom(run.dag_id, run.run_id, task_id, key)

    def document(self, uri: str) -> Any:
        """Return a JSON document of the lake."""
        return self.share.places.store.get_json(uri.split("/", 3)[3])

    def page(self, uri: str) -> str:
        """Return where a browser finds a page of the lake."""
        return docs_url(uri, self.settings.aws_url)


def demonstrate(settings: StackSettings, announce: Announce) -> dict[str, Any]:
    """Run the demo; returns what was moved, what failed by name, what clients have afterwards, and where to look.

    :raises RefusalError: a run failed, or clients were not led over, with the address to look at.
    """
    with named_users(settings) as users:
        demo = _Demo(settings, users, announce)
        demo.say("making a share of 20,000 files, two agents and a name that clients follow")
        share = demo.share
        share.create(at=datetime.now(UTC))
        victims, files = share.files()
        switch_on(users, BY_HAND)
        plan = demo.run("plan", PLAN, definition=share.definition())
        share.strike(victims)
        clients = ShareClients(share.root, files, seed=share.number, pause_seconds=PAUSE_SECONDS)
        migrate = _migrate(demo, clients)
        clients.work(ACTIONS_BEFORE_FREEZE)
        cut_over = demo.run("cut over", CUT_OVER, reason=REASON)
        demo.step("clients follow the name and work on the new file system")
        leads_to = _require_led_over(demo, cut_over)
        clients.work(ACTIONS_AFTER)
        found = survival(clients.ledger, share.target)
        clean_up = demo.run("clean up, as a dry run", CLEAN_UP, reason=REASON)
        demo.step("done")
        result = {
            "migration": share.name,
            "plan": _plan(demo, plan),
            **_migrated(demo, migrate),
            "recovered": _recovered(demo),
            "changed_in_flight": os.fsdecode(victims[0]),
            "cut_over": _cut_over(demo, cut_over),
            "name_leads_to": leads_to,
            "clients": {
                "actions": clients.ledger.actions,
                "kept": found.kept,
                "lost": len(found.lost),
                "undead": len(found.undead),
            },
            "clean_up": demo.result(clean_up, "list_resources", "list"),
            "runs": [run._asdict() for run in demo.runs],
        }
        return {**result, "look": _where_to_look(demo, result, migrate)}


def _migrate(demo: _Demo, clients: ShareClients) -> FinishedRun:
    """Run the passes; clients work on the share as long as the full one moves files."""
    working = False

    def seen(text: str) -> None:
        nonlocal working
        if BUSY_TASK in text and not working:
            working = True
            clients.start()
        elif BUSY_TASK not in text and working:
            clients.stop()

    try:
        return demo.run("migrate", MIGRATE, seen=seen)
    finally:
        clients.stop()


def _require_led_over(demo: _Demo, cut_over: FinishedRun) -> str:
    value = demo.share.leads_to()
    if value == SERVER:
        raise RefusalError(f"The name still leads to {SERVER}: look at {cut_over.address(demo.settings)}.")
    return value


def _plan(demo: _Demo, run: FinishedRun) -> dict[str, Any]:
    made = demo.result(run, "make_plan")
    plan = demo.document(made["plan"])
    return {
        "files": plan["files"],
        "directories": plan["directories"],
        "bytes": plan["bytes"],
        "parts": len(plan["parts"]),
        "max_over_mean": plan["balance"]["parts"],
        "left_out": plan["left_out"],
        "findings": made["findings"],
        "estimate": plan["estimate"],
        "page": demo.page(made["page"]),
    }


def _migrated(demo: _Demo, run: FinishedRun) -> dict[str, Any]:
    """Return what the passes moved, and the failed files by name, from the run's report."""
    written = demo.result(run, "write_report")
    report = demo.document(written["report"])
    names = (
        "number",
        "kind",
        "files",
        "bytes",
        "transfer_seconds",
        "bytes_per_second",
        "retries",
        "failed",
        "suspects",
    )
    return {
        "passes": [{name: each[name] for name in names} for each in report["passes"]],
        "failed_files": report["failed"]["named"],
        "report": demo.page(written["page"]),
    }


def _recovered(demo: _Demo) -> dict[str, Any]:
    """Return the executions that failed as a whole, and the files whose copy was wrong, that went through later."""
    executions, files = list[dict[str, Any]](), dict[str, str]()
    places = demo.share.places
    for one in list_passes(places):
        for part, attempt in one.attempts():
            if attempt.state is AttemptState.FAILED and part.last is not attempt:
                executions.append({"pass": one.number, "part": part.name, "reason": attempt.reason})
            failed = {file.path: file.reason for file in load_failures(places, attempt) if file.step == VERIFY}
            later = {file.path for file in load_failures(places, part.last)} if part.last else set()
            files |= {path: reason for path, reason in failed.items() if path not in later}
    return {"executions": executions, "files": [{"path": path, "reason": why} for path, why in files.items()]}


def _cut_over(demo: _Demo, run: FinishedRun) -> dict[str, Any]:
    summary = demo.share.places.store.get_json(demo.share.places.reconciliation(CUT_OVER_LABEL, "summary.json"))
    return {
        "approved": run.approved,
        "seconds": run.seconds,
        "reconciliation": {
            name: summary[name]
            for name in ("files", "bytes", "same", "missing", "extra", "changed", "paths", "checksums")
        },
    }


def describe(result: dict[str, Any]) -> Iterator[str]:
    """Yield what a person reads after the demo."""
    plan = result["plan"]
    yield ""
    yield (
        f"Plan of {result['migration']}: {plan['files']:,} files in {plan['directories']:,} directories,"
        f" {plan['bytes'] / MIB:,.0f} MiB in {plan['parts']} manifests, the dearest {plan['max_over_mean']:.4f}"
        " of the mean"
    )
    for each in result["passes"]:
        yield (
            f"Pass {each['number']}, {each['kind']}: {each['files']:,} files, {each['bytes'] / MIB:,.1f} MiB"
            f" in {each['transfer_seconds']:.1f} s, {each['bytes_per_second'] / MIB:,.1f} MiB/s,"
            f" {each['retries']} tried again, {each['failed']} failed"
        )
    for each in result["recovered"]["executions"]:
        yield f"Tried again: pass {each['pass']}, part {each['part']}, which failed as a whole: {each['reason']}"
    copied_anew = result["recovered"]["files"]
    if copied_anew:
        yield (
            f"Copied anew and verified: {len(copied_anew)} files whose copy was not the source, most of them because"
            f" clients wrote meanwhile, one because the transfer changed it: {result['changed_in_flight']}"
        )
    for each in result["failed_files"]:
        yield f"Not moved: {each['path']}: {each['reason']}"
    yield _compared(result["cut_over"]["reconciliation"])
    clients = result["clients"]
    yield (
        f"Clients changed, added, moved or deleted {clients['actions']:,} files meanwhile: {clients['kept']:,} are"
        f" there as written, {clients['lost']} are lost, {clients['undead']} deleted ones came back; their name leads"
        f" to {result['name_leads_to']}"
    )
    yield f"Clean up would delete {result['clean_up']['delete']} resources and keep {result['clean_up']['keep']}"
    yield "Where to look:"
    yield from (f"    {name}: {place}" for name, place in result["look"].items())


def _compared(found: dict[str, Any]) -> str:
    paths = found["paths"]
    return (
        f"Reconciled at the cut-over: {found['same']:,} paths are the same, {paths['explained']} differ and are named"
        f" above, {paths['unexplained']} differ for no known reason;"
        f" {found['checksums']['compared']:,} files compared by content"
    )


def _where_to_look(demo: _Demo, result: dict[str, Any], migrate: FinishedRun) -> dict[str, str]:
    password = read_credentials(demo.settings.secrets_file).passwords["analyst"]
    login = f"user analyst, password {password}; all users: landfall status --passwords"
    return {
        "Airflow": f"{demo.settings.ui_url}  ({login})",
        "DAG": f"{demo.settings.ui_url}/dags/{MIGRATE}",
        "migration": migrate.address(demo.settings),
        "plan": result["plan"]["page"],
        "report": result["report"],
        "both trees": f"{demo.share.source} and {demo.share.target}",
        "runbook": f"docs/runbooks/{MIGRATE}.md",
    }
