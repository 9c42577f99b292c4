"""When incremental passes end: what is pending fits the cut-over window, or another pass no longer helps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.fsx_migration.definition_model import Convergence


class Answer(StrEnum):
    """What to do after a pass."""

    GO_ON = "go_on"
    CONVERGED = "converged"
    ASK_PERSON = "ask_person"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaPoint:
    """What one incremental pass found and how long it took.

    :param cost: bytes, plus what its files cost besides (see partitioning.COST_PER_FILE_BYTES).
    :param scan_seconds: listing the source and comparing it.
    :param transfer_seconds: from the first start to the end of the last execution; 0 when nothing had to be moved.
    """

    number: int
    files: int
    bytes: int
    cost: int
    scan_seconds: float
    transfer_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer, why in one sentence, and how long the last delta would take within the window, in seconds."""

    answer: Answer
    sentence: str
    needed_seconds: float = 0.0

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON types."""
        return {
            "answer": self.answer.value,
            "sentence": self.sentence,
            "needed_seconds": round(self.needed_seconds, 1),
        }


def decide(history: Sequence[DeltaPoint], *, cost_per_second: float, rule: Convergence) -> Verdict:
    """Judge the incremental passes of a run, oldest first.

    Converged: the newest delta, found and moved once more, fits the window. The time is the longer of what it took and
    what the measured rate says, so that neither a lucky pass nor an idle one deceives. Otherwise a person decides when
    the delta is not smaller than the one before by `shrink_at_least`, or when `passes_at_most` were made.

    :param cost_per_second: measured over passes that moved much; 0 while nothing was measured.
    """
    if not history:
        return Verdict(answer=Answer.GO_ON, sentence="No incremental pass was made yet.")
    last, window = history[-1], rule.window_minutes * 60
    needed = seconds_needed(last, cost_per_second=cost_per_second)
    size = f"{last.files:,} files, {last.bytes:,} bytes"
    if needed <= window:
        sentence = (
            f"Pass {last.number} found {size}; the same again takes {_minutes(needed)}, which fits the window of "
            f"{rule.window_minutes} min."
        )
        return Verdict(answer=Answer.CONVERGED, sentence=sentence, needed_seconds=needed)
    too_long = (
        f"Pass {last.number} found {size}, which takes {_minutes(needed)} of a window of {rule.window_minutes} min"
    )
    if len(history) >= rule.passes_at_most:
        sentence = f"{too_long}, and {len(history)} passes were made, the most that are allowed."
        return Verdict(answer=Answer.ASK_PERSON, sentence=sentence, needed_seconds=needed)
    if len(history) > 1 and last.cost > history[-2].cost * (1 - rule.shrink_at_least):
        sentence = (
            f"{too_long}, and the delta no longer shrinks by {rule.shrink_at_least:.0%} (pass {history[-2].number} "
            f"found {history[-2].files:,} files, {history[-2].bytes:,} bytes)."
        )
        return Verdict(answer=Answer.ASK_PERSON, sentence=sentence, needed_seconds=needed)
    return Verdict(answer=Answer.GO_ON, sentence=f"{too_long}: one more pass.", needed_seconds=needed)


def seconds_needed(point: DeltaPoint, *, cost_per_second: float) -> float:
    """Return how long finding and moving a delta of this size takes."""
    by_rate = point.cost / cost_per_second if cost_per_second > 0 else 0.0
    return point.scan_seconds + max(point.transfer_seconds, by_rate)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:,.1f} min"
