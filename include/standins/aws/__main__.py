"""python -m include.standins.aws --port 14566 --state-dir DIR [--function NAME=module:handler]"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

CANNOT_START = 3


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; argparse exits 2 with a sentence when it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m include.standins.aws", description="The local AWS, on loopback.")
    parser.add_argument("--port", type=int, default=14566, help="0 takes a free one; the ready line names it")
    parser.add_argument("--host", choices=["127.0.0.1"], default="127.0.0.1")
    parser.add_argument("--state-dir", type=Path, required=True, help="where buckets, tables and queries are kept")
    parser.add_argument("--function", action="append", default=[], metavar="NAME=module:handler", dest="functions")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, then write what is left and end with 0; 3 when it cannot start."""
    options = arguments(argv)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"  # read when moto is imported: no web page may read answers
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    from include.standins.aws.functions import FunctionError
    from include.standins.aws.server import listen, lock

    address = f"{options.host}:{options.port}"
    try:
        held = lock(options.state_dir)
        listener = listen(host=options.host, port=options.port)
        run(options, listener.getsockname()[1], listener=listener, stop=stop)
        held.close()
    except BlockingIOError:
        return _refuse(f"Another local AWS uses {options.state_dir}; stop it or choose another --state-dir.")
    except FunctionError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"The local AWS cannot start on {address} with {options.state_dir}: {error}.")
    return 0


def run(options: argparse.Namespace, port: int, *, listener: socket.socket, stop: threading.Event) -> None:
    """Serve on a bound socket until `stop` is set."""
    from include.standins.aws.server import LocalAws, prepare_environment, serve

    prepare_environment(port=port)
    aws = LocalAws(options.state_dir, options.functions, port)
    server = serve(aws.application(), listener)
    aws.load_functions()
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    sys.stdout.write(f"ready http://{options.host}:{port}\n")
    sys.stdout.flush()
    stop.wait()
    server.shutdown()
    aws.close()


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return CANNOT_START


if __name__ == "__main__":
    raise SystemExit(main())
