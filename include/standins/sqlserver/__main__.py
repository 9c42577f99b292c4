"""LANDFALL_SQLSERVER_PASSWORD=... python -m include.standins.sqlserver --name SQLFCI01 --port 14331 --state-dir DIR"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

CANNOT_START = 3
# A short query beside a client that fetches millions of rows: 3,300 answers a second instead of 560 with Python's 5 ms.
SWITCH_SECONDS = 0.0005
PASSWORD_VARIABLE = "LANDFALL_SQLSERVER_PASSWORD"  # noqa: S105 -- the name of the variable, not its value


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line and the password's variable; argparse exits 2 with a sentence when one is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m include.standins.sqlserver", description="The local SQL Server (stand-in), on loopback."
    )
    parser.add_argument("--name", required=True, help="the server's name, as @@SERVERNAME says it")
    parser.add_argument("--port", type=int, default=14331, help="0 takes a free one; the ready line names it")
    parser.add_argument("--host", choices=["127.0.0.1"], default="127.0.0.1")
    parser.add_argument("--state-dir", type=Path, required=True, help="where databases and logs are kept")
    options = parser.parse_args(argv)
    options.password = os.environ.pop(PASSWORD_VARIABLE, "")
    if not options.password:
        parser.error(f"Set {PASSWORD_VARIABLE} to the password of the login sa.")
    return options


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, then end with 0; 3 when it cannot start."""
    options = arguments(argv)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sys.setswitchinterval(SWITCH_SECONDS)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    from include.standins.sqlserver.server import lock_state_dir

    address = f"{options.host}:{options.port}"
    try:
        with lock_state_dir(options.state_dir):
            serve(options, stop)
    except BlockingIOError:
        return _refuse(f"Another local SQL Server uses {options.state_dir}; stop it or choose another --state-dir.")
    except OSError as error:
        return _refuse(f"The local SQL Server cannot start on {address} with {options.state_dir}: {error}.")
    except Exception as error:
        logging.getLogger(__name__).exception("The start failed.")
        return _refuse(
            f"The local SQL Server cannot open {options.state_dir}: {error}. The lines above have the details."
        )
    return 0


def serve(options: argparse.Namespace, stop: threading.Event) -> None:
    """Open the instance and serve it until `stop` is set."""
    from include.standins.sqlserver.certificates import certificate_pair
    from include.standins.sqlserver.engine.instance import open_instance
    from include.standins.sqlserver.server import SqlServer, listen
    from include.standins.sqlserver.wire.tls import server_context

    listener = listen(host=options.host, port=options.port)
    certificate, key = certificate_pair(options.state_dir, name=options.name)
    instance = open_instance(name=options.name, root=options.state_dir, password=options.password)
    server = SqlServer(instance, server_context(certificate=certificate, key=key), listener=listener)
    server.start()
    sys.stdout.write(f"ready {options.host}:{server.port}\n")
    sys.stdout.flush()
    stop.wait()
    server.stop()


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return CANNOT_START


if __name__ == "__main__":
    raise SystemExit(main())
