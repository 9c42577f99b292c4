"""Time zone names."""

from __future__ import annotations

import re

from include.athena_sql.errors import not_supported


def duckdb_zone(zone: str) -> str:
    """The zone as DuckDB's time zone library names it; fixed offsets are Etc/GMT with the sign turned."""
    offset = re.fullmatch(r"([+-])(\d{1,2})(?::?(\d{2}))?", zone)
    if not offset:
        return "UTC" if zone == "Z" else zone
    if offset[3] not in (None, "00"):
        raise not_supported(f"The time zone offset {zone}")
    return f"Etc/GMT{'-' if offset[1] == '+' else '+'}{int(offset[2])}" if int(offset[2]) else "UTC"
