"""The way of one request through the local AWS: name it, let faults strike, run it, keep what it changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from include.standins.aws.calls import Call, Dispatcher, Environ, UnknownServiceError
from include.standins.aws.calls import Protocol as WireProtocol
from include.standins.aws.errors import AwsError, Reply, error_reply, not_modelled

log = logging.getLogger(__name__)

Application = Callable[[Environ, Any], Iterable[bytes]]


class Step(Protocol):
    """A layer around the service: it may answer itself, or ask `inner` and look at the answer."""

    def __call__(self, call: Call, environ: Environ, inner: Callable[[], Reply]) -> Reply:
        """Answer the call."""
        ...


class Gateway:
    """WSGI application: every AWS call passes the steps, outermost first, then moto."""

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        self._dispatcher = Dispatcher()
        self._steps = tuple(steps)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer one request; nothing that goes wrong inside leaves as a 5xx."""
        return self.answer(environ)(environ, start_response)

    def answer(self, environ: Environ) -> Reply:
        """Run one request to its whole answer."""
        try:
            call = self._dispatcher.call(environ)
        except UnknownServiceError as error:
            unknown = Call(service=str(error), operation=_target(environ), protocol=_guess(environ))
            return error_reply(unknown, not_modelled(unknown))
        try:
            return self._through(call, environ, self._steps)
        except AwsError as error:
            return error_reply(call, error)
        except NotImplementedError:
            return error_reply(call, not_modelled(call))
        except Exception as error:
            log.exception("%s %s crashed inside the local AWS", call.service, call.operation)
            message = f"The local AWS crashed in {call.operation} of {call.service}: {error!r}; see its log."
            return error_reply(call, AwsError("LocalAwsCrash", message))

    def _through(self, call: Call, environ: Environ, steps: tuple[Step, ...]) -> Reply:
        if not steps:
            return self._run(call, environ)
        return steps[0](call, environ, lambda: self._through(call, environ, steps[1:]))

    def _run(self, call: Call, environ: Environ) -> Reply:
        reply = capture(self._dispatcher, environ)
        headers = {name.lower(): value for name, value in reply.headers}
        if reply.status == 404 and headers.get("content-type", "").startswith("text/html") and call.service != "s3":
            raise not_modelled(call)  # Flask's own page: no route of moto's matched
        if reply.status >= 500 and call.service != "s3":
            message = f"The local AWS cannot do {call.operation} of {call.service}: {reply.body[:300]!r}."
            raise AwsError("LocalAwsCrash", message)
        return reply


def capture(application: Application, environ: Environ) -> Reply:
    """Run a WSGI application and hold its whole answer."""
    seen: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], None]:
        seen.append((status, headers))
        return written.append

    chunks = application(environ, start_response)
    try:
        data = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()
    status, headers = seen[-1]
    return Reply(int(status.split()[0]), list(headers), b"".join(written) + data if written else data)


def _target(environ: Environ) -> str:
    return str(environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2]


def _guess(environ: Environ) -> WireProtocol:
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return WireProtocol.QUERY
    return WireProtocol.JSON
