"""`landfall demo`: the workflows run end to end on the local stack, and the user is told where to look."""

import importlib
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from include.cli import stack
from include.cli.airflow_api import AirflowApiError
from include.cli.output import print_json, progress
from include.cli.refusal import RefusalError
from include.cli.settings import StackSettings, stack_settings

FAMILIES: Mapping[str, str] = {
    "ioc_refresh": "include.cli.demo_ioc_refresh",
    "scanner_block": "include.cli.demo_scanner_block",
    "log_shipping": "include.cli.demo_log_shipping",
    "fsx_migration": "include.cli.demo_fsx_migration",
    "discovery": "include.cli.demo_discovery",
}
"""Family -> module with `STEPS` and `demonstrate(settings, announce) -> dict` and `describe(result) -> lines`."""


def run_demo(families: Sequence[str], *, as_json: bool) -> None:
    """Start the stack where needed, show each family, print what happened.

    :raises RefusalError: a family has no demo, the stack cannot start, or a workflow failed.
    """
    if unknown := [family for family in families if family not in FAMILIES]:
        raise RefusalError(f"There is no demo of {', '.join(unknown)}: choose from {', '.join(FAMILIES)}.")
    settings, started = stack_settings(os.environ), time.monotonic()
    with progress("landfall up", steps=stack.STEPS, as_json=as_json) as announce:
        stack.up(settings, announce=announce)
    up_seconds = time.monotonic() - started
    results: dict[str, Any] = {}
    for family in families or FAMILIES:
        module = importlib.import_module(FAMILIES[family])
        with progress(f"demo {family}", steps=module.STEPS, as_json=as_json) as announce:
            results[family] = _demonstrate(module, settings, announce)
        if not as_json:
            sys.stdout.write("\n".join(module.describe(results[family])) + "\n")
    seconds = {"up": round(up_seconds, 1), "all": round(time.monotonic() - started, 1)}
    if as_json:
        print_json({**results, "seconds": seconds})
    else:
        sys.stdout.write(f"\nDone in {seconds['all']:.0f} s, {seconds['up']:.0f} s of it to start the stack.\n")


def _demonstrate(module: Any, settings: StackSettings, announce: stack.Announce) -> Any:
    import httpx

    try:
        return module.demonstrate(settings, announce)
    except (AirflowApiError, httpx.HTTPError) as error:
        raise RefusalError(f"The demo stopped: {error} The logs of the stack are in {settings.logs}.") from error
