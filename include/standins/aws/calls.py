"""Which AWS call an HTTP request is: service, operation and wire protocol.

Source of the rules: the botocore service models and moto's own host inference.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import DataNotFoundError
from moto.core.request import Request
from moto.core.routing import NotFound, get_service_router
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.exceptions import MethodNotAllowed

if TYPE_CHECKING:
    from collections.abc import Iterable

Environ = dict[str, Any]

_BOTO_NAMES = {"awslambda": "lambda"}


class Protocol(StrEnum):
    """The wire formats AWS services speak, as far as errors differ between them."""

    JSON = "json"
    QUERY = "query"
    REST_JSON = "rest-json"
    REST_XML = "rest-xml"
    S3 = "s3"


@dataclass(frozen=True)
class Call:
    """One AWS call; `service` is moto's name, which for most services is boto3's ('dynamodb', 's3', 'athena')."""

    service: str
    operation: str
    protocol: Protocol
    region: str = "us-east-1"


class UnknownServiceError(Exception):
    """The request belongs to a service that the local AWS does not have."""


class Dispatcher:
    """moto's dispatcher, able to name a call before it runs it."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Run the call in moto."""
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer

    def call(self, environ: Environ) -> Call:
        """Name the call without running it; the request body can still be read afterwards.

        Raises UnknownServiceError when no moto service answers to the request's signature.
        """
        service = self._service(environ)
        protocol = _protocol(environ, service)
        operation = _operation(environ, service, protocol)
        return Call(service=service, operation=operation, protocol=protocol, region=_region(environ))

    def _service(self, environ: Environ) -> str:
        with self._moto.lock:
            path = environ.get("PATH_INFO", "")
            host = self._moto.infer_service_region_host(environ, path) or "s3.us-east-1.amazonaws.com"
            name = self._moto.get_backend_for_host(host)
        if not name:
            raise UnknownServiceError(host.partition(".")[0])
        return str(name)


def _region(environ: Environ) -> str:
    """Read the region from the signature: Credential=KEY/DATE/REGION/SERVICE/aws4_request."""
    scope = str(environ.get("HTTP_AUTHORIZATION", "")).partition("Credential=")[2].split(",")[0].split("/")
    return scope[2] if len(scope) == 5 else "us-east-1"


def _protocol(environ: Environ, service: str) -> Protocol:
    if service in ("s3", "s3bucket_path", "s3control"):
        return Protocol.S3
    if "HTTP_X_AMZ_TARGET" in environ:
        return Protocol.JSON
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return Protocol.QUERY
    declared = _declared_protocol(service)
    return Protocol.REST_XML if declared == "rest-xml" else Protocol.REST_JSON


def _declared_protocol(service: str) -> str:
    try:
        return str(get_service_model(_BOTO_NAMES.get(service, service)).protocol)
    except DataNotFoundError:
        return "rest-json"


def _operation(environ: Environ, service: str, protocol: Protocol) -> str:
    if protocol is Protocol.JSON:
        return str(environ["HTTP_X_AMZ_TARGET"]).rpartition(".")[2]
    if protocol is Protocol.QUERY:
        request = Request(dict(environ, **{"wsgi.input": io.BytesIO(body(environ))}))
        return str(request.form.get("Action", ""))
    try:
        operation, _ = get_service_router("s3" if protocol is Protocol.S3 else _BOTO_NAMES.get(service, service)).match(
            Request(dict(environ, **{"wsgi.input": io.BytesIO()}))
        )
    except (NotFound, MethodNotAllowed, NotImplementedError, DataNotFoundError):
        return ""
    return str(operation.name)


def body(environ: Environ) -> bytes:
    """Read the request's body and leave it readable for the next reader."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if not length and not environ.get("wsgi.input_terminated"):
        return b""
    data: bytes = environ["wsgi.input"].read(length) if length else environ["wsgi.input"].read()
    environ["wsgi.input"] = io.BytesIO(data)
    return data


def json_body(environ: Environ) -> dict[str, Any]:
    """Read the request's body as a JSON object; {} when it is none."""
    try:
        value = json.loads(body(environ) or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
