"""Create what every family that asks Athena needs: a private bucket, its tables, a workgroup with a limit.

Run again each changes nothing that is already there; tables are brought to what is wanted. Each returns what it made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def bucket_exists(s3: Any, bucket: str) -> bool:
    """Say whether a bucket is there; raises the client's ClientError for one that may not be looked at."""
    try:
        s3.head_bucket(Bucket=bucket)
    except s3.exceptions.ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        return False
    return True


def ensure_bucket(s3: Any, bucket: str) -> list[str]:
    """Create a bucket in the client's Region, closed to the public."""
    if bucket_exists(s3, bucket):
        return []
    region = s3.meta.region_name
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **place)
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    return [f"bucket {bucket}"]


def ensure_catalog(glue: Any, database: str, tables: Iterable[Mapping[str, Any]]) -> list[str]:
    """Create a Glue database and its tables (`TableInput`s), or bring the tables to what they should be."""
    made = []
    try:
        glue.create_database(DatabaseInput={"Name": database})
        made.append(f"database {database}")
    except glue.exceptions.AlreadyExistsException:
        pass
    for table in tables:
        try:
            glue.create_table(DatabaseName=database, TableInput=table)
            made.append(f"table {database}.{table['Name']}")
        except glue.exceptions.AlreadyExistsException:
            glue.update_table(DatabaseName=database, TableInput=table)
    return made


def ensure_workgroup(athena: Any, workgroup: str, *, bucket: str, bytes_limit: int) -> list[str]:
    """Create a workgroup whose results lie in the bucket; one that exists keeps its limits.

    :param bytes_limit: what one query may scan before Athena stops it.
    """
    try:
        athena.get_work_group(WorkGroup=workgroup)
    except athena.exceptions.InvalidRequestException:
        athena.create_work_group(
            Name=workgroup,
            Configuration={
                "ResultConfiguration": {"OutputLocation": f"s3://{bucket}/athena/"},
                "EnforceWorkGroupConfiguration": True,
                "PublishCloudWatchMetricsEnabled": True,
                "BytesScannedCutoffPerQuery": bytes_limit,
            },
        )
        return [f"workgroup {workgroup}"]
    return []
