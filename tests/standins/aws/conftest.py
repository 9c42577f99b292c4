"""One local AWS per test session (per xdist worker)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local_aws import LocalAws, start_local_aws


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A running local AWS, shared: name your buckets and tables after your test."""
    with start_local_aws(tmp_path_factory.mktemp("local_aws") / "state") as aws:
        yield aws
