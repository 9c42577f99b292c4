"""`landfall demo` as a newcomer runs it, a scheduler killed in the middle of a refresh, and nothing left after `down`.

One stack and one demo for the whole file; the tests build on each other in this order.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from include.cli import components
from include.cli.demo_ioc_refresh import DAG_ID, NEW_MAILS, OLD_MAILS, damaged_records
from include.cli.preflight import port_is_free
from include.cli.settings import STACK_ID_VARIABLE
from tests.integration.landfall_command import UserStack

pytestmark = pytest.mark.stack

HIT_FIELDS = {
    "Reason",
    "Identifier",
    "Kind",
    "MaliciousMails",
    "BenignMails",
    "FirstSeen",
    "LastSeen",
    "ExpiresOnUtc",
    "QueryVersion",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserStack]:
    """A stack that no test has started yet; nothing of it outlives the file."""
    mine = UserStack.in_folder(tmp_path_factory.mktemp("newcomer") / "home")
    try:
        yield mine
    finally:
        mine.landfall("down", limit_seconds=120)


@pytest.fixture(scope="module")
def demo(stack: UserStack) -> dict[str, Any]:
    """What `landfall demo --json` printed."""
    import json, sys
    d = stack.landfall("demo", limit_seconds=300)
    open("/tmp/demo_out.json", "w").write(json.dumps(d, indent=1))
    return d


def test_the_demo_counts_every_mail_as_taken_or_refused_with_a_reason(demo: dict[str, Any]) -> None:
    assert demo
