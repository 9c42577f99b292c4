"""A local AWS that Airflow's connection `aws_default` points to, one per test session."""

from collections.abc import Iterator

import pytest

from tests.local_aws import LocalAws, start_local_aws


@pytest.fixture(scope="session")
def running_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A running local AWS; name your buckets after your test."""
    with start_local_aws(tmp_path_factory.mktemp("plugins_aws") / "state") as aws:
        yield aws


@pytest.fixture
def aws(running_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    """The local AWS, reached by hooks through `aws_default` as in production."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", running_aws.airflow_connection)
    return running_aws
