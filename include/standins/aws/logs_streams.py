"""moto's log streams with their events in the log store: appending one costs one row, not the whole service.

moto 5.2.5 holds events in lists that would be pickled with every call (moto/logs/models.py, LogStream).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from moto.logs import models

from include.standins.aws.logs_patterns import PatternError, compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from include.standins.aws.logs_store import Event, LogStore

_MotoStream: Any = models.LogStream
_MotoEvent: Any = models.LogEvent


class KeptStream(_MotoStream):  # type: ignore[misc]  # moto carries no types
    """A log stream; `install` gives the class its store."""

    store: ClassVar[LogStore]
    arrived: ClassVar[Callable[[str, str, Sequence[Event]], None]]

    @property
    def events(self) -> list[Any]:
        """Every event as moto's own readers want it."""
        return [_moto_event(event) for event in self.store.events(self.log_group.arn, self.log_stream_name)]

    @events.setter
    def events(self, _value: object) -> None:
        """Ignore what moto's constructor sets, or an older state brings."""

    def put_log_events(self, log_events: Sequence[dict[str, Any]]) -> str:
        """Append events, feed metric filters and subscriptions, and return the sequence token."""
        pairs = ((event["timestamp"], event["message"]) for event in log_events)
        kept = self.store.append(self.log_group.arn, self.log_stream_name, pairs, ingested=int(time.time() * 1000))
        type(self).arrived(self.log_group.region, self.log_group.name, kept)
        self.upload_sequence_token += 1
        for subscription in self.log_group.subscription_filters.values():
            self._send_log_events(
                service=subscription.destination_arn.split(":")[2],
                destination_arn=subscription.destination_arn,
                filter_name=subscription.name,
                log_events=[{"id": event.id, "timestamp": event.at, "message": event.message} for event in kept],
            )
        return f"{self.upload_sequence_token:056d}"

    def filter_log_events(self, start_time: int, end_time: int, filter_pattern: str) -> list[dict[str, Any]]:
        """Give the events of a time span that match a filter pattern."""
        try:
            pattern = compile_pattern(filter_pattern or "")
        except PatternError as error:
            raise models.InvalidParameterException(msg=str(error)) from error
        span = self.store.events(
            self.log_group.arn, self.log_stream_name, start=start_time or 0, **({"end": end_time} if end_time else {})
        )
        return [
            {**_moto_event(event).to_filter_dict(), "logStreamName": self.log_stream_name}
            for event in span
            if pattern.fields(event.message) is not None
        ]

    def to_describe_dict(self) -> dict[str, Any]:
        """Describe the stream; the times of its events come from the store."""
        described: dict[str, Any] = {
            "arn": self.arn,
            "creationTime": int(models.unix_time_millis(self.creation_time)),
            "logStreamName": self.log_stream_name,
            "storedBytes": 0,
        }
        span = self.store.span(self.log_group.arn, self.log_stream_name)
        if span:
            first, last, ingested, size = span
            described |= {"firstEventTimestamp": first, "lastEventTimestamp": last, "lastIngestionTime": ingested}
            described |= {"storedBytes": size, "uploadSequenceToken": str(self.upload_sequence_token)}
        return described


def _moto_event(event: Event) -> Any:
    made = _MotoEvent(event.ingested, {"timestamp": event.at, "message": event.message})
    made.event_id = event.id
    return made


def install(store: LogStore, arrived: Callable[[str, str, Sequence[Event]], None]) -> None:
    """Make moto create kept streams; call before its state is restored.

    :param arrived: called with region, group name and the new events of each append.
    """
    KeptStream.store = store
    KeptStream.arrived = staticmethod(arrived)
    models.LogStream = KeptStream
