"""What the gates of a ship run set aside, and how the run ended as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from include.log_shipping.outcomes import Outcome, RunRecords, Status, complaint, counts
from include.log_shipping.planning import PLAN
from include.log_shipping.shipping import STEP as BACK_UP
from include.log_shipping.shipping_restores import STEP as RESTORE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    import pandas as pd

HEADERS: Final = "check_headers"
CANARY: Final = "check_canary"
REASONS: Final = "_reasons"
STEPS: Final = (PLAN, BACK_UP, HEADERS, RESTORE, CANARY)


class ShippingFailedError(RuntimeError):
    """At least one database could not be shipped; the message names each and why. The others were."""

    is_final = True


def set_aside(records: RunRecords, *, rows: Iterable[Mapping[str, Any]], at: datetime) -> list[str]:
    """Keep an outcome for every database of which the header gate set files aside, and return the names.

    :param rows: the rows set aside; each has `database`, `file` and `_reasons`.
    """
    return _keep(records, HEADERS, at=at, told=[(row, f"{row['file']}: {why}") for row in rows for why in row[REASONS]])


def set_canaries_aside(records: RunRecords, *, rows: Iterable[Mapping[str, Any]], at: datetime) -> list[str]:
    """Keep an outcome for every database whose canary the gate set aside, and return the names."""
    return _keep(records, CANARY, at=at, told=[(row, why) for row in rows for why in row[REASONS]])


def _keep(records: RunRecords, step: str, *, at: datetime, told: Iterable[tuple[Mapping[str, Any], str]]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for row, reason in told:
        reasons.setdefault(row["database"], []).append(reason)
    for database, found in reasons.items():
        reason = f"The gate set it aside: {'; '.join(dict.fromkeys(found))}."
        records.put(
            Outcome(database=database, step=step, status=Status.QUARANTINED, reason=reason, started=at, finished=at)
        )
    return sorted(reasons)


def restorable(records: RunRecords, *, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the databases whose files may be restored now.

    A database waits when the gate set aside a file that would be restored; one that only stands in the way (behind a
    gap) does not keep those before it from being restored. A log that could not be backed up does not either.

    :param rows: the rows set aside.
    """
    bad = {(row["database"], row["file"]) for row in rows}
    return [
        outcome.database
        for outcome in records.read(BACK_UP).values()
        if outcome.evidence.get("headers") is not None and not bad & _wanted(outcome)
    ]


def _wanted(outcome: Outcome) -> set[tuple[str, str]]:
    files = [*outcome.evidence["pending"], outcome.evidence["bridge"]]
    return {(outcome.database, name) for name in files if name}


def canary_frame(records: RunRecords) -> pd.DataFrame:
    """Return one row per standby whose canary was read."""
    import pandas as pd

    taken = records.read(BACK_UP)
    rows = []
    for name, outcome in records.read(RESTORE).items():
        found = outcome.evidence.get("canary")
        if outcome.status is not Status.DONE or not found:
            continue
        expected = taken[name].evidence.get("beat") if name in taken else None
        span = found["last_beat"] - found["first_beat"] + 1 if found["beats"] else 0
        rows.append(
            {
                "database": name,
                "missing_beats": max(0, int(expected or 0) - found["last_beat"]),
                "holes": span - found["beats"],
            }
        )
    return pd.DataFrame(rows, columns=["database", "missing_beats", "holes"])


def conclude(records: RunRecords, *, at: datetime) -> dict[str, Any]:
    """Sum the run up, keep the summary, and return it.

    :raises ShippingFailedError: a database needs a person, or a step of it left no record.
    """
    found = {step: records.read(step) for step in STEPS}
    outcomes = [outcome for of_step in found.values() for outcome in of_step.values()]
    outcomes += _without_record(found, at=at)
    final = _worst(outcomes)
    told = complaint(final)
    summary = {
        "databases": len(final),
        **counts(final),
        "backed_up": sum(1 for outcome in outcomes if outcome.evidence.get("backup")),
        "restored_files": sum(len(outcome.evidence.get("restored", ())) for outcome in outcomes),
    }
    waiting = [outcome.reason for outcome in final if outcome.status is Status.WAITING]
    uri = records.store.put_json(records.key("summary.json"), {**summary, "complaint": told, "waiting": waiting})
    if told:
        raise ShippingFailedError(f"{told} All records: {records.uri}")
    return {**summary, "uri": uri}


def _without_record(found: Mapping[str, Mapping[str, Outcome]], *, at: datetime) -> list[Outcome]:
    """Steps that should have left a record and did not: their task died, or a gate stopped the run."""
    planned = {name: one for name, one in found[PLAN].items() if one.status is Status.DONE}
    going = [name for name, one in planned.items() if one.evidence.get("due", True)]
    lost = [(BACK_UP, name) for name in going if name not in found[BACK_UP]]
    readable = [name for name, one in found[BACK_UP].items() if one.evidence.get("headers") is not None]
    lost += [(RESTORE, name) for name in readable if name not in found[RESTORE] and name not in found[HEADERS]]
    return [
        Outcome(
            database=name,
            step=step,
            status=Status.FAILED,
            reason=f"{step} left no record: read the log of that task, or of check_headers before it.",
            started=at,
            finished=at,
        )
        for step, name in lost
    ]


def _worst(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return one outcome per database: the first bad one, which caused the others, else the first that waits."""
    order = {Status.DONE: 0, Status.WAITING: 1, Status.QUARANTINED: 2, Status.FAILED: 2}
    final: dict[str, Outcome] = {}
    for outcome in outcomes:
        known = final.get(outcome.database)
        if known is None or order[outcome.status] > order[known.status]:
            final[outcome.database] = outcome
    return list(final.values())
