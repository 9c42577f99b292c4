"""The alarm operations of CloudWatch, as methods that moto's dispatch finds."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, ClassVar

from moto.cloudwatch.exceptions import InvalidFormat, ResourceNotFound, ResourceNotFoundException, ValidationError
from moto.core.responses import ActionResult, EmptyResult

from include.standins.aws.cloudwatch_alarm_rules import ACTIONS, check_alarm
from include.standins.aws.cloudwatch_alarms import Alarm, Verdict
from include.standins.aws.cloudwatch_times import moment, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.standins.aws.cloudwatch_watch import Alarms

STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")
PAGE = 50


class AlarmCalls:
    """Mixed into the response class; `params` is the parsed request."""

    alarms: ClassVar[Alarms]
    params: Any

    def put_metric_alarm(self) -> Any:
        """PutMetricAlarm: a new alarm begins without data, a changed one keeps its state."""
        given = {name: value for name, value in self.params.items() if name != "Tags"}
        check_alarm(given)
        name, now = given["AlarmName"], time.time()
        with self.alarms.lock:
            known = self.alarms.get(name)
            alarm = known or Alarm(name, self.alarms.arn(name), given, now, state_at=now)
            if known is None:
                alarm.tags = {tag["Key"]: tag["Value"] for tag in self.params.get("Tags") or []}
            alarm.parameters, alarm.configured_at, alarm.held_until = given, now, 0.0
            done = "updated" if known else "created"
            data = {"version": "1.0", "type": done.removesuffix("d").capitalize()}
            alarm.add_history("ConfigurationUpdate", f'Alarm "{name}" {done}', data, at=now)
            self.alarms.save(alarm)
        return EmptyResult()

    def describe_alarms(self) -> Any:
        """DescribeAlarms."""
        given = self.params
        if given.get("ChildrenOfAlarmName") or given.get("ParentsOfAlarmName"):
            raise ValidationError("The local AWS does not model composite alarms.")
        if "MetricAlarm" not in (given.get("AlarmTypes") or ["MetricAlarm"]):
            return ActionResult({"MetricAlarms": [], "CompositeAlarms": []})
        with self.alarms.lock:
            found = [_described(alarm) for alarm in self.alarms if _is_wanted(alarm, given)]
        start, limit = int(given.get("NextToken") or 0), given.get("MaxRecords") or PAGE
        page: dict[str, Any] = {"MetricAlarms": found[start : start + limit], "CompositeAlarms": []}
        if len(found) > start + limit:
            page["NextToken"] = str(start + limit)
        return ActionResult(page)

    def describe_alarms_for_metric(self) -> Any:
        """DescribeAlarmsForMetric: by name, namespace and dimensions."""
        given = self.params
        wanted = {(item["Name"], item["Value"]) for item in given.get("Dimensions") or []}
        with self.alarms.lock:
            found = [
                _described(alarm)
                for alarm in self.alarms
                if all(alarm.parameters.get(name) == given[name] for name in ("MetricName", "Namespace"))
                and {(item["Name"], item["Value"]) for item in alarm.parameters.get("Dimensions") or []} == wanted
            ]
        return ActionResult({"MetricAlarms": found})

    def describe_alarm_history(self) -> Any:
        """DescribeAlarmHistory, newest first unless asked otherwise."""
        given = self.params
        start = seconds(given["StartDate"]) if given.get("StartDate") else 0.0
        end = seconds(given["EndDate"]) if given.get("EndDate") else float("inf")
        with self.alarms.lock:
            items = [
                entry | {"AlarmName": alarm.name, "AlarmType": "MetricAlarm", "Timestamp": moment(entry["Timestamp"])}
                for alarm in self.alarms
                for entry in alarm.history
                if given.get("AlarmName") in (None, alarm.name)
                and given.get("HistoryItemType") in (None, entry["HistoryItemType"])
                and start <= entry["Timestamp"] < end
            ]
        items.sort(key=lambda item: item["Timestamp"], reverse=given.get("ScanBy") != "TimestampAscending")
        first, limit = int(given.get("NextToken") or 0), given.get("MaxRecords") or PAGE
        page: dict[str, Any] = {"AlarmHistoryItems": items[first : first + limit]}
        if len(items) > first + limit:
            page["NextToken"] = str(first + limit)
        return ActionResult(page)

    def delete_alarms(self) -> Any:
        """DeleteAlarms."""
        names = self.params.get("AlarmNames") or []
        if len(names) == 1 and self.alarms.get(names[0]) is None:
            raise ResourceNotFound(f"Alarm {names[0]} does not exist.")
        self.alarms.delete(names)
        return EmptyResult()

    def set_alarm_state(self) -> Any:
        """SetAlarmState: until the next evaluation."""
        given = self.params
        if given["StateValue"] not in STATES:
            raise ValidationError(f"StateValue is one of {', '.join(STATES)}.")
        try:
            json.loads(given.get("StateReasonData") or "{}")
        except ValueError:
            raise InvalidFormat("StateReasonData is no JSON.") from None
        with self.alarms.lock:
            alarm = self.alarms.get(given["AlarmName"])
            if alarm is None:
                raise ResourceNotFound(f"Alarm {given['AlarmName']} does not exist.")
            reason_data = given.get("StateReasonData") or ""
            self.alarms.set_state(alarm, Verdict(given["StateValue"], given["StateReason"], reason_data))
        return EmptyResult()

    def enable_alarm_actions(self) -> Any:
        """EnableAlarmActions."""
        return self._switch_actions(enabled=True)

    def disable_alarm_actions(self) -> Any:
        """DisableAlarmActions."""
        return self._switch_actions(enabled=False)

    def _switch_actions(self, *, enabled: bool) -> Any:
        with self.alarms.lock:
            for alarm in _named(self.alarms, self.params.get("AlarmNames") or []):
                alarm.parameters["ActionsEnabled"] = enabled
                self.alarms.save(alarm)
        return EmptyResult()

    def list_tags_for_resource(self) -> Any:
        """ListTagsForResource, of alarms."""
        tags = self._tagged().tags
        return ActionResult({"Tags": [{"Key": name, "Value": value} for name, value in tags.items()]})

    def tag_resource(self) -> Any:
        """TagResource, of alarms."""
        alarm = self._tagged()
        alarm.tags |= {tag["Key"]: tag["Value"] for tag in self.params.get("Tags") or []}
        self.alarms.save(alarm)
        return EmptyResult()

    def untag_resource(self) -> Any:
        """UntagResource, of alarms."""
        alarm = self._tagged()
        alarm.tags = {name: value for name, value in alarm.tags.items() if name not in self.params["TagKeys"]}
        self.alarms.save(alarm)
        return EmptyResult()

    def _tagged(self) -> Alarm:
        alarm = self.alarms.by_arn(self.params["ResourceARN"])
        if alarm is None:
            raise ResourceNotFoundException(f"{self.params['ResourceARN']} does not exist.")
        return alarm


def _named(alarms: Iterable[Alarm], names: list[str]) -> list[Alarm]:
    return [alarm for alarm in alarms if alarm.name in names]


def _is_wanted(alarm: Alarm, given: Any) -> bool:
    prefix = given.get("ActionPrefix")
    actions = [action for name in ACTIONS for action in alarm.parameters.get(name) or []]
    return (
        alarm.name in (given.get("AlarmNames") or [alarm.name])
        and alarm.name.startswith(given.get("AlarmNamePrefix") or "")
        and given.get("StateValue") in (None, alarm.state)
        and (not prefix or any(action.startswith(prefix) for action in actions))
    )


def _described(alarm: Alarm) -> dict[str, Any]:
    described = {name: [] for name in ACTIONS} | {"Dimensions": [], "ActionsEnabled": True} | alarm.parameters
    described |= {
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": moment(alarm.configured_at),
        "StateValue": alarm.state,
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": moment(alarm.state_at),
        "StateTransitionedTimestamp": moment(alarm.state_at),
    }
    return described | ({"StateReasonData": alarm.reason_data} if alarm.reason_data else {})
