"""Files that failed verification: they stay suspect until one attempt copied them anew and verified them.

A file whose copy is wrong may have the right size and time. A later pass that transfers what changed leaves it out and
ends in SUCCESS, so such a pass clears nobody (measured on a stand-in; DataSync's user guide asks for verification of
what was transferred only).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.fsx_migration.transfer.pass_model import VERIFY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.fsx_migration.transfer.pass_model import FailedFile, Pass, PassPart

REPAIRS = "repairs"


def suspects_after(
    one: Pass,
    failures: Mapping[tuple[str, int], Sequence[FailedFile]],
    before: frozenset[str],
    *,
    repaired: frozenset[str] = frozenset(),
) -> frozenset[str]:
    """Return the files that are suspect after a pass.

    :param failures: the failed files of the pass by (part, attempt).
    :param before: those that were suspect when it was opened.
    :param repaired: the files of its part `repairs`.
    """
    suspects = set(before)
    for part in one.parts:
        own = set(repaired) if part.name == REPAIRS else set[str]()
        _follow(part, failures, suspects, own)
    return frozenset(suspects)


def _follow(
    part: PassPart, failures: Mapping[tuple[str, int], Sequence[FailedFile]], suspects: set[str], own: set[str]
) -> None:
    """Walk through a part's attempts; `own` are the files that it is known to hold."""
    held = own
    for attempt in part.attempts:
        files = failures.get((part.name, attempt.number), ())
        failed = {file.path for file in files}
        if attempt.clears:
            suspects -= held - failed
        suspects |= {file.path for file in files if file.step == VERIFY}
        own |= failed
        # what the next attempt is given: the failed files, or everything the part is known to hold
        following = next((one for one in part.attempts if one.number > attempt.number), None)
        held = failed if following is not None and following.by_files else own
