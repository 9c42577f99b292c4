"""All alarms of the account: kept, evaluated by a thread, and announced to their topics."""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from moto.backends import get_backend
from moto.core.exceptions import ServiceException

from include.standins.aws.cloudwatch_alarms import ALARM, OK, Alarm, Verdict, evaluate
from include.standins.aws.cloudwatch_math import MathError
from include.standins.aws.cloudwatch_messages import notification
from include.standins.aws.cloudwatch_statistics import UnknownStatisticError
from include.standins.aws.state_store import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from include.standins.aws.keeping import Keeping
    from include.standins.aws.metrics_store import MetricStore

log = logging.getLogger(__name__)

KIND = "alarm"
TICK_SECONDS = 0.5
HOLD_SECONDS = 10.0  # SetAlarmState lasts until the next evaluation; CloudWatch evaluates an alarm a few times a minute


class Alarms:
    """The metric alarms; safe to use from many threads."""

    def __init__(self, *, metrics: MetricStore, keeping: Keeping, account: str, region: str) -> None:
        self._metrics = metrics
        self._keeping = keeping
        self._account, self._region = account, region
        self.lock = threading.RLock()
        self._alarms = {name: Alarm(**json.loads(value)) for name, value in keeping.store.read(KIND)}
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="alarms", daemon=True)
        self._watcher.start()

    def __iter__(self) -> Iterator[Alarm]:
        """Give all alarms by name; hold `lock` while looking at them."""
        return iter([self._alarms[name] for name in sorted(self._alarms)])

    def get(self, name: str) -> Alarm | None:
        """Find an alarm."""
        return self._alarms.get(name)

    def by_arn(self, arn: str) -> Alarm | None:
        """Find an alarm by its ARN."""
        return next((alarm for alarm in self._alarms.values() if alarm.arn == arn), None)

    def arn(self, name: str) -> str:
        """Give the ARN that an alarm of this name has."""
        return f"arn:aws:cloudwatch:{self._region}:{self._account}:alarm:{name}"

    def save(self, alarm: Alarm) -> None:
        """Keep an alarm as it is now."""
        self._keeping.store.write([Change(KIND, alarm.name, json.dumps(asdict(alarm)).encode())])
        self._alarms[alarm.name] = alarm

    def delete(self, names: Iterable[str]) -> None:
        """Forget alarms."""
        with self.lock:
            gone = [name for name in names if name in self._alarms]
            self._keeping.store.write([Change(KIND, name, None) for name in gone])
            for name in gone:
                del self._alarms[name]

    def set_state(self, alarm: Alarm, verdict: Verdict) -> None:
        """Put an alarm into a state by hand; the next evaluation may move it again."""
        alarm.held_until = time.time() + HOLD_SECONDS
        self._change(alarm, verdict, always=True)

    def _watch(self) -> None:
        while not self._ended.wait(TICK_SECONDS):
            for name in list(self._alarms):
                try:
                    with self.lock:
                        self._look(name)
                except Exception:
                    log.exception("the alarm %s could not be evaluated; tried again in %s s", name, TICK_SECONDS)

    def _look(self, name: str) -> None:
        alarm, now = self._alarms.get(name), time.time()
        if alarm is None or now < alarm.held_until:
            return
        try:
            verdict = evaluate(alarm, self._metrics, now)
        except (MathError, UnknownStatisticError) as error:
            log.warning("the alarm %s cannot be evaluated: %s", name, error)
            return
        self._change(alarm, verdict)

    def _change(self, alarm: Alarm, verdict: Verdict, *, always: bool = False) -> None:
        before = alarm.state
        if verdict.state == before and not always:
            return
        alarm.state, alarm.reason, alarm.reason_data = verdict.state, verdict.reason, verdict.data
        if verdict.state != before:
            alarm.state_at = time.time()
            new = {"stateValue": verdict.state, "stateReason": verdict.reason}
            data = {"version": "1.0", "oldState": {"stateValue": before}, "newState": new}
            summary = f"Alarm updated from {before} to {verdict.state}"
            alarm.add_history("StateUpdate", summary, data, at=alarm.state_at)
            self._announce(alarm, before)
        self.save(alarm)

    def _announce(self, alarm: Alarm, before: str) -> None:
        """Publish to the topics of the new state; what goes wrong stands in the history."""
        kind = {ALARM: "AlarmActions", OK: "OKActions"}.get(alarm.state, "InsufficientDataActions")
        if alarm.parameters.get("ActionsEnabled") is False:
            return
        subject, message = notification(alarm, before=before, account=self._account, region=self._region)
        for topic in alarm.parameters.get(kind) or []:
            error = self._publish(topic, subject, message)
            data = {"actionState": "Failed" if error else "Succeeded", "notificationResource": topic, "error": error}
            summary = f"{'Failed to execute' if error else 'Successfully executed'} action {topic}"
            alarm.add_history("Action", summary, data, at=time.time())

    def _publish(self, topic: str, subject: str, message: str) -> str:
        with self._keeping.locked("sns"), self._keeping.locked("sqs"):
            try:
                get_backend("sns")[self._account][self._region].publish(message=message, arn=topic, subject=subject)
            except (ServiceException, ValueError) as error:
                return str(error) or type(error).__name__
            self._keeping.save("sns", "sqs")
        return ""

    def close(self) -> None:
        """Stop evaluating."""
        self._ended.set()
        self._watcher.join()
