"""The object store of log shipping in process."""

from collections.abc import Iterator
from contextlib import contextmanager

from include.object_store import ObjectStore


@contextmanager
def moto_store() -> Iterator[ObjectStore]:
    """An empty bucket."""
    import boto3
    from moto import mock_aws

    with mock_aws():
        session = boto3.Session(aws_access_key_id="t", aws_secret_access_key="t", region_name="us-east-1")
        client = session.client("s3")
        client.create_bucket(Bucket="lake")
        yield ObjectStore(client, bucket="lake", root="log_shipping")
