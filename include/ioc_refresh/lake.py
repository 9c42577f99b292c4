"""The object store of IOC refresh: everything below `ioc/` of the settings' bucket."""

from typing import Any

from include.ioc_refresh.settings import ROOT, IocSettings
from include.object_store import ObjectStore


class Lake(ObjectStore):
    """Objects below `ioc/`, through a boto3 S3 client, and the names of the family's other resources."""

    def __init__(self, client: Any, settings: IocSettings) -> None:
        super().__init__(client, bucket=settings.bucket, root=ROOT)
        self.settings = settings
