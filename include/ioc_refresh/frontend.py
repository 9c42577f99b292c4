"""The front-end function: a plain AWS Lambda handler behind a function URL (payload format 2.0).

    POST /mails     one mail record -> 200 with its threat report
    POST /verdicts  one report, or a list of up to 500 -> 202 {"accepted", "rejected": [{"index", "reason"}], "kept"}
    GET  /health    -> 200

What cannot be used gets 422 with one sentence and goes to the dead letters; so does what Firehose does not take.
"""

import base64
import binascii
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from include.ioc_refresh.domains import Popularity
from include.ioc_refresh.front_door import AWS_ERRORS, FrontDoor, NothingStoredError
from include.ioc_refresh.mails import MailRejectedError, read_json, whole_milliseconds
from include.ioc_refresh.settings import IocSettings

log = logging.getLogger(__name__)

MAX_VERDICTS = 500
"""Records of one PutRecordBatch call (Amazon Data Firehose quotas)."""

RETRY = {"retry-after": "1"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with a JSON document."""

    status: int
    document: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)

    def to_event(self) -> dict[str, Any]:
        """Return what a function URL expects from a handler."""
        return {
            "statusCode": self.status,
            "headers": {"content-type": "application/json", **self.headers},
            "body": json.dumps(self.document, ensure_ascii=False),
            "isBase64Encoded": False,
        }


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer one request; the clock is read here and nowhere else."""
    return answer(event, door=front_door(), now=datetime.now(UTC)).to_event()


@cache
def front_door() -> FrontDoor:
    """Return this process's front door: names and popularity file from the environment, clients made once."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})  # FrontDoor tries again
    return FrontDoor(
        IocSettings.from_environment(os.environ),
        Popularity.from_environment(os.environ),
        client=lambda service: boto3.client(service, config=config),
    )


def answer(event: Mapping[str, Any], *, door: FrontDoor, now: datetime) -> Answer:
    """Route one function-URL event; whatever goes wrong, the caller gets a sentence, never a traceback."""
    method = str(event.get("requestContext", {}).get("http", {}).get("method", "GET")).upper()
    path = "/" + str(event.get("rawPath", "")).strip("/")
    now = whole_milliseconds(now)
    if path not in _ROUTES:
        return Answer(404, {"error": f"There is nothing at {path[:100]}: use {', '.join(_ROUTES)}."})
    allowed, route = _ROUTES[path]
    if method != allowed:
        return Answer(405, {"error": f"{path} takes {allowed}, not {method[:20]}."}, {"allow": allowed})
    try:
        return route(door, _body(event), now)
    except NothingStoredError as error:
        return Answer(503, {"error": str(error)}, RETRY)
    except Exception:
        log.exception("%s %s failed; the sender still has the record", method, path)
        return Answer(500, {"error": "This service failed on the record; keep it, and send it again later."}, RETRY)


def _mail(door: FrontDoor, body: bytes, now: datetime) -> Answer:
    try:
        mail, keys = door.read_mail(body, arrived_at=now)
    except MailRejectedError as error:
        return _refused(door, body, str(error), source="mail", now=now)
    stored = door.store_mail(mail, body, arrived_at=now)
    try:
        report = door.report(mail, keys, now=now)
    except AWS_ERRORS as error:
        log.warning("no look-up of mail %s: %s", mail.mail_id, error)
        sentence = "The indicators could not be read in time; the mail is kept, send it again for its report."
        return Answer(503, {"error": sentence, "Stored": stored}, RETRY)
    return Answer(200, {**report, "Stored": stored, "Notes": list(mail.notes)})


def _verdicts(door: FrontDoor, body: bytes, now: datetime) -> Answer:
    try:
        document = read_json(body)
    except MailRejectedError as error:
        return _refused(door, body, str(error), source="verdict", now=now)
    if isinstance(document, list) and len(document) > MAX_VERDICTS:
        reason = f"{len(document)} verdicts in one list; send at most {MAX_VERDICTS} at once"
        return _refused(door, body, reason, source="verdict", now=now)
    items = document if isinstance(document, list) else [document]
    outcome = door.store_verdicts(items, arrived_at=now)
    if not isinstance(document, list) and outcome["rejected"]:
        return Answer(422, {"error": outcome["rejected"][0]["reason"]})
    return Answer(202, outcome)


def _health(door: FrontDoor, _body: bytes, _now: datetime) -> Answer:
    return Answer(200, {"status": "ok", "popularity_as_of": door.popularity.as_of})


_ROUTES = {"/mails": ("POST", _mail), "/verdicts": ("POST", _verdicts), "/health": ("GET", _health)}


def _refused(door: FrontDoor, body: bytes, reason: str, *, source: str, now: datetime) -> Answer:
    door.bury(body, reason=reason, source=source, arrived_at=now)
    return Answer(422, {"error": reason})


def _body(event: Mapping[str, Any]) -> bytes:
    """A body that claims to be base64 and is not is taken as it came: the record then is refused and kept."""
    text = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            log.warning("a body marked as base64 is none")
    return str(text).encode("utf-8", errors="replace")
