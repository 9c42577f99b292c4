"""The step that answers calls of services which have an engine of their own instead of moto's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from include.standins.aws.calls import Call, Environ, json_body
from include.standins.aws.errors import Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Engine(Protocol):
    """A service that speaks AWS JSON."""

    def answer(self, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
        """Give the answer's members; raises AwsError."""
        ...


class Engines:
    """Gateway step: the innermost one."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        self._engines = engines

    def __call__(self, call: Call, environ: Environ, inner: Callable[[], Reply]) -> Reply:
        """Answer the call, or let moto do it."""
        engine = self._engines.get(call.service)
        if engine is None:
            return inner()
        parameters = json_body(environ)
        if environ.get("landfall.unprocessed"):
            parameters["__unprocessed"] = True
        return json_reply(engine.answer(call, parameters))
