"""The log shipping demo: ship, rehearse, fail over and fail back under clients that never stop writing."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

import httpx

from include.cli.credentials import read_credentials
from include.cli.demo_databases import DATABASES, DemoDatabases
from include.cli.demo_runs import FinishedRun, Users, named_users, run_dag, run_scheduled, switch_on
from include.cli.ioc import local_client
from include.cli.live_writer import LiveWriter, next_number, survival
from include.cli.refusal import RefusalError
from include.cli.settings import StackSettings
from include.cli.stack import Announce
from include.gates.evidence import docs_url
from include.log_shipping.settings import LogShippingSettings

CONFIGURE, SHIP, MONITOR = "log_shipping_configure", "log_shipping_ship", "log_shipping_monitor"
FAIL_OVER, FAIL_BACK = "log_shipping_fail_over", "log_shipping_fail_back"
BY_HAND = (CONFIGURE, FAIL_OVER, FAIL_BACK)
REPORT_TASK = "write_report"
REASON = "landfall demo: a rehearsed move and its way back"
PAUSE_SECONDS = 0.05
WRITE_SECONDS = 30.0
STEPS = 10


class _Demo:
    """One demonstration: what it works on, what ran, and who writes meanwhile."""

    def __init__(self, settings: StackSettings, users: Users, announce: Announce) -> None:
        self.settings = settings
        self.users = users
        self.databases = DemoDatabases(
            settings, read_credentials(settings.secrets_file), partial(local_client, endpoint=settings.aws_url)
        )
        self.writers: dict[str, LiveWriter] = {}
        self.runs: list[FinishedRun] = []
        self._announce = announce
        self._step = 0

    def say(self, text: str) -> None:
        self._announce(self._step, text)

    def run(self, title: str, dag_id: str, **conf: Any) -> FinishedRun:
        """Trigger a run and follow it to its end, while clients write."""
        return self._ended(title, run_dag(self.users, dag_id, conf, on_progress=self._progress_of(title)))

    def run_scheduled(self, title: str, dag_id: str) -> FinishedRun:
        """Switch a schedule on and follow its first run to its end, while clients write."""
        return self._ended(title, run_scheduled(self.users, dag_id, on_progress=self._progress_of(title)))

    def _progress_of(self, title: str) -> Callable[[str], None]:
        return lambda text: self.say(f"{title}: {text}")

    def _ended(self, title: str, run: FinishedRun) -> FinishedRun:
        """Keep a run, and see that clients go on writing after it."""
        self.runs.append(run)
        self._step += 1
        for database, writer in self.writers.items():
            if not writer.wait_for(more=3, timeout_seconds=WRITE_SECONDS):
                raise RefusalError(
                    f"Nobody can write to {database} after {title}: look at {run.address(self.settings)}."
                )
        return run

    def step(self, text: str) -> None:
        self._step += 1
        self.say(text)


def demonstrate(settings: StackSettings, announce: Announce) -> dict[str, Any]:
    """Run the demo; returns what each run measured, what clients were told and what the databases have.

    :raises RefusalError: a run failed, or clients could not go on writing, with the address to look at.
    """
    with named_users(settings) as users, ExitStack() as clients:
        demo = _Demo(settings, users, announce)
        demo.say("creating two databases and their names in AWS")
        created = _prepare(demo)
        switch_on(users, BY_HAND)
        _bring_home(demo)
        demo.run("configure", CONFIGURE)
        demo.step("clients begin to write")
        _begin_writing(demo, clients)
        demo.run_scheduled("ship", SHIP)
        demo.run_scheduled("monitor", MONITOR)
        rehearsal = demo.run("drill", FAIL_OVER, mode="drill", reason=REASON)
        move = demo.run("fail over", FAIL_OVER, mode="planned", reason=REASON)
        moved_to = {name: _writes_on(demo, name) for name in DATABASES}
        back = demo.run("fail back", FAIL_BACK, method="reverse", reason=REASON)
        demo.run("ship in the first direction", SHIP)
        for writer in demo.writers.values():
            writer.stop()
        demo.step("comparing what clients were told with what the databases have")
        return {
            "databases_created": created,
            "moved_to": moved_to,
            "home_on": {name: _writes_on(demo, name) for name in DATABASES},
            "drill": _report(demo, rehearsal),
            "fail_over": _report(demo, move),
            "fail_back": _report(demo, back),
            "clients": {name: _client(demo, name, writer) for name, writer in demo.writers.items()},
            "runs": [run._asdict() for run in demo.runs],
            "look": _where_to_look(demo, move),
        }


def describe(result: dict[str, Any]) -> Iterator[str]:
    """Yield what a person reads after the demo."""
    yield ""
    for name, label in (("drill", "Drill"), ("fail_over", "Planned failover"), ("fail_back", "Fail back")):
        yield f"{label}: {_measured(result[name])}"
    for database, client in result["clients"].items():
        yield (
            f"{database}: {client['acknowledged']} commits acknowledged to a client, {client['lost']} lost;"
            f" its longest pause was {client['longest_pause_seconds']:.1f} s;"
            f" it moved to {result['moved_to'][database]} and is home on {result['home_on'][database]}"
        )
    yield "Where to look:"
    yield from (f"    {name}: {place}" for name, place in result["look"].items())


def _prepare(demo: _Demo) -> int:
    """Make what the workflow finds in a company: databases, names, a bucket, a configuration."""
    created = demo.databases.create()
    demo.databases.publish_names()
    names, client = LogShippingSettings(), local_client("s3", demo.settings.aws_url)
    if names.bucket not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=names.bucket)
    bucket, _, key = names.configuration_uri.removeprefix("s3://").partition("/")
    client.put_object(Bucket=bucket, Key=key, Body=demo.databases.configuration().encode())
    return created


def _bring_home(demo: _Demo) -> None:
    """Undo what an earlier demo left behind when it was ended between failover and fail back."""
    away = [name for name in DATABASES if _writes_on(demo, name) != demo.databases.primary.name]
    if away:
        run_dag(demo.users, FAIL_BACK, {"method": "reverse", "reason": REASON}, on_progress=demo.say)


def _begin_writing(demo: _Demo, clients: ExitStack) -> None:
    for name in DATABASES:
        connect = partial(demo.databases.connect_by_name, name)
        with closing(connect()) as connection:
            first = next_number(connection)
        writer = LiveWriter(connect, first_number=first, pause_seconds=PAUSE_SECONDS)
        demo.writers[name] = clients.enter_context(writer)


def _writes_on(demo: _Demo, database: str) -> str:
    place = demo.databases.primary_of(database)
    if place is None:
        raise RefusalError(
            f"{database} takes writes on neither server, as between a fence and a recovery: end that run in the web UI,"
            f" or look at docs/runbooks/{FAIL_OVER}.md."
        )
    return place.name


def _client(demo: _Demo, database: str, writer: LiveWriter) -> dict[str, Any]:
    with closing(demo.databases.connect_by_name(database)) as connection:
        seen = survival(writer.ledger, connection)
    return {
        "acknowledged": seen.acknowledged,
        "lost": len(seen.lost),
        "found": seen.found,
        "strangers": seen.strangers,
        "longest_pause_seconds": round(writer.ledger.longest_pause(), 3),
    }


def _report(demo: _Demo, run: FinishedRun) -> dict[str, Any]:
    """Return what a failover measured: RPO of each database, RTO and its parts in seconds, and its page."""
    written = demo.users.analyst.xcom(run.dag_id, run.run_id, REPORT_TASK)
    document = httpx.get(docs_url(written["document"], demo.settings.aws_url), timeout=30, trust_env=False).json()
    return {
        "verdict": document["verdict"],
        **document["times"],
        "rpo_seconds": {each["database"]: each["rpo_seconds"] for each in document["databases"]},
        "approved_by": (document["answer"] or {}).get("by"),
        "report": docs_url(written["report"], demo.settings.aws_url),
    }


def _measured(report: dict[str, Any]) -> str:
    lost = ", ".join(f"{name} {_seconds(rpo)}" for name, rpo in report["rpo_seconds"].items())
    parts = (
        f"{_seconds(report['inside_sql_server_seconds'])} inside SQL Server",
        f"{_seconds(report['waiting_for_a_person_seconds'])} waiting for {report['approved_by'] or 'nobody'}",
        f"{_seconds(report['orchestration_seconds'])} orchestration",
    )
    return f"{report['verdict']}; RPO {lost}; RTO {_seconds(report['rto_seconds'])} ({', '.join(parts)})"


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} s"


def _where_to_look(demo: _Demo, move: FinishedRun) -> dict[str, str]:
    password = read_credentials(demo.settings.secrets_file).passwords["analyst"]
    login = f"user analyst, password {password}; all users: landfall status --passwords"
    return {
        "Airflow": f"{demo.settings.ui_url}  ({login})",
        "DAG": f"{demo.settings.ui_url}/dags/{FAIL_OVER}",
        "failover": move.address(demo.settings),
        "report": _report(demo, move)["report"],
        "runbook": f"docs/runbooks/{FAIL_OVER}.md",
    }
