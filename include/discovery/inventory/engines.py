"""Database engines: names, versions and editions as tools write them, in one spelling by data/database_engines.yaml."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

_RULES: Final = Path(__file__).with_name("data") / "database_engines.yaml"


@cache
def _data() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(_RULES.read_text(encoding="utf-8"))
    return found


def recognise_engine(
    engine: str | None, version: str | None, edition: str | None
) -> tuple[str, str | None, str | None]:
    """Return (family, version, edition) in one spelling; the family of an unknown engine is its own name."""
    name, number = (engine or "").strip().lower(), (version or "").strip().lower()
    rule = next((one for one in _data()["engines"] if re.search(one["pattern"], name)), None)
    if rule is None:
        return name or "unknown", number or None, _edition(edition, name)
    return rule["family"], _version(rule.get("versions", ()), number, name), _edition(edition, f"{name} {number}")


def programs() -> list[tuple[str, str]]:
    """Return (pattern on a lower-case program name, family of the engine whose server it is)."""
    return [(pattern, one["family"]) for one in _data()["engines"] for pattern in one.get("programs", ())]


def _version(rules: Any, number: str, name: str) -> str | None:
    for text in (number, name):
        for pattern, result in rules:
            found = re.search(pattern, text)
            if found:
                return str(result).replace("{1}", found[1]) if found.groups() else str(result)
    return number or None


def _edition(edition: str | None, name: str) -> str | None:
    for text in ((edition or "").strip().lower(), name):
        for pattern, result in _data()["editions"]:
            if re.search(pattern, text):
                return str(result)
    return (edition or "").strip().lower() or None
