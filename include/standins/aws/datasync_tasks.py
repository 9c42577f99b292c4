"""Tasks and their executions: the operations."""

from __future__ import annotations

import threading
import time
from typing import Any

from include.standins.aws.datasync_counters import counters
from include.standins.aws.datasync_options import REFUSED, check, complete
from include.standins.aws.datasync_paging import matches, page
from include.standins.aws.datasync_queue import Queue, claims_of
from include.standins.aws.datasync_records import ENDED, Execution, Records, Task, new_id, tag_map
from include.standins.aws.datasync_run import Run, Surroundings
from include.standins.aws.datasync_sides import WINDOWS
from include.standins.aws.errors import AwsError

Parameters = dict[str, Any]
_SETTINGS = ("CloudWatchLogGroupArn", "Includes", "Excludes", "ManifestConfig", "TaskReportConfig", "Schedule")
_OVERRIDABLE = ("Includes", "Excludes", "ManifestConfig", "TaskReportConfig")
_RUNNING = ("LAUNCHING", "PREPARING", "TRANSFERRING", "VERIFYING", "CANCELLING")


class Tasks:
    """Tasks; schedules are kept and never run."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._records: Records = around.records

    def create(self, parameters: Parameters) -> Parameters:
        """CreateTask."""
        for member in ("SourceLocationArn", "DestinationLocationArn"):
            self._records.locations.get(parameters[member])
        mode = parameters.get("TaskMode") or "BASIC"
        task = Task(
            arn=self._records.new_arn("task", "task"),
            created=time.time(),
            source=parameters["SourceLocationArn"],
            destination=parameters["DestinationLocationArn"],
            mode=mode,
            name=parameters.get("Name") or "",
            settings={name: parameters[name] for name in _SETTINGS if parameters.get(name)},
            tags=tag_map(parameters.get("Tags")),
        )
        task.settings["Options"] = complete(parameters.get("Options") or {}, mode=mode)
        _check(task.settings["Options"], task.settings, mode)
        self._records.tasks.save(task)
        return {"TaskArn": task.arn}

    def _status(self, task: Task) -> tuple[str, Execution | None]:
        executions = self._records.executions.all(lambda one: one.task == task.arn)
        current = next((one for one in executions if one.status in _RUNNING), None)
        if current:
            return "RUNNING", current
        waiting = next((one for one in executions if one.status == "QUEUED"), None)
        if waiting:
            return "QUEUED", waiting
        return ("UNAVAILABLE" if self._offline(task) else "AVAILABLE"), None

    def _offline(self, task: Task) -> bool:
        for arn in agents_of(self._records, task):
            agent = self._records.agents.find(arn)
            if self._around.faults.offline(arn, agent.name if agent else ""):
                return True
        return False

    def describe(self, parameters: Parameters) -> Parameters:
        """DescribeTask."""
        task = self._records.tasks.get(parameters["TaskArn"])
        status, current = self._status(task)
        made = {
            "TaskArn": task.arn,
            "Status": status,
            "SourceLocationArn": task.source,
            "DestinationLocationArn": task.destination,
            "CreationTime": task.created,
            "TaskMode": task.mode,
            **task.settings,
        }
        if task.name:
            made["Name"] = task.name
        if current:
            made["CurrentTaskExecutionArn"] = current.arn
        return made

    def update(self, parameters: Parameters) -> Parameters:
        """UpdateTask: members given replace those held, single options too."""
        task = self._records.tasks.get(parameters["TaskArn"])
        settings = {**task.settings, **{name: parameters[name] for name in _SETTINGS if name in parameters}}
        settings["Options"] = {**settings["Options"], **(parameters.get("Options") or {})}
        _check(settings["Options"], settings, task.mode)
        task.settings = {name: value for name, value in settings.items() if value}
        task.name = parameters.get("Name", task.name)
        self._records.tasks.save(task)
        return {}

    def listed(self, parameters: Parameters) -> Parameters:
        """ListTasks: LocationId and CreationTime filter."""
        rows = self._records.tasks.all(
            lambda row: matches(
                parameters.get("Filters"),
                {
                    "LocationId": lambda: [
                        *(row.source, row.destination),
                        *(arn.rpartition("/")[2] for arn in (row.source, row.destination)),
                    ],
                    "CreationTime": lambda: row.created,
                },
            )
        )
        taken, more = page(rows, parameters)
        return {"Tasks": [self._line(task) for task in taken], **more}

    def _line(self, task: Task) -> Parameters:
        named = {"Name": task.name} if task.name else {}
        return {"TaskArn": task.arn, "Status": self._status(task)[0], "TaskMode": task.mode, **named}

    def delete(self, parameters: Parameters) -> Parameters:
        """DeleteTask, with the history of its executions; refused while one is running or queued."""
        task = self._records.tasks.get(parameters["TaskArn"])
        executions = self._records.executions.all(lambda one: one.task == task.arn)
        if any(one.status not in ENDED for one in executions):
            raise AwsError(REFUSED, f"Task {task.arn} has a task execution that is running or queued.")
        for one in executions:
            self._records.executions.delete(one.arn)
        self._records.tasks.delete(task.arn)
        return {}


class Executions:
    """Task executions; queued ones are taken up again after a restart, running ones have failed."""

    def __init__(self, around: Surroundings, queue: Queue) -> None:
        self._around = around
        self._records: Records = around.records
        self._queue = queue
        self._starting = threading.Lock()  # never the records' own: the queue takes that one while it is locked itself

    def restore(self, stopped: tuple[str, str]) -> None:
        """Settle what a process before this one left; call once. `stopped` is the result of those that ran."""
        for execution in self._records.executions.all(lambda one: one.status not in ENDED):
            if execution.status in ("QUEUED", "LAUNCHING"):
                execution.status, execution.launched = "QUEUED", None
                self._records.executions.save(execution)
                self._queue.add(self._run(execution))
            else:
                execution.status, execution.ended = "ERROR", time.time()
                execution.result |= {"ErrorCode": stopped[0], "ErrorDetail": stopped[1]}
                self._records.executions.save(execution)

    def _run(self, execution: Execution) -> Run:
        task = self._records.tasks.get(execution.task)
        kinds = [self._records.locations.get(arn).kind for arn in (task.source, task.destination)]
        return Run(execution, task, self._around, any(kind in WINDOWS for kind in kinds))

    def start(self, parameters: Parameters) -> Parameters:
        """StartTaskExecution; there is no client token: two calls are two executions, as in the service."""
        task = self._records.tasks.get(parameters["TaskArn"])
        settings = {name: task.settings[name] for name in _OVERRIDABLE if name in task.settings}
        settings |= {name: parameters[name] for name in _OVERRIDABLE if parameters.get(name)}
        options = {**task.settings["Options"], **(parameters.get("OverrideOptions") or {})}
        _check(options, settings, task.mode)
        with self._starting:
            execution = Execution(
                arn=f"{task.arn}/execution/{new_id('exec')}",
                created=time.time(),
                sequence=self._records.next_sequence(),
                task=task.arn,
                mode=task.mode,
                options=options,
                settings=settings,
                agents=agents_of(self._records, task),
                tags=tag_map(parameters.get("Tags")),
            )
            run = self._run(execution)
            if options["TaskQueueing"] == "DISABLED" and self._queue.is_busy(claims_of(run)):
                raise AwsError(REFUSED, f"{task.arn} can't start: another execution runs and queueing is disabled.")
            self._records.executions.save(execution)
            self._queue.add(run)
        return {"TaskExecutionArn": execution.arn}

    def describe(self, parameters: Parameters) -> Parameters:
        """DescribeTaskExecution."""
        one = self._records.executions.get(parameters["TaskExecutionArn"])
        made: Parameters = {
            "TaskExecutionArn": one.arn,
            "Status": one.status,
            "TaskMode": one.mode,
            "Options": one.options,
            "StartTime": one.created,
            "Result": dict(one.result),
            **one.settings,
            **counters(one),
        }
        if one.launched:
            made["LaunchTime"] = one.launched
        if one.ended and one.status in ENDED:
            made["EndTime"] = one.ended
        if one.settings.get("TaskReportConfig"):
            made["ReportResult"] = one.report or {"Status": "PENDING"}
        return made

    def listed(self, parameters: Parameters) -> Parameters:
        """ListTaskExecutions, oldest first."""
        task = parameters.get("TaskArn")
        if task:
            self._records.tasks.get(task)
        rows = self._records.executions.all(lambda one: task in (None, one.task))
        taken, more = page(rows, parameters)
        lines = [{"TaskExecutionArn": one.arn, "Status": one.status, "TaskMode": one.mode} for one in taken]
        return {"TaskExecutions": lines, **more}

    def update(self, parameters: Parameters) -> Parameters:
        """UpdateTaskExecution: BytesPerSecond of one that has not ended."""
        options = parameters["Options"]
        if set(options) != {"BytesPerSecond"}:
            raise AwsError(REFUSED, "Only BytesPerSecond can be updated for a task execution.")
        run = self._live(parameters)
        run.execution.options["BytesPerSecond"] = options["BytesPerSecond"]
        self._records.executions.save(run.execution)
        run.throttle.set_rate(options["BytesPerSecond"])
        return {}

    def cancel(self, parameters: Parameters) -> Parameters:
        """CancelTaskExecution."""
        self._queue.cancel(self._live(parameters))
        return {}

    def _live(self, parameters: Parameters) -> Run:
        one = self._records.executions.get(parameters["TaskExecutionArn"])
        run = self._queue.find(one.arn)
        if run is None or one.status in ENDED:
            raise AwsError(REFUSED, f"Task execution {one.arn} has ended with {one.status}.")
        return run


def agents_of(records: Records, task: Task) -> list[str]:
    """Give the agents of both locations; all of them have to be online."""
    both = [records.locations.get(arn).agents for arn in (task.source, task.destination)]
    return list(dict.fromkeys(arn for agents in both for arn in agents))


def _check(options: Parameters, settings: Parameters, mode: str) -> None:
    filters = {"includes": settings.get("Includes"), "excludes": settings.get("Excludes")}
    check(options, mode=mode, manifest=bool(settings.get("ManifestConfig")), **filters)
