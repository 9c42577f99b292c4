"""Put a folder of results in place as a whole: beside first, then one rename.

On Linux the old and the new folder change places in one system call (renameat2 with RENAME_EXCHANGE, Linux 3.15); where
that is not to be had there are two renames, and `recover` finishes what a kill between them left.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST: Final = "manifest.json"
KIND: Final = "landfall discovery assessment"
_EXCHANGE: Final = 2
_HERE: Final = -100


class FolderRefusedError(ValueError):
    """The folder for the results holds something else."""


@contextlib.contextmanager
def replaced(out: Path) -> Iterator[Path]:
    """Give a new folder beside `out`; when the block ends well, it takes the place of `out`.

    What people put into the old folder themselves stays: files that no run wrote are carried over, an edited
    workbook as
    `workbook-edited.xlsx`.

    :raises FolderRefusedError: when `out` is no folder, or has files and is no folder of an assessment.
    """
    out = Path(os.path.abspath(out))  # noqa: PTH100 # resolve() would follow a link and replace what it points to
    if out.is_symlink():
        out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    new, old = _beside(out, "new"), _beside(out, "old")
    recover(out)
    _refuse_others(out)
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    new.mkdir()
    try:
        yield new
        _write_manifest(new)
        _carry_over(out, new)
        _put(new, out, old)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if out.exists():
            shutil.rmtree(old, ignore_errors=True)


def recover(out: Path) -> None:
    """Put an old folder back that a kill between two renames left aside."""
    old = _beside(out, "old")
    if old.exists() and not out.exists():
        old.rename(out)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of an assessment's folder.

    :raises FolderRefusedError: when there is none.
    """
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FolderRefusedError(f"{folder} is no folder of an assessment: it has no readable {MANIFEST}.") from error
    if not isinstance(found, dict) or found.get("kind") != KIND or not isinstance(found.get("files"), dict):
        raise FolderRefusedError(f"{folder} is no folder of an assessment: its {MANIFEST} is of something else.")
    return found


def _refuse_others(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise FolderRefusedError(f"{out} is a file; name a folder for the results.")
    if out.exists() and any(out.iterdir()):
        try:
            read_manifest(out)
        except FolderRefusedError as error:
            raise FolderRefusedError(
                f"{out} holds other files and would be replaced; name an empty or new folder."
            ) from error


def _write_manifest(folder: Path) -> None:
    files = {
        str(path.relative_to(folder).as_posix()): {"bytes": path.stat().st_size, "sha256": _sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    text = json.dumps({"kind": KIND, "version": 1, "files": files}, indent=2, sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _carry_over(out: Path, new: Path) -> None:
    if not out.exists() or not any(out.iterdir()):
        return
    files = read_manifest(out)["files"]
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_file() and name != MANIFEST and name not in files and not (new / name).exists():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, new / name)
    book, told = out / "workbook.xlsx", files.get("workbook.xlsx")
    if book.exists() and told and _sha256(book) != told["sha256"]:
        shutil.copy2(book, new / "workbook-edited.xlsx")


def _put(new: Path, out: Path, old: Path) -> None:
    if not out.exists():
        new.rename(out)
    elif not _exchange(new, out):
        out.rename(old)
        new.rename(out)


def _exchange(one: Path, other: Path) -> bool:
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    if call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):  # the file system does not know it
        return False
    raise OSError(number, os.strerror(number), str(other))


def _beside(out: Path, what: str) -> Path:
    return out.with_name(f".{out.name}.{what}")


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
