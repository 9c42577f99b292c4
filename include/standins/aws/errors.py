"""Errors in the shape each AWS protocol gives them, so that boto3 raises the modelled exception at once.

botocore retries 5xx for seconds; whatever the local AWS cannot do is therefore a 4xx.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from xml.sax.saxutils import escape

from include.standins.aws.calls import Call, Environ, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOT_MODELLED = "NotImplementedException"
XML = "text/xml; charset=utf-8"


class AwsError(Exception):
    """An error to be answered in the calling service's own words.

    :param members: what the error's shape has besides its message; JSON protocols carry it.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, members: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members or {}


@dataclass(frozen=True)
class Reply:
    """A whole HTTP answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer as a WSGI application."""
        reason = "OK" if self.status < 400 else "Error"
        headers = list(self.headers)
        if not any(name.lower() == "content-length" for name, _ in headers):  # HEAD names the object's, not the body's
            headers.append(("Content-Length", str(len(self.body))))
        start_response(f"{self.status} {reason}", headers)
        return [b"" if environ.get("REQUEST_METHOD") == "HEAD" else self.body]


def json_reply(value: object, *, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Reply:
    """Answer with a JSON document."""
    return Reply(status, [("Content-Type", "application/json"), *headers], json.dumps(value).encode())


def error_reply(call: Call, error: AwsError) -> Reply:
    """Put an error into the protocol of the call.

    Source of the shapes: the AWS JSON 1.0/1.1, Query, REST-JSON and REST-XML protocol pages of Smithy.
    """
    request_id = str(uuid4())
    if call.protocol in (Protocol.JSON, Protocol.REST_JSON):
        headers = [("x-amzn-errortype", error.code), ("x-amzn-requestid", request_id)]
        if call.service == "sqs":
            headers.append(("x-amzn-query-error", f"{error.code};Sender"))
        return json_reply(
            {"__type": error.code, "message": error.message, "Message": error.message, **error.members},
            status=error.status,
            headers=headers,
        )
    code, message = escape(error.code), escape(error.message)
    if call.protocol is Protocol.S3:
        document = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
    else:
        document = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{document}'.encode()
    return Reply(error.status, [("Content-Type", XML), ("x-amzn-requestid", request_id)], body)


def not_modelled(call: Call) -> AwsError:
    """Refuse a call nobody wrote, at once and by name."""
    what = call.operation or "this request"
    return AwsError(NOT_MODELLED, f"The operation {what} of {call.service} is not modelled by the local AWS.")
