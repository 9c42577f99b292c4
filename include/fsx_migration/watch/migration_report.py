"""The report of a run that migrated: passes, rates, failed files by name, reconciliation; as JSON and as a page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.sizes import count, duration, size
from include.fsx_migration.transfer.passes import read_passes
from include.fsx_migration.transfer.transferring import transfer_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from include.fsx_migration.transfer.pass_model import Pass
    from include.fsx_migration.workplace import Workplace

NAMED_AT_MOST: Final = 1_000
"""Failed files that the report names; the passes' documents name all."""
_DIFFERENCES: Final = ("size", "mtime", "mode", "owner", "checksum")
_STYLE: Final = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1d2733}"
    "div{overflow-x:auto;margin:.5rem 0 1.5rem}table{border-collapse:collapse}"
    "td,th{padding:.3rem .8rem;border-bottom:1px solid #d5dbe1;text-align:right;white-space:nowrap;vertical-align:top}"
    ".text td,.text th,td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}"
    ".text td{white-space:normal}.text td:first-child{overflow-wrap:anywhere;min-width:10rem}"
    ".pairs td:nth-child(2),.pairs th:nth-child(2){text-align:right}"
    ".text td:last-child{min-width:12rem}.bad{color:#a4262c}h1{font-size:1.5rem}h2{font-size:1.15rem}"
)


def migration_report(
    place: Workplace, *, run: str, states: Mapping[str, str], reconciliation: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what a run did.

    :param states: how the run's tasks ended, by task id.
    :param reconciliation: the summary, None where none was made.
    """
    passes = read_passes(place)
    last = passes[-1] if passes else None
    failed = last.failed if last else ()
    wrong = sorted(task for task, state in states.items() if state in ("failed", "upstream_failed"))
    return {
        "migration": place.migration.name,
        "run": run,
        "written": place.now().isoformat(timespec="seconds"),
        "went_well": not wrong,
        "red_tasks": wrong,
        "stopped": last.stopped if last else "",
        "passes": [_row(one) for one in passes],
        "failed": {
            "files": len(failed),
            "named": [{"path": one.path, "step": one.step, "reason": one.reason} for one in failed[:NAMED_AT_MOST]],
        },
        "suspects": list(last.living_suspects[:NAMED_AT_MOST]) if last else [],
        "reconciliation": dict(reconciliation or {}),
        "documents": f"s3://{place.store.bucket}/{place.places.key('passes')}/",
    }


def keep_report(place: Workplace, report: Mapping[str, Any]) -> dict[str, str]:
    """Write the report as JSON and as a page, over what this run wrote before; returns their URIs."""
    folder = ("reports", str(report["run"]).replace("/", "__").replace(":", "-"))
    page = page_of(report).encode()
    return {
        "report": place.store.put_json(place.places.key(*folder, "report.json"), report),
        "page": place.store.put_bytes(place.places.key(*folder, "page.html"), page, content_type="text/html"),
    }


def sentence_of(report: Mapping[str, Any]) -> str:
    """Return the report in one sentence."""
    passes = report["passes"]
    moved, files = sum(one["bytes"] for one in passes), sum(one["files"] for one in passes)
    told = f"{count(files)} files and {size(moved)} in {len(passes)} passes, {count(report['failed']['files'])} failed"
    if report["went_well"]:
        return f"Migration {report['migration']}: {told}."
    return f"Migration {report['migration']} is not through ({', '.join(report['red_tasks'])}): {told}."


def page_of(report: Mapping[str, Any]) -> str:
    """Return the page; every text from outside is escaped, for names of files are anybody's."""
    sections = [
        f"<p{'' if report['went_well'] else ' class=bad'}>{escape(sentence_of(report))}</p>",
        f"<p class=bad>{escape(report['stopped'])}</p>" if report["stopped"] else "",
        "<h2>Passes</h2>",
        _table(
            ("pass", "kind", "files", "size", "took", "a second", "retries", "failed", "suspects"), _pass_cells(report)
        ),
        "<h2>Files that failed</h2>",
        _table(("path", "step", "reason"), _failed_cells(report), kind="text"),
        "<h2>Reconciliation</h2>",
        _table(("paths", "count"), _reconciled_cells(report["reconciliation"]), kind="pairs"),
        f"<p>Documents: {escape(report['documents'])}</p>",
    ]
    title = escape(f"Migration {report['migration']}")
    head = "<meta charset=utf-8><meta name=viewport content='width=device-width'>"
    body = "".join(sections)
    return (
        f"<!doctype html><html lang=en>{head}<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>{body}</html>"
    )


def _row(one: Pass) -> dict[str, Any]:
    seconds = transfer_seconds(one)
    moved = sum(int(attempt.counters.get("bytes_transferred", 0)) for _, attempt in one.attempts())
    return {
        "number": one.number,
        "kind": one.kind.value,
        "opened": one.opened.isoformat(timespec="seconds"),
        "ended": one.ended.isoformat(timespec="seconds") if one.ended else None,
        "files": one.files,
        "bytes": one.bytes,
        "scan_seconds": round(one.scan_seconds, 1),
        "transfer_seconds": round(seconds, 1),
        "bytes_per_second": round(moved / seconds) if seconds else 0,
        "retries": sum(max(len(part.attempts) - 1, 0) for part in one.parts),
        "failed": len(one.failed),
        "suspects": len(one.living_suspects),
        "troubles": dict(one.troubles),
        "notes": list(one.notes),
    }


def _pass_cells(report: Mapping[str, Any]) -> list[Sequence[str]]:
    return [
        (
            str(one["number"]),
            one["kind"],
            count(one["files"]),
            size(one["bytes"]),
            duration(one["transfer_seconds"]),
            size(one["bytes_per_second"]),
            count(one["retries"]),
            count(one["failed"]),
            count(one["suspects"]),
        )
        for one in report["passes"]
    ]


def _failed_cells(report: Mapping[str, Any]) -> list[Sequence[str]]:
    return [(one["path"], one["step"], one["reason"]) for one in report["failed"]["named"]]


def _reconciled_cells(found: Mapping[str, Any]) -> list[Sequence[str]]:
    if not found:
        return []
    changed = found["changed"]
    rows = [
        ("the same", found["same"]),
        ("only in the source", found["missing"]),
        ("only in the target", found["extra"]),
    ]
    rows += [(f"differing in {kind}", changed[kind]) for kind in _DIFFERENCES if changed.get(kind)]
    rows += [
        ("files compared by content", found["checksums"]["compared"]),
        ("differing, and named above as failed", found["paths"]["explained"]),
        ("differing for no known reason", found["paths"]["unexplained"]),
    ]
    return [(what, count(number)) for what, number in rows]


def _table(heads: Iterable[str], rows: Sequence[Sequence[str]], *, kind: str = "") -> str:
    if not rows:
        return "<p>None.</p>"
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div><table class='{kind}'><tr>{head}</tr>{body}</table></div>"
