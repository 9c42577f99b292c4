"""Whether what DataSync counted agrees with what it was given: part by part, and in sum with the listings.

A contradiction blocks; agreement proves nothing, because counters are no exact indication for every location (DataSync
API reference, FilesTransferred). In Basic mode directories are counted as files: a sum may be larger, never smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.fsx_migration.transfer.pass_model import VERIFY, PassKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from include.fsx_migration.transfer.pass_model import Attempt, FailedFile, Pass, PassPart

    Failures = Callable[[Attempt], Sequence[FailedFile]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The sums over all executions that told of each file, and every contradiction as a sentence.

    :param failed: files that were never written; those that failed verification are counted as transferred.
    """

    executions: int = 0
    given: int = 0
    transferred: int = 0
    skipped: int = 0
    failed: int = 0
    contradictions: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON types."""
        numbers = {name: getattr(self, name) for name in ("executions", "given", "transferred", "skipped", "failed")}
        return {**numbers, "contradictions": list(self.contradictions)}


def agree(passes: Sequence[Pass], failures: Failures, *, planned_files: int, left_out: int) -> Agreement:
    """Compare counters with manifests, and the manifests' sums with the listings that they were made from.

    :param failures: the failed files of an attempt, as `passes.load_failures`.
    :param planned_files: files and links in the listing of the full pass; `left_out` of them are in no manifest.
    """
    counted = [entry for one in passes for part in one.parts for entry in _counted(one, part, failures)]
    told = [sentence for one in passes for sentence in _sums(one, planned_files=planned_files, left_out=left_out)]
    told += [sentence for *_, sentence in counted if sentence]
    return Agreement(
        executions=len(counted),
        given=sum(entry[0] for entry in counted),
        transferred=sum(entry[1] for entry in counted),
        skipped=sum(entry[2] for entry in counted),
        failed=sum(entry[3] for entry in counted),
        contradictions=tuple(told),
    )


def _counted(one: Pass, part: PassPart, failures: Failures) -> Iterator[tuple[int, int, int, int, str]]:
    """Yield given, transferred, skipped, failed and the contradiction of each attempt whose files are known."""
    before = {attempt.number + 1: attempt.retryable for attempt in part.attempts}
    for attempt in part.attempts:
        if not (attempt.manifest_key and attempt.state.tells_files):
            continue
        given = before.get(attempt.number, 0) if attempt.by_files else part.files
        moved, skipped = (attempt.counters.get(name, 0) for name in ("files_transferred", "files_skipped"))
        lost = sum(1 for file in failures(attempt) if file.step != VERIFY)
        accounted, told = moved + skipped + lost, ""
        if accounted < given:
            told = (
                f"Pass {one.number}, part {part.name}, attempt {attempt.number} was given {given:,} files and "
                f"accounts for {accounted:,}: {moved:,} transferred, {skipped:,} skipped, {lost:,} failed."
            )
        yield given, moved, skipped, lost, told


def _sums(one: Pass, *, planned_files: int, left_out: int) -> Iterator[str]:
    if one.kind is PassKind.CLOSING:
        return
    full = one.kind is PassKind.FULL
    listed = planned_files - left_out if full else one.delta.files - one.delta.left_out
    if one.files != listed:
        whence = "the plan's listing has" if full else "its delta has"
        yield f"Pass {one.number} has {one.files:,} files in its parts, and {whence} {listed:,} for them."
