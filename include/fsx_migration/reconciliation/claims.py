"""What the verdict of a reconciliation rests on besides the differences: claims, each with what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from include.fsx_migration.definition_model import Checksums
from include.fsx_migration.transfer.pass_model import PassKind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from include.fsx_migration.listings.scanning import ScanResult
    from include.fsx_migration.reconciliation.agreement import Agreement
    from include.fsx_migration.reconciliation.explaining import Explanation
    from include.fsx_migration.reconciliation.reconciling import Reconciliation
    from include.fsx_migration.transfer.pass_model import FailedFile, Pass
    from include.fsx_migration.workplace import Workplace


class Obstacle(NamedTuple):
    """A name that could not be read or listed, with side and reason."""

    path: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What was found on both sides.

    :param sampled: the files that were to be read; None for all.
    :param unread: of them, those that could not be read on one side.
    :param unlisted: directories and names that could not be listed on one side.
    """

    source: ScanResult
    target: ScanResult
    sampled: frozenset[str] | None
    same: Reconciliation
    explained: Explanation
    unread: tuple[Obstacle, ...] = ()
    unlisted: tuple[Obstacle, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A sentence that has to hold."""

    claim: str
    holds: bool
    told: str


def claims(place: Workplace, passes: Sequence[Pass], sides: Sides, agreement: Agreement) -> list[Claim]:
    """Return every claim that the gate judges; they count all paths, named or not."""
    found, files = sides.explained, sides.source.files
    allowed = int(place.migration.limits.failed_share * files)
    directories = {file.path for file in current_failures(passes) if file.directory}
    unnamed = [path for path, _ in sides.unlisted if path not in directories]
    open_pass = next((one.number for one in passes if one.ended is None), None)
    suspects = sorted(set(passes[-1].suspects) & {path for path, _ in sides.unread})
    return [
        _claim(
            "every difference is explained",
            not found.unexplained,
            f"{found.unexplained:,} paths differ and nothing says why",
        ),
        _claim(
            "explained differences are within the limit",
            found.explained <= allowed,
            f"{found.explained:,} paths failed, {allowed:,} of {files:,} files may",
        ),
        _claim("the source has files", files > 0, f"{files:,} files were listed"),
        _claim(
            "both trees could be listed",
            not unnamed,
            some(unnamed, "names could not be listed") or "every directory was listed",
        ),
        _claim(
            "every pass has ended",
            open_pass is None,
            f"pass {open_pass} is open" if open_pass else f"{len(passes)} passes have ended",
        ),
        _claim(
            "task reports agree with the manifests",
            not agreement.contradictions,
            " ".join(agreement.contradictions[:3]) or f"{agreement.executions:,} executions agree",
        ),
        _claim(
            "every suspect was read",
            not suspects,
            some(suspects, "suspect files could not be read") or "no suspect is left unread",
        ),
        _claim(
            "contents were compared",
            _read_enough(place, sides),
            f"{sides.same.checksums:,} files were read on both sides",
        ),
    ]


def current_failures(passes: Sequence[Pass]) -> tuple[FailedFile, ...]:
    """Return the files that the pass of the newest listing, or one after it, could not move.

    What failed in an earlier pass was tried again by these: it is named here, or it was moved.
    """
    newest = max(number for number, one in enumerate(passes) if one.kind is not PassKind.CLOSING)
    return tuple(file for one in passes[newest:] for file in one.failed)


def some(names: Collection[str], what: str) -> str:
    """Return how many there are and the first three, empty without any."""
    return f"{len(names):,} {what} ({', '.join(list(names)[:3])})" if names else ""


def _claim(claim: str, holds: bool, told: str) -> Claim:
    return Claim(claim=claim, holds=holds, told=told)


def _read_enough(place: Workplace, sides: Sides) -> bool:
    """Nothing is asked without checksums; else who could read less than half has not compared contents."""
    if place.migration.reconciling.checksums is Checksums.NONE or not sides.source.files:
        return True
    wanted = sides.source.files if sides.sampled is None else min(len(sides.sampled), sides.source.files)
    return 2 * sides.same.checksums >= wanted
