"""Names of the resources that FSx migrations use; the same names on the local stack and in an AWS account."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from include.object_store import ObjectStore

ENVIRONMENT_PREFIX = "LANDFALL_FSX_MIGRATION_"
ROOT = "fsx_migration"


@dataclass(frozen=True, slots=True)
class FsxMigrationSettings:
    """Every field may be set as `LANDFALL_FSX_MIGRATION_<FIELD>`.

    :param bucket: where listings, plans, manifests, task reports, records and gate evidence are kept.
    :param report_role_arn: the role by which DataSync reads manifests and writes task reports in the bucket.
    :param alert_topic: ARN of the SNS topic for notices; empty sends none and keeps them as records only.
    """

    bucket: str = "landfall-lake"
    report_role_arn: str = "arn:aws:iam::123456789012:role/landfall-datasync"
    alert_topic: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "FsxMigrationSettings":
        """Read the fields that the environment sets; the others keep their defaults."""
        given = {name.name: environ.get(ENVIRONMENT_PREFIX + name.name.upper()) for name in fields(cls)}
        return cls(**{name: value for name, value in given.items() if value})

    def store(self, client: Any) -> ObjectStore:
        """Return the family's object store over a boto3 S3 client."""
        return ObjectStore(client, bucket=self.bucket, root=ROOT)
