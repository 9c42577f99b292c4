"""Plain Lambda handlers served over HTTP: POST /functions/NAME[/path].

The event is the Lambda function URL's (payload format 2.0); source: Lambda developer guide, "Invoking Lambda function
URLs". The request limit is 6 MiB, as for a synchronous invocation.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from include.standins.aws.calls import Environ, body
from include.standins.aws.errors import Reply, json_reply

log = logging.getLogger(__name__)

PAYLOAD_LIMIT = 6 << 20
Handler = Callable[[dict[str, Any], Any], Any]


@dataclass(frozen=True)
class Context:
    """The part of Lambda's context object that handlers commonly read."""

    function_name: str
    aws_request_id: str
    memory_limit_in_mb: int = 512
    function_version: str = "$LATEST"

    @property
    def invoked_function_arn(self) -> str:
        """The function's ARN."""
        return f"arn:aws:lambda:us-east-1:123456789012:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Give the time left: no limit is enforced here, so always the default 30 s."""
        return 30_000


class FunctionError(Exception):
    """A --function that cannot be served; str() is the sentence."""


class Functions:
    """Handlers by name, imported when first called (the server answers by then)."""

    def __init__(self, definitions: Iterable[str]) -> None:
        self._places = dict(map(_place, definitions))
        self._handlers: dict[str, Handler] = {}

    def load(self) -> None:
        """Import every handler; raises FunctionError for one that is not there."""
        for name, (module, attribute) in self._places.items():
            try:
                self._handlers[name] = getattr(importlib.import_module(module), attribute)
            except (ImportError, AttributeError) as error:
                raise FunctionError(
                    f"The function {name} cannot be loaded from {module}:{attribute}: {error}"
                ) from error

    def route(self, environ: Environ, rest: str) -> Reply:
        """Answer one HTTP request to a function."""
        name, _, path = rest.partition("/")
        handler = self._handlers.get(name)
        if handler is None:
            return json_reply({"message": f"There is no function {name!r}."}, status=404)
        if int(environ.get("CONTENT_LENGTH") or 0) > PAYLOAD_LIMIT:
            return json_reply({"message": f"Request must be smaller than {PAYLOAD_LIMIT} bytes."}, status=413)
        content = body(environ)
        if len(content) > PAYLOAD_LIMIT:
            return json_reply({"message": f"Request must be smaller than {PAYLOAD_LIMIT} bytes."}, status=413)
        event = _event(environ, path=f"/{path}", content=content)
        try:
            return _reply(handler(event, Context(name, event["requestContext"]["requestId"])))
        except Exception as error:
            log.exception("function %s failed", name)
            return json_reply({"errorType": type(error).__name__, "errorMessage": str(error)}, status=502)


def _place(definition: str) -> tuple[str, tuple[str, str]]:
    name, equals, place = definition.partition("=")
    module, colon, attribute = place.partition(":")
    if not (name and equals and module and colon and attribute):
        raise FunctionError(f"--function takes NAME=module:handler, not {definition!r}.")
    return name, (module, attribute)


def _event(environ: Environ, *, path: str, content: bytes) -> dict[str, Any]:
    query = environ.get("QUERY_STRING", "")
    now = time.time()
    text, encoded = _as_text(content)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": _headers(environ),
        "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True)),
        "requestContext": {
            "accountId": "123456789012",
            "requestId": str(uuid4()),
            "stage": "$default",
            "http": {
                "method": environ["REQUEST_METHOD"],
                "path": path,
                "protocol": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
                "sourceIp": environ.get("REMOTE_ADDR", "127.0.0.1"),
                "userAgent": environ.get("HTTP_USER_AGENT", ""),
            },
            "time": datetime.fromtimestamp(now, tz=UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": round(now * 1000),
        },
        "body": text,
        "isBase64Encoded": encoded,
    }


def _headers(environ: Environ) -> dict[str, str]:
    found = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        found["content-type"] = environ["CONTENT_TYPE"]
    if environ.get("CONTENT_LENGTH"):
        found["content-length"] = environ["CONTENT_LENGTH"]
    return {name: str(value) for name, value in found.items()}


def _as_text(content: bytes) -> tuple[str, bool]:
    """Give the body as text, or in base64 when it is none."""
    try:
        return content.decode("utf-8"), False
    except UnicodeDecodeError:
        return base64.b64encode(content).decode(), True


def _reply(result: Any) -> Reply:
    """Turn what a handler returns into HTTP; anything but a response dictionary is a JSON body with 200."""
    if not isinstance(result, dict) or "statusCode" not in result:
        return json_reply(result)
    headers = {str(name): str(value) for name, value in (result.get("headers") or {}).items()}
    headers.setdefault("Content-Type", "application/json")
    content = result.get("body") or ""
    if not isinstance(content, str):
        content = json.dumps(content)
    try:
        data = base64.b64decode(content, validate=True) if result.get("isBase64Encoded") else content.encode()
    except binascii.Error as error:
        raise ValueError(f"the handler's body is no base64: {error}") from error
    cookies = [("Set-Cookie", cookie) for cookie in result.get("cookies") or []]
    return Reply(int(result["statusCode"]), [*headers.items(), *cookies], data)
