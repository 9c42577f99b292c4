"""What the local AWS answers besides AWS: health, faults, Firehose flushes; all under /_landfall/."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from include.standins.aws.calls import Environ
from include.standins.aws.errors import Reply, json_reply

if TYPE_CHECKING:
    from include.standins.aws.gateway import Application

Route = Callable[[Environ, str], Reply]
PREFIX = "/_landfall/"


class Control:
    """WSGI application: the first path segment after a prefix picks the route, all else goes on to AWS."""

    def __init__(self, aws: Application, *, routes: Mapping[str, Route]) -> None:
        self._aws = aws
        self._routes = routes

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        for prefix, route in self._routes.items():
            if path == prefix or path.startswith(prefix + "/"):
                return route(environ, path[len(prefix) :].lstrip("/"))(environ, start_response)
        if path.startswith(PREFIX):
            reply = json_reply({"message": f"{path} is no control address of the local AWS."}, status=404)
            return reply(environ, start_response)
        return self._aws(environ, start_response)
