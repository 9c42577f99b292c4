"""Take files from folders and archives, within bounds, each with its size and digest."""

from __future__ import annotations

import gzip
import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Final

from include.discovery.sources.problems import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.discovery.sources.settings import ReadingSettings

_CHUNK: Final = 1 << 20
_ARCHIVES: Final = (".zip", ".gz")
_WORKBOOKS: Final = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_PACKED_WORKBOOKS: Final = (".xlsx", ".xlsm", ".xlsb", ".ods")
_NOT_SOURCES: Final = (".yaml", ".yml", ".md", ".json", ".pdf", ".html", ".parquet", ".png", ".jpg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A file ready to be read.

    :param path: where it lies now; a member of an archive lies in the scratch folder.
    :param shown: its name for people, below the given source.
    :param bytes: of the file that the user gave, as is the digest.
    """

    path: Path
    shown: str
    bytes: int
    sha256: str

    @property
    def is_workbook(self) -> bool:
        """Whether it is read as a workbook."""
        return self.path.suffix.lower() in _WORKBOOKS


def list_files(source: Path) -> list[tuple[Path, str]]:
    """Return the files of a source with their names for people, folders in name order; hidden ones are left out.

    :raises RefusedError: it is not there, or the folder holds no file.
    """
    if source.is_file():
        return [(source, source.name)]
    if not source.is_dir():
        raise RefusedError(f"{source.name} is not there; give a file or a folder that exists.")
    found = [(file, file.relative_to(source).as_posix()) for file in source.rglob("*") if file.is_file()]
    kept = [(file, name) for file, name in sorted(found, key=lambda pair: pair[1]) if not _is_hidden(name)]
    if not kept:
        raise RefusedError(f"The folder {source.name} holds no file to read; give one with CSV files or workbooks.")
    return kept


def take(file: Path, shown: str, scratch: Path, settings: ReadingSettings) -> Iterator[Taken]:
    """Yield the file, or the members of an archive unpacked into the scratch folder.

    :raises RefusedError: it is of another kind, or an archive that exceeds its bounds.
    """
    suffix = file.suffix.lower()
    if suffix in _NOT_SOURCES:
        raise RefusedError(f"{shown} is neither a CSV file nor a workbook; export the data as one of these.")
    size, digest = file.stat().st_size, _sha256(file)
    if size == 0:
        raise RefusedError(f"{shown} is empty; export it again.")
    if suffix in _PACKED_WORKBOOKS and zipfile.is_zipfile(file):
        _check_bounds(file, shown, settings)
    if suffix not in _ARCHIVES:
        yield Taken(path=file, shown=shown, bytes=size, sha256=digest)
        return
    members = _gunzip(file, scratch, settings) if suffix == ".gz" else _unzip(file, shown, scratch, settings)
    try:
        for path, name in members:
            yield Taken(path=path, shown=f"{shown}/{name}" if suffix == ".zip" else shown, bytes=size, sha256=digest)
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise RefusedError(f"{shown} cannot be unpacked ({error}); pack it again without a password.") from error


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "~$", "__MACOSX")) for part in PurePosixPath(name).parts)


def _check_bounds(file: Path, shown: str, settings: ReadingSettings) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise RefusedError(f"{shown} is damaged ({error}); export it again.") from error
    unpacked = sum(member.file_size for member in members)
    packed = max(file.stat().st_size, 1)
    if len(members) > settings.most_entries:
        raise RefusedError(f"{shown} holds {len(members):,} entries, more than {settings.most_entries:,}; split it.")
    if unpacked > settings.largest_unpacked_mb * 1_000_000:
        raise RefusedError(
            f"{shown} would unpack to {unpacked / 1e6:,.0f} MB, more than {settings.largest_unpacked_mb:,} MB; "
            "split it, or raise reading.largest_unpacked_mb if you trust the file."
        )
    if unpacked > 10_000_000 and unpacked / packed > settings.largest_ratio:
        raise RefusedError(
            f"{shown} unpacks to {unpacked / packed:,.0f} times its size, as a zip bomb does; save it again, or raise "
            "reading.largest_ratio if you trust the file."
        )
    return members


def _unzip(file: Path, shown: str, scratch: Path, settings: ReadingSettings) -> Iterator[tuple[Path, str]]:
    members = sorted(_check_bounds(file, shown, settings), key=lambda member: member.filename)
    packed_again = []
    with zipfile.ZipFile(file) as archive:
        for number, member in enumerate(members):
            suffix = Path(member.filename).suffix.lower()
            if member.is_dir() or _is_hidden(member.filename) or suffix in _NOT_SOURCES:
                continue
            if suffix in _ARCHIVES:
                packed_again.append(member.filename)
                continue
            target = scratch / f"{number}{suffix}"
            with archive.open(member) as stream:
                _copy(stream, target, member.file_size)
            if suffix in _PACKED_WORKBOOKS and zipfile.is_zipfile(target):
                _check_bounds(target, f"{shown}/{member.filename}", settings)
            if target.stat().st_size:
                yield target, member.filename
            target.unlink(missing_ok=True)
    if packed_again:  # said last: what lies beside them is read
        raise RefusedError(f"{shown} holds archives inside it ({', '.join(packed_again[:5])}); unpack these first.")


def _gunzip(file: Path, scratch: Path, settings: ReadingSettings) -> Iterator[tuple[Path, str]]:
    most = min(settings.largest_unpacked_mb * 1_000_000, max(file.stat().st_size * settings.largest_ratio, 10_000_000))
    target = scratch / f"unpacked{Path(file.stem).suffix.lower() or '.csv'}"
    with file.open("rb") as packed, gzip.GzipFile(fileobj=packed) as stream:
        _copy(stream, target, most)
    yield target, file.stem
    target.unlink(missing_ok=True)


def _copy(stream: IO[bytes] | gzip.GzipFile, target: Path, most: int) -> None:
    """Copy at most so many bytes: what an archive says of its sizes need not be true."""
    written = 0
    with target.open("wb") as out:
        while chunk := stream.read(_CHUNK):
            written += len(chunk)
            if written > most:
                raise RefusedError(f"An archive unpacks to more than the {most / 1e6:,.0f} MB allowed; split it.")
            out.write(chunk)
