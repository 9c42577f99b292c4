"""Names of the resources that log shipping uses; the same names on the local stack and in an AWS account."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from include.object_store import ObjectStore

ENVIRONMENT_PREFIX = "LANDFALL_LOG_SHIPPING_"
ROOT = "log_shipping"


@dataclass(frozen=True, slots=True)
class LogShippingSettings:
    """Every field may be set as `LANDFALL_LOG_SHIPPING_<FIELD>`.

    :param bucket: where configuration, outcome records, histories, gate evidence and reports are kept.
    :param configuration: URI of the configuration that `log_shipping_configure` checks, `s3://...` or
        `variable:NAME` (an Airflow Variable that holds such a URI or the YAML itself); empty is
        `configuration.yaml` below the root of the bucket.
    :param alert_topic: ARN of the SNS topic for alerts; empty sends none and keeps them as records only.
    """

    bucket: str = "landfall-lake"
    configuration: str = ""
    alert_topic: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "LogShippingSettings":
        """Read the fields that the environment sets; the others keep their defaults."""
        given = {name.name: environ.get(ENVIRONMENT_PREFIX + name.name.upper()) for name in fields(cls)}
        return cls(**{name: value for name, value in given.items() if value})

    @property
    def configuration_uri(self) -> str:
        """Where the configuration is read from."""
        return self.configuration or f"s3://{self.bucket}/{ROOT}/configuration.yaml"

    def store(self, client: Any) -> ObjectStore:
        """Return the family's object store over a boto3 S3 client."""
        return ObjectStore(client, bucket=self.bucket, root=ROOT)
