"""python -m include.standins.aws --port 14566 --state-dir DIR [--function NAME=module:handler]"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; argparse exits 2 with a sentence when it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m include.standins.aws", description="The local AWS, on loopback.")
    parser.add_argument("--port", type=int, default=14566, help="0 takes a free one; the ready line names it")
    parser.add_argument("--host", choices=["127.0.0.1"], default="127.0.0.1")
    parser.add_argument("--state-dir", type=Path, required=True, help="where buckets, tables and queries are kept")
    parser.add_argument("--function", action="append", default=[], metavar="NAME=module:handler", dest="functions")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, then write what is left and end with 0."""
    options = arguments(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    from include.standins.aws.server import LocalAws, prepare_environment, serve

    prepare_environment(port=options.port)
    options.state_dir.mkdir(parents=True, exist_ok=True)
    aws = LocalAws(options.state_dir, options.functions)
    try:
        server = serve(aws.application(), host=options.host, port=options.port)
    except OSError as error:
        sys.stderr.write(f"The local AWS cannot listen on {options.host}:{options.port}: {error}; choose --port.\n")
        return 3
    aws.port = server.port
    prepare_environment(port=server.port)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    sys.stdout.write(f"ready http://{options.host}:{server.port}\n")
    sys.stdout.flush()
    stop.wait()
    server.shutdown()
    aws.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
