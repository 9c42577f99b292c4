"""The local Athena, put together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from include.standins.aws.athena_api import AthenaApi
from include.standins.aws.athena_catalog import Catalog
from include.standins.aws.athena_engine import QueryEngine
from include.standins.aws.athena_executions import Executions
from include.standins.aws.athena_prepared import PreparedStatements
from include.standins.aws.athena_workgroups import WorkGroups

if TYPE_CHECKING:
    from pathlib import Path

    from include.standins.aws.calls import Call
    from include.standins.aws.faults import FaultRegistry
    from include.standins.aws.keeping import Keeping
    from include.standins.aws.object_store import ObjectStore


class Athena:
    """Athena of one account and region, with its state restored."""

    def __init__(
        self, *, keeping: Keeping, store: ObjectStore, faults: FaultRegistry, scratch: Path, account: str, region: str
    ) -> None:
        def catalog() -> Catalog:
            return Catalog(keeping, account=account, region=region)

        now = time.time()
        executions, prepared = Executions(keeping.store), PreparedStatements(keeping.store)
        workgroups = WorkGroups(keeping.store, now=now)
        executions.restore(now=now)
        prepared.restore()
        workgroups.restore()
        self._engine = QueryEngine(
            executions=executions, prepared=prepared, store=store, catalog=catalog, faults=faults, scratch=scratch
        )
        self._api = AthenaApi(
            executions=executions,
            engine=self._engine,
            workgroups=workgroups,
            prepared=prepared,
            store=store,
            catalog=catalog,
        )

    def answer(self, call: Call, parameters: dict[str, object]) -> dict[str, object]:
        """Answer one call; raises AwsError."""
        return self._api.answer(call, parameters)

    def close(self) -> None:
        """Interrupt running queries and end the pool."""
        self._engine.close()
