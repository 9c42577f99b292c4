"""One local AWS per test session (per xdist worker)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.local_aws import LocalAws, start_local_aws
from tests.standins.aws.athena_client import Athena
from tests.standins.aws.datasync_client import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A running local AWS, shared: name your buckets and tables after your test."""
    with start_local_aws(tmp_path_factory.mktemp("local_aws") / "state") as aws:
        yield aws


@pytest.fixture
def no_faults(local_aws: LocalAws) -> Iterator[LocalAws]:
    """The shared local AWS, with every fault lifted afterwards."""
    yield local_aws
    local_aws.control("DELETE", "faults")


@pytest.fixture
def athena(local_aws: LocalAws) -> Athena:
    """Athena with a fresh database and a fresh bucket."""
    return new_athena(local_aws)


def new_athena(aws: LocalAws) -> Athena:
    """Make a database and a bucket nobody else uses."""
    name = f"t{uuid4().hex[:12]}"
    aws.client("s3").create_bucket(Bucket=name)
    aws.client("glue").create_database(DatabaseInput={"Name": name})
    return Athena(aws, name, name)


@pytest.fixture
def lab(local_aws: LocalAws, tmp_path: Path) -> Iterator[Lab]:
    """A DataSync source and target of the test's own, without launch times; faults are lifted afterwards."""
    local_aws.control("POST", "datasync/pace", {"launch_seconds": 0})
    yield Lab(local_aws, tmp_path)
    local_aws.control("DELETE", "datasync/faults")
