"""The cut-over as it is kept: evidence, answer, outcome; nothing is switched but by an answer to this evidence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.client_name.names import called, delay_seconds, read_name, same_name
from include.fsx_migration.client_name.switching import OUTCOME, Move, State, lead_clients, new_value, require_known
from include.fsx_migration.cut_over.freezing import FREEZE, require_still_frozen
from include.fsx_migration.listings.listing import shown
from include.fsx_migration.reconciliation.reconciliations import find_summary
from include.fsx_migration.refusals import RefusedError
from include.fsx_migration.transfer.passes import list_passes
from include.object_store import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.fsx_migration.cut_over.probing import Probe
    from include.fsx_migration.workplace import Workplace

LABEL: Final = "cut-over"
"""Of the reconciliation that the cut-over rests on."""
EVIDENCE, ANSWER, PROBE = "evidence.json", "answer.json", "probe.json"


class NotApprovedError(RefusedError):
    """Nobody approved what is there now."""


@dataclass(frozen=True, slots=True)
class CutOverRun:
    """A run of `fsx_migration_cut_over` or `fsx_migration_roll_back`: where its documents lie.

    :param run: `<dag id>/<run id>`.
    """

    place: Workplace
    run: str

    def key(self, name: str) -> str:
        """Return the key of a document of this run."""
        return self.place.places.cut_over("runs", self.run.replace("/", "__").replace(":", "-"), name)

    def find(self, name: str) -> Any:
        """Return a document of this run, None when it is not written."""
        return self.place.store.find_json(self.key(name))

    def keep(self, name: str, document: Any) -> str:
        """Write a document of this run and return its URI."""
        return self.place.store.put_json(self.key(name), document)


def state_evidence(work: CutOverRun) -> dict[str, str]:
    """Write what the approver has to know, and return the question's `subject` and `body` (Markdown).

    :raises RefusedError: there is no reconciliation, or the name does not say what it has to.
    """
    place, name = work.place, work.place.migration.cut_over
    summary, freeze = find_summary(place, LABEL), place.store.find_json(place.places.cut_over(FREEZE))
    if summary is None or freeze is None:
        raise RefusedError("There is no reconciliation of a frozen source: clear check_frozen with all that follows.")
    said, wanted = read_name(place).value, new_value(place)
    evidence = {
        "reconciliation": summary,
        "freeze": freeze,
        "name": {"called": called(name.name), "says": said, "old": name.old_value, "new": wanted},
    }
    evidence["digest"] = hashlib.sha256(to_json(evidence)).hexdigest()
    work.keep(EVIDENCE, evidence)
    subject = f"Lead the clients of {place.migration.name} over to {wanted}?"
    return {"subject": subject, "body": _body(work, evidence)}


def record_answer(work: CutOverRun, answer: Mapping[str, Any]) -> None:
    """Keep who answered, and to which evidence; an earlier answer is kept beside it."""
    digest = (work.find(EVIDENCE) or {}).get("digest", "")
    document = {**answer, "digest": digest}
    work.keep(f"answers/{answer.get('at') or 'nobody'}.json".replace(":", "-"), document)
    work.keep(ANSWER, document)


def require_approval(work: CutOverRun, *, four_eyes: bool = False) -> Mapping[str, Any]:
    """Return the approval of this run's evidence.

    :param four_eyes: it has to be from somebody other than the one who asked, both known.
    :raises NotApprovedError: nobody approved it, or the evidence was stated anew since.
    """
    answer, evidence = work.find(ANSWER), work.find(EVIDENCE)
    if not answer or not answer["approved"]:
        raise NotApprovedError("Nobody has approved this: clear the approval task and let a person answer.")
    if evidence is None or answer["digest"] != evidence["digest"]:
        raise NotApprovedError(
            "The evidence was stated anew since the approval: clear the approval task and let a person answer again."
        )
    if four_eyes and (not answer["by"] or not answer["asked_by"] or answer["by"] == answer["asked_by"]):
        raise NotApprovedError(
            f"{answer['by'] or 'Nobody known'} may not approve this alone: clear the approval task, a second person "
            "answers."
        )
    found: Mapping[str, Any] = answer
    return found


def switch_over(work: CutOverRun) -> Move:
    """Lead clients to the target, when a person approved and the source is still what was reconciled.

    :raises NotApprovedError: see `require_approval`.
    :raises ThawedError: the source changed since.
    :raises NameContestedError: the name says neither the old nor the new value.
    """
    place = work.place
    require_approval(work, four_eyes=True)
    to, old = new_value(place), place.migration.cut_over.old_value
    if same_name(require_known(place, to, old).value, old):
        # once clients are led over, the source is theirs no more, and what is done to it says nothing
        require_still_frozen(place, label=LABEL)
    note_outcome(place, State.SWITCHING, run=work.run)
    return lead_clients(place, to=to, expect=old, run=work.run, why="cut-over")


def switch_back(work: CutOverRun, *, why: str) -> Move:
    """Lead clients back to the source and note it; the target keeps what was written there."""
    place = work.place
    to = place.migration.cut_over.old_value
    move = lead_clients(place, to=to, expect=new_value(place), run=work.run, why=why)
    note_outcome(place, State.ROLLED_BACK, run=work.run, at=move.done, why=why)
    return move


def keep_probe(work: CutOverRun, probe: Probe) -> None:
    """Keep what the probe found, and sign the cut-over off when clients can work and the name leads them there."""
    place = work.place
    found = probe.to_dict() | {"leads_to": read_name(place).value}
    work.keep(PROBE, found)
    if probe.went_well:
        note_outcome(place, State.DONE, run=work.run, at=place.now())


def note_outcome(
    place: Workplace, state: State, *, run: str, at: datetime | None = None, why: str = ""
) -> dict[str, Any]:
    """Write `cut_over/outcome.json`, which says where clients are now."""
    document = {"state": state.value, "run": run, "at": at.isoformat() if at else None, "why": why}
    place.store.put_json(place.places.cut_over(OUTCOME), document)
    return document


def find_outcome(place: Workplace) -> dict[str, Any]:
    """Return the outcome, `{}` before the first switch."""
    found: dict[str, Any] = place.store.find_json(place.places.cut_over(OUTCOME)) or {}
    return found


def _body(work: CutOverRun, evidence: Mapping[str, Any]) -> str:
    place, found, name = work.place, evidence["reconciliation"], evidence["name"]
    frozen = datetime.fromisoformat(evidence["freeze"]["frozen_at"])
    minutes = (place.now() - frozen).total_seconds() / 60
    paths, changed = found["paths"], ", ".join(f"{kind} {count:,}" for kind, count in found["changed"].items())
    own = [one for one in list_passes(place.places) if one.run == work.run]
    lines = [
        (
            f"- Source and target: {found['same']:,} rows are the same; {found['missing']:,} missing, "
            f"{found['extra']:,} extra, changed: {changed}."
        ),
        (
            f"- Of {found['files']:,} files {paths['explained']:,} failed, each named; {paths['unexplained']:,} differ "
            f"without a reason; {paths['kept']:,} are left so by rule."
        ),
        (
            f"- Contents were compared of {found['checksums']['compared']:,} files ({found['checksums']['policy']}); "
            f"{found['checksums']['unread']:,} could not be read. Compared by: {', '.join(found['compared_by'])}."
        ),
        *(f"- {one['standing']}: {as_code(one['path'])}: {plain(one['why'])}" for one in found["findings_named"][:10]),
        *(f"- Note: {note}" for note in found["notes"]),
        (
            f"- Final passes: {sum(one.files for one in own):,} files, {sum(one.bytes for one in own):,} bytes in "
            f"{len(own)} passes."
        ),
        f"- Nobody writes since {frozen:%Y-%m-%d %H:%M:%S} UTC, {minutes:,.0f} minutes ago.",
        f"- The name `{name['called']}` says {name['says']} and will say {name['new']}{_delay(place)}",
        f"- All differences: {found['uris']['findings']}",
    ]
    end = "Approve to lead clients over; then a probe writes and reads, and leads them back when it fails. Reject, and "
    return "\n".join([*lines, "", f"{end}nothing is switched: clients may write to the source again."])


def as_code(name: str) -> str:
    """Return a file's name for Markdown: names are anybody's, and may hold line breaks and marks."""
    return f"`{shown(name).replace('`', '?')}`"


def plain(text: str) -> str:
    """Return a text from outside for Markdown, without marks that would mean something."""
    return "".join("?" if mark in "`*_[]<>|#" or not mark.isprintable() else mark for mark in text)[:300]


def _delay(place: Workplace) -> str:
    delay = delay_seconds(place.migration.cut_over.name)
    return f"; clients may keep the old answer for {delay} s." if delay is not None else "."
