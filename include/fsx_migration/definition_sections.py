"""The sections of a definition that may be left out, and the cut-over; see `definition`."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import date, time
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from include.fsx_migration.definition_model import (
    Bandwidth,
    BandwidthWindow,
    Checksums,
    Convergence,
    CutOver,
    Limits,
    Reconciling,
    Route53Name,
    SsmName,
    Transfer,
)

if TYPE_CHECKING:
    from include.fsx_migration.definition_model import Name
    from include.yaml_lines import Mapping

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_FILES_BASIC: Final = 50_000_000
"""Files, objects and directories of an execution in Basic mode. Source: DataSync quotas."""
UNLIMITED: Final = "unlimited"
_LARGEST_RATE: Final = 1e6
_LEAST_RATE: Final = 0.01
_TIME: Final = re.compile(r"(?:(?:[01]?[0-9]|2[0-3]):[0-5][0-9]|24:00)")
_LOG_GROUP: Final = re.compile(r"[a-zA-Z0-9_\-/.#]{1,512}")
_ZONE_ID: Final = re.compile(r"[A-Z0-9]{1,32}")
_PARAMETER: Final = re.compile(r"/?[a-zA-Z0-9_.\-]+(?:/[a-zA-Z0-9_.\-]+)*")


def read_bandwidth(root: Mapping) -> Bandwidth:
    """Return the weekly windows; without the section there is no limit."""
    section = root.mapping("bandwidth")
    if section is None:
        return Bandwidth()
    zone = section.text("time_zone", example="Europe/Berlin", required=False) or "UTC"
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        section.problem("time_zone", f"{zone!r} is no time zone; write an IANA name, as Europe/Berlin.")
    windows = tuple(_window(entry) for entry in section.mappings("windows", required=False, entry="days: [mon, tue]"))
    found = Bandwidth(
        time_zone=zone,
        limit_mib_s=_rate(section, "limit_mib_s"),
        windows=windows,
        holidays=frozenset(section.values("holidays", date.fromisoformat, told="is no day; write it as 2026-12-25.")),
        holiday_limit_mib_s=_rate(section, "holiday_limit_mib_s"),
    )
    section.refuse_other_keys()
    return found


def _window(entry: Mapping) -> BandwidthWindow:
    told = f"is none of {', '.join(DAYS)}."
    days = frozenset(entry.values("days", DAYS.index, told=told))
    if not days and "days" not in entry:
        entry.problem(None, f"days is missing; list some of {', '.join(DAYS)}.")
    if "limit_mib_s" not in entry:
        entry.problem(None, f"limit_mib_s is missing; write MiB/s, or {UNLIMITED}.")
    clock = 'is no time of the day; write it as "07:00".'
    start = entry.value("start", _time_of_day, told=clock, example='"07:00"') or time(0)
    end = entry.value("end", _time_of_day, told=clock, example='"19:00"') or time(0)
    window = BandwidthWindow(days=days, start=start, end=end, limit_mib_s=_rate(entry, "limit_mib_s"))
    entry.refuse_other_keys()
    return window


def _time_of_day(text: str) -> time:
    """YAML reads an unquoted 07:00 as a number of minutes: the text counts as it is written. 24:00 is 00:00."""
    if not _TIME.fullmatch(text):
        raise ValueError(text)
    hour, minute = (int(part) for part in text.split(":"))
    return time(hour % 24, minute)


def _rate(section: Mapping, key: str) -> float | None:
    return section.number(key, low=_LEAST_RATE, high=_LARGEST_RATE, word=UNLIMITED)


def read_transfer(root: Mapping) -> Transfer:
    """Return how DataSync copies."""
    section = root.mapping("transfer")
    if section is None:
        return Transfer()
    found = _given(
        Transfer,
        mode=section.choice("mode", ("BASIC", "ENHANCED")),
        verify=section.choice("verify", ("ONLY_FILES_TRANSFERRED", "POINT_IN_TIME_CONSISTENT", "NONE")),
        parts=section.whole("parts", low=1, high=20_000),
        max_files=section.whole("max_files", low=1, high=1_000_000_000),
        attempts=section.whole("attempts", low=1, high=20),
        log_group=section.text("log_group", example="/landfall/datasync", required=False),
        delete_extra=section.flag("delete_extra"),
    )
    transfer = Transfer(**found)
    if transfer.mode == "ENHANCED" and transfer.verify == "POINT_IN_TIME_CONSISTENT":
        section.problem("verify", "Enhanced mode does not verify POINT_IN_TIME_CONSISTENT; use ONLY_FILES_TRANSFERRED.")
    if transfer.mode == "BASIC" and transfer.max_files > MAX_FILES_BASIC:
        section.problem("max_files", f"{transfer.max_files} is more than Basic mode takes; write {MAX_FILES_BASIC}.")
    if not _LOG_GROUP.fullmatch(transfer.log_group):
        section.problem("log_group", f"{transfer.log_group!r} is no log group; write for example /landfall/datasync.")
    section.refuse_other_keys()
    return transfer


def read_convergence(root: Mapping) -> Convergence:
    """Return when incremental passes end."""
    section = root.mapping("convergence")
    if section is None:
        return Convergence()
    found = _given(
        Convergence,
        window_minutes=section.whole("window_minutes", low=1, high=43_200),
        shrink_at_least=section.number("shrink_at_least", low=0, high=1),
        passes_at_most=section.whole("passes_at_most", low=1, high=1000),
    )
    section.refuse_other_keys()
    return Convergence(**found)


def read_reconciling(root: Mapping) -> Reconciling:
    """Return what source and target are compared by."""
    section = root.mapping("reconciling")
    if section is None:
        return Reconciling()
    checksums = section.choice("checksums", list(Checksums))
    found = _given(
        Reconciling,
        checksums=Checksums(checksums) if checksums else None,
        sample_files=section.whole("sample_files", low=1, high=1_000_000_000),
        mtime_tolerance_seconds=section.number("mtime_tolerance_seconds", low=0, high=86_400),
        mode=section.flag("mode"),
        owner=section.flag("owner"),
    )
    section.refuse_other_keys()
    return Reconciling(**found)


def read_limits(root: Mapping) -> Limits:
    """Return what stops or alarms a running migration."""
    section = root.mapping("limits")
    if section is None:
        return Limits()
    found = _given(
        Limits,
        free_share=section.number("free_share", low=0, high=0.9),
        failed_share=section.number("failed_share", low=0, high=1),
        stalled_minutes=section.number("stalled_minutes", low=0.01, high=10_080),
    )
    section.refuse_other_keys()
    return Limits(**found)


def read_cut_over(root: Mapping) -> CutOver:
    """Return how clients are led to the target; without it a migration has no end, so it is required."""
    section = root.mapping("cut_over", required=True)
    if section is None:
        return CutOver(name=SsmName(parameter=""), old_value="")
    quiet = section.number("quiet_seconds", low=0, high=86_400)
    cut_over = CutOver(
        name=_name(section),
        old_value=section.text("old_value", example="nas01.corp.example") or "",
        new_value=section.text("new_value", example="projects.fsx.example", required=False) or "",
        **_given(CutOver, quiet_seconds=quiet),
    )
    if cut_over.old_value and cut_over.old_value == cut_over.new_value:
        section.problem("new_value", "it is the old value; nothing would be switched.")
    section.refuse_other_keys()
    return cut_over


def _name(section: Mapping) -> Name:
    name = section.mapping("name", required=True)
    kind = name.choice("kind", ("route53", "ssm"), required=True) if name is not None else None
    if name is None or kind is None:
        return SsmName(parameter="")
    found: Name
    if kind == "route53":
        ttl = name.whole("ttl_seconds", low=0, high=86_400)
        found = Route53Name(
            zone_id=name.text("zone_id", example="Z0123456789ABCDEFGHIJ") or "",
            record=name.text("record", example="projects.corp.example") or "",
            **_given(Route53Name, ttl_seconds=ttl),
        )
        if found.zone_id and not _ZONE_ID.fullmatch(found.zone_id):
            name.problem("zone_id", f"{found.zone_id!r} is no hosted zone; write for example Z0123456789ABCDEFGHIJ.")
    else:
        found = SsmName(parameter=name.text("parameter", example="/shares/projects/host") or "")
        if found.parameter and not _PARAMETER.fullmatch(found.parameter):
            name.problem("parameter", f"{found.parameter!r} is no parameter name; write for example /shares/host.")
    name.refuse_other_keys()
    return found


def _given(kind: Any, **values: Any) -> dict[str, Any]:
    """Return what the text gives; for the rest the class's own defaults stand."""
    known = {field.name for field in fields(kind)}
    return {name: value for name, value in values.items() if value is not None and name in known}
