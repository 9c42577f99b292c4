"""Where everything of a migration lies in the object store, below `fsx_migration/<migration>/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.object_store import ObjectStore


@dataclass(frozen=True, slots=True)
class Places:
    """The keys of one migration's documents; every method returns a whole key of the store."""

    store: ObjectStore
    migration: str

    def key(self, *parts: str) -> str:
        """Return a key below the migration's folder."""
        return self.store.key(self.migration, *parts)

    @property
    def definition(self) -> str:
        """The YAML text that the plan was made from."""
        return self.key("migration.yaml")

    def listing(self, side: str, label: str) -> str:
        """A listing: `side` is source or target, `label` says when, as `pass-0002`."""
        return self.key("listings", f"{side}-{label}.parquet")

    def plan(self, plan_id: str, *parts: str) -> str:
        """A document of a plan: `plan.json`, `page.html`."""
        return self.key("plans", plan_id, *parts)

    @property
    def current_plan(self) -> str:
        """`{"plan_id"}` of the newest plan that passed its gates."""
        return self.key("plan.json")

    @property
    def resources(self) -> str:
        """What this migration created or adopted, with the intents."""
        return self.key("resources.json")

    def transfer_pass(self, number: int, *parts: str) -> str:
        """A document of a pass; 1 is the full one. `pass.json`, `progress.json`, `manifests/part-0000.csv`, ..."""
        return self.key("passes", f"{number:04d}", *parts)

    def reconciliation(self, label: str, *parts: str) -> str:
        """A document of a reconciliation: `summary.json`, `differences.parquet`."""
        return self.key("reconciliations", label, *parts)

    def cut_over(self, *parts: str) -> str:
        """A document of the cut-over and the way back."""
        return self.key("cut_over", *parts)

    def reports(self) -> str:
        """The prefix (without a closing slash) below which DataSync writes its task reports."""
        return self.key("task-reports")
