"""The IOC refresh demo: mail through the front door, verdicts, two refreshes on the real scheduler, one report."""

import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx

from include.cli.airflow_api import AirflowApi
from include.cli.credentials import read_credentials
from include.cli.demo_runs import Users, named_users, scheduled_now
from include.cli.ioc import local_client
from include.cli.refusal import RefusalError
from include.cli.settings import StackSettings
from include.cli.stack import Announce
from include.gates.evidence import docs_url
from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.history import VERDICT_OF_LABEL
from include.ioc_refresh.lake import Lake
from include.ioc_refresh.refreshes import hour_of, last_commit
from include.ioc_refresh.resources import ensure_resources, publish_popularity
from include.ioc_refresh.sample import sample_mails
from include.ioc_refresh.settings import IocSettings

DAG_ID = "ioc_refresh_generate"
DAG_IDS = (DAG_ID, "ioc_refresh_suppress", "ioc_refresh_roll_back", "ioc_refresh_rebase")
APPROVAL = "approve_mass_change"
FRONT_DOOR = "/functions/ioc_refresh_frontend"
FIREHOSE_ROLE = "arn:aws:iam::123456789012:role/landfall-firehose"
OLD_MAILS, NEW_MAILS = 220, 50
SENDERS = 8
RUN_SECONDS = 240
FIRST_REFRESH = 3
TRIES = 3
VERDICTS_PER_POST = 500
STEPS = 8


class FrontDoor:
    """The front-end function behind its URL, as a mail service sees it."""

    def __init__(self, settings: StackSettings) -> None:
        self._http = httpx.Client(base_url=settings.aws_url + FRONT_DOOR, timeout=60, trust_env=False)
        self.answers: Counter[int] = Counter()
        self.refusals: list[str] = []

    def send(self, bodies: Sequence[bytes]) -> None:
        """Post mails, a few at once, and count the answers; raises RefusalError when the function itself fails."""
        with ThreadPoolExecutor(SENDERS) as pool:
            for answer in pool.map(lambda body: self._http.post("/mails", content=body), bodies):
                self.answers[answer.status_code] += 1
                if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
                    self.refusals.append(str(answer.json()["error"]))
                elif answer.is_error:
                    raise RefusalError(f"The front-end function answered {answer.status_code}: {answer.text[:300]}")

    def report(self, record: dict[str, Any]) -> dict[str, Any]:
        """Post one mail and return its threat report."""
        answer = self._http.post("/mails", json=record)
        answer.raise_for_status()
        return dict(answer.json())

    def judge(self, verdicts: Sequence[dict[str, str]]) -> int:
        """Post verdicts and return how many were taken."""
        taken = 0
        for start in range(0, len(verdicts), VERDICTS_PER_POST):
            answer = self._http.post("/verdicts", json=verdicts[start : start + VERDICTS_PER_POST])
            answer.raise_for_status()
            taken += int(answer.json()["accepted"])
        return taken


def demonstrate(settings: StackSettings, announce: Announce) -> dict[str, Any]:
    """Run the demo; returns what was sent, what each refresh did, one threat report, and where to look.

    :raises RefusalError: a refresh failed, with the address of its run.
    """
    now, names = datetime.now(UTC).replace(microsecond=0), IocSettings()
    announce(0, "preparing bucket, catalog, tables and streams")
    clients = partial(local_client, endpoint=settings.aws_url)
    ensure_resources(clients, names, firehose_role_arn=FIREHOSE_ROLE)
    publish_popularity(clients("s3"), names, Popularity.load())
    lake, door = Lake(clients("s3"), names), FrontDoor(settings)
    before = last_commit(lake)

    old = list(sample_mails(end=now - timedelta(hours=26), span=timedelta(hours=48), count=OLD_MAILS, seed=_seed(now)))
    new = list(sample_mails(end=now, span=timedelta(hours=2), count=NEW_MAILS, seed=_seed(now) + 1))
    announce(
        1, f"sending {len(old)} mails and {len(list(damaged_records(now)))} damaged records through the front door"
    )
    door.send([*map(_encoded, old), *damaged_records(now)])
    announce(2, "sending verdicts")
    verdicts = door.judge(_verdicts(old))
    with named_users(settings) as users:
        announce(3, "first refresh")
        _deliver(settings)
        for dag_id in DAG_IDS:
            users.oncall.set_paused(dag_id, False)
        first = _refresh(users, lake, announce, step=FIRST_REFRESH)
        announce(5, "new mails, new verdicts, and two mails that were reported by mistake")
        door.send(list(map(_encoded, new)))
        verdicts += door.judge([*_verdicts(new), *_corrections(old, now)])
        _deliver(settings)
        second = _refresh(users, lake, announce, step=5)
        announce(7, "one suspicious mail")
        suspect = next(mail for mail in reversed(new) if mail["label"] == "phishing")
        report = door.report({**suspect, "id": f"demo-{_seed(now)}", "time": f"{now:%Y-%m-%dT%H:%M:%SZ}"})
    refreshes = list(_committed(lake, after=before["sequence"] if before else 0))
    announce(STEPS, "done")
    return {
        "mails_sent": sum(door.answers.values()),
        "mails_taken": door.answers[httpx.codes.OK],
        "mails_refused": len(door.refusals),
        "refusals": sorted(set(door.refusals)),
        "verdicts": verdicts,
        "refreshes": refreshes,
        "runs": [first, second],
        "report": report,
        "look": _where_to_look(settings, names, second, refreshes[-1]["sequence"]),
    }


