"""The local AWS as one WSGI application on one loopback port."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from moto.core.common_models import BaseModel
from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from include.standins.aws import object_bodies
from include.standins.aws.calls import Environ
from include.standins.aws.control import PREFIX, Control
from include.standins.aws.errors import Reply, json_reply
from include.standins.aws.gateway import Gateway
from include.standins.aws.keeping import Keeping
from include.standins.aws.state_store import StateStore

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"


@dataclass
class LocalAws:
    """Everything one local AWS process runs."""

    state_dir: Path
    functions: Sequence[str] = ()
    port: int = 0
    _keeping: Keeping | None = None

    def application(self) -> Control:
        """Restore the state and build the application: control routes outside, then the gateway to moto."""
        bodies = self.state_dir / "objects"
        object_bodies.install(bodies)
        forget_instances()
        keeping = Keeping(StateStore(self.state_dir), account=ACCOUNT_ID, bodies=bodies)
        keeping.restore()
        self._keeping = keeping
        return Control(Gateway([keeping]), routes={f"{PREFIX}health": self._health})

    def _health(self, _environ: Environ, _rest: str) -> Reply:
        return json_reply({"status": "ok", "port": self.port, "account": ACCOUNT_ID, "region": REGION})

    def close(self) -> None:
        """Write what is still only in memory."""
        if self._keeping:
            self._keeping.close()


def forget_instances() -> None:
    """Stop moto from holding every object it ever made (it does so to reset itself between unit tests)."""
    BaseModel.__new__ = lambda cls, *_args, **_kwargs: object.__new__(cls)


def prepare_environment(*, port: int) -> None:
    """Point this process at itself and give everything one account; call before importing handlers."""
    os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT_ID
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "local")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")


def serve(application: Control, *, host: str, port: int) -> BaseWSGIServer:
    """Bind the port and return the server, not yet serving."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    return make_server(host, port, application, threaded=True, request_handler=MotoRequestHandler)
