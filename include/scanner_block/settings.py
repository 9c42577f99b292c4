"""Names of the resources that the scanner block uses; the same names on the local stack and in an AWS account."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from include.object_store import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT_PREFIX: Final = "LANDFALL_SCANNER_BLOCK_"
ROOT: Final = "scanner"


@dataclass(frozen=True, slots=True)
class ScannerSettings:
    """Bucket, catalog, queue and topic names; every field may be set as `LANDFALL_SCANNER_BLOCK_<FIELD>`.

    :param alert_topic: where summaries and alarms are sent; empty sends none.
    """

    bucket: str = "landfall-lake"
    database: str = "landfall_scanner"
    workgroup: str = "landfall"
    queue: str = "landfall-scanner-logs"
    alert_topic: str = ""
    metric_namespace: str = "Landfall/ScannerBlock"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ScannerSettings:
        """Read the fields that the environment sets; the others keep their defaults."""
        return cls.from_mapping({one.name: environ.get(ENVIRONMENT_PREFIX + one.name.upper()) for one in fields(cls)})

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> ScannerSettings:
        """Take known fields of a mapping; raise ValueError for a field that does not exist."""
        known = {one.name for one in fields(cls)}
        if unknown := set(values) - known:
            raise ValueError(f"unknown scanner setting {sorted(unknown)[0]!r}: known are {', '.join(sorted(known))}")
        return cls(**{name: str(value) for name, value in values.items() if value})

    @property
    def policy_key(self) -> str:
        """The key of the policy file: rules, sources, sets and limits."""
        return self.key("policy.yaml")

    @property
    def approved_key(self) -> str:
        """The key of the approved list."""
        return self.key("approved.json")

    def key(self, *parts: str) -> str:
        """Return the object key below `scanner/`."""
        return "/".join((ROOT, *parts))

    def uri(self, *parts: str) -> str:
        """Return the S3 URI of a key below `scanner/`; a last part ending in `/` gives a prefix."""
        return f"s3://{self.bucket}/{self.key(*parts)}"

    def store(self, client: Any) -> ObjectStore:
        """Return the family's part of the lake, through a boto3 S3 client."""
        return ObjectStore(client, bucket=self.bucket, root=ROOT)