def describe(result: dict[str, Any]) -> Iterator[str]:
    """Yield what a person reads after the demo."""
    yield ""
    yield f"Mails: {result['mails_sent']} sent, {result['mails_taken']} taken, {result['mails_refused']} refused, e.g."
    yield from (f"    {reason}" for reason in result["refusals"][:4])
    yield f"Verdicts: {result['verdicts']}"
    for entry in result["refreshes"]:
        counts, cost = entry["changes"], entry["cost"]
        yield (
            f"Refresh {entry['sequence']}: {counts['added']} indicators added, {counts['renewed']} renewed, "
            f"{counts['removed']} removed{_reasons(counts['removed_because'])}, {entry['indicators']} now; "
            f"{cost['scanned_bytes']:,} bytes scanned, ${cost['dollars']} at prices of {cost['prices']['as_of']}; "
            f"dead letters {entry['results']['dead_letters']['count']}"
        )
    yield "Threat report for one suspicious mail:"
    yield from (f"    {line}" for line in json.dumps(result["report"], indent=2).splitlines())
    yield "Where to look:"
    yield from (f"    {name}: {place}" for name, place in result["look"].items())


def damaged_records(now: datetime) -> Iterator[bytes]:
    """Yield records that must be refused with a sentence, or used in their good part; never lost, never fatal."""
    good = next(iter(sample_mails(end=now, span=timedelta(hours=1), count=1, seed=7)))
    yield b"this is not JSON"
    yield b'["a", "list"]'
    yield _encoded({key: value for key, value in good.items() if key != "id"})
    yield _encoded({**good, "id": "demo-1970", "time": "1970-01-01T00:00:00Z"})
    yield _encoded({**good, "id": "demo-next-year", "time": f"{now + timedelta(days=365):%Y-%m-%dT%H:%M:%SZ}"})
    yield _encoded({**good, "id": "demo-large", "Padding": "x" * 3_000_000})
    stamp = f"{_seed(now)}"
    yield _encoded(
        {**good, "id": f"demo-many-{stamp}", "Urls": [{"Url": f"https://many-sample.work/{n}"} for n in range(1000)]}
    )
    yield _encoded({**good, "id": f"demo-hash-{stamp}", "Attachments": [{"Sha256Hash": "abc", "Filename": "a.pdf"}]})
    yield b'{"id": "demo-latin1-' + stamp.encode() + b'", "time": "' + good["time"].encode() + b'", "Urls": "\xe9"}'


def _refresh(users: Users, lake: Lake, announce: Announce, *, step: int) -> dict[str, str]:
    """Wait until a refresh has committed what was delivered: the schedule's, when it has just begun, or our own."""
    delivered = {key for key in lake.list_keys("verdicts/") if hour_of(key) >= _last_hour()}
    approved = False
    for _ in range(TRIES):
        just_begun = scheduled_now(users.analyst, DAG_ID) if step == FIRST_REFRESH else None
        run_id = just_begun or users.analyst.trigger(DAG_ID, {"note": "landfall demo"})
        approved |= _wait(users, run_id, announce, step=step)
        last = last_commit(lake)
        if last and delivered <= set(last["watched"]["verdicts"]):
            gate = users.analyst.xcom(DAG_ID, last["run_id"], "check_candidates")["gate"]
            by = "oncall" if approved else "nobody had to"
            return {"run_id": last["run_id"], "mass_change_approved_by": by, "docs_uri": gate["docs_uri"]}
    raise RefusalError(f"{TRIES} refreshes ended without taking the new verdicts: look at {DAG_ID} in the web UI.")


