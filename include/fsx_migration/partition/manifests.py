"""DataSync manifests: CSV objects that name the files of an execution, one a line, relative to the source location.

Form and limits (DataSync user guide, "Transferring specific files or objects by using a manifest"): UTF-8, no
header, the path alone in its line; paths with commas, quotes or line breaks stand in quotes, a quote is doubled, and
spaces at the ends count only within quotes; no path above 1,024 bytes; files, never directories.

Paths are texts as in listings (see `path_text`); a manifest holds the names themselves.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any, Final

from include.fsx_migration.listings.path_screening import offsets
from include.fsx_migration.listings.path_text import escape_path, is_undecodable, unescape_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from include.fsx_migration.listings.path_screening import Letters

MAX_PATH_BYTES: Final = 1_024
"""The guide says both 4,096 characters and 1,024 bytes; the smaller one is safe, the closing pass takes the rest."""
MAX_MANIFEST_BYTES: Final = 20 * 1000**3
"""The guide: "maximum allowable size for a manifest file with Enhanced mode tasks is 20 GB"; Basic's is not given."""
_QUOTED_FOR: Final = r'[",\n\r]|^[ \t\f]|[ \t\f]$'
_SPECIAL: Final = re.compile(_QUOTED_FOR)
_SPECIAL_ANYWHERE: Final = b'",\n\r'
_SPECIAL_AT_ENDS: Final = b" \t\f"


def refusal(path: str) -> str:
    """Return why no manifest can hold a path, or an empty string when one can."""
    if is_undecodable(path):
        return "the name is no UTF-8"
    if len(unescape_path(path)) > MAX_PATH_BYTES:
        return f"the path is longer than {MAX_PATH_BYTES} bytes"
    return ""


def manifest_can_hold(path: str) -> bool:
    """Tell whether a path can stand in a manifest; what cannot is the closing pass's."""
    return not refusal(path)


def write_manifest(target: Path, names: Iterable[str]) -> None:
    """Write a manifest of paths; raises ValueError for one that no manifest can hold."""
    with target.open("w", encoding="utf-8", newline="") as stream:
        for path in names:
            if why := refusal(path):
                raise ValueError(f"{path!r} cannot stand in a manifest: {why}.")
            stream.write(_line(unescape_path(path).decode()))


def read_manifest(source: Path) -> Iterator[str]:
    """Yield the paths of a manifest; a version id of S3 beside a path is left out."""
    with source.open(encoding="utf-8", newline="") as stream:
        for row in csv.reader(stream, strict=True):
            if row:
                yield escape_path(row[0].encode())


def manifest_lines(paths: Any, letters: Letters) -> Any:
    """Return the lines of a manifest, each with its line break, for an Arrow array of paths that `writable` allows.

    :param letters: of the paths or of more.
    """
    import pyarrow.compute as pc

    if needs_care(letters):
        # the only escape that a manifest can hold
        paths = pc.replace_substring(paths, "\\x5c", "\\")
        special = pc.match_substring_regex(paths, _QUOTED_FOR)
        doubled = pc.replace_substring(paths, '"', '""')
        paths = pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), paths)
    return plain_lines(paths)


def plain_lines(paths: Any) -> Any:
    """Return `manifest_lines` of paths of which none `needs_care`."""
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(paths, "\n", "")


def line_lengths(paths: Any, letters: Letters) -> Any:
    """Return the bytes of each of `manifest_lines` as a uint16 array; plain names need no line to be made for it."""
    import numpy as np

    if needs_care(letters):
        return np.diff(offsets(manifest_lines(paths, letters))).astype(np.uint16)
    return (np.diff(offsets(paths)) + 1).astype(np.uint16)


def writable(paths: Any, letters: Letters) -> Any:
    """Return which paths of an Arrow array a manifest can hold, as a numpy array; vectorised `manifest_can_hold`."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    answers = np.diff(offsets(paths)) <= MAX_PATH_BYTES
    if letters.has_backslash:
        escaped = pc.match_substring(paths, "\\x").to_numpy(zero_copy_only=False)
        answers[escaped] = [manifest_can_hold(path) for path in paths.filter(pa.array(escaped)).to_pylist()]
    return answers


def needs_care(letters: Letters) -> bool:
    """Tell whether a path may need quotes or hold an escape; spaces are usual within names, and harmless there."""
    if letters.has_backslash or letters.has_any(_SPECIAL_ANYWHERE):
        return True
    return bool(letters.text) and (letters.starts_with(_SPECIAL_AT_ENDS) or letters.ends_with(_SPECIAL_AT_ENDS))


def _line(name: str) -> str:
    if _SPECIAL.search(name):
        name = '"' + name.replace('"', '""') + '"'
    return name + "\n"
