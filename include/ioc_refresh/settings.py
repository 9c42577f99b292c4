"""Names of the resources that IOC refresh uses; the same names on the local stack and in an AWS account."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

ENVIRONMENT_PREFIX = "LANDFALL_IOC_"
ROOT = "ioc"


@dataclass(frozen=True, slots=True)
class IocSettings:
    """Bucket, catalog, table and stream names; every field may be set as `LANDFALL_IOC_<FIELD>`."""

    bucket: str = "landfall-lake"
    database: str = "landfall_ioc"
    workgroup: str = "landfall"
    indicators_table: str = "landfall_indicators"
    receipts_table: str = "landfall_mail_receipts"
    mail_stream: str = "landfall-mails"
    verdict_stream: str = "landfall-verdicts"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "IocSettings":
        """Read the fields that the environment sets; the others keep their defaults."""
        return cls.from_mapping(
            {name.name: environ.get(ENVIRONMENT_PREFIX + name.name.upper()) for name in fields(cls)}
        )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "IocSettings":
        """Take known fields of a mapping; raise ValueError for a field that does not exist."""
        known = {name.name for name in fields(cls)}
        if unknown := set(values) - known:
            raise ValueError(f"unknown IOC setting {sorted(unknown)[0]!r}: known are {', '.join(sorted(known))}")
        return cls(**{name: str(value) for name, value in values.items() if value})

    def uri(self, *parts: str) -> str:
        """Return the S3 URI of a key below `ioc/`; a last part ending in `/` gives a prefix."""
        return f"s3://{self.bucket}/{self.key(*parts)}"

    def key(self, *parts: str) -> str:
        """Return the object key below `ioc/`."""
        return "/".join((ROOT, *parts))
