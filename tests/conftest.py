"""What every test shares: property tests draw the same examples on every run, and the longest files come first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings

if TYPE_CHECKING:
    import pytest

settings.register_profile("landfall", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("landfall")

# A worker that begins with the demo, the longest file, ends with the others; xdist gives the third file to the same
# worker, hence a short one. Files that are not named come after these, in the usual order.
LONGEST_FIRST = (
    "test_demo.py",
    "test_ioc_refresh_dags.py",
    "test_stack.py",
    "test_log_shipping_fail_over.py",
    "test_ioc_refresh_kills.py",
    "test_fsx_migration.py",
    "test_log_shipping_ship.py",
    "test_log_shipping_chaos.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, so that two workers end together (`make test` keeps this order)."""
    folder = Path(__file__).parent / "integration"
    place = {folder / name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))
