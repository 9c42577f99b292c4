"""How many files a second `scan` lists beside `find -printf`, on the same tree, in turn.

`find` prints the same facts as text, in one thread, and escapes nothing; ours writes compressed Parquet. The tree is
made of empty files on the local disk and walked once before, so that both read what the kernel holds: what is measured
is the cost of the programs, not of a file server, where waiting for answers rules and our threads help.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

FILES = 200_000
FILES_PER_DIRECTORY = 100
DIRECTORIES_PER_DIRECTORY = 40
ROUNDS = 5
PEER = "/usr/bin/find"
FACTS = "%P\\t%s\\t%T@\\t%m\\t%U\\t%G\\t%y\\t%i\\t%n\\t%l\\n"


def run() -> Iterator[dict[str, object]]:
    """Measure both, in turn, and yield `scan_rate`."""
    with tempfile.TemporaryDirectory(prefix="landfall-scan-") as folder:
        root = Path(folder) / "tree"
        names = make_tree(root, FILES)
        ours, peer = [], []
        _find(root, Path(folder) / "found.txt")
        for _ in range(ROUNDS):
            ours.append(names / _seconds(partial(_scan, root, Path(folder) / "listing.parquet", names)))
            peer.append(names / _seconds(partial(_find, root, Path(folder) / "found.txt")))
    fastest, naive = statistics.median(ours), statistics.median(peer)
    note = f"{names:,} names on the local disk, warm; medians of {ROUNDS} rounds; peer: find -printf to a file"
    yield {
        "name": "scan_rate",
        "ours": fastest,
        "peer": naive,
        "ratio": fastest / naive,
        "unit": "names a second",
        "note": note,
    }


def make_tree(root: Path, files: int) -> int:
    """Make a tree of empty files, 100 in a directory, and return how many names it has."""
    directories = max(1, files // FILES_PER_DIRECTORY)
    made: set[Path] = set()
    for number in range(directories):
        place = root / f"projects-{number // DIRECTORIES_PER_DIRECTORY}" / f"reports-{number}"
        place.mkdir(parents=True)
        made |= {place, place.parent}
        for file in range(FILES_PER_DIRECTORY):
            os.close(os.open(place / f"document-{file}.pdf", os.O_CREAT | os.O_WRONLY, 0o644))
    return len(made) + directories * FILES_PER_DIRECTORY


def _scan(root: Path, out: Path, names: int) -> None:
    from include.fsx_migration.listings.scanning import scan

    found = scan(root, out)
    if found.files + found.directories != names:
        raise AssertionError("names are missing: the comparison is void")


def _find(root: Path, out: Path) -> None:
    with out.open("wb") as stream:
        subprocess.run([PEER, str(root), "-mindepth", "1", "-printf", FACTS], stdout=stream, check=True)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
