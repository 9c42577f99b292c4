"""The way back: what clients wrote on the target since they were led there, and is not on the source."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.client_name.names import called, same_name
from include.fsx_migration.client_name.switching import State, moves, new_value, require_known
from include.fsx_migration.cut_over.cut_overs import EVIDENCE, LABEL, CutOverRun, as_code, find_outcome
from include.fsx_migration.cut_over.probing import PROBE
from include.fsx_migration.listings.listing import out_of_core
from include.fsx_migration.listings.scanning import scan
from include.fsx_migration.reconciliation.reconciliations import compared_kinds
from include.fsx_migration.reconciliation.reconciling import reconcile
from include.fsx_migration.refusals import RefusedError
from include.object_store import to_json
from include.workbench import workbench

if TYPE_CHECKING:
    from pathlib import Path

    from include.fsx_migration.workplace import Workplace

WRITTEN: Final = "written-since.parquet"
_NAMED: Final = 20


def list_written_since(work: CutOverRun) -> dict[str, str]:
    """List the target, compare it with its listing of the cut-over, keep the list, and return the question.

    What is new or changed there would be missing on the source; what was removed there would be back.

    :returns: `subject` and `body` (Markdown) of the approval.
    :raises RefusedError: clients were never led over, or the name leads back already.
    """
    place = work.place
    _require_led_over(place)
    with workbench(place.store) as bench:
        before = bench.fetch(place.places.listing("target", LABEL), "before.parquet")
        now = bench.folder / "now.parquet"
        result = scan(place.migration.target.mount, now)
        if not result.files:
            raise RefusedError(
                f"{place.migration.target.mount} holds no file: mount the target on the workers again, then clear this "
                "task. If it is lost, lead clients back by hand: everything since the cut-over is lost with it."
            )
        same = reconcile(
            before,
            now,
            out=bench.folder / "since",
            mtime_tolerance_seconds=place.migration.reconciling.mtime_tolerance_seconds,
            compare=compared_kinds(place),
        )
        counts, names = _keep_list(same.differences, now, bench.folder / WRITTEN)
        uri = bench.keep(bench.folder / WRITTEN, work.key(WRITTEN))
    unlisted = [path for path, _ in result.unreadable]
    evidence = {"written_since": counts, "named": names, "uri": uri, "unlisted": unlisted[:_NAMED]}
    evidence["digest"] = hashlib.sha256(to_json(evidence)).hexdigest()
    work.keep(EVIDENCE, evidence)
    subject = f"Lead the clients of {place.migration.name} back to {place.migration.cut_over.old_value}?"
    return {"subject": subject, "body": _body(place, evidence)}


def _require_led_over(place: Workplace) -> None:
    name, old = called(place.migration.cut_over.name), place.migration.cut_over.old_value
    if not moves(place):
        raise RefusedError(f"The clients of {place.migration.name} were never led over: there is nothing to take back.")
    said = require_known(place, old, new_value(place)).value
    if same_name(said, old) and find_outcome(place).get("state") != State.SWITCHING:
        raise RefusedError(f"{name} says {old} already: clients are on the source, and there is nothing to take back.")


def _keep_list(differences: Path, now: Path, out: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Write path, what (new, changed, removed), size and mtime now, and return counts and the first names."""
    with out_of_core(memory_limit="1GB") as connection:
        connection.read_parquet(str(differences)).create_view("differences")
        connection.read_parquet(str(now)).create_view("present")
        connection.execute(
            """CREATE TABLE written AS FROM differences d LEFT JOIN present p USING (path)
               SELECT d.path,
                      CASE WHEN bool_or(d.kind = 'extra') THEN 'new' WHEN bool_or(d.kind = 'missing') THEN 'removed'
                           ELSE 'changed' END AS what,
                      any_value(p.type) AS type, any_value(p.size) AS size, any_value(p.mtime) AS mtime
               WHERE d.path <> ? GROUP BY d.path""",
            [PROBE],
        ).fetchall()
        quoted = str(out).replace("'", "''")
        connection.execute(f"COPY (FROM written ORDER BY path) TO '{quoted}' (FORMAT parquet)").fetchall()
        found = dict(connection.execute("FROM written SELECT what, count(*) GROUP BY 1").fetchall())
        query = "FROM written SELECT coalesce(sum(size), 0) WHERE what <> 'removed' AND type = 'file'"
        ((size,),) = connection.execute(query).fetchall()
        names = connection.execute("FROM written SELECT what, path ORDER BY path LIMIT ?", [_NAMED]).fetchall()
    counts = {what: int(found.get(what, 0)) for what in ("new", "changed", "removed")}
    return counts | {"bytes": int(size)}, [(what, path) for what, path in names]


def _body(place: Workplace, evidence: dict[str, Any]) -> str:
    counts, old = evidence["written_since"], place.migration.cut_over.old_value
    lines = [
        (
            f"- Written on the target since the cut-over and **not on the source**: {counts['new']:,} new and "
            f"{counts['changed']:,} changed paths, {counts['bytes']:,} bytes."
        ),
        f"- Removed on the target since, and back on the source: {counts['removed']:,} paths.",
        *(f"- {what}: {as_code(path)}" for what, path in evidence["named"]),
        *(f"- Not listed, nobody knows what is in it: {as_code(path)}" for path in evidence["unlisted"]),
        f"- All of them: {evidence['uri']}",
        f"- The name `{called(place.migration.cut_over.name)}` will say {old} again.",
    ]
    end = "Approve to lead clients back. The target keeps its files: copy what the list names by hand, or give it up."
    return "\n".join([*lines, "", f"{end} Reject, and clients stay on the target."])
