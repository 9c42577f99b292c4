"""Operating systems: names as tools write them, made into family and product by data/operating_systems.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

_RULES: Final = Path(__file__).with_name("data") / "operating_systems.yaml"


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    """What a name says.

    :param family: windows, linux, aix, solaris, hpux, ibm_i, zos, other or unknown.
    :param product: as `windows server 2016`; None: the name tells no more than the family.
    :param is_open: the name leaves the version open, as "2016 or later".
    """

    family: str
    product: str | None = None
    is_open: bool = False


UNKNOWN: Final = OperatingSystem("unknown")


def recognise(name: str | None, version: str | None = None) -> OperatingSystem:
    """Return what a name, with the version where it stands apart, says."""
    text = " ".join(part.strip().lower() for part in (name, version) if part)
    for pattern, family, product, is_open in _rules():
        found = pattern.search(text)
        if found:
            filled = product.replace("{1}", found[1]) if product and found.groups() else product
            return OperatingSystem(family, filled, is_open or filled is None)
    return UNKNOWN if not text else OperatingSystem("unknown")


def keep_names(connection: Any) -> None:
    """Create `inv_os` (name, version, family, product, is_open): each pair of `inv_rows`, and each name alone."""
    import pyarrow as pa

    pairs = connection.execute(
        "SELECT DISTINCT os_name, os_version FROM inv_rows WHERE os_name IS NOT NULL UNION "
        "SELECT DISTINCT os_name_guest, NULL FROM inv_rows WHERE os_name_guest IS NOT NULL UNION "
        "SELECT DISTINCT os_name, NULL FROM inv_rows WHERE os_name IS NOT NULL ORDER BY ALL"
    ).fetchall()
    found = [recognise(name, version) for name, version in pairs]
    table = pa.table(
        {
            "name": pa.array([name for name, _ in pairs], pa.string()),
            "version": pa.array([version for _, version in pairs], pa.string()),
            "family": pa.array([one.family for one in found], pa.string()),
            "product": pa.array([one.product for one in found], pa.string()),
            "is_open": pa.array([one.is_open for one in found], pa.bool_()),
        }
    )
    connection.register("inv_found", table)
    connection.execute("CREATE OR REPLACE TEMP TABLE inv_os AS FROM inv_found").fetchall()
    connection.unregister("inv_found")


@cache
def _rules() -> tuple[tuple[re.Pattern[str], str, str | None, bool], ...]:
    rules = yaml.safe_load(_RULES.read_text(encoding="utf-8"))["rules"]
    return tuple(
        (re.compile(one["pattern"]), one["family"], one.get("product"), bool(one.get("open", False))) for one in rules
    )
