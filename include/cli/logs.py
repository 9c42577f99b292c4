"""The log files of the stack's processes: their ends for messages, and a limit on their size."""

from pathlib import Path

ROTATE_BYTES = 10 * 1024**2


def last_lines(log: Path, *, count: int = 12) -> tuple[str, ...]:
    """Return the last lines of a log that are not empty; at most its last 16 kB are read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return ()
    return tuple(line for line in text.splitlines() if line.strip())[-count:]


def rotate(log: Path) -> None:
    """Move a log of 10 MiB or more to ``<name>.1``, over the one before: at most two per process are kept."""
    if log.exists() and log.stat().st_size >= ROTATE_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
