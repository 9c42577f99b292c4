"""A scripted server for the tests of a worker."""

from __future__ import annotations

import pytest

from tests.standins.sqlserver.scripted_server import ScriptedServer


@pytest.fixture(scope="session")
def scripted(tmp_path_factory):
    server = ScriptedServer(tmp_path_factory.mktemp("scripted"))
    yield server
    assert server.stop() == 0
