"""Somebody hears of a missed recovery time objective while the run goes on."""

import asyncio
from typing import Any
from unittest.mock import patch

import pytest

from landfall.deadlines import rto_message, tell_rto_missed

RUN = {"dag_id": "log_shipping_fail_over", "dag_run_id": "manual__1", "conf": {"mode": "disaster", "databases": ["HR"]}}
TOPIC = "arn:aws:sns:us-east-1:123456789012:oncall"


class Topic:
    def __init__(self) -> None:
        self.published: list[dict[str, str]] = []

    def publish(self, **message: str) -> None:
        self.published.append(message)


def test_the_message_says_which_run_and_where_to_look() -> None:
    message = rto_message({"dag_run": RUN}, target_minutes=30)
    assert message["subject"] == "[Landfall] log_shipping_fail_over has run for more than 30 minutes"
    for part in ("manual__1", "Mode: disaster.", "Databases: HR.", "docs/runbooks/log_shipping_fail_over.md"):
        assert part in message["body"]


@pytest.mark.parametrize("context", [{}, {"dag_run": {}}, {"dag_run": {"dag_id": "x" * 200, "conf": None}}])
def test_a_run_that_says_little_is_told_as_well(context: dict[str, Any]) -> None:
    assert len(rto_message(context, target_minutes=30)["subject"]) <= 100


@pytest.mark.parametrize(("setting", "messages"), [("", 0), (TOPIC, 1)])
def test_it_is_published_where_a_topic_is_set(setting: str, messages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDFALL_LOG_SHIPPING_ALERT_TOPIC", setting)
    topic = Topic()
    with patch("landfall.connections.aws_client", return_value=topic):
        asyncio.run(tell_rto_missed(target_minutes=30, context={"dag_run": RUN}))
    assert len(topic.published) == messages
    assert all(message["TopicArn"] == TOPIC for message in topic.published)
