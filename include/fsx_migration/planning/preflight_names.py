"""Names that the target, or a manifest, cannot hold; see `preflight`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.fsx_migration.planning import capabilities
from include.fsx_migration.planning.plans import Finding, Severity
from include.fsx_migration.sizes import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.fsx_migration.planning.preflight import Survey

_NTFS: Final = "Microsoft, Naming Files, Paths, and Namespaces"
_WINDOWS: Final = {
    "windows_letter": 'with one of < > : " | ? *',
    "windows_reserved": "that Windows keeps for devices (CON, NUL, COM1, ...)",
    "edge": "that begin with a blank, or end with a blank or a dot",
    "line_break": "with a line break",
    "control": "with a control character",
    "backslash": "with a backslash",
    "not_utf8": "that are no UTF-8",
}
_EXAMPLE_LETTERS: Final = 80


def names(survey: Survey) -> Iterator[Finding]:
    """Yield what is wrong with names: refused by the target, too long, twins without case, left to the closing pass."""
    on_windows = survey.target.is_windows
    if on_windows:
        for kind, told in _WINDOWS.items():
            yield from _refused(survey, kind, f"names {told}", "Windows file systems do not take them", _NTFS)
        yield from _twins(survey)
    name, path = capabilities.datasync("name_bytes"), capabilities.datasync("path_bytes")
    yield from _refused(
        survey, "long_name", f"names of more than {name.value:.0f} bytes", "DataSync does not copy them", name.told
    )
    yield from _refused(
        survey, "path_over_4096", f"paths of more than {path.value:.0f} bytes", "DataSync does not copy them", path.told
    )
    if survey.left_out:
        yield Finding(
            code="left_out",
            severity=Severity.NOTE if not on_windows else Severity.WARN,
            sentence=f"Names that no manifest can hold (no UTF-8, or too long): {count(survey.left_out)}. The closing "
            "pass copies them without one, when nobody writes any more.",
        )
    if not on_windows and (odd := survey.profile.odd_count("line_break") + survey.profile.odd_count("control")):
        yield Finding(
            code="odd_names",
            severity=Severity.NOTE,
            sentence=f"Names with line breaks or control characters: {count(odd)}. They are copied as they are; "
            "scripts that read lists of files line by line will stumble over them.",
        )


def _refused(survey: Survey, kind: str, what: str, why: str, source: str) -> Iterator[Finding]:
    found = survey.profile.odd.get(kind)
    if found is None:
        return
    rows = survey.profile.files + survey.profile.symlinks + survey.profile.directories
    allowed = survey.migration.limits.failed_share * rows
    severity = Severity.BLOCK if found.count > allowed else Severity.WARN
    advice = "rename them in the source, or raise limits.failed_share" if severity is Severity.BLOCK else "rename them"
    yield Finding(
        code=kind,
        severity=severity,
        sentence=f"{count(found.count)} rows have {what}, as {_example(found.examples[0])}: {why}; {advice}.",
        source=source,
    )


def _twins(survey: Survey) -> Iterator[Finding]:
    found = survey.profile.odd.get("case_twins")
    if found is None:
        return
    shown = " and ".join(_example(example) for example in found.examples[:2])
    yield Finding(
        code="case_twins",
        severity=Severity.BLOCK,  # no share of these may fail: the second overwrites the first unseen
        sentence=f"{count(found.count)} names differ by upper and lower case alone, as {shown}: Windows takes them for "
        "one and the last one written stays; rename them in the source.",
        source=_NTFS,
    )


def _example(path: str) -> str:
    return repr(path if len(path) <= _EXAMPLE_LETTERS else f"{path[:_EXAMPLE_LETTERS]}…")
