"""One local AWS for the tests that only need the lake's buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.local_aws import start_local_aws

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def scanner_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An S3 client; the buckets `landfall-lake` and `logs` exist. A test clears what it uses."""
    with start_local_aws(tmp_path_factory.mktemp("scanner_lake") / "aws") as aws:
        client = aws.client("s3")
        for bucket in ("landfall-lake", "logs"):
            client.create_bucket(Bucket=bucket)
        yield client
