"""The report of a cut-over or of the way back: what was proven, who said yes, how long nobody could write."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.client_name.names import NameRefusedError, called, read_name
from include.fsx_migration.client_name.switching import State, moves
from include.fsx_migration.cut_over.cut_overs import ANSWER, EVIDENCE, PROBE, CutOverRun, find_outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.fsx_migration.client_name.switching import Move

DOCUMENT, PAGE = "report.json", "page.html"
_STYLE: Final = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1d2733}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem}td{padding:.3rem .8rem;border-bottom:1px solid #d5dbe1;"
    "overflow-wrap:anywhere;vertical-align:top}.bad{color:#a4262c}h1{font-size:1.5rem}h2{font-size:1.15rem}"
)


def write_report(work: CutOverRun, *, states: Mapping[str, str]) -> dict[str, Any]:
    """Write the report's JSON and page and return their URIs with verdict, sentence and complaint.

    :param states: how the run's tasks ended, by task id.
    """
    report = build_report(work, states=states)
    document = work.keep(DOCUMENT, report)
    page = render(report).encode()
    address = work.place.store.put_bytes(work.key(PAGE), page, content_type="text/html; charset=utf-8")
    chosen = {name: report[name] for name in ("verdict", "sentence", "complaint", "downtime_seconds")}
    return {**chosen, "report": document, "page": address}


def build_report(work: CutOverRun, *, states: Mapping[str, str]) -> dict[str, Any]:
    """Return the report as JSON types; the run may have ended anywhere."""
    place = work.place
    evidence, answer, probe = (work.find(name) for name in (EVIDENCE, ANSWER, PROBE))
    own = [move for move in moves(place) if move.run == work.run]
    red = sorted(task for task, state in states.items() if state in ("failed", "upstream_failed"))
    verdict = _verdict(work, own, answer, red)
    says = _says(work)
    report = {
        "migration": place.migration.name,
        "run": work.run,
        "written_at": place.now().isoformat(timespec="seconds"),
        "verdict": verdict,
        "name": {"called": called(place.migration.cut_over.name), "says": says},
        "downtime_seconds": _downtime(evidence, own, verdict),
        "moves": [move.to_dict() for move in own],
        "answer": answer,
        "probe": probe,
        "evidence": evidence,
        "red_tasks": red,
    }
    sentence = _sentence(report)
    return {**report, "sentence": sentence, "complaint": None if verdict in _WELL else sentence}


def render(report: Mapping[str, Any]) -> str:
    """Return the report as one page without scripts; every text from outside is escaped."""
    answer, probe = report["answer"] or {}, report["probe"] or {}
    facts = [
        ("The name", f"{report['name']['called']} says {report['name']['says']}"),
        ("Asked and answered", f"{answer.get('asked_by') or '-'}, {answer.get('by') or '-'}"),
        ("Nobody could write for", _duration(report["downtime_seconds"])),
        ("Probe", "; ".join(probe.get("faults", ())) or ("clients can work" if probe else "-")),
        ("Red tasks", ", ".join(report["red_tasks"]) or "-"),
    ]
    moved = [
        (move["done"] or "not finished", f"{move['before']} → {move['to']} ({move['why']})") for move in report["moves"]
    ]
    title = escape(f"{report['migration']}: {report['verdict'].replace('_', ' ')}")
    head = "<meta charset=utf-8><meta name=viewport content='width=device-width'>"
    body = (
        f"<h1>{title}</h1><p{'' if report['complaint'] is None else ' class=bad'}>{escape(report['sentence'])}</p>"
        f"{_table(facts)}<h2>The name</h2>{_table(moved)}<h2>Evidence</h2>{_table(_evidence_rows(report))}"
        f"<p>{escape(report['run'])}</p>"
    )
    return f"<!doctype html><html lang=en>{head}<title>{title}</title><style>{_STYLE}</style>{body}</html>"


_WELL: Final = frozenset({"done", "rejected", "back"})


def _verdict(work: CutOverRun, own: Sequence[Move], answer: Mapping[str, Any] | None, red: Sequence[str]) -> str:
    """Return done, taken_back (the probe failed), back (as ordered), rejected, not_proven or stopped."""
    outcome = find_outcome(work.place)
    is_own = outcome.get("run") == work.run
    if is_own and outcome["state"] == State.DONE:
        return "done"
    if is_own and outcome["state"] == State.ROLLED_BACK:
        return "taken_back" if "fsx_migration_cut_over" in work.run else "back"
    if answer is not None and not answer["approved"] and not red:
        return "rejected"
    return "not_proven" if own and own[-1].done else "stopped"


def _says(work: CutOverRun) -> str:
    try:
        return read_name(work.place).value
    except NameRefusedError as error:
        return f"nothing ({error})"


def _sentence(report: Mapping[str, Any]) -> str:
    name, migration = f"{report['name']['called']} says {report['name']['says']}", report["migration"]
    faults = " ".join((report["probe"] or {}).get("faults", ()))
    red = ", ".join(report["red_tasks"])
    told = {
        "done": f"Clients of {migration} are on the target: {name}.",
        "taken_back": f"Clients of {migration} were led back, because the probe failed: {faults} {name}.",
        "back": f"Clients of {migration} are back on the source: {name}.",
        "rejected": f"Nobody was led anywhere, because the approval was not given: {name}.",
        "not_proven": f"Clients of {migration} were led over and nothing proves that they can work ({red}): {name}.",
        "stopped": f"The run stopped before its end ({red}): {name}.",
    }
    return told[report["verdict"]]


def _downtime(evidence: Mapping[str, Any] | None, own: Sequence[Move], verdict: str) -> float | None:
    """Return the seconds from the freeze to the last change of the name; None where nothing was frozen or led."""
    if evidence is None or "freeze" not in evidence or verdict == "rejected" or not own or own[-1].done is None:
        return None
    return round((own[-1].done - datetime.fromisoformat(evidence["freeze"]["frozen_at"])).total_seconds(), 1)


def _duration(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds / 60:,.1f} min"


def _evidence_rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = (report["evidence"] or {}).get("reconciliation")
    if not found:
        return [(name, str(value)) for name, value in ((report["evidence"] or {}).get("written_since") or {}).items()]
    rows = [(claim["claim"], f"{'yes' if claim['holds'] else 'no'}: {claim['told']}") for claim in found["claims"]]
    return [*rows, ("all differences", found["uris"]["findings"])]


def _table(rows: Sequence[tuple[str, str]]) -> str:
    return (
        "<table>"
        + "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in rows)
        + "</table>"
    )
