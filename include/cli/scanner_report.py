"""What `landfall scanner` prints for people: who is blocked and why, and thresholds beside each other."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from include.scanner_block.study.backtest import Backtest
    from include.scanner_block.study.thresholds import Detector, Study

SHOWN = 20
_NONE = "-"


def print_backtest(found: Backtest, *, now: datetime) -> None:
    """Print who is blocked (worst first), released and spared, what was read and what could not be."""
    at = now.astimezone(UTC)
    if found.blocks:
        without_room = set(found.left_out)
        rows = [
            (
                block.client + (" (no room in the set)" if block.client in without_room else ""),
                f"{block.until.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
                f"{block.max_per_minute:,}",
                "; ".join(block.reasons),
            )
            for block in found.blocks[:SHOWN]
        ]
        _print_table(("blocked", "until (UTC)", "most a minute", "why"), rows)
        _more(len(found.blocks))
    _line(
        f"{len(found.blocks):,} clients would be blocked at {at:%Y-%m-%d %H:%M:%S} UTC: {len(found.ipv4):,} in the "
        f"IPv4 sets, {len(found.ipv6):,} in the IPv6 sets, {len(found.left_out):,} without room."
    )
    for release in found.released[:SHOWN]:
        _line(f"Released: {_printable(release.client)} ({release.reason}).")
    _more(len(found.released))
    if found.kept_out:
        _line(f"Offended, but approved or your own: {_some(found.kept_out)}.")
    _print_reading(found.counts.lines, found.counts.unreadable, found.skipped)
    for example in found.counts.examples:
        _line(f"    {_printable(example.place)}: {example.reason}: {example.beginning}")


def print_study(study: Study, *, skipped: Sequence[Path], picture: Path | None) -> None:
    """Print a table for each detector and where its result is stable."""
    titles = {
        "count": f"{study.what} in one minute",
        "paths": "different paths with errors in one minute",
    }
    for detector in study.detectors:
        _print_detector(detector, titles[detector.name], what=study.what)
    _line(
        f"{study.counted:,} {study.what} counted; {study.clients:,} clients; "
        f"{study.spared:,} approved or your own, left out."
    )
    _line(f"Stopped: the {study.what} after the moment of detection; logs that come late stop fewer.")
    _print_reading(study.lines, study.unreadable, skipped)
    if picture is not None:
        _line(f"The picture: {picture}")


def _print_detector(detector: Detector, title: str, *, what: str) -> None:
    columns = (title, "clients", "of all", f"{what} stopped", "of all", "median time", "slowest", "for example")
    rows = [
        (
            f"{one.threshold:,}" + (" (settings)" if one.threshold == detector.chosen else ""),
            f"{one.clients:,}",
            f"{one.share:.2%}",
            f"{one.stopped:,}",
            f"{one.stopped_share:.1%}",
            _NONE if one.median_seconds is None else f"{one.median_seconds:,.0f} s",
            _NONE if one.worst_seconds is None else f"{one.worst_seconds:,} s",
            ", ".join(one.examples) or _NONE,
        )
        for one in detector.outcomes
    ]
    _print_table(columns, rows)
    if detector.stable is None:
        _line("No client reaches the lowest threshold.\n")
    else:
        stable = detector.stable
        clients = "the same client" if stable.clients == 1 else f"the same {stable.clients:,} clients"
        _line(f"From {stable.low:,} to {stable.high:,} every threshold blocks {clients}: the widest such range.\n")


def _print_reading(lines: int, unreadable: int, skipped: Sequence[Path]) -> None:
    _line(f"{lines:,} lines read, {unreadable:,} of them unreadable.")
    for log in skipped:
        _line(f"Skipped: {log} has the content of an earlier log.")


def _more(count: int) -> None:
    if count > SHOWN:
        _line(f"and {count - SHOWN:,} more; --json names all.")


def _some(clients: Iterable[str]) -> str:
    named = list(clients)
    rest = f" and {len(named) - SHOWN:,} more" if len(named) > SHOWN else ""
    return ", ".join(named[:SHOWN]) + rest


def _print_table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows under each other, however wide: an address that is cut off is of no use."""
    texts = [columns, *(tuple(map(_printable, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        _line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _printable(text: str) -> str:
    """Return a text of a log or a file so that it cannot move a terminal's cursor."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")
