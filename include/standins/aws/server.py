"""The local AWS as one WSGI application on one loopback port."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import socket
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, TypedDict

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from include.standins.aws import cloudwatch, moto_fixes, object_bodies
from include.standins.aws.athena import Athena
from include.standins.aws.athena_catalog import Catalog
from include.standins.aws.browsing import sign_plain_reads
from include.standins.aws.cloudwatch_watch import Alarms
from include.standins.aws.control import PREFIX, Control
from include.standins.aws.datasync import DataSync
from include.standins.aws.dynamodb_limits import DynamoDbLimits
from include.standins.aws.engines import Engines
from include.standins.aws.errors import Reply, json_reply
from include.standins.aws.faults import FaultRegistry
from include.standins.aws.firehose import Firehose
from include.standins.aws.firehose_streams import Streams
from include.standins.aws.fsx import Fsx
from include.standins.aws.functions import Functions
from include.standins.aws.gateway import Gateway
from include.standins.aws.keeping import Keeping
from include.standins.aws.logs import Logs
from include.standins.aws.logs_store import LogStore
from include.standins.aws.metrics_store import MetricStore
from include.standins.aws.mounts import Mounts
from include.standins.aws.object_store import ObjectStore
from include.standins.aws.state_store import StateStore
from include.standins.aws.telemetry_writer import LocalTelemetry
from include.standins.aws.waf import Waf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from include.standins.aws.calls import Environ

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"


class Place(TypedDict):
    """The account and region everything local lives in."""

    account: str
    region: str


@dataclass
class LocalAws:
    """Everything one local AWS process runs."""

    state_dir: Path
    functions: Sequence[str] = ()
    port: int = 0
    _functions: Functions | None = None
    _closers: list[Callable[[], None]] = field(default_factory=list)

    def application(self) -> Control:
        """Restore the state and build the application: control routes outside, then the gateway to moto."""
        bodies = self.state_dir / "objects"
        object_bodies.install(bodies)
        moto_fixes.install()
        keeping = Keeping(StateStore(self.state_dir), account=ACCOUNT_ID, bodies=bodies)
        metrics, events = MetricStore(self.state_dir), LogStore(self.state_dir)
        logs = Logs(events=events, metrics=metrics, keeping=keeping, account=ACCOUNT_ID)
        keeping.restore()
        alarms = Alarms(metrics=metrics, keeping=keeping, account=ACCOUNT_ID, region=REGION)
        cloudwatch.install(metrics, alarms)
        faults, functions = FaultRegistry(), Functions(self.functions)
        store = ObjectStore(keeping, account=ACCOUNT_ID)
        scratch = self.state_dir / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        place: Place = {"account": ACCOUNT_ID, "region": REGION}
        athena = Athena(keeping=keeping, store=store, faults=faults, scratch=scratch, **place)
        firehose = Firehose(
            streams=Streams(keeping.store),
            store=store,
            catalog=lambda: Catalog(keeping, **place),
            scratch=scratch / "firehose",
            **place,
        )
        telemetry = LocalTelemetry(metrics=metrics, keeping=keeping, **place)
        fsx = Fsx(kept=keeping.store, metrics=metrics, directory=self.state_dir / "fsx", **place)
        mounts = Mounts(keeping.store)
        datasync = DataSync(
            state=keeping.store,
            store=store,
            mounts=mounts,
            scratch=scratch / "datasync",
            volumes=fsx,
            telemetry=telemetry,
            **place,
        )
        self._functions = functions
        self._closers = [athena.close, firehose.close, datasync.close, fsx.close, logs.close, alarms.close]
        self._closers += [metrics.close, events.close, keeping.close]
        engines = Engines({"athena": athena, "firehose": firehose, "fsx": fsx, "datasync": datasync})
        waf = Waf(keeping.store, account=ACCOUNT_ID)
        gateway = Gateway([sign_plain_reads, faults, engines, waf, DynamoDbLimits(), logs, keeping])
        routes = {"health": self._health, "faults": faults.route, "firehose": firehose.route, "fsx": fsx.route}
        routes |= {"datasync": datasync.route, "mounts": mounts.route, "waf": waf.rate.route}
        return Control(
            gateway,
            routes={f"{PREFIX}{name}": route for name, route in routes.items()} | {"/functions": functions.route},
        )

    def load_functions(self) -> None:
        """Import the handlers, once the environment points here; raises FunctionError."""
        if self._functions:
            self._functions.load()

    def _health(self, _environ: Environ, _rest: str) -> Reply:
        return json_reply({"status": "ok", "port": self.port, "account": ACCOUNT_ID, "region": REGION})

    def close(self) -> None:
        """Write what is still only in memory."""
        for close in self._closers:
            close()


def prepare_environment(*, port: int) -> None:
    """Point this process at itself and give everything one account; call before importing handlers."""
    os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT_ID
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "local")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")


def listen(*, host: str, port: int) -> socket.socket:
    """Bind the port; raises OSError when it is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def lock(state_dir: Path) -> IO[str]:
    """Own a state directory until the file is closed; raises BlockingIOError when another process does."""
    state_dir.mkdir(parents=True, exist_ok=True)
    held = (state_dir / "lock").open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        raise
    return held


def serve(application: Control, listener: socket.socket) -> BaseWSGIServer:
    """Give a server for a bound socket, not yet serving."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    host, port = listener.getsockname()
    return make_server(host, port, application, threaded=True, request_handler=MotoRequestHandler, fd=listener.fileno())
