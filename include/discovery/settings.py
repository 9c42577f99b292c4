"""The settings of an assessment: one section for each step, every key with a default (docs/discovery/settings.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from typing import Any, Final

from include.discovery.advice.settings import AdviceSettings
from include.discovery.costs.settings import CostSettings
from include.discovery.delivery.settings import DeliverySettings
from include.discovery.dependencies.settings import DependencySettings
from include.discovery.inventory.settings import InventorySettings
from include.discovery.priorities.settings import PrioritySettings
from include.discovery.quality.settings import QualitySettings
from include.discovery.settings_reading import describe_section, read_section
from include.discovery.sizing.settings import SizingSettings
from include.discovery.sources.settings import ReadingSettings
from include.discovery.waves.settings import WaveSettings
from include.yaml_lines import ProblemsError, open_mapping

OUTCOMES: Final = ("snapshot", "tco", "wave_plan")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentSettings:
    """What an assessment is made with; two equal ones and equal sources give equal files."""

    name: str = field(default="estate", metadata={"doc": "Name of the assessment; it stands on the report."})
    as_of: date | None = field(
        default=None, metadata={"doc": "Day of the assessment; without it the newest day that the sources tell."}
    )
    prices: str = field(
        default="",
        metadata={"doc": "Your own price list (a path, or s3://); empty takes the shipped us-east-1 snapshot."},
    )
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    inventory: InventorySettings = field(default_factory=InventorySettings)
    sizing: SizingSettings = field(default_factory=SizingSettings)
    dependencies: DependencySettings = field(default_factory=DependencySettings)
    advice: AdviceSettings = field(default_factory=AdviceSettings)
    costs: CostSettings = field(default_factory=CostSettings)
    priorities: PrioritySettings = field(default_factory=PrioritySettings)
    waves: WaveSettings = field(default_factory=WaveSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: dates as text."""
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}


def read_settings(text: str) -> AssessmentSettings:
    """Read settings from YAML; an empty text gives the defaults.

    :raises ProblemsError: something does not fit; each thing with its line and path.
    """
    if not text.strip():
        return AssessmentSettings()
    mapping = open_mapping(text, opening="`sizing:` or `waves:`")
    found: AssessmentSettings = read_section(mapping, AssessmentSettings)
    if mapping.problems:
        raise ProblemsError(mapping.problems)
    return found


def describe_settings() -> str:
    """Return the reference of all settings as a Markdown table."""
    rows = [
        f"| `{path}` | {f'`{default}`' if default else ''} | {doc} |"
        for path, default, doc in describe_section(AssessmentSettings)
    ]
    return "\n".join(("| setting | default | what it does |", "|---|---|---|", *rows)) + "\n"


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value