def _wait(users: Users, run_id: str, announce: Announce, *, step: int) -> bool:
    """Follow a run to its end, approve a mass change on the way, and say whether that was asked for."""
    approved, deadline = set[str](), time.monotonic() + RUN_SECONDS
    while (state := users.analyst.run_state(DAG_ID, run_id)) not in ("success", "failed"):
        for each in _running(users.analyst):  # a run of the schedule may stand before ours
            tasks = users.analyst.task_states(DAG_ID, each)
            announce(*_progress(step, tasks))
            if tasks.get(APPROVAL) == "awaiting_input" and each not in approved:
                approved.add(each)
                users.oncall.answer_approval(DAG_ID, each, APPROVAL, "Approve")
        if time.monotonic() > deadline:
            raise RefusalError(f"The refresh {run_id} is {state} after {RUN_SECONDS} s: look at it in the web UI.")
        time.sleep(0.5)
    if state != "success":
        tasks = users.analyst.task_states(DAG_ID, run_id)
        failed = ", ".join(name for name, task in tasks.items() if task == "failed")
        raise RefusalError(f"The refresh {run_id} failed at {failed}: read the task's log in the web UI.")
    return bool(approved)


def _running(airflow: AirflowApi) -> list[str]:
    return [str(run["dag_run_id"]) for run in airflow.runs(DAG_ID) if run["state"] == "running"]


def _last_hour() -> str:
    return f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%d-%H}"


def _progress(step: int, tasks: dict[str, str]) -> tuple[int, str]:
    busy = [name for name, state in tasks.items() if state in ("queued", "running", "deferred", "awaiting_input")]
    done = sum(state in ("success", "skipped") for state in tasks.values())
    return step + (done * 2 > len(tasks)), f"refresh: {done}/{len(tasks)} tasks, {', '.join(busy) or 'scheduling'}"


def _deliver(settings: StackSettings) -> None:
    """Firehose would deliver within a minute by itself; nobody wants to wait for that in a demo."""
    httpx.post(f"{settings.aws_url}/_landfall/firehose/flush", timeout=120, trust_env=False).raise_for_status()


def _committed(lake: Lake, *, after: int) -> Iterator[dict[str, Any]]:
    for sequence in itertools.count(after + 1):
        if not list(lake.list_keys("refreshes", f"{sequence:08d}.json")):
            return
        yield lake.get_json(lake.settings.key("snapshots", f"{sequence:08d}", "summary.json"))


def _reasons(removed_because: dict[str, int]) -> str:
    named = ", ".join(f"{reason} {count}" for reason, count in removed_because.items())
    return f" ({named})" if named else ""


def _where_to_look(settings: StackSettings, names: IocSettings, run: dict[str, str], sequence: int) -> dict[str, str]:
    password = read_credentials(settings.secrets_file).passwords["analyst"]
    snapshot = names.key("snapshots", f"{sequence:08d}", "summary.json")
    return {
        "Airflow": f"{settings.ui_url}  (user analyst, password {password}; all users: landfall status --passwords)",
        "DAG": f"{settings.ui_url}/dags/{DAG_ID}",
        "run": f"{settings.ui_url}/dags/{DAG_ID}/runs/{run['run_id']}",
        "Data Docs": docs_url(run["docs_uri"], settings.aws_url),
        "snapshot": f"{settings.aws_url}/{names.bucket}/{snapshot}",
        "runbook": "docs/runbooks/ioc_refresh_generate.md",
    }


def _verdicts(mails: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    return [
        {"id": mail["id"], "verdict": verdict, "reported_at": mail["time"]}
        for mail in mails
        if (verdict := VERDICT_OF_LABEL[mail["label"]])
    ]


def _corrections(mails: Sequence[dict[str, Any]], now: datetime) -> list[dict[str, str]]:
    wrong = [mail for mail in mails if mail["label"] == "phishing"][:2]
    return [{"id": mail["id"], "verdict": "benign", "reported_at": f"{now:%Y-%m-%dT%H:%M:%SZ}"} for mail in wrong]


def _encoded(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode()


def _seed(now: datetime) -> int:
    """Give every demo its own mails: the second one adds to the first."""
    return int(now.timestamp())
